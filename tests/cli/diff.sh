#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# diff on files: exit status, headers, patch(1), nothing to do a second time.
. "$SOURCE/tests/cli/lib.sh"

cp "$EXAMPLES/z-k8s-n-1.xml" vm.xml
run 1 diff vm.xml "$p10"
[ "$(sed -n 1p "$lab/out")" = "--- a/vm.xml" ] || fail "first line: $out"
[ "$(sed -n 2p "$lab/out")" = "+++ b/vm.xml" ] || fail "second line: $out"
out_has "+      <pcihole64 unit='KiB'>67108864</pcihole64>"
out_has "+      <target chassis='3' port='0xa' hotplug='off'/>"
[ "$(grep -c '^[-+]' "$lab/out")" = 8 ] || fail "more lines change than need to: $out"
same vm.xml "$EXAMPLES/z-k8s-n-1.xml"
cp "$lab/out" vm.diff
patch -s -p1 <vm.diff || fail "patch(1) does not apply it"
run 0 diff vm.xml "$p10"
out_empty

# the same from standard input, named after the domain
cp "$lab/out" empty
run 1 diff - "$p10" <"$EXAMPLES/z-k8s-n-1.xml"
out_has "--- a/z-k8s-n-1.xml"
mkdir sub
cp "$EXAMPLES/z-k8s-n-1.xml" "sub/a b"
run 1 diff "sub/a b" "$p10"
out_has "+++ b/a_b"

# keep: nothing to do, and no inventory is needed
run 0 diff vm.xml --pcihole64 keep
out_empty
# a size that QEMU does not start with
run 3 diff "$EXAMPLES/z-k8s-n-1.xml" "$p10" --pcihole64 2TiB
out_empty
err_has "[GPUPT-"
# a device that nobody knows
run 2 diff "$EXAMPLES/z-k8s-n-1.xml" --assume=0000:09:00.0=10de:1b39 --inventory /dev/null
run 2 diff "$EXAMPLES/z-k8s-n-1.xml" --sysfs "$lab"
out_empty

# findings name the place in the file; --quiet leaves errors
run 1 diff "$EXAMPLES/z-k8s-n-1.xml" "$p10" --forbid hotplug --force
err_has "$EXAMPLES/z-k8s-n-1.xml:81:5: error: "
err_has "[GPUPT-0004]"
err_has "  remedy: "
err_has "warning: "
run 1 diff "$EXAMPLES/z-k8s-n-1.xml" "$p10" --forbid hotplug --force -q
err_has "error: "
err_lacks "warning: "
finish
