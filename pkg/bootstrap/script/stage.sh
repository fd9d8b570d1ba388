# shellcheck shell=sh disable=SC2154 # lib.sh sets them
# stage.sh [validate]: puts standard input next to daemon.json, and lets dockerd
# look at it. daemon.json itself is not touched.
why=$(mkdir -p "$(dirname "$conf")" 2>&1) || fail "$why"
if [ -e "$conf" ]; then cp -p "$conf" "$candidate" 2>/dev/null; fi
if ! why=$({ cat >"$candidate" && sync "$candidate"; } 2>&1); then
	rm -f "$candidate"
	fail "$why"
fi
if [ "${1-}" = validate ] && ! why=$(dockerd --validate --config-file "$candidate" 2>&1); then
	rm -f "$candidate"
	fail "validate: $why"
fi
end
