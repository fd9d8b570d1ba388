# shellcheck shell=sh
# custom.sh: runs the user's script, which was put in place before.
environment
file=$ROOT/etc/docker/swarmup-install
output=$(timeout 1140 "$file" 2>&1 </dev/null)
status=$?
rm -f "$file"
if [ "$status" != 0 ]; then
	fail "exit status $status: $(printf '%s\n' "$output" | tail -n 1)"
fi
has dockerd || fail "it ended well, but there is no dockerd"
end
