#!/bin/sh
# Usage: parallel.sh KEY MANAGERS HOST...
# As serial.sh, but all hosts at once after the first.
set -eu
key=$1 managers=$2
shift 2
first=$1
on() {
	host=$1
	shift
	ssh -n -i "$key" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=QUIET "root@$host" "$@"
}
tokens=$(on "$first" "docker swarm init --advertise-addr $first >/dev/null; docker swarm join-token -q worker; docker swarm join-token -q manager")
worker=${tokens%%
*}
manager=${tokens##*
}
join() {
	token=$worker
	[ "$1" -lt "$managers" ] && token=$manager
	join=:
	[ "$1" -gt 0 ] && join="docker swarm join --availability pause --advertise-addr $2 --token $token $first:2377 >/dev/null"
	id=$(on "$2" "$join; docker info --format '{{.Swarm.NodeID}}'")
	# sshd turns some of many logins away, and managers that join make others wait.
	for _ in 1 2 3 4 5; do
		on "$first" "docker node update --label-add n=$1 --availability active $id >/dev/null 2>&1" && return
		sleep 0.2
	done
	return 1
}
i=0 pids=''
for host in "$@"; do
	join "$i" "$host" &
	pids="$pids $!"
	i=$((i + 1))
done
for pid in $pids; do wait "$pid"; done
