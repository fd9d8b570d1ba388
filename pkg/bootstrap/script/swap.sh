# shellcheck shell=sh disable=SC2154 # lib.sh sets them
# swap.sh [keep]: puts the staged file in place. The old one becomes the backup,
# but with keep the backup stays: then the old file was never seen working.
if [ "${1-}" != keep ]; then
	if [ ! -e "$conf" ]; then
		rm -f "$backup"
	elif ! why=$({ cp -p "$conf" "$backup.new" && sync "$backup.new" && mv "$backup.new" "$backup"; } 2>&1); then
		rm -f "$backup.new" "$candidate"
		fail "$why"
	fi
fi
why=$(mv "$candidate" "$conf" 2>&1) || fail "$why"
sync "$(dirname "$conf")"
end
