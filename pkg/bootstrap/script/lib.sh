# shellcheck shell=sh disable=SC2034 # the script that follows uses what is set here
# Every script begins with this file. ROOT is empty on machines; tests set it to
# a directory that looks like one.
#
# A script answers on standard output, between the lines "swarmup begin" and
# "swarmup end", with pieces that have names: a line "= NAME" and then base64, or
# "- NAME" and then text, each line behind a ">". It exits with 0 also when what
# it was asked for went wrong; the last piece is then called error.
#
# Starting a process is what costs: where many machines are asked at once, what
# the shell does by itself is better.
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
envfile=$ROOT/etc/docker/swarmup.env
dropin=$ROOT/etc/systemd/system/docker.service.d/swarmup.conf
confd=$ROOT/etc/conf.d/docker

echo 'swarmup begin'

has() { command -v "$1" >/dev/null 2>&1; }

# blob NAME answers with standard input.
blob() {
	echo "= $1"
	base64
}

# text NAME VALUE answers with lines of text, without those that are empty.
text() {
	echo "- $1"
	saved=$IFS
	IFS=$newline
	set -f
	# shellcheck disable=SC2086 # it is to be split into lines
	set -- $2
	set +f
	IFS=$saved
	for line; do printf '>%s\n' "$line"; done
}
newline='
'

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
	find_engine && echo "$pid"
}

# find_engine sets pid instead, to nothing where there is none.
find_engine() {
	for pidfile in "$ROOT/run/docker.pid" "$ROOT/var/run/docker.pid"; do
		[ -s "$pidfile" ] || continue
		read -r pid <"$pidfile" || [ -n "$pid" ] || continue
		comm=
		{ read -r comm <"$ROOT/proc/$pid/comm"; } 2>/dev/null
		case $comm in docker*) return 0 ;; esac
	done
	pid=
	return 1
}

# engine_facts answers with what is to be known about the engine. One whose
# installation was cut off is none yet, but for one that a swarm has known since.
# To ask dockerd for its version takes most of the time of a whole answer. It sets
# pid, as find_engine does.
engine_facts() {
	pid=
	if [ -d "$ROOT/run/systemd/system" ] || [ -d "$ROOT/run/openrc" ]; then text init "$(init_system)"; fi
	if [ -e "$ROOT/etc/docker/swarmup-installing" ]; then
		if [ ! -e "$ROOT/var/lib/docker/swarm/docker-state.json" ]; then return 0; fi
		text unfinished yes
	fi
	if find_engine; then
		blob cmdline <"$ROOT/proc/$pid/cmdline"
	elif has dockerd; then
		engine_version
	fi
}

engine_version() {
	text dockerd "$(dockerd --version 2>/dev/null)"
}

# config_facts answers with the engine's configuration.
config_facts() {
	content daemon "$conf"
	content owned "$ROOT/etc/docker/swarmup.json"
	if [ -e "$envfile" ]; then env_facts; fi
}

# env_facts answers with the environment that is ours, and whether the engine is
# given it.
env_facts() {
	blob env <"$envfile"
	if [ -e "$dropin" ] || grep -qs '^# swarmup begin$' "$confd"; then echo yes | blob hooked; fi
	if find_engine; then blob environ <"$ROOT/proc/$pid/environ"; fi
}
