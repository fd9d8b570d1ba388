# shellcheck shell=sh
# zypper.sh PACKAGE...: installs packages.
ZYPP_LOCK_TIMEOUT=300
export ZYPP_LOCK_TIMEOUT
lists=$(errors zypper --non-interactive --quiet refresh)
printf %s "$lists" | blob lists
why=$(errors zypper --non-interactive --quiet install --no-recommends "$@") || fail "$why"
end
