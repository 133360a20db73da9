#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# diff --strict: a finding that is an error is an exit status, for reviews.
. "$SOURCE/tests/cli/lib.sh"

edit() { sed "$1" "$EXAMPLES/z-k8s-n-1.xml" >vm.xml; }
# put ELEMENT: the domain with it in its root controller
put() {
	root="<controller type='pci' index='0' model='pcie-root'"
	edit "s|$root/>|$root>$1</controller>|"
}

# a check of the XML alone: nothing is known of a host, nothing would change
edit ''
run 0 diff vm.xml --strict --pcihole64 keep
out_empty
err_lacks "error: "
put "<pciHole64 unit='GiB'>64</pciHole64>"
run 4 diff vm.xml --strict --pcihole64 keep
out_empty
place=$(grep -n pciHole64 vm.xml | cut -d: -f1)
column=$(sed -n "${place}p" vm.xml | awk '{ print index($0, "<pciHole64") }')
err_has "vm.xml:$place:$column: error: "
err_has "[GPUPT-0044]"
err_has "  remedy: "
run 4 diff vm.xml --strict --pcihole64 keep -q
err_has "[GPUPT-0044]"
run 4 diff - --strict --pcihole64 keep <vm.xml
err_has "<stdin>:$place:$column: error: "
# without it the same is for people to read
run 0 diff vm.xml --pcihole64 keep
err_has "[GPUPT-0044]"

# a warning is none
put "<pcihole64>64</pcihole64>"
run 0 diff vm.xml --strict --pcihole64 keep
err_has "warning: "
err_has "[GPUPT-0046]"
err_lacks "error: "

# with an inventory: the diff is there all the same
run 1 diff "$EXAMPLES/z-k8s-n-1.xml" "$p10" --strict
run 1 diff "$EXAMPLES/z-k8s-n-1.xml" "$p10" --forbid hotplug --force
cp "$lab/out" without
run 4 diff "$EXAMPLES/z-k8s-n-1.xml" "$p10" --forbid hotplug --force --strict
same without "$lab/out"
err_has "[GPUPT-0004]"
# what cannot be, and trouble, go before
run 3 diff "$EXAMPLES/z-k8s-n-1.xml" "$p10" --pcihole64 2TiB --strict
run 2 diff /dev/null --strict --pcihole64 keep
# a guest whose port is right
edit "s|<target chassis=\(.*\)/>|<target chassis=\1 hotplug='off'/>|"
run 1 diff vm.xml "$p10" --strict --firmware debian-12 --guest-kernel 6.1

# explain tells the same, as text and as data
edit "s|<memory |<pcihole64 unit='GiB'>64</pcihole64><memory |"
run 0 explain vm.xml "$p10"
err_has "[GPUPT-0043]"
run 0 explain vm.xml "$p10" --format json
out_has "GPUPT-0043"

# of diff alone
run 2 patch vm.xml --strict
finish
