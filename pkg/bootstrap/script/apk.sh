# shellcheck shell=sh
# apk.sh lists: refreshes the package lists.
# apk.sh versions PACKAGE...: answers with a line "PACKAGE VERSION" for each that can be had.
# apk.sh install PACKAGE[=VERSION]...: installs packages.
environment

# The database is below /lib up to Alpine 3.22, and below /usr/lib after.
unlocked() {
	free "$ROOT/lib/apk/db/lock" "$ROOT/usr/lib/apk/db/lock"
}

verb=$1
shift
case $verb in
lists)
	unlocked
	why=$(errors apk update --quiet --wait 300) || fail "$why"
	;;
versions)
	for package; do
		apk policy "$package" 2>/dev/null | sed -n "s/^  \\([^ ].*\\):\$/$package \\1/p"
	done | blob versions
	;;
install)
	unlocked
	why=$(errors apk add --quiet --wait 300 "$@") || fail "$why"
	;;
esac
end
