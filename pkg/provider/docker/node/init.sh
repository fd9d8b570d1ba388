#!/bin/sh
# PID 1 of a machine: makes room for systemd, then becomes it. It runs at every
# start of the container.
set -eu

# The engine mounts /sys and the control groups read-only. The private control
# group namespace makes it safe to hand them to systemd.
mount -o remount,rw /sys || true
mount -o remount,bind,rw /sys/fs/cgroup
if ! [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	for c in /sys/fs/cgroup/*/; do
		if mountpoint -q "$c"; then mount -o remount,bind,rw "$c"; fi
	done
	# systemd 256 and later starts on the old hierarchy only if it is told to
	# (systemd NEWS, version 256).
	export SYSTEMD_PROC_CMDLINE="SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 systemd.unified_cgroup_hierarchy=0"
fi
mount --make-rshared /

# Every machine has an identity of its own; the image has none.
if ! [ -s /etc/machine-id ]; then
	tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
fi

export container=docker
exec /sbin/init
