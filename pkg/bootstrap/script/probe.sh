# shellcheck shell=sh disable=SC2154 # lib.sh sets them
for release in "$ROOT/etc/os-release" "$ROOT/usr/lib/os-release"; do
	if [ -e "$release" ]; then
		echo '- release'
		while IFS= read -r line || [ -n "$line" ]; do printf '>%s\n' "$line"; done <"$release"
		break
	fi
done
text uname "$(uname -nm)"
engine_facts
config_facts

data=
if [ -e "$conf" ] && grep -q '"data-root"' "$conf"; then
	data=$(sed -n 's/.*"data-root"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' "$conf" | head -n 1)
fi
data=$ROOT${data:-/var/lib/docker}
content certificate "$data/swarm/certificates/swarm-node.crt"
while [ ! -d "$data" ]; do data=$(dirname "$data"); done
text disk "$(df -Pk "$data")"
if has ip; then text addresses "$(ip -o addr show)"; fi
end
