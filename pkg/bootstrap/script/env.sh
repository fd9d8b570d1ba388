# shellcheck shell=sh disable=SC2154 # lib.sh sets them
# env.sh on|off: has the machine's service manager give the engine the variables
# in the environment file, or not any more. With off the file goes too, last.

drop_in() {
	if [ "$1" = on ]; then
		mkdir -p "$(dirname "$dropin")" &&
			printf '# Written by swarmup.\n[Service]\nEnvironmentFile=-/etc/docker/swarmup.env\n' >"$dropin.new" &&
			mv "$dropin.new" "$dropin" || return 1
	elif [ -e "$dropin" ]; then
		rm -f "$dropin" || return 1
		rmdir "$(dirname "$dropin")" 2>/dev/null
	else
		return 0
	fi
	systemctl daemon-reload
}

# block puts a few lines of ours at the end of OpenRC's file, which may be
# somebody else's else.
block() {
	if [ -e "$confd" ]; then
		sed '/^# swarmup begin$/,/^# swarmup end$/d' "$confd" >"$confd.new" || return 1
	elif [ "$1" = on ]; then
		mkdir -p "$(dirname "$confd")" && : >"$confd.new" || return 1
	else
		return 0
	fi
	if [ "$1" = on ]; then
		printf '# swarmup begin\nset -a\nif [ -e /etc/docker/swarmup.env ]; then . /etc/docker/swarmup.env; fi\nset +a\n# swarmup end\n' >>"$confd.new" || return 1
	fi
	mv "$confd.new" "$confd"
}

case $(init_system) in
systemd) why=$(drop_in "$1" 2>&1) ;;
openrc) why=$(block "$1" 2>&1) ;;
*) if [ "$1" = on ]; then fail 'no service manager gives the engine its environment: systemd and OpenRC do'; fi ;;
esac || fail "${why:-the service manager did not take it}"
if [ "$1" = off ]; then rm -f "$envfile"; fi
end
