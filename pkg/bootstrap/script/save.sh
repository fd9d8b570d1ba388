# shellcheck shell=sh disable=SC2154 # lib.sh sets them
# save.sh: stops the engine, writes a tar of its swarm folder to standard output
# behind the first line, and starts the engine again, whatever becomes of it: also
# when the login ends, which shows in an output that takes no more.
home=$ROOT/var/lib/docker

stop_engine() {
	case $(init_system) in
	systemd) systemctl stop docker.socket docker.service ;;
	openrc) rc-service docker stop ;;
	*) echo 'no service manager looks after the engine: systemd and OpenRC do' && return 1 ;;
	esac
}

start_engine() {
	trap '' HUP INT TERM PIPE
	case $(init_system) in
	systemd) systemctl start docker.service ;;
	*) rc-service docker start ;;
	esac >/dev/null 2>&1
}

give_up() {
	echo "$*" >&2
	exit 1
}

if [ ! -e "$home/swarm/docker-state.json" ]; then give_up "there is no swarm in $home/swarm"; fi
trap start_engine EXIT
trap 'exit 1' HUP INT TERM PIPE
why=$(stop_engine 2>&1) || give_up "stop the engine: ${why:-it did not succeed}"
tar -C "$home" -cf - swarm || give_up "read $home/swarm: it did not succeed"
trap - EXIT
start_engine || give_up 'start the engine: it did not succeed'
exit 0
