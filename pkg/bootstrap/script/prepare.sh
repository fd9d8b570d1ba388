# shellcheck shell=sh
# prepare.sh MANAGER URL PACKAGE...: answers with those of the packages that are
# installed, and with the files that name the repository of that URL and are not
# ours. If there are none, it notes that an installation has begun: until
# finish.sh the machine counts as one without an engine.
manager=$1
url=$2
shift 2

# installed prints those of the packages that are.
installed() {
	case $manager in
	apt) dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" | sed -n 's/ installed$//p' ;;
	apk) apk info -e "$@" ;;
	dnf | zypper) rpm -q --qf '%{NAME}\n' "$@" | grep -v ' ' ;;
	esac 2>/dev/null
}

if [ $# -gt 0 ]; then conflicts=$(installed "$@"); else conflicts=; fi

others=$(for file in "$ROOT/etc/apt/sources.list" "$ROOT/etc/apt/sources.list.d"/* "$ROOT/etc/yum.repos.d"/*; do
	case $file in
	*/swarmup-docker.*) continue ;;
	esac
	if [ -n "$url" ] && [ -f "$file" ] && grep -v '^[[:space:]]*#' "$file" | grep -qF "$url"; then
		echo "${file#"$ROOT"}"
	fi
done)

printf %s "$conflicts" | blob conflicts
printf %s "$others" | blob others
if [ -n "$conflicts$others" ]; then end; fi
why=$({ mkdir -p "$ROOT/etc/docker" && : >"$ROOT/etc/docker/swarmup-installing"; } 2>&1) || fail "$why"
if [ -s "$ROOT/etc/ssl/certs/ca-certificates.crt" ]; then echo yes | blob certificates; fi
end
