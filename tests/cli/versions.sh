#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# --firmware and --guest-kernel: what the guest runs on, where somebody knows it.
. "$SOURCE/tests/cli/lib.sh"

vm=$EXAMPLES/z-k8s-n-1.xml
# a host that does not tell its distribution
grep -v '"os"' "$EXAMPLES/hosts/p10.json" >host.json
host=--inventory=host.json
names() { sed -n 's/^      "name": "\(.*\)",$/\1/p' "$lab/out"; }
is() { [ "$1" = "$2" ] || fail "possibilities are \"$1\", not \"$2\""; }

run 0 explain "$vm" $host --format json
[ "$(names | wc -l)" -gt 4 ] || fail "only few possibilities: $(names)"
run 0 explain "$vm" $host --format json --firmware debian-12
is "$(names)" "Debian 12, Linux up to 6.12
Debian 12, Linux 7.2"
run 0 explain "$vm" $host --format json --firmware debian-12 --guest-kernel 6.1
is "$(names)" "Debian 12, Linux up to 6.12"
run 0 explain "$vm" $host --format json --firmware debian-12 --guest-kernel=7.2
is "$(names)" "Debian 12, Linux 7.2"
# SeaBIOS places everything by itself, so the hole stays as it is
run 0 diff "$vm" $host --firmware seabios-1.16.2
out_empty
run 1 diff "$vm" $host --firmware edk2-stable202211
out_has "+"
run 0 patch "$vm" $host --firmware seabios-1.16.2
same "$vm" "$lab/out"

for command in diff patch explain; do
	run 2 $command "$vm" $host --firmware bochs
	out_empty
	err_has 'there is no firmware "bochs"; known are ovmf, seabios'
	run 2 $command "$vm" $host --firmware edk2-stable202213
	err_has 'there is no firmware "edk2-stable202213"'
	run 2 $command "$vm" $host --guest-kernel new
	out_empty
	err_has '"new" is no version of Linux'
done
run 0 help apply
out_has "--firmware NAME"
out_has "--guest-kernel VERSION"
run 2 devices --firmware debian-12
err_has "devices has no option --firmware"
finish
