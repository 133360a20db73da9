#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Which targets are files, and which are domains.
. "$SOURCE/tests/cli/lib.sh"

cp "$EXAMPLES/z-k8s-n-1.xml" guest
export LIBVIRT_DEFAULT_URI="$node"
run 1 diff ./guest "$p10"
run 1 diff guest --file "$p10"
out_has "--- a/guest"
cp guest vm.xml
run 1 diff vm.xml "$p10"
run 2 apply vm.xml
err_has "patch -i vm.xml"
run 2 apply ./guest
err_has "patch -i ./guest"
run 2 apply "it's mine.xml"
err_has "patch -i 'it'\\''s mine.xml'"

"$GPUPT_XML" diff z-k8s-n-1 "$p10" >/dev/null 2>"$lab/err"
grep -q "cannot be loaded" "$lab/err" && skip "built without libvirt"
run 1 diff z-k8s-n-1 "$p10"
out_has "--- a/z-k8s-n-1.xml"
run 1 diff 1f3c2a36-7d62-4d4b-9a3e-5c1e0a6e5f11 "$p10"
run 1 diff 1 "$p10"
run 1 diff -c "$node" z-k8s-n-1 "$p10"
run 2 diff z-k8s-n-2 "$p10"
err_has 'there is no domain "z-k8s-n-2"; did you mean "z-k8s-n-1"?'
run 2 diff z-k8s-n-1 -c 'qemu+unix:///system?socket=/nonexistent'
err_has 'No such file or directory; is its daemon running? `systemctl start libvirtd`'
run 2 diff guest "$p10"
err_has "--file"
run 2 apply guest "$p10"
err_has "patch --in-place"
run 2 diff vm.xml --domain "$p10"
err_has 'there is no domain "vm.xml"'
# a driver that libvirt does not have, whoever finds out
for uri in qemo:///system qemo+unix:///system Qemu:///system; do
	run 2 diff z-k8s-n-1 -c "$uri"
	err_has "cannot connect to $uri (did you mean qemu${uri#????}?): "
done
LIBVIRT_DEFAULT_URI=tset:///default
run 2 diff z-k8s-n-1
err_has "cannot connect to the default hypervisor (did you mean test:///default?): "
LIBVIRT_DEFAULT_URI=$node
for uri in test:///none esx:///x ssh:///x qemu:///none; do
	run 2 diff z-k8s-n-1 -c "$uri"
	err_has "cannot connect to $uri: "
done
run 2 diff z-k8s-n-1 -c nonsense
[ "$(wc -l <"$lab/err")" = 1 ] || fail "libvirt prints by itself: $err"
finish
