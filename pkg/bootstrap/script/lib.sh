# shellcheck shell=sh disable=SC2034 # the script that follows uses what is set here
# Every script begins with this file. ROOT is empty on machines; tests set it to
# a directory that looks like one.
#
# A script answers on standard output, between the lines "swarmup begin" and
# "swarmup end", with pieces that have names: a line "= NAME" and then base64. It
# exits with 0 also when what it was asked for went wrong; the last piece is then
# called error.
set -u
umask 022
ROOT=${ROOT-}
PATH=$PATH:$ROOT/usr/local/sbin:$ROOT/usr/local/bin:$ROOT/usr/sbin:$ROOT/usr/bin:$ROOT/sbin:$ROOT/bin
LC_ALL=C
export PATH LC_ALL

conf=$ROOT/etc/docker/daemon.json
if [ -L "$conf" ]; then conf=$(readlink -f "$conf"); fi
candidate=$conf.swarmup
backup=$conf.swarmup-bak

echo 'swarmup begin'

has() { command -v "$1" >/dev/null 2>&1; }

# blob NAME answers with standard input.
blob() {
	echo "= $1"
	base64
}

# content NAME PATH answers with a file, if it is there.
content() {
	if [ -e "$2" ]; then blob "$1" <"$2"; fi
}

# errors runs a command and prints only what it has to complain about.
errors() {
	# shellcheck disable=SC2069 # the order is meant
	"$@" 2>&1 >/dev/null
}

fail() {
	printf '%s\n' "$*" | blob error
	end
}

end() {
	echo 'swarmup end'
	exit 0
}

init_system() {
	if [ -d "$ROOT/run/systemd/system" ] && has systemctl; then
		echo systemd
	elif [ -d "$ROOT/run/openrc" ] && has rc-service; then
		echo openrc
	fi
}

# engine_pid prints the process ID of the machine's own dockerd. Others may run
# inside of containers, so the process list is not asked.
engine_pid() {
	for pidfile in "$ROOT/run/docker.pid" "$ROOT/var/run/docker.pid"; do
		[ -s "$pidfile" ] || continue
		pid=$(cat "$pidfile")
		case $(cat "$ROOT/proc/$pid/comm" 2>/dev/null) in
		docker*)
			echo "$pid"
			return 0
			;;
		esac
	done
	return 1
}

# engine_facts answers with what is to be known about the engine.
engine_facts() {
	init_system | blob init
	has dockerd || return 0
	dockerd --version 2>/dev/null | blob dockerd
	if pid=$(engine_pid); then
		blob cmdline <"$ROOT/proc/$pid/cmdline"
	fi
}

# config_facts answers with the engine's configuration.
config_facts() {
	content daemon "$conf"
	content owned "$ROOT/etc/docker/swarmup.json"
}
