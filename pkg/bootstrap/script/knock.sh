# shellcheck shell=sh
# knock.sh ADDRESS PORT: answers with what comes of a connection: open, or the
# words of what tried it; nothing where the machine has no means to try.
if has bash; then
	# shellcheck disable=SC2016 # bash is to expand it
	why=$(timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1)
elif has nc; then
	why=$(timeout 3 nc -w 3 "$1" "$2" 2>&1 </dev/null)
else
	end
fi
case $? in
0) echo open ;;
124 | 143) echo 'no answer within 3s' ;;
*) printf '%s\n' "${why:-connection refused}" ;;
esac | blob outcome
end
