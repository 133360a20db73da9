#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# explain: the numbers, and words that promise no more than the plan holds.
. "$SOURCE/tests/cli/lib.sh"

vm=$EXAMPLES/z-k8s-n-1.xml
run 0 explain "$vm" "$p10"
out_has "0000:08:00.0  0    16 MiB  32-bit"
out_has "0000:08:00.0  1    32 GiB  64-bit pref"
out_has "32800 MiB"
out_has "Hole as planned                            64 GiB"
out_has "Verdict: kernel"
out_has "- hotplug: controller 3, has hotplug='off'"
# without the root port's remedy a BAR stays without an address
run 0 explain "$vm" "$p10" --forbid hotplug --force
out_has "Verdict: partial"
out_has "not bring up"
out_lacks " fits"
err_lacks " fits"
err_has "[GPUPT-0004]"
out_lacks "xhci"
# with the 32-bit window's remedy in place the kernel places all
awk '/<target chassis=.3./ { sub("/>", " hotplug='"'off'"'/>") } { print }' "$vm" >off.xml
run 0 explain off.xml "$p10"
out_has "Verdict: kernel"
out_has "takes at least 64 GiB"
run 0 explain off.xml "$p10" --headroom 3GiB
out_has "Hole as planned                            128 GiB"
out_has "rounded up to a power of two"
run 0 explain off.xml "$p10" --headroom 3GiB --rounding gib
out_lacks "power of two"
run 0 explain "$vm" "$p10" --format json
out_has "{"
# more with -v: the guest's own devices
run 0 explain "$vm" "$p10" -v
out_has "xhci"
err_has "planned 64 GiB"
run 1 diff "$vm" "$p10" -v
err_has "verdict kernel; hole 32 GiB, planned 64 GiB"
run 3 explain "$vm" "$p10" --pcihole64 2TiB
sed '/<hostdev/,/<\/hostdev>/d' "$vm" >plain.xml
run 0 explain plain.xml
out_has "Verdict: nothing"
run 2 explain "$vm" --assume=0000:09:00.0=10de:1b39 --inventory /dev/null
finish
