#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Passwords: hidden in diffs, complete in what patch writes.
. "$SOURCE/tests/cli/lib.sh"

sed "s|^    <controller type='pci' index='0'|    <graphics type='vnc' passwd='s3cret'/>\n&|" \
	"$EXAMPLES/z-k8s-n-1.xml" >vm.xml
run 1 diff vm.xml "$p10"
out_lacks "s3cret"
out_has "[redacted]"
err_has "will not apply it; --show-secrets shows it"
run 1 diff vm.xml "$p10" --show-secrets
out_has "passwd='s3cret'"
err_lacks "hidden"
patch -s -p1 <"$lab/out" || fail "the full diff does not apply"
run 0 patch vm.xml "$p10"
out_has "passwd='s3cret'"
# far from the change there is nothing to hide
sed "s|^    <memballoon|    <graphics type='vnc' passwd='s3cret'/>\n&|" \
	"$EXAMPLES/z-k8s-n-1.xml" >far.xml
run 1 diff far.xml "$p10"
err_lacks "hidden"
patch -s -p1 <"$lab/out" || fail "a diff without secrets does not apply"
finish
