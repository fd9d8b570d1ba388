# shellcheck shell=sh
# cloudinit.sh: lets the first boot finish, for at most 300 s. It holds the
# package lists' lock, and what goes wrong in it is not ours.
if has cloud-init; then timeout 300 cloud-init status --wait >/dev/null 2>&1; fi
end
