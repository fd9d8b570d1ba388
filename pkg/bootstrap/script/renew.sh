# shellcheck shell=sh
# renew.sh: restarts containerd if it runs from a file that is not there any more,
# and answers whether the same is so of dockerd. A dockerd without a containerd of
# the machine's has its own, and restarts it.

# outdated PID says whether the process runs another version than the disk has.
outdated() {
	case $(readlink "$ROOT/proc/$1/exe" 2>/dev/null) in
	*' (deleted)') return 0 ;;
	esac
	return 1
}

pid=0
case $(init_system) in
systemd)
	systemctl daemon-reload >/dev/null 2>&1
	pid=$(systemctl show -p MainPID containerd.service 2>/dev/null)
	pid=${pid#MainPID=}
	;;
openrc) if [ -s "$ROOT/run/containerd/containerd.pid" ]; then read -r pid <"$ROOT/run/containerd/containerd.pid" || :; fi ;;
esac
if outdated "${pid:-0}"; then
	case $(init_system) in
	systemd) why=$(systemctl restart containerd.service 2>&1) ;;
	openrc) why=$(rc-service containerd restart 2>&1) ;;
	esac || fail "restart containerd: $why"
fi
if find_engine && outdated "$pid"; then echo yes | blob outdated; fi
end
