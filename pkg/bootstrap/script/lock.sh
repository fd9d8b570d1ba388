# shellcheck shell=sh disable=SC2154 # lib.sh sets them
# lock.sh read | create ID | update ID VERSION | remove ID: the record of a lock, in
# a file that is gone after a restart of the machine. The first line of it is its ID
# and its version, which grows with each write; the rest, from standard input, is
# the caller's. Each verb answers with the record as it is then. What does not fit
# changes nothing and answers with a piece that says so: exists, outdated, absent.
dir=$ROOT/run/swarmup
file=$dir/lock

umask 077
mkdir -p "$dir" 2>/dev/null || fail "make $dir: no"
has flock || fail 'no flock command'
exec 9>>"$dir/guard" || fail "write $dir/guard: no"
tries=50 # 5 s: nobody holds the guard for longer than it takes to write a file
while ! flock -n 9; do
	tries=$((tries - 1))
	if [ $tries -eq 0 ]; then fail "$dir/guard: somebody holds it"; fi
	sleep 0.1 2>/dev/null || sleep 1
done

id=
version=0
if [ -s "$file" ]; then read -r id version <"$file"; fi

write() {
	if ! { echo "$1 $2" && cat; } >"$file.new" || ! mv "$file.new" "$file"; then fail "write $file: no"; fi
	id=$1
	version=$2
}

case $1 in
create) if [ -n "$id" ]; then text exists yes; else write "$2" 1; fi ;;
update)
	if [ -z "$id" ]; then
		text absent yes
	elif [ "$id $version" != "$2 $3" ]; then
		text outdated yes
	else
		write "$id" $((version + 1))
	fi
	;;
remove) if [ "$id" = "$2" ]; then rm -f "$file" && id=; fi ;;
esac
if [ -n "$id" ]; then
	text id "$id $version"
	tail -n +2 "$file" | blob content
	text times "$(stat -c %Y "$file") $(date +%s)"
fi
end
