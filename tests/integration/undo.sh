#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# apply, history, undo, and the undo that is refused: on a real libvirtd, which
# remembers. Needs root.
#   undo.sh GPUPT_XML EXAMPLES
set -u

gpupt_xml=$1
examples=$2

# shellcheck source=tests/integration/libvirtd.sh
. "${0%/*}/libvirtd.sh"
[ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || skip "no OVMF firmware"
start_lab "$0" "$@"

snapshot=$examples/hosts/p10.json
name=z-k8s-n-1
store=/var/lib/gpupt-xml
sed -e "s/<domain type='kvm'>/<domain type='qemu'>/" \
	-e "s|^    <controller type='pci' index='0'|    <graphics type='vnc' passwd='s3cret'/>\n&|" \
	"$examples/z-k8s-n-1.xml" >/run/lab/vm.xml
virsh -q -c $uri define /run/lab/vm.xml || fail "cannot define the domain"

definition() { virsh -c $uri dumpxml --inactive --security-info $name; }
# libvirt sorts controllers when it reads a definition again
says() { [ "$(definition | sort)" = "$(printf '%s\n\n' "$1" | sort)" ] || fail "$2"; }
edit() { # as virsh edit does
	definition | sed "s|<vcpu placement='static'>[0-9]*|<vcpu placement='static'>$1|" >/run/lab/edited.xml
	virsh -q -c $uri define /run/lab/edited.xml || fail "cannot edit"
}
count() { find $store -name "*.$1.xml" | wc -l; }
apply() { "$gpupt_xml" apply $name -c $uri --inventory "$snapshot" "$@"; }
umask 0

# Nothing yet: nothing to list, nothing to take back, and nothing is made for it.
run 0 "$gpupt_xml" history $name -c $uri
[ -z "$out" ] || fail "history lists something: $out"
has "$err" "no earlier definition of $name is kept"
run 0 "$gpupt_xml" history $name -c $uri --format json
has "$out" '"changes": []'
run 2 "$gpupt_xml" undo $name -c $uri
has "$err" "no earlier definition of $name is kept"
[ ! -e $store ] || fail "looking made $store"
run 1 apply --dry-run
[ ! -e $store ] || fail "a dry run made $store"

# One change, and back.
first=$(definition)
run 0 apply
second=$(definition)
[ "$first" != "$second" ] || fail "apply changed nothing"
[ "$(find $store -perm /077)" = "" ] || fail "others may read: $(find $store -ls)"
[ "$(find $store -type f ! -perm 600)$(find $store -type d ! -perm 700)" = "" ] ||
	fail "odd modes: $(find $store -ls)"
[ "$(printf '%s\n' "$first")" = "$(cat $store/*/*.old.xml)" ] || fail "the old definition is not kept"
[ "$(printf '%s\n' "$second")" = "$(cat $store/*/*.new.xml)" ] || fail "the new definition is not kept"
run 0 "$gpupt_xml" history $name -c $uri
has "$out" "+ <pcihole64 unit='KiB'>67108864</pcihole64>"
[ "$(printf '%s\n' "$out" | wc -l)" = 2 ] || fail "history has other lines: $out"
run 0 "$gpupt_xml" history $name -c $uri --format json
has "$out" "\"change\": \"+ <pcihole64 unit='KiB'>67108864</pcihole64>"
has_not "$out" "s3cret"
run 1 "$gpupt_xml" undo $name -c $uri --dry-run
has "$out" "-      <pcihole64 unit='KiB'>67108864</pcihole64>"
says "$second" "a dry run changed the domain"
run 0 "$gpupt_xml" undo $name -c $uri --yes
has "$out" "-      <pcihole64 unit='KiB'>67108864</pcihole64>"
has_not "$out$err" "s3cret"
has "$err" "$name: defined, read back and found right"
says "$first" "undo did not restore"
[ "$(count old)$(count new)" = 00 ] || fail "what was taken back is still listed"
run 2 "$gpupt_xml" undo $name -c $uri
has "$err" "no earlier definition of $name is kept"

# On a terminal it asks.
if command -v script >/dev/null; then
	run 0 apply
	status=0
	{ sleep 1; echo n; } | script -qec "$gpupt_xml undo $name -c $uri" /dev/null \
		>/run/lab/terminal 2>&1 || status=$?
	[ $status = 2 ] || fail "exit $status after a no: $(cat /run/lab/terminal)"
	has "$(cat /run/lab/terminal)" "Put this back? [y/N]"
	says "$second" "restored after a no"
	{ sleep 1; echo y; } | script -qec "$gpupt_xml undo $name -c $uri" /dev/null \
		>/run/lab/terminal 2>&1 || fail "no restoring after a yes: $(cat /run/lab/terminal)"
	says "$first" "not restored after a yes"
fi

# Two changes, and back step by step. libvirt picks the address of an added device.
run 0 apply --remove-device 08:00.0
without=$(definition)
run 0 apply --add-device 10de:1b39
run 1 "$gpupt_xml" undo $name -c $uri --dry-run
has "$out" "-    <hostdev"
run 0 "$gpupt_xml" undo $name -c qemu+unix:///system
says "$without" "the first of two steps back failed"
run 0 "$gpupt_xml" undo $name -c $uri
says "$first" "the second of two steps back failed"

# Somebody else's edit stays.
run 0 apply
edit 3
edited=$(definition)
run 2 "$gpupt_xml" undo $name -c $uri
has "$out" "+  <vcpu placement='static'>3</vcpu>"
has "$err" "$name was changed by something else after the apply of 20"
has "$err" "virsh define $store/qemu-localhost-system_"
says "$edited" "an edit was taken back"
[ "$(count old)" = 1 ] || fail "a refusal forgets"
# a rename is an edit as well, and the kept ones are still found
virsh -q -c $uri domrename $name renamed && run 2 "$gpupt_xml" undo renamed -c $uri
virsh -q -c $uri domrename renamed $name
# back to what apply made, it is undone
printf '%s\n' "$second" >/run/lab/second.xml
virsh -q -c $uri define /run/lab/second.xml
run 0 "$gpupt_xml" undo $name -c $uri
says "$first" "undo did not restore after an edit that was taken back"

# Not more than ten.
for i in $(seq 12); do
	run 0 apply --pcihole64 $((64 + i))GiB --allow-shrink
done
[ "$(count old)$(count new)" = 1010 ] || fail "$(count old) and $(count new) files instead of ten"
last=$(definition)

# What cannot be kept is not changed.
mount -t tmpfs -o size=8k tmpfs $store
run 2 apply --pcihole64 256GiB
has "$err" "cannot be kept for undo, so nothing was changed: cannot write to $store"
has "$err" "No space left on device; --no-backup goes without"
says "$last" "defined on a full disk"
[ "$(find $store -type f)" = "" ] || fail "left on a full disk: $(find $store -ls)"
umount $store
mount --bind $store $store && mount -o remount,bind,ro $store
run 2 apply --pcihole64 256GiB
has "$err" "Read-only file system; --no-backup goes without"
says "$last" "defined on a read-only disk"
run 0 apply --pcihole64 256GiB --no-backup
run 0 "$gpupt_xml" history $name -c $uri
[ "$(printf '%s\n' "$out" | wc -l)" = 11 ] || fail "history on a read-only disk: $out"
umount $store
run 2 "$gpupt_xml" undo $name -c $uri # the last change was not kept
mv $store /var/lib/elsewhere
ln -s elsewhere $store
run 2 apply --pcihole64 320GiB
has "$err" "$store is not a directory of this user's own"
rm $store

[ $failures = 0 ]
