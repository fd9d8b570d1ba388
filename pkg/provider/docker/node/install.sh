#!/bin/sh
# install.sh [--from SUITE] PACKAGE...
# Installs Debian packages while the image is built, with SUITE those packages
# alone from another suite of the same mirror.
set -eu
export DEBIAN_FRONTEND=noninteractive

from=
if [ "$1" = --from ]; then
	from=$2
	shift 2
fi

# An image needs no manuals, and what is lost with it needs no sync to disk.
cat >/etc/dpkg/dpkg.cfg.d/swarmup <<EOF
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
EOF

apt-get -q update
if [ -n "$from" ]; then
	# shellcheck disable=SC2016 # apt's own variable
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
	echo "deb $mirror $from main" >/etc/apt/sources.list.d/swarmup.list
	printf 'Package: *\nPin: release n=%s\nPin-Priority: 90\n\nPackage: %s\nPin: release n=%s\nPin-Priority: 990\n' \
		"$from" "$*" "$from" >/etc/apt/preferences.d/swarmup
	apt-get -q update
fi
apt-get -q install --yes --no-install-recommends "$@"
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
