#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What apply keeps, undo and history, as far as libvirt's test driver goes, which
# forgets with the process: tests/integration/undo.sh has the rest.
. "$SOURCE/tests/cli/lib.sh"

"$GPUPT_XML" history z-k8s-n-1 -c "$node" >/dev/null 2>"$lab/err"
grep -q "cannot be loaded" "$lab/err" && skip "built without libvirt"
kept() { find "$XDG_STATE_HOME" -name "*.$1.xml" 2>/dev/null | wc -l; }

# nothing yet
run 0 history z-k8s-n-1 -c "$node"
out_empty
err_has "no earlier definition of z-k8s-n-1 is kept in $XDG_STATE_HOME/gpupt-xml/test-localhost-"
run 0 history z-k8s-n-1 -c "$node" -q --format json
out_has '"domain": "z-k8s-n-1"'
out_has '"changes": []'
err_empty
run 2 undo z-k8s-n-1 -c "$node"
err_has "no earlier definition of z-k8s-n-1 is kept"
run 1 apply z-k8s-n-1 -c "$node" "$p10" --dry-run
run 0 apply z-k8s-n-1 -c "$node" "$p10" --no-backup
run 0 apply z-k8s-n-1 -c "$node" "$p10" --pcihole64 keep
[ -e "$XDG_STATE_HOME" ] && fail "something was made: $(find "$XDG_STATE_HOME")"

# kept: for nobody else, whatever the umask is
(umask 0 && "$GPUPT_XML" apply z-k8s-n-1 -c "$node" "$p10" >/dev/null 2>&1) || fail "apply"
[ "$(kept old)" = 1 ] || fail "$(kept old) old definitions"
[ "$(find "$XDG_STATE_HOME" -perm /077)" = "" ] || fail "others get in: $(ls -lR "$XDG_STATE_HOME")"
run 0 history z-k8s-n-1 -c "$node"
out_has "+ <pcihole64 unit='KiB'>67108864</pcihole64>"
run 0 history z-k8s-n-1 -c "$node" --format json
out_has '.old.xml"'
# the driver has forgotten the change: it is one that was never made
run 0 undo z-k8s-n-1 -c "$node"
out_empty
err_has "z-k8s-n-1: nothing to undo"
# made again, it is listed once
run 0 apply z-k8s-n-1 -c "$node" "$p10"
[ "$(kept old)$(kept new)" = 11 ] || fail "kept twice: $(find "$XDG_STATE_HOME")"
# a change of a secret is listed without it
new=$(find "$XDG_STATE_HOME" -name '*.new.xml')
sed "s|^    <memballoon|    <graphics type='vnc' passwd='s3cret'/>\n&|" "$new" >edited.xml
cat edited.xml >"$new"
run 0 history z-k8s-n-1 -c "$node"
out_has "[redacted]"
out_lacks "s3cret"

# a long line in another script ends between two characters
long=$(printf 'ä%.0s' $(seq 300))
sed "s|^  <vcpu|  <description>x$long</description>\n&|" edited.xml >"$new"
run 0 history z-k8s-n-1 -c "$node" --format json
out_has "+ <description>xää"
out_has "ä ...\""
# one that cannot be read is no reason to be silent
rm "$new"
run 0 history z-k8s-n-1 -c "$node"
out_has "cannot open $new: No such file"

# what libvirt does not store as meant is taken back
data=test://$DATA/libvirt/node.xml
run 2 apply gpu -c "$data" --assume=0000:08:00.0=10de:1db4 --firmware debian-12 --forbid hole \
	--allow fwcfg
err_has "libvirt stored something else for domain gpu than was meant"
err_has "the previous definition is back"
err_lacks "found right"

# what cannot be kept is not changed
export XDG_STATE_HOME=$lab/file
: >"$XDG_STATE_HOME"
run 2 apply z-k8s-n-1 -c "$node" "$p10"
err_has "cannot be kept for undo, so nothing was changed"
err_has "--no-backup goes without"
err_lacks "found right"
run 0 apply z-k8s-n-1 -c "$node" "$p10" --no-backup
export XDG_STATE_HOME=$lab/link
mkdir "$lab/elsewhere" "$XDG_STATE_HOME"
ln -s "$lab/elsewhere" "$XDG_STATE_HOME/gpupt-xml"
run 2 apply z-k8s-n-1 -c "$node" "$p10"
err_has "$XDG_STATE_HOME/gpupt-xml is not a directory of this user's own"
[ "$(find "$lab/elsewhere" -type f)" = "" ] || fail "written elsewhere"
# files have no history
run 2 undo ./vm.xml
err_has "undo takes a domain, and ./vm.xml looks like a file"
run 2 history vm.xml
err_has "history takes a domain"
run 2 undo --inventory x z-k8s-n-1
err_has "undo has no option --inventory"
finish
