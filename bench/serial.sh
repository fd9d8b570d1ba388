#!/bin/sh
# Usage: serial.sh KEY MANAGERS HOST...
# Makes a swarm as people do by hand: one ssh after the other.
set -eu
key=$1 managers=$2
shift 2
first=$1
on() {
	host=$1
	shift
	ssh -n -i "$key" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "root@$host" "$@"
}
on "$first" "docker swarm init --advertise-addr $first >/dev/null"
worker=$(on "$first" docker swarm join-token -q worker)
manager=$(on "$first" docker swarm join-token -q manager)
i=0
for host in "$@"; do
	token=$worker
	[ "$i" -lt "$managers" ] && token=$manager
	if [ "$i" -gt 0 ]; then
		on "$host" "docker swarm join --availability pause --advertise-addr $host --token $token $first:2377 >/dev/null"
	fi
	id=$(on "$host" docker info --format '{{.Swarm.NodeID}}')
	on "$first" "docker node update --label-add n=$i --availability active $id >/dev/null"
	i=$((i + 1))
done
