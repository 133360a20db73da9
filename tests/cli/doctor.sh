#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is wrong with a host: made-up ones, and this machine as far as it goes.
. "$SOURCE/tests/cli/lib.sh"
hosts=$DATA/doctor

# nothing wrong, nothing unseen
run 0 doctor --sysfs "$hosts/healthy/sys" --strict
out_has "ok       bars: 8 functions, 24 memory BARs, 24 of them with an address"
out_has "0 errors, 0 warnings; 0 of 9 checks not made in full"
out_lacks GPUPT
err_empty
run 0 doctor --sysfs "$hosts/healthy/sys" -q
out_empty

# every other host has something, with its remedy
run 1 doctor --sysfs "$hosts/hpe/sys"
out_has "error    bars:"
out_has "0000:37:00.0: the host gave BAR 1 (32 GiB) no address"
out_has 'remedy: Enable "PCI Express 64-Bit BAR Support"'
run 1 doctor --sysfs "$hosts/no-iommu/sys"
out_has "GPUPT-0060"
out_has "intel_iommu=on"
out_has "unknown  groups"
run 1 doctor --sysfs "$hosts/shared-group/sys"
out_has "0000:18:00.0 (xhci_hcd)"
run 1 doctor --sysfs "$hosts/nvidia/sys"
out_has "GPUPT-0062"
out_has "nvidia-persistenced runs (process 812)"
out_has "vfio-pci.ids names 10de:1eb8, but driver nvidia"
run 1 doctor --sysfs "$hosts/console/sys" --verbose
out_has "devices  0000:01:00.0 0000:01:00.1"
out_has "boot framebuffer (BOOTFB)"
run 1 doctor --sysfs "$hosts/old/sys"
out_has "SeaBIOS 1.16.3-2 misplaces BARs larger than 32 GiB"
out_lacks "ERROR"
# only errors with --quiet
run 1 doctor --sysfs "$hosts/old/sys" -q
out_empty

# a note is nothing wrong; what is not examined is wrong only where that is asked for
run 0 doctor --inventory "$EXAMPLES/hosts/p10.json"
out_has "not examined: the command line: not recorded in an inventory"
run 1 doctor --inventory "$EXAMPLES/hosts/p10.json" --strict

# with a guest: its devices, its memory, its firmware
run 0 doctor "$EXAMPLES/z-k8s-n-1.xml" --inventory "$EXAMPLES/hosts/p10.json"
out_has "memory: the guest has 16 GiB"
out_lacks SeaBIOS
run 0 doctor - --inventory "$EXAMPLES/hosts/p10.json" <"$EXAMPLES/z-k8s-n-1.xml"
run 1 doctor "$EXAMPLES/z-k8s-n-1.xml" --sysfs "$hosts/healthy/sys"
out_has "the host has no device 0000:08:00.0 (line 81 of the domain)"
out_has "not examined: the host has none of the guest's devices"
sed 's/bus=.0x08./bus="0x17"/; s/managed=.yes.//' "$EXAMPLES/z-k8s-n-1.xml" >unmanaged.xml
run 1 doctor unmanaged.xml --sysfs "$hosts/nvidia/sys"
out_has "GPUPT-0061"

run 1 doctor --sysfs "$hosts/hpe/sys" --format json
out_has '"id": "GPUPT-0007"'
out_has '"result": "error"'
out_has '"not_examined": null'
if command -v python3 >/dev/null; then
	python3 -m json.tool "$lab/out" >/dev/null || fail "no JSON"
fi

# bad usage
run 2 doctor --sysfs nowhere
err_has "cannot open nowhere"
run 2 doctor nowhere.xml
run 2 doctor -c qemu:///system
err_has "--connect needs a domain"

# This machine, as it is and as anybody: something comes out, nobody is asked.
as_anybody=
[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null &&
	as_anybody="setpriv --reuid=65534 --regid=65534 --clear-groups"
status=0
"$GPUPT_XML" doctor >own 2>own.err || status=$?
[ $status -le 2 ] || fail "exit status $status: $(cat own.err)"
[ -s own.err ] && fail "standard error: $(cat own.err)"
[ "$(grep -Ec '^(ok|partly|unknown|note|warning|error) ' own)" = 9 ] || fail "$(cat own)"
if [ -n "$as_anybody" ] && $as_anybody "$GPUPT_XML" --version >/dev/null 2>&1; then
	status=0
	$as_anybody "$GPUPT_XML" doctor >own 2>own.err || status=$?
	[ $status -le 2 ] || fail "exit status $status: $(cat own.err)"
	[ "$(grep -Ec '^(ok|partly|unknown|note|warning|error) ' own)" = 9 ] || fail "$(cat own)"

	# a copy with parts that may not be read
	cp -R "$hosts/healthy" copy
	chmod 0 copy/proc/cmdline copy/sys/class/iommu copy/var/lib/dpkg
	chmod 755 "$lab" "$lab/work"
	$as_anybody "$GPUPT_XML" doctor --sysfs copy/sys >own 2>own.err ||
		fail "a copy: $(cat own own.err)"
	for file in "the command line: proc/cmdline" "SeaBIOS, OVMF: var/lib/dpkg/status"; do
		tr -s ' \n' ' ' <own | grep -q "not examined: .*$file: Permission denied" ||
			fail "$file: $(cat own)"
	done
	grep -q "^ok  *iommu: there are IOMMU groups" own || fail "$(cat own)"
	chmod 755 copy/sys/class/iommu copy/var/lib/dpkg

	# not even /sys
	if command -v unshare >/dev/null && unshare -m true 2>/dev/null; then
		status=0
		unshare -m sh -c "mount -t tmpfs -o mode=0700 none /sys && exec $as_anybody \"\$0\" doctor" \
			"$GPUPT_XML" >own 2>own.err || status=$?
		[ $status = 2 ] || fail "exit status $status without /sys: $(cat own own.err)"
		grep -q "^unknown  bars" own || fail "$(cat own)"
		tr -s ' \n' ' ' <own | grep -q "devices: .*/sys.*: Permission denied" ||
			fail "$(cat own)"
	fi
fi
finish
