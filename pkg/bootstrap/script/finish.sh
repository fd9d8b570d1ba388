# shellcheck shell=sh
# finish.sh: notes that the installation is complete.
why=$(rm -f "$ROOT/etc/docker/swarmup-installing" 2>&1) || fail "$why"
end
