# shellcheck shell=sh disable=SC2154 # lib.sh sets them
# probe.sh MODULE...: answers with the facts, and, for a machine that is in no
# swarm, with the conditions under which it would be.
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
certificate=$data/swarm/certificates/swarm-node.crt
content certificate "$certificate"
[ -e "$certificate" ] || conditions "$@"
if has ip; then text addresses "$(ip -o addr show)"; fi
end
