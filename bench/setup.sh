#!/bin/sh
# Makes the machine able to compare with Ansible: installs it, and makes a node
# image that has Docker's library for Python. It prints the image's name. Without
# it the benchmark leaves Ansible out.
set -eu
image=swarmup-bench:latest
node=$(docker images --format '{{.Repository}}:{{.Tag}}' swarmup-node | grep trixie | head -n 1)
if [ -z "$node" ]; then
	echo 'setup: there is no node image yet: run "make demo" once' >&2
	exit 1
fi
if ! command -v ansible-playbook >/dev/null; then
	[ "$(id -u)" = 0 ] || {
		echo 'setup: install ansible, or be root' >&2
		exit 1
	}
	apt-get update -qq >&2
	apt-get install -y -qq --no-install-recommends ansible >/dev/null
fi
if [ "$(docker image inspect -f '{{.Config.Labels.base}}' "$image" 2>/dev/null)" != "$node" ]; then
	box=$(docker run -d --network host --entrypoint sleep "$node" 600)
	trap 'docker rm -f "$box" >/dev/null' EXIT
	docker exec "$box" sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-docker' >&2
	docker commit -c "LABEL base=$node" -c 'ENTRYPOINT []' -c 'CMD ["/sbin/init"]' "$box" "$image" >/dev/null
fi
echo "$image"
