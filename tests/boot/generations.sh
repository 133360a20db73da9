#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Fetches another Debian release's QEMU, firmware and kernel into a directory,
# and runs a command with them:
#
#   generations.sh fetch DIRECTORY RELEASE...       (bullseye, trixie, sid)
#   generations.sh run DIRECTORY RELEASE COMMAND... (boot.py ..., random_cases.py ...)
#   generations.sh firmware DIRECTORY RELEASE COMMAND...
#
# "run" uses all of the release's programs, "firmware" only its OVMF and SeaBIOS,
# under this machine's QEMU and kernel. Needs mmdebstrap and the network to fetch;
# nothing to run. Not part of the default tests.
set -eu

# Unpacks the release's small kernel as boot/vmlinuz; from 7.0 the image is in
# linux-binary-VERSION, below usr/lib/modules.
fetch_kernel() {
	chroot "$1" sh -eu <<-'END'
		cd /tmp
		image=$(apt-cache depends linux-image-cloud-amd64 |
			sed -n 's/.*Depends: \(linux-image[^ ]*\).*/\1/p')
		binary=linux-binary${image#linux-image}
		apt-get download "$binary" 2>/dev/null || apt-get download "$image"
		mkdir kernel
		dpkg -x linux-*.deb kernel
		find kernel -name 'vmlinuz*' -type f -exec mv {} /boot/vmlinuz ';'
		rm -r linux-*.deb kernel
	END
}

fetch() {
	mkdir -p "$directory"
	for release; do
		[ ! -e "$directory/$release/qemu" ] || continue
		case $release in
		bullseye) more= ;;
		*) more=,qemu-system-modules-spice ;;
		esac
		mmdebstrap --variant=apt \
			--aptopt='Acquire::Check-Valid-Until "false"' \
			--include="qemu-system-x86,ovmf,seabios$more" \
			--customize-hook="'$(realpath "$0")' kernel \"\$1\"" \
			"$release" "$directory/$release"
		wrap "$directory/$release"
	done
}

# The release's QEMU with its own C library, as a program outside of the chroot.
wrap() {
	root=$1
	library=$root/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu
	cat > "$root/qemu" <<-END
		#!/bin/sh
		export QEMU_MODULE_DIR='$root/usr/lib/x86_64-linux-gnu/qemu'
		exec '$root/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2' \\
			--library-path '$library:$library/pulseaudio' \\
			'$root/usr/bin/qemu-system-x86_64' \\
			-L '$root/usr/share/qemu' -L '$root/usr/share/seabios' "\$@"
	END
	chmod +x "$root/qemu"
}

# 1.16.3-2 -> 11603, 2022.11-6+deb12u2 -> 202211; 2025.02-8 heeds a smaller
# X-PciMmio64Mb although it is older than edk2 9ac1704af6.
versions() {
	seabios=$(chroot_version seabios | sed 's/[^0-9.].*//')
	GPUPT_SEABIOS_VERSION=$(echo "$seabios" | awk -F. '{ print $1 * 10000 + $2 * 100 + $3 }')
	ovmf=$(chroot_version ovmf)
	GPUPT_OVMF_VERSION=$(echo "$ovmf" | sed 's/^\([0-9]*\)\.\([0-9]*\).*/\1\2/')
	case $ovmf in
	2025.02-8*) GPUPT_OVMF_VERSION=$GPUPT_OVMF_VERSION+ ;;
	esac
	export GPUPT_SEABIOS_VERSION GPUPT_OVMF_VERSION
}

chroot_version() {
	awk -v package="$1" '$1 == "Package:" { found = $2 == package }
		found && $1 == "Version:" { print $2 }' "$root/var/lib/dpkg/status"
}

use() {
	root=$directory/$1
	[ -e "$root/qemu" ] || { echo "$0: fetch $1 first" >&2; exit 1; }
	versions
	export GPUPT_OVMF="$root/usr/share/OVMF/OVMF_CODE_4M.fd"
	export GPUPT_SEABIOS="$root/usr/share/seabios/bios-256k.bin"
	if [ "$action" = run ]; then
		export GPUPT_QEMU="$root/qemu"
		export GPUPT_KERNEL="${GPUPT_KERNEL:-$root/boot/vmlinuz}"
	fi
}

action=${1:-}
directory=$(realpath -m "${2:-.}")
case $action in
fetch)
	shift 2
	fetch "$@" ;;
kernel) # by fetch
	fetch_kernel "$directory" ;;
run | firmware)
	use "$3"
	shift 3
	exec "$@" ;;
*)
	sed -n '3,13s/^# \{0,1\}//p' "$0" >&2
	exit 2 ;;
esac
