# shellcheck shell=sh
# zypper.sh PACKAGE...: installs packages.
ZYPP_LOCK_TIMEOUT=300
export ZYPP_LOCK_TIMEOUT
lists=$(errors zypper --non-interactive --quiet refresh)
printf %s "$lists" | blob lists
why=$(errors zypper --non-interactive --quiet install --no-recommends "$@")
case $? in
# From 100 on a status is a remark (zypper(8), EXIT CODES): a reboot or a restart
# of zypper is advised, a repository was passed over.
0 | 102 | 103 | 106) end ;;
esac
fail "$why"
