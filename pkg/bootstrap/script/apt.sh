# shellcheck shell=sh
# apt.sh PACKAGE... [-- PACKAGE...]: installs packages, and those behind the --
# that the distribution has.
DEBIAN_FRONTEND=noninteractive
NEEDRESTART_SUSPEND=1
APT_LISTCHANGES_FRONTEND=none
export DEBIAN_FRONTEND NEEDRESTART_SUSPEND APT_LISTCHANGES_FRONTEND

# update refreshes the package lists. Their lock is one that apt-get does not
# wait for, whatever DPkg::Lock::Timeout says (seen with apt 2.6), and a new
# machine's first boot holds it: so up to 300 s for the lock, and three tries
# for anything else.
update() {
	i=0
	while ! why=$(errors apt-get -q -o Acquire::Retries=3 update); do
		i=$((i + 1))
		case $why in
		*'Could not get lock'*) [ "$i" -lt 30 ] || return 1 ;;
		*) [ "$i" -lt 3 ] || return 1 ;;
		esac
		sleep 10
	done
}

get() {
	errors apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
		-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install "$@"
}

# Lists that cannot be refreshed may still be good enough: a repository that the
# engine does not come from may be the one that is broken.
lists=
update || lists=$why
printf %s "$lists" | blob lists

for package; do
	shift
	if [ "$package" = -- ]; then
		optional=yes
	elif [ -z "${optional-}" ] || apt-cache policy "$package" | grep -q 'Candidate: [^(]'; then
		set -- "$@" "$package"
	fi
done
if why=$(get "$@"); then end; fi
case $why in
*'dpkg was interrupted'*)
	dpkg --force-confdef --force-confold --configure -a >/dev/null 2>&1
	if why=$(get "$@"); then end; fi
	;;
esac
fail "$why"
