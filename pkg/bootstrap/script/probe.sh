# shellcheck shell=sh disable=SC2154 # lib.sh sets them
for release in "$ROOT/etc/os-release" "$ROOT/usr/lib/os-release"; do
	if [ -e "$release" ]; then
		content release "$release"
		break
	fi
done
uname -m | blob arch
uname -n | blob hostname
engine_facts
config_facts

data=
if [ -e "$conf" ]; then
	data=$(sed -n 's/.*"data-root"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' "$conf" | head -n 1)
fi
data=$ROOT${data:-/var/lib/docker}
content certificate "$data/swarm/certificates/swarm-node.crt"
while [ ! -d "$data" ]; do data=$(dirname "$data"); done
df -Pk "$data" | blob disk
if has ip; then ip -o addr show | blob addresses; fi
end
