#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# verify and guest with QEMU's real guest agent in a guest that TCG runs: busybox, a
# kernel, and a tree that looks like Debian's. Needs root, a kernel with its modules
# (GPUPT_KERNEL, as unpacked from its package), and qemu-ga (or GPUPT_QEMU_GA).
#   agent.sh GPUPT_XML
set -u

gpupt_xml=$1

# shellcheck source=tests/integration/libvirtd.sh
. "${0%/*}/libvirtd.sh"
PATH=$PATH:/usr/sbin
kernel=${GPUPT_KERNEL-}
[ -r "$kernel" ] || skip "no kernel: set GPUPT_KERNEL to a vmlinuz"
release=${kernel##*/vmlinuz-}
modules=$(dirname "$kernel")/../lib/modules/$release/kernel/drivers
[ -d "$modules" ] || skip "no modules beside the kernel"
qemu_ga=${GPUPT_QEMU_GA-$(command -v qemu-ga)}
[ -x "$qemu_ga" ] || skip "no qemu-ga: set GPUPT_QEMU_GA to one"
busybox=$(command -v busybox) || skip "no busybox"
ldd "$busybox" >/dev/null 2>&1 && skip "busybox is not static"
start_lab "$0" "$@"

# The guest's files

root=/run/lab/root
mkdir -p $root/{bin,proc,sys,dev,run,tmp,etc/default,boot/grub,lib/modules}
cp "$busybox" $root/bin/busybox
for name in $("$busybox" --list); do ln -sf busybox "$root/bin/$name"; done
rm -f $root/bin/busybox && cp "$busybox" $root/bin/busybox # it lists itself
cp "$qemu_ga" $root/bin/qemu-ga
ldd "$qemu_ga" | grep -o '/[^ ]*' | while read -r library; do
	mkdir -p "$root/${library%/*}" && cp -L "$library" "$root$library"
done
for module in virtio/virtio virtio/virtio_ring virtio/virtio_pci_legacy_dev \
	virtio/virtio_pci_modern_dev virtio/virtio_pci char/virtio_console; do
	[ -e "$modules/$module.ko" ] && cp "$modules/$module.ko" $root/lib/modules/
done
echo 'ID=debian' >$root/etc/os-release
echo 'menuentry Debian' >$root/boot/grub/grub.cfg
cat >$root/bin/update-grub <<'SH'
#!/bin/sh
GRUB_CMDLINE_LINUX=
. /etc/default/grub.d/99-gpupt-xml.cfg
echo "linux /vmlinuz ro $GRUB_CMDLINE_LINUX" >/boot/grub/grub.cfg
SH
cat >$root/bin/nvidia-smi <<'SH'
#!/bin/sh
[ "$*" = -L ] && echo 'GPU 0: Tesla P10'
SH
cat >$root/init <<'SH'
#!/bin/busybox sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_console; do
	[ -e /lib/modules/$module.ko ] && insmod /lib/modules/$module.ko
done
echo 'NVRM: This PCI I/O region assigned to your NVIDIA device is invalid:' >/dev/kmsg
echo 'NVRM: loading NVIDIA UNIX x86_64 Kernel Module' >/dev/kmsg
mkdir -p /var && ln -s /run /var/run
qemu-ga -m virtio-serial -p /dev/vport0p1 -t /run -f /run/qemu-ga.pid
echo "the agent ended: $?"
sleep 1000
SH
chmod +x $root/init $root/bin/update-grub $root/bin/nvidia-smi
(cd $root && find . | "$busybox" cpio -o -H newc 2>/dev/null) >/run/lab/initrd || fail "no initrd"

# The kernel is handed over behind libvirt's back: by its XML the guest boots from a disk.
start_guest() { # APPEND
	virsh -q -c qemu:///system destroy talker 2>/dev/null
	cat >/run/lab/talker.xml <<XML
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>talker</name>
  <uuid>6a1d2f6e-5f14-4c6c-9a5a-000000000001</uuid>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <serial type='file'><source path='/run/lab/serial'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='none'/>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-kernel'/><qemu:arg value='$kernel'/>
    <qemu:arg value='-initrd'/><qemu:arg value='/run/lab/initrd'/>
    <qemu:arg value='-append'/><qemu:arg value='console=ttyS0 $1'/>
  </qemu:commandline>
</domain>
XML
	virsh -q -c qemu:///system define /run/lab/talker.xml && virsh -q -c qemu:///system start talker ||
		skip "no guest can be started"
	for _ in $(seq 120); do
		virsh -q -c qemu:///system qemu-agent-command talker '{"execute":"guest-ping"}' \
			>/dev/null 2>&1 && return
		sleep 0.5
	done
	fail "no agent came up: $(tail -n 5 /run/lab/serial)"
	exit 1
}

# Nothing has that option yet, and looking changes nothing.
start_guest "ro quiet"
run 0 "$gpupt_xml" guest talker -c qemu:///system --guest-agent
has "$err" "tainted: custom-ga-command"
has "$out" "By the plan, talker does not need pci=realloc."
has "$out" "For Debian, Ubuntu and their kin"
has "$out" "talker runs without pci=realloc; nothing was changed."
run 0 "$gpupt_xml" guest talker -c qemu:///system --guest-agent --format json -q
has "$out" '"state": "missing"'
has "$out" 'ro quiet"'

# The steps, once.
run 0 "$gpupt_xml" guest talker -c qemu:///system --guest-agent --yes
has "$out" "talker: the steps above were carried out. Reboot the guest"
run 0 "$gpupt_xml" guest talker -c qemu:///system --guest-agent --yes
has "$out" "talker: pci=realloc is written down already, nothing was changed."
has_not "$out" "update-grub"
read_in_guest() { # FILE, at most 4 KiB of it
	local handle
	handle=$(virsh -q -c qemu:///system qemu-agent-command talker \
		"{\"execute\":\"guest-file-open\",\"arguments\":{\"path\":\"$1\"}}" | tr -dc 0-9)
	virsh -q -c qemu:///system qemu-agent-command talker \
		"{\"execute\":\"guest-file-read\",\"arguments\":{\"handle\":$handle}}" |
		sed 's/.*"buf-b64":"\([^"]*\)".*/\1/' | base64 -d
}
has "$(read_in_guest /boot/grub/grub.cfg)" "linux /vmlinuz ro  pci=realloc"
[ "$(read_in_guest /boot/grub/grub.cfg.before-gpupt-xml)" = "menuentry Debian" ] ||
	fail "the backup is not what was there"

# What the guest's kernel and driver say.
run 0 "$gpupt_xml" verify talker -c qemu:///system --guest-agent
has "$out" "NVRM: This PCI I/O region assigned to your NVIDIA device is invalid:"
has_not "$out" "NVRM: loading"
has "$out" "  GPU 0: Tesla P10"
has "$out" "talker: verified; no PCI device is passed through."

# After the reboot there is nothing left to do.
start_guest "ro pci=nommconf,realloc"
run 0 "$gpupt_xml" guest talker -c qemu:///system --guest-agent --yes
has "$out" "talker runs with pci=realloc already; nothing was changed."
virsh -q -c qemu:///system destroy talker

[ $failures = 0 ]
