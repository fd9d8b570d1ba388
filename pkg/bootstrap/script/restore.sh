# shellcheck shell=sh disable=SC2154 # lib.sh sets them
# restore.sh: undoes swap.sh. Without a backup there was no daemon.json before.
if [ -e "$backup" ]; then
	why=$({ cp -p "$backup" "$candidate" && mv "$candidate" "$conf"; } 2>&1) || fail "$why"
else
	why=$(rm -f "$conf" 2>&1) || fail "$why"
fi
sync "$(dirname "$conf")"
end
