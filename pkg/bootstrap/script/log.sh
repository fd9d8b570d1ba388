# shellcheck shell=sh
# log.sh MARK: answers with what dockerd wrote since engine.sh gave the mark.
if has journalctl && [ "$(init_system)" = systemd ]; then
	set -- ${1:+"--after-cursor=$1"}
	journalctl -q --no-pager -o cat -n 200 -u docker.service -t dockerd "$@" 2>/dev/null | blob log
elif [ -e "$ROOT/var/log/docker.log" ]; then
	tail -c "+$((${1:-0} + 1))" "$ROOT/var/log/docker.log" | tail -n 200 | blob log
fi
end
