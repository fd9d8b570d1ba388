# shellcheck shell=sh
# wall.sh TOOL COMMAND [gone]: has a firewall's own tool run a command. With gone
# it is no matter whether the tool is there, or finds what it is to take away.
if has "$1"; then
	why=$(sh -c "$2" 2>&1 </dev/null) || [ "${3-}" = gone ] || fail "${why:-$1 did not succeed}"
elif [ "${3-}" != gone ]; then
	fail "there is no $1"
fi
end
