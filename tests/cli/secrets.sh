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
# a new file is no more open than the one it comes from; a pipe is nobody else's
chmod 640 vm.xml
umask 022
run 0 patch vm.xml "$p10" -o new.xml
[ "$(stat -c %a new.xml)" = 640 ] || fail "mode $(stat -c %a new.xml), from 640"
"$GPUPT_XML" patch - "$p10" -q -o piped.xml <vm.xml
[ "$(stat -c %a piped.xml)" = 640 ] || fail "mode $(stat -c %a piped.xml), from 640 on stdin"
rm piped.xml
cat vm.xml | "$GPUPT_XML" patch - "$p10" -q -o piped.xml
[ "$(stat -c %a piped.xml)" = 600 ] || fail "mode $(stat -c %a piped.xml), from a pipe"
chmod 666 vm.xml
run 0 patch vm.xml "$p10" -o wide.xml
[ "$(stat -c %a wide.xml)" = 644 ] || fail "mode $(stat -c %a wide.xml), with umask 022"
# far from the change there is nothing to hide
sed "s|^    <memballoon|    <graphics type='vnc' passwd='s3cret'/>\n&|" \
	"$EXAMPLES/z-k8s-n-1.xml" >far.xml
run 1 diff far.xml "$p10"
err_lacks "hidden"
patch -s -p1 <"$lab/out" || fail "a diff without secrets does not apply"
finish
