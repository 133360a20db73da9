#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs a command where the account exists that libvirt's QEMU driver looks up when root
# starts it, also on a machine that lacks it: in a private mount namespace, so that
# nothing is added to the machine. Without the right to do so the command has to cope.
#   with-libvirt-account.sh COMMAND...
set -eu
account=libvirt-qemu

if getent passwd $account >/dev/null && getent group $account >/dev/null ||
	[ "$(id -u)" != 0 ] || ! unshare -m --propagation private true 2>/dev/null; then
	exec "$@"
fi
if [ "${GPUPT_PRIVATE-}" != yes ]; then
	GPUPT_PRIVATE=yes exec unshare -m --propagation private "$0" "$@"
fi

add() {
	cp "/etc/$1" "$lab/$1"
	echo "$2" >>"$lab/$1"
	mount --bind "$lab/$1" "/etc/$1"
}

lab=$(mktemp -d)
add passwd $account:x:64055:64055::/:/bin/false
add group $account:x:64055:
rm -r "$lab"
exec "$@"
