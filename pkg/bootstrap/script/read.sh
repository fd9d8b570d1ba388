# shellcheck shell=sh disable=SC2154 # lib.sh sets them
engine_facts
if [ -n "$pid" ] && has dockerd; then engine_version; fi
config_facts
end
