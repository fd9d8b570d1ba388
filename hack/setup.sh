#!/bin/sh
# Makes this machine able to run "make demo" and "make test": a Docker Engine
# that answers, mmdebstrap for where packages are all there is to make a machine
# image from, and room in the kernel for many machines.
#
# It says what it is about to do and asks; YES=1 or CI=true is a yes. Where all
# is there it says nothing.
set -eu
PATH=$PATH:/usr/local/go/bin:/usr/local/sbin:/usr/sbin:/sbin

host=${DOCKER_HOST:-unix:///var/run/docker.sock}
log=/var/log/swarmup-dockerd.log
packages='' # to install; those with a question mark where this release has them
start=''    # dockerd
settings='' # NAME=VALUE of sysctl

say() { echo "setup: $*" >&2; }
die() {
	say "$@"
	exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
answers() { have docker && docker -H "${1:-$host}" version >/dev/null 2>&1; }
agreed() { [ "${YES:-}" = 1 ] || [ "${CI:-}" = true ]; }
is_root() { [ "$(id -u)" = 0 ]; }
# has_apt is true on Debian, Ubuntu and what derives from them.
has_apt() { have apt-get && grep -qsE '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release; }
sysctl_file() { echo "/proc/sys/$(echo "${1%=*}" | tr . /)"; }

# need_engine finds out why no engine answers and what would help.
need_engine() {
	case $host in
	unix:///var/run/docker.sock | unix:///run/docker.sock)
		if [ -S "${host#unix://}" ] && ! [ -w "${host#unix://}" ]; then
			die "$(id -un) may not use ${host#unix://}: run \"sudo usermod -aG docker $(id -un)\" and log in again"
		fi
		other=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || true)
		if [ -n "$other" ] && [ "$other" != "$host" ] && answers "$other"; then
			die "the engine answers at $other: run \"export DOCKER_HOST=$other\""
		fi
		have dockerd || packages="docker.io iptables ca-certificates"
		start=yes
		;;
	*)
		if have docker; then
			die "no Docker Engine answers at DOCKER_HOST=$host: start it there, or unset DOCKER_HOST"
		fi
		packages=docker.io # for its client
		;;
	esac
	# From Debian 13 on the client is a package of its own.
	have docker || packages="$packages docker-cli?"
	# With AppArmor in the kernel containers do not start without its parser.
	if [ -n "$packages" ] && grep -qs Y /sys/module/apparmor/parameters/enabled; then
		packages="$packages apparmor"
	fi
}

# need_room looks for limits of the kernel that some ten machines reach: each
# takes about six inotify instances, and all share one table of neighbours.
need_room() {
	for s in fs.inotify.max_user_instances=1024 kernel.keys.maxkeys=2000 \
		net.ipv4.neigh.default.gc_thresh3=8192 net.ipv4.neigh.default.gc_thresh2=4096 \
		net.ipv4.neigh.default.gc_thresh1=2048; do
		file=$(sysctl_file "$s")
		if [ -w "$file" ] && [ "$(cat "$file")" -lt "${s#*=}" ]; then settings="$settings $s"; fi
	done
}

ask() {
	say "this machine needs:"
	[ -z "$packages" ] || say "  install $(echo "$packages" | tr -d '?') (apt-get)"
	[ -z "$start" ] || say "  start   dockerd, unless the installation does"
	for s in $settings; do say "  set     $s, until the next boot"; done
	agreed && return
	[ -t 0 ] || die "there is no terminal to ask on: run \"YES=1 hack/setup.sh\""
	printf 'setup: go on? [Y/n] ' >&2
	read -r reply || reply=n
	case $reply in '' | [Yy]*) ;; *) die "nothing was changed" ;; esac
}

install_packages() {
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update >&2
	known=
	for p in $packages; do
		case $p in *\?) apt-cache show "${p%\?}" >/dev/null 2>&1 || continue ;; esac
		known="$known ${p%\?}"
	done
	# shellcheck disable=SC2086 # a list of words
	apt-get -q -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends $known >&2
}

start_engine() {
	if [ -d /run/systemd/system ]; then
		systemctl start docker
		log="journalctl -u docker"
	elif ! answers; then
		# Detached from everything, so that it outlives this script and its caller.
		setsid dockerd --pidfile /var/run/docker.pid >>"$log" 2>&1 </dev/null \
			3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
	fi
	tries=0
	until answers; do
		tries=$((tries + 1))
		if [ "$tries" -gt 300 ]; then
			[ ! -f "$log" ] || tail -n 5 "$log" >&2
			die "dockerd does not answer after 60 s (log: $log)"
		fi
		sleep 0.2
	done
}

have go || die "Go is missing: install 1.26 or newer from https://go.dev/dl/"
answers || need_engine

if ! has_apt; then
	[ -n "$packages$start" ] || exit 0
	[ "$(uname -s)" != Darwin ] || die "no Docker Engine answers: install and start Docker Desktop (https://docs.docker.com/desktop)"
	die "no Docker Engine answers: install the engine and its client and start it (https://docs.docker.com/engine/install)"
fi
if ! is_root; then
	[ -n "$packages$start" ] || exit 0
	die "no Docker Engine answers: run \"sudo hack/setup.sh\" to install or start it (packages:$packages)"
fi

if ! have mmdebstrap; then
	packages="$packages mmdebstrap"
	grep -qs '^ID=debian' /etc/os-release || packages="$packages debian-archive-keyring"
fi
# More room alone is no reason to ask: who needs it is told so by name.
if [ -n "$packages$start" ] || agreed; then need_room; fi
[ -n "$packages$start$settings" ] || exit 0

ask
[ -z "$packages" ] || install_packages
for s in $settings; do
	echo "${s#*=}" >"$(sysctl_file "$s")" || say "cannot set $s: going on without"
done
[ -z "$start" ] || start_engine
