#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a firmware file says of itself: with --firmware, of this host's guests, in
# snapshots.
. "$SOURCE/tests/cli/lib.sh"

# seabios VERSION: a file that says what SeaBIOS says.
seabios() { printf 'SeaBIOS (version %%s)\n\0%s\0' "$1"; }
# possible ARGUMENT...: the names of the possibilities, one a line.
possible() {
	run "${status:-0}" explain guest.xml "$@" --format json
	printf '%s\n' "$out" | sed -n 's/.*"name": "\([^"]*, Linux [^"]*\)".*/\1/p' | sort -u
}

seabios 1.15.0-1 >bios.bin
seabios nonsense >silent.bin
cat >guest.xml <<END
<domain type='kvm'>
  <name>guest</name>
  <memory unit='GiB'>4</memory>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <loader type='rom'>$PWD/bios.bin</loader>
  </os>
  <cpu mode='host-passthrough'/>
  <devices>
    <controller type='pci' index='0' model='pcie-root'/>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source><address domain='0' bus='8' slot='0' function='0'/></source>
    </hostdev>
  </devices>
</domain>
END

# This host's file tells, but not for another host, be it a snapshot or a saved tree.
cat >other.json <<END
{ "format": "gpupt-snapshot", "version": 1, "devices": [],
  "host": { "cpu_vendor": "GenuineIntel", "phys_bits": 46 } }
END
card=--assume=08:00.0=10de:1db4
live=$(possible "$card")
case $live in
seabios-1.15.0,*) ;;
*) fail "the loader was not read: $live" ;;
esac
[ "$(printf '%s\n' "$live" | grep -vc '^seabios-1.15.0,')" = 0 ] || fail "others, too: $live"
other=$(possible "$card" --inventory other.json)
printf '%s\n' "$other" | grep -q '^Debian 13,' || fail "a snapshot's set: $other"
printf '%s\n' "$other" | grep -q '1\.15' && fail "this host's file for another host: $other"

# Said with --firmware; a plain name has no slash.
said=$(possible "$card" --inventory other.json --firmware ./bios.bin)
[ "$(printf '%s\n' "$said" | grep -vc '^seabios-1.15.0,')" = 0 ] || fail "--firmware: $said"
silent=$(possible "$card" --inventory other.json --firmware ./silent.bin)
[ "$silent" = "$other" ] || fail "a silent file: $silent"
# On a host whose distribution is known, a file of one's own may be any.
sed 's|"host": {|& "os": "debian-12",|' other.json >debian.json
cp guest.xml named.xml
sed '/<loader/d' named.xml >guest.xml
[ "$(possible "$card" --inventory debian.json | cut -d, -f1 | uniq)" = "Debian 12" ] ||
	fail "Debian 12's own is not taken: $(possible "$card" --inventory debian.json)"
[ "$(possible "$card" --inventory debian.json --firmware ./silent.bin)" = "$other" ] ||
	fail "a silent file is taken for Debian's"
[ "$(possible "$card" --inventory debian.json --firmware ./bios.bin | cut -d, -f1 | uniq)" = \
	seabios-1.15.0 ] || fail "a file that tells: $out"
run 2 diff guest.xml "$card" --firmware bios.bin
err_has 'there is no firmware "bios.bin"'
run 2 diff guest.xml "$card" --firmware ./guest.xml
err_has "./guest.xml is neither OVMF's code nor SeaBIOS"
run 2 diff guest.xml "$card" --firmware ./none.bin
err_has "none.bin"
run 2 diff guest.xml "$card" --firmware /
err_has "no regular file"

mv named.xml guest.xml

# What was said counts more than the file, and is told.
run 0 explain guest.xml "$card" --firmware seabios-1.16.3
err_has "bios.bin says that it is 1.15.0-1 (seabios-1.15.0), and seabios-1.16.3 is what was said"
run 0 explain guest.xml "$card" --firmware seabios-1.15.0
err_lacks "GPUPT-0038"

# Many guests, of one firmware or another, are planned for together, in threads: each as if
# it were alone, and in the order they were named.
seabios 1.12.0-1 >older.bin
for i in $(seq 100); do
	case $((i % 4)) in
	0) sed '/<hostdev/,/<\/hostdev>/d' guest.xml ;;
	1) sed 's/bios\.bin/older.bin/' guest.xml ;;
	2) sed "s/<memory unit='GiB'>4/<memory unit='GiB'>$i/" guest.xml ;;
	3) sed 's/<devices>/&<broken/' guest.xml ;;
	esac >guest-$i.xml
	set -- "$@" guest-$i.xml
	"$GPUPT_XML" diff guest-$i.xml "$card" --headroom 64GiB -v >>alone.out 2>>alone.err
done
run 2 diff "$@" "$card" --headroom 64GiB -v
cp older.bin given.bin
opened_once() { # FILE OPTION...: of all that the targets name, and --firmware
	file=$1
	shift
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o trace -e trace=openat \
		"$GPUPT_XML" diff "$@" "$card" >/dev/null 2>&1
	opened=$(grep -c "/$file\"" trace)
	[ "$opened" = 1 ] || fail "$file was opened $opened times"
}
if strace -o /dev/null true 2>/dev/null; then
	opened_once bios.bin "$@"
	opened_once older.bin "$@"
	opened_once given.bin "$@" --firmware ./given.bin
fi
set --
status=0
same "$lab/out" alone.out
sed '$d' "$lab/err" | cmp - alone.err || fail "planned for together other than alone"
err_has "100 in all: 75 would change, 25 failed"

# A file that does not tell, or is not there, leaves the set as it was.
unread=$(cp silent.bin bios.bin && possible "$card")
gone=$(rm bios.bin && possible "$card")
[ "$unread" = "$gone" ] || fail "silent: $unread; gone: $gone"
printf '%s\n' "$gone" | grep -q '1\.15' && fail "read from nowhere: $gone"

# A snapshot that knows.
sed "s|\"phys_bits\": 46|&, \"firmware\": [ { \"file\": \"$PWD/bios.bin\", \"name\": \"seabios-1.14.0\" } ]|" \
	other.json >knows.json
known=$(possible "$card" --inventory knows.json)
[ "$(printf '%s\n' "$known" | grep -vc '^seabios-1.14.0,')" = 0 ] || fail "snapshot: $known"
run 0 snapshot --inventory knows.json
out_has '"name": "seabios-1.14.0"'

if [ -e /usr/share/seabios/bios-256k.bin ] && [ -d /sys/bus/pci/devices ]; then
	run 0 snapshot
	out_has '{ "file": "/usr/share/seabios/bios-256k.bin", "name": "seabios-1.'
fi
finish
