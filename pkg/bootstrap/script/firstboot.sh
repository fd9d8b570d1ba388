# shellcheck shell=sh
# firstboot.sh look|wait: answers with "running" while cloud-init is at its first
# boot, or lets it finish, for at most 300 s. What goes wrong in it is not ours.
has cloud-init || end
if [ "$1" = wait ]; then
	timeout 300 cloud-init status --wait >/dev/null 2>&1
	end
fi
state=$(timeout 20 cloud-init status 2>/dev/null | sed -n 's/^status: *//p')
case $state in
'not '*)
	# "not started" or "not run": that it will run is sure only during a boot.
	case $(systemctl is-system-running 2>/dev/null) in
	initializing | starting) state=running ;;
	esac
	;;
esac
printf %s "$state" | blob state
end
