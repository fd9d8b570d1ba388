# shellcheck shell=sh
# packages.sh: what the scripts that install have in common. It follows lib.sh.

# environment takes over KEY=VALUE lines from standard input: proxies may hold
# passwords, which no command line may.
environment() {
	while IFS= read -r line; do
		case $line in
		[A-Za-z_]*=*) export "${line%%=*}=${line#*=}" ;;
		esac
	done
}

# busy ends the script with a piece "locked": somebody else is at work.
busy() {
	printf '%s\n' "$*" | blob locked
	end
}

# free FILE... ends the script if a process holds a lock on one of the files.
# Package managers lock by fcntl(2), which flock(1) does not see; the kernel's
# list of locks has them all.
free() {
	for lock; do
		[ -e "$lock" ] || continue
		lock=$(readlink -f "$lock")
		pid=$(holder "$lock")
		if [ -n "$pid" ]; then
			busy "$(cat "$ROOT/proc/$pid/comm") (process $pid), which holds ${lock#"$ROOT"}"
		fi
	done
}

# holder FILE prints a process that holds a lock on it. Inodes are unique on one
# file system only, so the process must have this very file open.
holder() {
	# shellcheck disable=SC2012 # the name does not matter
	inode=$(ls -Lid "$1" | awk '{ print $1 }')
	awk -v "inode=$inode" '$2 != "->" {
		n = split($6, id, ":")
		if (id[n] == inode && $5 > 0) print $5
	}' "$ROOT/proc/locks" | while read -r pid; do
		for fd in "$ROOT/proc/$pid/fd"/*; do
			if [ "$(readlink "$fd")" = "$1" ]; then
				echo "$pid"
				return
			fi
		done
	done
}
