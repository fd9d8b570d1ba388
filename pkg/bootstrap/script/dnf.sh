# shellcheck shell=sh
# dnf.sh PACKAGE... [-- PACKAGE...]: installs packages, and those behind the --
# that the distribution has. dnf waits for its lock by itself, without a limit.
for package; do
	shift
	if [ "$package" = -- ]; then
		optional=yes
	elif [ -z "${optional-}" ] || timeout 300 dnf -q list "$package" >/dev/null 2>&1; then
		set -- "$@" "$package"
	fi
done
why=$(errors timeout 900 dnf -q -y install "$@") || fail "${why:-not finished within 900s}"
end
