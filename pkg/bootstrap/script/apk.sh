# shellcheck shell=sh
# apk.sh PACKAGE...: installs packages.
lists=$(errors apk update --quiet --wait 300)
printf %s "$lists" | blob lists
why=$(errors apk add --quiet --wait 300 "$@") || fail "$why"
end
