# shellcheck shell=sh
# engine.sh start|reload|restart: asks for it, and answers with a mark from
# where log.sh finds what dockerd has to say about it.

logfile=$ROOT/var/log/docker.log

mark() {
	if has journalctl && [ "$(init_system)" = systemd ]; then
		journalctl -q -n 1 -o cat --show-cursor 2>/dev/null | sed -n 's/^-- cursor: //p'
	elif [ -e "$logfile" ]; then
		wc -c <"$logfile" | tr -d ' '
	else
		echo 0
	fi
}

on_systemd() {
	if [ "$1" != reload ]; then
		# Whoever wrote our drop-in may have been cut off before this.
		# shellcheck disable=SC2154 # lib.sh sets it
		if [ -e "$dropin" ]; then systemctl daemon-reload; fi
		systemctl reset-failed docker.service >/dev/null 2>&1
		systemctl enable docker.service >/dev/null 2>&1
	fi
	systemctl "$1" docker.service
}

on_openrc() {
	case $1 in
	start) rc-update -q add docker default && rc-service docker start ;;
	restart) rc-service docker restart ;;
	reload) rc-service docker reload || hup ;;
	esac
}

hup() {
	pid=$(engine_pid) && kill -HUP "$pid"
}

# alone is for machines where nothing looks after services.
alone() {
	if [ "$1" = reload ]; then
		hup
	elif [ -x "$ROOT/etc/init.d/docker" ]; then
		"$ROOT/etc/init.d/docker" "$1"
	else
		by_hand "$1"
	fi
}

# by_hand starts dockerd as a process of its own, with the arguments that it
# had before.
by_hand() {
	set -- "$1" dockerd
	if pid=$(engine_pid); then
		[ "$1" = restart ] || return 0
		cmdline=$(tr '\000' '\n' <"$ROOT/proc/$pid/cmdline" | sed 1d)
		kill -TERM "$pid" || return 1
		stopped "$pid" || return 1
		while IFS= read -r arg; do
			if [ -n "$arg" ]; then set -- "$@" "$arg"; fi
		done <<-END
			$cmdline
		END
	fi
	shift
	mkdir -p "$(dirname "$logfile")"
	(
		trap '' HUP # dockerd listens to it again; until then it is the login's end
		exec "$@" >>"$logfile" 2>&1 </dev/null
	) &
	started=$!
	sleep 1
	kill -0 "$started" 2>/dev/null || {
		echo 'dockerd ended at once' >&2
		return 1
	}
}

# stopped waits for a process to end; containers get some time to stop first.
# A dead process that nobody has asked after yet has no command line any more.
stopped() {
	i=0
	while [ -n "$(tr -d '\000' 2>/dev/null <"$ROOT/proc/$1/cmdline")" ]; do
		i=$((i + 1))
		if [ "$i" -gt 60 ]; then
			echo "process $1 does not end" >&2
			return 1
		fi
		sleep 1
	done
}

mark | blob mark
case $(init_system) in
systemd) why=$(on_systemd "$1" 2>&1) ;;
openrc) why=$(on_openrc "$1" 2>&1) ;;
*) why=$(alone "$1" 2>&1) ;;
esac || fail "${why:-$1 did not succeed}"
end
