# shellcheck shell=sh
# zypper.sh lists: refreshes the package lists.
# zypper.sh versions PACKAGE...: answers with a line "PACKAGE VERSION" for each that can be had.
# zypper.sh install PACKAGE[=VERSION]...: installs packages.
environment
ZYPP_LOCK_TIMEOUT=60
export ZYPP_LOCK_TIMEOUT

# unlocked looks for another zypper or YaST, which leaves its process ID here.
unlocked() {
	pid=$(cat "$ROOT/run/zypp.pid" 2>/dev/null)
	if [ -n "$pid" ] && [ -e "$ROOT/proc/$pid/comm" ]; then
		busy "$(cat "$ROOT/proc/$pid/comm") (process $pid), which holds /run/zypp.pid"
	fi
}

verb=$1
shift
case $verb in
lists)
	unlocked
	why=$(errors zypper --non-interactive --quiet refresh) || fail "$why"
	;;
versions)
	zypper --non-interactive --quiet search --details --match-exact --type package "$@" 2>/dev/null |
		awk -F '|' '{ gsub(/ /, ""); if ($3 == "package") print $2, $4 }' | blob versions
	;;
install)
	unlocked
	why=$(errors zypper --non-interactive --quiet install --no-recommends "$@")
	case $? in
	# From 100 on a status is a remark (zypper(8), EXIT CODES): a reboot or a restart
	# of zypper is advised, a repository was passed over.
	0 | 102 | 103 | 106) end ;;
	# ZYPPER_EXIT_ZYPP_LOCKED
	7) busy "another package manager" ;;
	esac
	fail "$why"
	;;
esac
end
