#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# apply on libvirt's test driver, which forgets with the process.
. "$SOURCE/tests/cli/lib.sh"

"$GPUPT_XML" apply z-k8s-n-1 -c "$node" "$p10" >/dev/null 2>"$lab/err"
grep -q "cannot be loaded" "$lab/err" && skip "built without libvirt"

run 0 apply z-k8s-n-1 -c "$node" "$p10"
out_has "+      <pcihole64 unit='KiB'>67108864</pcihole64>"
err_has "z-k8s-n-1: defined, read back and found right"
err_has "full stop and start"
run 1 apply z-k8s-n-1 -c "$node" "$p10" --dry-run
out_has "+      <pcihole64 unit='KiB'>67108864</pcihole64>"
err_lacks "defined"
run 0 apply z-k8s-n-1 -c "$node" "$p10" --pcihole64 keep
out_empty
err_has "nothing to do"
run 0 apply z-k8s-n-1 -c "$node" --pcihole64 keep -q
err_empty
run 3 apply z-k8s-n-1 -c "$node" "$p10" --pcihole64 2TiB
out_empty
err_lacks "defined"
run 3 apply z-k8s-n-1 -c "$node" "$p10" --pcihole64 2TiB --dry-run

# the test driver has no host; this machine's devices would be wrong
run 2 apply z-k8s-n-1 -c "$node"
err_has "--inventory"
# a device that is in the domain but not in the inventory
run 2 apply z-k8s-n-1 -c "$node" --assume=0000:09:00.0=10de:1b39
err_has "[GPUPT-0003]"
err_lacks "defined"
# findings about other domains
run 0 apply gpu -c "test://$DATA/libvirt/node.xml" "$p10"
err_has "[GPUPT-0015]"
err_has "gpu-rival"
run 0 apply gpu-odd -c "test://$DATA/libvirt/node.xml" --assume=0000:0a:00.0=10de:1db4
err_has "defined without validation"

# On a terminal it asks.
command -v script >/dev/null || skip "no script(1) to make a terminal with"
on_terminal() {
	answer=$1
	shift
	status=0
	{ sleep 1; printf '%s\n' "$answer"; } |
		script -qec "$GPUPT_XML apply z-k8s-n-1 -c $node $p10 $*" /dev/null >terminal ||
		status=$?
}
on_terminal n
grep -q 'Define this? \[y/N\]' terminal || fail "it does not ask: $(cat terminal)"
grep -q 'pcihole64' terminal || fail "it asks without showing the diff"
grep -q 'found right' terminal && fail "it defines after a no"
[ $status = 2 ] || fail "exit status $status after a no"
on_terminal n "2>messages"
grep -q 'Define this? \[y/N\]' terminal || fail "it does not ask with messages elsewhere"
grep -q 'found right' messages && fail "it defines after a no, with messages elsewhere"
on_terminal y
grep -q 'found right' terminal || fail "it does not define after a yes"
[ $status = 0 ] || fail "exit status $status after a yes"
on_terminal n --yes
grep -q 'Define this' terminal && fail "it asks in spite of --yes"
grep -q 'found right' terminal || fail "it does not define with --yes"
finish
