# shellcheck shell=sh
# preflight.sh MODULE...: answers with the conditions alone.
conditions "$@"
end
