# shellcheck shell=sh
# firewall.sh ADDRESS: answers with the packet filters of the machine; ADDRESS is
# its own one that the swarm's traffic comes to, or empty.

# zone prints firewalld's zone for the interface of an address.
zone() {
	link=
	if [ -n "$1" ] && has ip; then
		link=$(ip -o addr show | awk -v "a=$1" '{ split($4, p, "/"); if (p[1] == a) { print $2; exit } }')
	fi
	zone=
	if [ -n "$link" ]; then zone=$(firewall-cmd --get-zone-of-interface="$link" 2>/dev/null); fi
	case $zone in
	'' | *' '*) zone=$(firewall-cmd --get-default-zone 2>/dev/null) ;;
	esac
	echo "$zone"
}

if has firewall-cmd && firewall-cmd -q --state 2>/dev/null; then
	zone=$(zone "${1-}")
	echo "$zone" | blob zone
	{
		firewall-cmd --zone="$zone" --list-ports
		firewall-cmd --zone="$zone" --list-services
		firewall-cmd --zone="$zone" --list-protocols
	} 2>/dev/null | blob open
fi
if has ufw; then ufw status verbose 2>/dev/null | blob ufw; fi
if has nft; then nft list ruleset 2>/dev/null | head -c 1000000 | blob nft; fi
if has iptables; then iptables -S 2>/dev/null | head -c 1000000 | blob iptables; fi
end
