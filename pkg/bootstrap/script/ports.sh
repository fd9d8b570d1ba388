# shellcheck shell=sh
# ports.sh PROTO/PORT...: answers with a line "PROTO/PORT PROCESS" for each that
# somebody listens on; PROCESS is empty where the socket is the kernel's own.

# sockets PROTO/PORT... prints "PROTO/PORT INODE" for each socket that listens:
# TCP in state 0A, UDP without a peer in state 07 (linux include/net/tcp_states.h).
sockets() {
	tables=
	for proto in tcp tcp6 udp udp6; do
		if [ -e "$ROOT/proc/net/$proto" ]; then tables="$tables $proto"; fi
	done
	for port; do
		printf '%s %04X\n' "$port" "${port#*/}"
	done | (
		cd "$ROOT/proc/net" || exit
		# shellcheck disable=SC2086 # they are words
		awk '
			FILENAME == "-" { split($1, part, "/"); name[part[1] " " $2] = $1; next }
			{ proto = FILENAME; sub(/6$/, "", proto); state = proto == "udp" ? "07" : "0A" }
			$4 == state { key = proto " " substr($2, length($2) - 3); if (key in name) print name[key], $10 }
		' - $tables
	)
}

# holder INODE prints the name of the process that has a socket open.
holder() {
	for fd in "$ROOT"/proc/[0-9]*/fd/*; do
		if [ "$(readlink "$fd")" = "socket:[$1]" ]; then
			cat "${fd%/fd/*}/comm"
			return
		fi
	done
}

if [ -d "$ROOT/proc/net" ]; then sockets "$@"; fi | {
	seen=' '
	while read -r port inode; do
		case $seen in *" $port "*) continue ;; esac
		seen="$seen$port "
		echo "$port $(holder "$inode")"
	done
} | blob taken
end
