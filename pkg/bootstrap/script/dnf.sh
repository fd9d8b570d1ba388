# shellcheck shell=sh
# dnf.sh source ID: refreshes the lists of one repository.
# dnf.sh versions [--repo=ID] PACKAGE...: answers with a line "PACKAGE VERSION" for each that can be had.
# dnf.sh install PACKAGE[-VERSION]... [-- PACKAGE...]: installs packages, and those
# behind the -- that the distribution has. Nothing is erased for them.
# dnf.sh modules: installs the kernel modules that Enterprise Linux 10 has apart.
environment

# dnf waits for locks without a limit and in silence.
unlocked() {
	free "$ROOT/var/lib/rpm/.rpm.lock" "$ROOT/usr/lib/sysimage/rpm/.rpm.lock"
}

verb=$1
shift
case $verb in
source)
	why=$(errors timeout 300 dnf -q -y "--repo=$1" makecache) || fail "${why:-not finished within 300s}"
	;;
versions)
	timeout 300 dnf -q -y repoquery --showduplicates --qf '%{name} %{evr}\n' "$@" 2>/dev/null | blob versions
	;;
install)
	for package; do
		shift
		if [ "$package" = -- ]; then
			optional=yes
		elif [ -z "${optional-}" ] || timeout 300 dnf -q list "$package" >/dev/null 2>&1; then
			set -- "$@" "$package"
		fi
	done
	unlocked
	why=$(errors timeout 900 dnf -q -y install "$@") || fail "${why:-not finished within 900s}"
	;;
modules)
	# docker-ce does not start without xt_addrtype.
	if modprobe -n -q xt_addrtype; then end; fi
	unlocked
	release=$(uname -r)
	why=$(errors timeout 900 dnf -q -y install "kernel-modules-extra-$release") ||
		why=$(errors timeout 900 dnf -q -y install kernel-modules-extra) || fail "$why"
	modprobe -n -q xt_addrtype ||
		fail "kernel-modules-extra is not for the kernel that runs, $release: reboot into the newest one"
	;;
esac
end
