#!/bin/sh
# Leaves out of systemd what a machine in a container has no use for, or what is
# the host's business (sysctl, devices, modules, clock, disks), and takes the
# identity out of the image: each machine gets its own.
set -eu

systemctl mask \
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
	fstrim.timer systemd-tmpfiles-clean.timer \
	console-getty.service getty.target getty-static.service \
	systemd-networkd.service systemd-networkd.socket systemd-resolved.service systemd-timesyncd.service \
	systemd-logind.service systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket \
	systemd-udev-trigger.service systemd-modules-load.service kmod-static-nodes.service \
	systemd-sysctl.service procps.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
	systemd-random-seed.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
	systemd-remount-fs.service systemd-pstore.service systemd-firstboot.service systemd-sysusers.service \
	systemd-machine-id-commit.service systemd-update-done.service modprobe@.service systemd-journal-flush.service systemd-journal-catalog-update.service \
	systemd-hwdb-update.service ldconfig.service systemd-hibernate-clear.service \
	systemd-tpm2-setup.service systemd-tpm2-setup-early.service \
	systemd-tmpfiles-setup-dev.service systemd-tmpfiles-setup-dev-early.service \
	systemd-ask-password-console.path systemd-ask-password-wall.path \
	dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount sys-kernel-config.mount \
	sys-kernel-debug.mount sys-kernel-tracing.mount
systemctl set-default multi-user.target

mkdir -p /etc/systemd/journald.conf.d /etc/systemd/system.conf.d /etc/ssh/sshd_config.d /root/.ssh
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\nAudit=no\nReadKMsg=no\n' >/etc/systemd/journald.conf.d/swarmup.conf
printf '[Manager]\nDefaultTimeoutStopSec=15s\n' >/etc/systemd/system.conf.d/swarmup.conf
printf 'UseDNS no\nPasswordAuthentication no\nHostKey /etc/ssh/ssh_host_ed25519_key\n' >/etc/ssh/sshd_config.d/swarmup.conf
chmod 0700 /root/.ssh

# Who logs in need not wait for the engine, which takes most of the boot.
for unit in docker containerd; do
	mkdir -p "/etc/systemd/system/$unit.service.d"
	printf '[Unit]\nAfter=ssh.service\n' >"/etc/systemd/system/$unit.service.d/swarmup.conf"
done
rm -f /etc/ssh/ssh_host_*
: >/etc/machine-id
