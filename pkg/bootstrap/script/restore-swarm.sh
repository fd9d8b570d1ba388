# shellcheck shell=sh disable=SC2154 # lib.sh sets them
# restore-swarm.sh: replaces the swarm folder of the engine, which must be in no
# swarm or has its own thrown away, by the tar on standard input. Until all of it
# has arrived nothing is touched. What was there is put back if the rest fails.
home=$ROOT/var/lib/docker
umask 077
mkdir -p "$home" 2>/dev/null || fail "make $home: no"
new=$home/swarmup-restore
rm -rf "$new"
mkdir "$new" || fail "make $new: no"
why=$(tar -C "$new" -xpf - 2>&1) || {
	rm -rf "$new"
	fail "unpack: ${why:-it did not succeed}"
}
if [ ! -e "$new/swarm/docker-state.json" ]; then
	rm -rf "$new"
	fail 'unpack: not all of it arrived'
fi
case $(init_system) in
systemd) why=$(systemctl stop docker.socket docker.service 2>&1) ;;
openrc) why=$(rc-service docker stop 2>&1) ;;
*)
	why='no service manager looks after the engine: systemd and OpenRC do'
	false
	;;
esac || {
	rm -rf "$new"
	fail "stop the engine: ${why:-it did not succeed}"
}
rm -rf "$home/swarm.swarmup-old"
if [ -e "$home/swarm" ]; then mv "$home/swarm" "$home/swarm.swarmup-old" || fail "move $home/swarm: no"; fi
if ! mv "$new/swarm" "$home/swarm"; then
	if [ -e "$home/swarm.swarmup-old" ]; then mv "$home/swarm.swarmup-old" "$home/swarm"; fi
	fail "move $new/swarm: no"
fi
rm -rf "$new" "$home/swarm.swarmup-old"
end
