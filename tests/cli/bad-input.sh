#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Input that is no domain: one line that says why, exit status 2, nothing written.
. "$SOURCE/tests/cli/lib.sh"

# refused NAME MESSAGE: for diff and for patch -i, which leaves the file alone
refused() {
	run 2 diff "./$1" "$p10"
	out_empty
	err_has "gpupt-xml: ./$1"
	err_has "$2"
	[ "$(wc -l <"$lab/err")" = 1 ] || fail "$1: more than one line: $err"
	cp "$1" before
	run 2 patch -i "./$1" "$p10"
	same before "$1"
}

domain="<domain type='kvm'><name>a</name></domain>"
echo 'hello' >text.xml
refused text.xml ":1:1: "
printf '%s' '<domain type="kvm"><name>a</na' >truncated.xml
refused truncated.xml ":1:"
: >empty.xml
refused empty.xml "./empty.xml"
echo "$domain$domain" >two.xml
refused two.xml ":1:"
echo '<network><name>a</name></network>' >network.xml
refused network.xml "network"
printf '<!DOCTYPE domain [<!ENTITY a "b">]>\n%s\n' "$domain" >doctype.xml
refused doctype.xml ":1:"
{ printf '\377\376'; echo "$domain" | iconv -f UTF-8 -t UTF-16LE; } >utf16.xml
refused utf16.xml "UTF-16"
printf "<?xml version='1.0' encoding='ISO-8859-1'?>\n<domain><name>\344</name></domain>\n" \
	>latin1.xml
refused latin1.xml "ISO-8859-1"
printf "<domain>\n <name>\344</name></domain>\n" >raw-latin1.xml
refused raw-latin1.xml ":2:"
printf "<domain type='kvm'><name>a\0b</name></domain>\n" >nul.xml
refused nul.xml ":1:"
{
	printf '<domain>'
	i=0
	while [ $i -lt 300 ]; do printf '<a>'; i=$((i + 1)); done
	i=0
	while [ $i -lt 300 ]; do printf '</a>'; i=$((i + 1)); done
	echo '</domain>'
} >deep.xml
refused deep.xml "256"
truncate -s 134217729 huge.xml
run 2 diff ./huge.xml
err_has "larger than 128 MiB"

run 2 diff ./missing.xml
err_has "cannot open ./missing.xml: No such file"
mkdir directory.xml
run 2 diff ./directory.xml
err_has "Is a directory"

# devices and inventories
cp "$EXAMPLES/z-k8s-n-1.xml" vm.xml
run 2 diff vm.xml "$p10" --add-device 0000:08:20.9
err_has "0000:08:20.9"
run 2 diff vm.xml "$p10" --add-device 0000:77:00.0
err_has "0000:77:00.0"
run 2 diff vm.xml "$p10" --add-device nonsense
err_has "nonsense"
run 2 diff vm.xml --assume 0000:08:00.0=10de
err_has "10de"
echo '{"format":"gpupt-snapshot","version":99,"devices":[]}' >future.json
run 2 diff vm.xml --inventory future.json
err_has "future.json"
echo 'no inventory at all' >nonsense.txt
run 2 diff vm.xml --inventory nonsense.txt
err_has "nonsense.txt"
run 2 diff vm.xml --inventory missing.json
err_has "missing.json"
run 2 diff vm.xml --sysfs missing-directory
err_has "missing-directory"

# machines without a 64-bit hole
for machine in 'aarch64 virt' 's390x s390-ccw-virtio' 'ppc64le pseries' 'x86_64 isapc' \
	'x86_64 microvm'; do
	echo "<domain type='kvm'>
  <name>a</name><memory>1048576</memory>
  <os><type arch='${machine% *}' machine='${machine#* }'>hvm</type></os>
  <devices/>
</domain>" >machine.xml
	run 2 diff machine.xml --pcihole64 64GiB
	out_empty
	err_has "machine.xml:1:1: "
done
finish
