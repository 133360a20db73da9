#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A file command loads neither libvirt nor libpci, and works without
# libgpupt-libvirt; a domain command then says what is missing.
. "$SOURCE/tests/cli/lib.sh"

LD_DEBUG=files "$GPUPT_XML" diff "$EXAMPLES/z-k8s-n-1.xml" "$p10" 2>loaded >/dev/null
grep -q "libgpupt.so" loaded || skip "the dynamic linker does not tell what it loads"
for library in libvirt libgpupt-libvirt libpci; do
	grep -q "file=$library\.so" loaded && fail "diff FILE loads $library"
done

library=$(sed -n 's/.*trying file=\(.*libgpupt.so.0\).*/\1/p; s/.*calling init: \(.*libgpupt.so.0\)$/\1/p' \
	loaded | tail -n 1)
[ -e "$library" ] || skip "cannot tell where libgpupt is"
cp -L "$GPUPT_XML" "$library" "$lab/"
export LD_LIBRARY_PATH="$lab"
ldconfig -p 2>/dev/null | grep -q libgpupt-libvirt && skip "libgpupt-libvirt is installed"
GPUPT_XML=$lab/gpupt-xml
run 1 diff "$EXAMPLES/z-k8s-n-1.xml" "$p10"
run 2 diff z-k8s-n-1 -c "$node" "$p10"
err_has "domains need libgpupt-libvirt, which cannot be loaded"
finish
