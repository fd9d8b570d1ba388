# shellcheck shell=sh
engine_facts
config_facts
end
