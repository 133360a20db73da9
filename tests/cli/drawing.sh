#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# explain's drawing of the address space: as text, in colour, and as a picture.
# GPUPT_REGENERATE=1 writes what is drawn now into tests/data/drawing.
# shellcheck disable=SC2086 # options in one variable
. "$SOURCE/tests/cli/lib.sh"

vm=$EXAMPLES/z-k8s-n-1.xml
host=--inventory=$EXAMPLES/hosts/p10.json
debian="--firmware debian-12 --guest-kernel 6.1"
drawing() { sed -n "/^The guest's physical/,/^Verdict:/p" "$lab/out" | sed '$d' >"$1"; }
golden() {
	drawing drawn
	[ -z "${GPUPT_REGENERATE:-}" ] || cp drawn "$DATA/drawing/$1"
	diff -u "$DATA/drawing/$1" drawn || fail "$1 is drawn differently"
}
# Lines end before column 80, and not in blanks.
tidy() {
	[ "$(wc -L <"$lab/out")" -le 80 ] || fail "lines are longer than 80: $out"
	! grep -n ' $' "$lab/out" || fail "lines end in blanks"
}

# What paragraphs say, however the lines are broken.
says() {
	case $(tr -s ' \n' '  ' <"$lab/out") in
	*"$1"*) ;;
	*) fail "explain does not say \"$1\": $out" ;;
	esac
}

# one GPU, with the characters of UTF-8
run 0 explain "$vm" "$host" $debian
tidy
golden one-gpu.txt
cp "$lab/out" plain
# in colour it is the same text
run 0 explain "$vm" "$host" $debian --color always
out_has "$(printf '\033[32mkernel')"
sed "s/$(printf '\033')\[[0-9]*m//g" "$lab/out" >uncolored
same plain uncolored
export NO_COLOR=1
run 0 explain "$vm" "$host" $debian
unset NO_COLOR
same plain "$lab/out"

# eight of them in ASCII, where the locale has nothing else
many=$SOURCE/tests/golden/cases/a100-x8-46-bits
set --
while IFS= read -r option; do set -- "$@" "$option"; done <"$many/request"
export LC_ALL=C
run 0 explain "$many/in.xml" "$@" --firmware debian-12 --guest-kernel 6.1
tidy
! grep -n '[^ -~]' "$lab/out" || fail "not ASCII"
golden eight-gpus.txt
export LC_ALL=C.UTF-8
# every BAR with an address is on it, and those without are named
drawing drawn
grep '^0000' "$lab/out" | while read -r address bar _; do
	grep -q "$address BAR $bar " drawn || sed -n '/^No address for/,/^$/p' "$lab/out" |
		tr -s ' \n' '  ' | grep -q "$address BAR $bar" || echo "$address BAR $bar"
done >missing
[ ! -s missing ] || fail "not on the drawing: $(cat missing)"

# the guest's own devices one by one
run 0 explain "$vm" "$host" -v
drawing drawn
grep -q 'qemu-xhci controller BAR 0' drawn || fail "no controller with -v: $(cat drawn)"

# what another size would do, and that it is true
run 0 explain "$vm" "$host" $debian
says "Smaller: BAR 1 (32 GiB) of 0000:08:00.0 finds no room in a hole of 63 GiB"
says "Larger, up to 1006 GiB: nothing more is gained"
run 0 explain "$vm" "$host" $debian --pcihole64 63GiB --force
out_has "0000:08:00.0  1    32 GiB  64-bit pref  -              nobody"
run 0 explain "$vm" "$host" $debian --pcihole64 1006GiB
says "Smaller, down to 64 GiB: nothing is lost."
run 3 explain "$vm" "$host" $debian --pcihole64 1007GiB
run 0 explain "$vm" "$host" $debian --pcihole64 1007GiB --force
says "With a hole of 1007 GiB QEMU does not start: at least 64 GiB and at most 1006 GiB"
run 0 explain "$vm" "$host" $debian --pcihole64 keep
says "A hole of 32 GiB does not give the 64-bit BARs the room they need"
says "Too small still: BAR 1 (32 GiB)"
says "Enough: 64 GiB."

# a picture
sed 's/z-k8s-n-1/a\&lt;b\&amp;c/' "$vm" >odd.xml
run 0 explain odd.xml "$host" $debian --format svg --forbid hotplug --force
out_has '<svg xmlns="http://www.w3.org/2000/svg" viewBox='
out_has '<title>a&lt;b&amp;c</title>'
out_has '>0000:08:00.0 BAR 1</text>'
out_has '1 BAR without an address: BAR 0 (16 MiB) of 0000:08:00.0'
out_lacks ' fits'
err_has '[GPUPT-0004]'
if command -v xmllint >/dev/null; then
	xmllint --noout "$lab/out" || fail "no valid XML"
fi
case $out in *href*|*url\(http*|*@import*) fail "the picture needs something else" ;; esac
# and as data
run 0 explain "$vm" "$host" --format json
out_has '"kind": "kernel-window"'
run 2 explain "$vm" "$host" --format png
err_has "expected text|json|svg"
# a machine without a hole has no drawing
printf '<domain type="kvm"><name>a</name><memory>1</memory><os><type arch="x86_64" machine="microvm">hvm</type></os></domain>' >micro.xml
run 0 explain micro.xml
out_lacks "0x"
finish
