#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The whole way once with real VFIO, and still without a GPU: an emulated machine with
# an IOMMU has the card (card.c) and this machine's root file system, changes to which
# stay in its memory. In it a libvirtd hands the card to a guest: IOMMU groups, drivers
# bound and given back, and vfio-pci are the kernel's own. Takes some minutes; not part
# of the tests.
#
#   GPUPT_KERNEL=/boot/vmlinuz-... tests/lab/nested.sh BUILD [ovmf|seabios]
#
# The kernel's modules have to lie in ../lib/modules beside it, as `dpkg -x` and an
# installation leave them. Needs root (for virtiofsd), busybox-static, cpio from it,
# QEMU, virtiofsd and libvirt; the fast part of the project's build in BUILD.
set -eu

build=$(realpath "$1")
firmware=${2:-seabios}
here=$(realpath "${0%/*}")
limit=1500 # seconds
# in the order in which they need each other
modules=(virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci fuse
	virtiofs overlay irqbypass vfio vfio_virqfd vfio_iommu_type1 vfio-pci-core vfio-pci)

die() {
	echo "nested.sh: $*" >&2
	exit 1
}

# ---- this machine ----

make_initramfs() {
	local release tree name file
	release=$(basename "$GPUPT_KERNEL")
	release=${release#vmlinuz-}
	tree=$(dirname "$GPUPT_KERNEL")/../lib/modules/$release
	mkdir -p "$scratch/tree/bin"
	cp "$(command -v busybox)" "$scratch/tree/bin/busybox"
	for name in "${modules[@]}"; do
		file=$(find "$tree" -name "$name.ko")
		[ -z "$file" ] || cp "$file" "$scratch/tree/"
	done
	cat >"$scratch/tree/init" <<-INIT
		#!/bin/busybox sh
		export PATH=/bin
		busybox mkdir -p /proc /sys /dev /lower /upper /root
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		busybox mount -t devtmpfs dev /dev
		for name in ${modules[*]}; do busybox insmod /\$name.ko; done
		busybox mount -t virtiofs root /lower
		busybox mount -t tmpfs -o size=512m tmpfs /upper
		busybox mkdir /upper/data /upper/work
		busybox mount -t overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work \
			overlay /root
		for name in proc sys dev; do busybox mount --move /\$name /root/\$name; done
		exec busybox switch_root /root /bin/bash $here/nested.sh $build $firmware inside $scratch
	INIT
	chmod +x "$scratch/tree/init"
	(cd "$scratch/tree" && find . | busybox cpio -o -H newc 2>/dev/null) >"$scratch/outer"
	PYTHONPATH=$here/../boot python3 -B -c "import system, sys; system.initramfs(sys.argv[1])" \
		"$scratch/inner"
	cp "$GPUPT_KERNEL" "$scratch/kernel"
}

start_files() {
	local daemon=/usr/libexec/virtiofsd
	for daemon in /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd; do
		[ ! -x $daemon ] || break
	done
	$daemon --socket-path="$scratch/files" -o source=/ -o sandbox=chroot -o cache=always \
		>"$scratch/virtiofsd.log" 2>&1 &
	files=$!
	while [ ! -S "$scratch/files" ]; do
		kill -0 $files 2>/dev/null || die "no virtiofsd: $(cat "$scratch/virtiofsd.log")"
		sleep 0.1
	done
}

# A P10 on the root bus: 16 MiB, 32 GiB, 32 MiB
outer() {
	timeout $limit env LD_PRELOAD="$build/tests/lab/card.so" \
		GPUPT_CARDS='p10 10de 1b39 0302 0/1000000/0 1/800000000/c 3/2000000/c' \
		qemu-system-x86_64 \
		-M q35,kernel-irqchip=split,memory-backend=ram -accel tcg -smp 2 -m 3G \
		-cpu max,phys-bits=46 -object memory-backend-memfd,id=ram,size=3G,share=on \
		-device intel-iommu,intremap=on,aw-bits=48 -nodefaults -display none -no-reboot \
		-chardev socket,id=files,path="$scratch/files" \
		-device vhost-user-fs-pci,chardev=files,tag=root \
		-device p10,addr=8 -serial stdio -kernel "$scratch/kernel" \
		-initrd "$scratch/outer" -append 'console=ttyS0 quiet panic=-1 intel_iommu=on'
}

# ---- the emulated machine ----

domain() {
	local files=/usr/share/OVMF/OVMF_ loader=
	[ "$firmware" = seabios ] ||
		loader="<loader readonly='yes' type='pflash'>${files}CODE_4M.fd</loader>
			<nvram template='${files}VARS_4M.fd'>/run/nvram.fd</nvram>"
	cat <<-XML
		<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		  <name>nested</name>
		  <memory unit='MiB'>512</memory>
		  <vcpu>1</vcpu>
		  <os>
		    <type arch='x86_64' machine='q35'>hvm</type>
		    $loader
		    <kernel>$scratch/kernel</kernel>
		    <initrd>$scratch/inner</initrd>
		    <cmdline>console=ttyS0 panic=1 quiet no_timer_check</cmdline>
		  </os>
		  <features><acpi/><apic/></features>
		  <cpu mode='custom' match='exact' check='none'><model>Westmere</model></cpu>
		  <devices>
		    <emulator>/usr/bin/qemu-system-x86_64</emulator>
		    <controller type='usb' model='none'/>
		    <controller type='pci' index='0' model='pcie-root'/>
		    <controller type='pci' index='1' model='pcie-root-port'>
		      <target hotplug='off'/>
		    </controller>
		    <controller type='pci' index='2' model='pcie-root-port'/>
		    <serial type='file'><source path='/run/serial'/></serial>
		    <memballoon model='none'/>
		  </devices>
		  <qemu:override>
		    <qemu:device alias='hostdev0'>
		      <qemu:frontend>
		        <qemu:property name='x-no-mmap' type='bool' value='true'/>
		      </qemu:frontend>
		    </qemu:device>
		  </qemu:override>
		</domain>
	XML
}

prepare() {
	export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C LIBVIRT_DEFAULT_URI=qemu:///system
	for directory in /run /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
		mount -t tmpfs tmpfs $directory
	done
	mkdir -p /dev/pts /dev/shm
	mount -t devpts devpts /dev/pts
	mount -t tmpfs tmpfs /dev/shm
	getent passwd libvirt-qemu >/dev/null || {
		echo libvirt-qemu:x:64055:64055::/:/bin/false >>/etc/passwd
		echo libvirt-qemu:x:64055: >>/etc/group
	}
	printf '%s\n' 'auth_unix_ro = "none"' 'auth_unix_rw = "none"' 'unix_sock_group = "root"' \
		>/etc/libvirt/libvirtd.conf
	printf '%s\n' 'security_driver = "none"' 'namespaces = []' 'cgroup_controllers = []' \
		'user = "root"' 'group = "root"' 'stdio_handler = "file"' >/etc/libvirt/qemu.conf
	SYSTEMD_DEVICE_VERIFY_SYSFS=0 libvirtd >/run/libvirtd.log 2>&1 &
	until virsh version >/dev/null 2>&1; do sleep 1; done
}

driver() {
	basename "$(readlink /sys/bus/pci/devices/0000:00:08.0/driver || echo none)"
}

show() {
	printf '\n$ %s\n' "$*"
	"$@" || echo "(exit status $?)"
}

inside() {
	local gpupt_xml=$build/src/cli/gpupt-xml
	prepare
	domain >/run/nested.xml
	virsh -q define --validate /run/nested.xml
	show ls /sys/kernel/iommu_groups
	show "$gpupt_xml" devices
	show "$gpupt_xml" apply nested --add-device gpu
	echo "the card's driver before: $(driver)"
	show virsh start nested
	echo "the card's driver now: $(driver)"
	until grep -q GPUPT-END /run/serial || [ "$(virsh domstate nested)" != running ]; do
		sleep 2
	done
	printf '\nThe BARs in the guest:\n'
	sed -n '/GPUPT-BEGIN/,/GPUPT-LOG/p' /run/serial | grep -v ' 0x0000000000000000'
	show virsh qemu-monitor-command nested --hmp info pci
	if "$gpupt_xml" help verify >/dev/null 2>&1; then
		show "$gpupt_xml" verify nested
	fi
	show virsh destroy nested
	echo "the card's driver after: $(driver)"
}

if [ "${3-}" = inside ]; then
	scratch=$4
	trap 'echo o >/proc/sysrq-trigger; sleep 60' EXIT
	inside </dev/null 2>&1 | cat # not on a terminal
	exit
fi

[ -r "${GPUPT_KERNEL-}" ] || die "GPUPT_KERNEL names no kernel"
scratch=$(mktemp -d)
files=
trap 'kill $files 2>/dev/null; rm -rf "$scratch"' EXIT
make_initramfs
start_files
outer
