# shellcheck shell=sh disable=SC2154 # lib.sh sets them
# forget.sh: takes away all files of ours but daemon.json.
rm -f "$candidate" "$backup" "$backup.new" "$ROOT/etc/docker/swarmup.json" "$ROOT/etc/docker/swarmup-installing"
end
