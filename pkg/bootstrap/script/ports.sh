# shellcheck shell=sh
# ports.sh PROTO/PORT...: answers with a line "PROTO/PORT PROCESS" for each that
# somebody listens on; PROCESS is empty where the socket is the kernel's own.

# inodes PROTO PORT prints the sockets that listen there: TCP in state 0A, UDP
# without a peer in state 07 (linux include/net/tcp_states.h).
inodes() {
	state=0A
	if [ "$1" = udp ]; then state=07; fi
	hex=$(printf '%04X' "$2")
	for table in "$ROOT/proc/net/$1" "$ROOT/proc/net/${1}6"; do
		if [ -e "$table" ]; then
			awk -v "end=:$hex" -v "state=$state" \
				'substr($2, length($2) - 4) == end && $4 == state { print $10 }' "$table"
		fi
	done
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

for port; do
	for inode in $(inodes "${port%/*}" "${port#*/}"); do
		echo "$port $(holder "$inode")"
		break
	done
done | blob taken
end
