#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# verify where there is no monitor to ask: it says so and claims nothing.
. "$SOURCE/tests/cli/lib.sh"

guests=test://$DATA/libvirt/node.xml
"$GPUPT_XML" verify gpu-running -c "$guests" >/dev/null 2>"$lab/err"
grep -q "cannot be loaded" "$lab/err" && skip "built without libvirt"

run 2 verify gpu-running -c "$guests" "$p10"
out_has "gpu-running: not verified: QEMU's monitor cannot be asked: "
out_lacks "has an address"
err_has "custom-monitor"
err_lacks "custom-ga-command"
run 2 verify gpu-running -c "$guests" "$p10" --guest-agent
out_has "gpu-running: not verified"
err_has "custom-ga-command"
err_has "the guest agent cannot be asked: "
run 2 verify gpu-running -c "$guests" "$p10" --format json
out_has '"state": "unknown"'
out_has '"not_seen_because": "QEMU'
run 2 verify gpu-running -c "$guests" -q
err_empty

# a guest that does not run is not asked
run 2 verify gpu -c "$guests" "$p10"
out_empty
err_has "domain gpu is not running"
err_lacks "custom-monitor"
run 2 verify no-such -c "$guests"
err_has 'there is no domain "no-such"'
# a name that looks like a file is a name
run 2 verify vm.xml -c "$guests"
err_has 'there is no domain "vm.xml"'
run 2 verify
err_has "verify needs a DOMAIN"
finish
