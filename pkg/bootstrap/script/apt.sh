# shellcheck shell=sh
# apt.sh lists: refreshes the package lists.
# apt.sh source FILE: refreshes those of one source.
# apt.sh versions PACKAGE...: answers with a line "PACKAGE VERSION" for each that can be had.
# apt.sh install PACKAGE[=VERSION]... [-- PACKAGE...]: installs packages, and those
# behind the -- that the distribution has. Nothing is removed for them.
# apt.sh hold PACKAGE...: keeps packages at their version.
# apt.sh held PACKAGE...: answers with those that are kept so.
environment
DEBIAN_FRONTEND=noninteractive
NEEDRESTART_SUSPEND=1
APT_LISTCHANGES_FRONTEND=none
export DEBIAN_FRONTEND NEEDRESTART_SUSPEND APT_LISTCHANGES_FRONTEND

# locked ends the script if apt-get complains about a lock: somebody was faster.
locked() {
	case $1 in
	*'Could not get lock'* | *'Unable to acquire the dpkg frontend lock'*)
		busy "$(printf '%s\n' "$1" | sed -n 's/^E: Could not get //p' | head -n 1)"
		;;
	esac
}

# refresh tries up to three times, for networks have their moments; but not what
# a moment does not change. The lock is one that apt-get does not wait for, whatever DPkg::Lock::Timeout says (seen
# with apt 2.6).
refresh() {
	free "$ROOT/var/lib/apt/lists/lock"
	i=0
	while ! why=$(errors apt-get -q -o Acquire::Retries=3 "$@" update); do
		locked "$why"
		case $why in
		*'is not signed'* | *'not have a Release file'* | *'unexpected size'* | *'Hash Sum mismatch'*) return 1 ;;
		esac
		i=$((i + 1))
		[ "$i" -lt 3 ] || return 1
		sleep 5
	done
}

get() {
	errors apt-get -q -y --no-install-recommends --no-remove -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
		-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install "$@"
}

verb=$1
shift
case $verb in
lists)
	refresh || fail "$why"
	;;
source)
	# Only this source counts here; the lists of the others stay as they are.
	refresh -o "Dir::Etc::sourcelist=$1" -o Dir::Etc::sourceparts=- \
		-o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any || fail "$why"
	;;
versions)
	apt-cache madison "$@" 2>/dev/null | awk -F '|' '{ gsub(/ /, ""); print $1, $2 }' | blob versions
	;;
install)
	free "$ROOT/var/lib/dpkg/lock-frontend" "$ROOT/var/lib/dpkg/lock" "$ROOT/var/cache/apt/archives/lock"
	for package; do
		shift
		if [ "$package" = -- ]; then
			optional=yes
		elif [ -z "${optional-}" ] || apt-cache policy "$package" | grep -q 'Candidate: [^(]'; then
			set -- "$@" "$package"
		fi
	done
	if why=$(get "$@"); then end; fi
	locked "$why"
	case $why in
	*'dpkg was interrupted'*)
		dpkg --force-confdef --force-confold --configure -a >/dev/null 2>&1
		if why=$(get "$@"); then end; fi
		;;
	esac
	fail "$why"
	;;
hold)
	why=$(errors apt-mark hold "$@") || fail "$why"
	;;
held)
	apt-mark showhold "$@" 2>/dev/null | blob held
	;;
esac
end
