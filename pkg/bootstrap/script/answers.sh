# shellcheck shell=sh
# answers.sh: asks whether the engine answers. Where there is no docker command
# its socket has to do.
socket=$ROOT/var/run/docker.sock
if has docker; then
	why=$(errors timeout 20 docker -H "unix://$socket" version) || fail "${why:-no answer within 20s}"
elif [ ! -S "$socket" ]; then
	fail "no socket at $socket"
fi
end
