#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# -Dstatic=true makes a program that runs in a root with nothing else in it. Needs root
# for that, and the static libraries.
#   static.sh SOURCE MESON DOMAIN
set -u

source=$1 meson=$2 xml=$3
lab=$(mktemp -d) || exit 99
trap 'rm -rf "$lab"' EXIT
failures=0
fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}
[ "$(id -u)" = 0 ] || {
	echo "skipped: needs root for chroot(2)"
	exit 77
}
echo 'int main(void) { return 0; }' >"$lab/probe.c"
# shellcheck disable=SC2046 # words
cc -static-pie -o "$lab/probe" "$lab/probe.c" -Wl,--start-group \
	$(pkg-config --static --libs libxml-2.0 jansson liblzma) -lstdc++ 2>"$lab/log" || {
	echo "skipped: no static libraries: $(tail -n 1 "$lab/log")"
	exit 77
}
"$meson" setup "$lab/build" "$source" -Dstatic=true -Dtests=false -Dman=false \
	-Dbuildtype=release >"$lab/log" 2>&1 && ninja -C "$lab/build" >>"$lab/log" 2>&1 || {
	cat "$lab/log"
	exit 1
}
mkdir "$lab/root"
cp "$lab/build/src/cli/gpupt-xml" "$lab/root/onDefineDomain"
cp "$lab/build/src/cli/gpupt-xml" "$lab/root/gpupt-xml"
[ "$(find "$lab/root" -type f | wc -l)" = 2 ] || fail "the root is not empty"
readelf -l "$lab/root/gpupt-xml" | grep -q INTERP && fail "it wants a loader"
size=$(stat -c %s "$lab/root/gpupt-xml")
[ "$size" -lt 8000000 ] || fail "it has $size bytes: are tables of encodings in it?"

in_root() { # STATUS COMMAND...
	expected=$1 status=0
	shift
	PATH=$PATH:/usr/sbin chroot "$lab/root" "$@" >"$lab/out" 2>"$lab/err" || status=$?
	[ $status = "$expected" ] || fail "exit $status instead of $expected: $1: $(cat "$lab/err")"
}
gpus=0000:3b:00.0=10de:2330,0000:d8:00.0=10de:2330
in_root 0 /onDefineDomain --vmi "{\"metadata\":{\"annotations\":{\"gpupt-xml/assume\":\"$gpus\"}}}" \
	--domain "$(cat "$xml")"
grep -q '<pcihole64 unit="KiB">536870912</pcihole64>' "$lab/out" || fail "no hole: $(cat "$lab/out")"
# no sysfs, and nobody said what the cards are
in_root 2 /onDefineDomain --vmi '{}' --domain "$(cat "$xml")"
[ ! -s "$lab/out" ] || fail "output without sysfs"
grep -q '/sys' "$lab/err" || fail "no word of sysfs: $(cat "$lab/err")"
in_root 0 /gpupt-xml version
cp "$xml" "$lab/root/vm.xml"
in_root 1 /gpupt-xml diff vm.xml --assume 0000:3b:00.0=10de:2330 --assume 0000:d8:00.0=10de:2330
{ echo '<?xml version="1.0" encoding="EUC-JP"?>' && cat "$xml"; } >"$lab/root/other.xml"
in_root 2 /gpupt-xml diff other.xml
grep -q 'other.xml:1:.*only UTF-8' "$lab/err" || fail "another encoding: $(cat "$lab/err")"
in_root 2 /gpupt-xml diff vm
grep -q "built without" "$lab/err" || fail "no word of libvirt: $(cat "$lab/err")"
[ $failures = 0 ]
