# shellcheck shell=sh
# conditions MODULE... answers with what decides whether the machine can be in a
# swarm: lines "WORD VALUE", and after "routes" the routes as they are printed.
# Every apply that adds a node asks all that are new, so it starts as few
# processes as it can.
conditions() {
	text conditions "$(conditions_of "$@" 2>/dev/null)"
}

conditions_of() {
	date '+clock %s'
	read -r id <"$ROOT/etc/machine-id" && echo "machine-id $id"
	release=
	read -r release <"$ROOT/proc/sys/kernel/osrelease" && echo "kernel $release"
	for link in "$ROOT"/sys/class/net/*; do
		case ${link##*/} in veth* | lo) continue ;; esac
		read -r mtu <"$link/mtu" && echo "link ${link##*/} $mtu"
	done
	lacks "$@"
	room "${data:-$ROOT/var/lib/docker}"
	echo routes
	routes
}

# lacks MODULE... prints the modules that the kernel certainly has not, neither
# loaded nor built in nor on the disk. Inside a container there are none on the
# disk, and the kernel's configuration has to do.
lacks() {
	open='' names='' keys=''
	for module; do
		[ -d "$ROOT/sys/module/$module" ] && continue
		case $module in
		bridge | br_netfilter) [ -d "$ROOT/proc/sys/net/bridge" ] && continue ;;
		ip_vs) [ -e "$ROOT/proc/net/ip_vs" ] && continue ;;
		esac
		open="$open $module"
		names="$names${names:+|}$module"
	done
	[ -n "$open" ] || return 0
	modules=$ROOT/lib/modules/$release
	if [ -r "$modules/modules.dep" ]; then
		found=$(cat "$modules/modules.dep" "$modules/modules.builtin" 2>/dev/null | grep -oE "/($names)\.ko")
		for module in $open; do
			case $found in
			*"/$module.ko"*) ;;
			*) echo "lacks $module" ;;
			esac
		done
	elif [ -r "$ROOT/proc/config.gz" ] && has zcat; then
		keys=$(zcat "$ROOT/proc/config.gz" | grep -E '^CONFIG_(BRIDGE|VXLAN|BRIDGE_NETFILTER|IP_VS)=')
		for module in $open; do
			case $module in
			br_netfilter) key=BRIDGE_NETFILTER ;;
			bridge) key=BRIDGE ;;
			vxlan) key=VXLAN ;;
			ip_vs) key=IP_VS ;;
			esac
			case $keys in
			*"CONFIG_$key="*) ;;
			*) echo "lacks $module" ;;
			esac
		done
	fi
}

# room FOLDER prints "disk" and what df says of where the folder is, or will be.
room() {
	folder=$1
	while [ ! -d "${folder:-/}" ]; do folder=${folder%/*}; done
	echo disk
	df -Pk "${folder:-/}"
}

# routes prints those of all tables; without ip only those of the main one.
routes() {
	if has ip; then
		ip -4 route show table all
		return
	fi
	while read -r line; do
		echo "$line"
	done <"$ROOT/proc/net/route"
}
