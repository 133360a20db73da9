#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# While patch -i is at work: what others write into the file meanwhile is not lost, and
# nobody else sees what is in the making.
. "$SOURCE/tests/cli/lib.sh"

strace -qq -o /dev/null -e inject=fsync:delay_enter=1000 true 2>/dev/null ||
	skip "no strace(1) that can delay, or it may not trace"
export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS} # which would trace too
umask 022
sed "s|^    <memballoon|    <graphics type='vnc' passwd='s3cret'/>\n&|" \
	"$EXAMPLES/z-k8s-n-1.xml" >vm.xml
chmod 600 vm.xml

# slowly CALL: runs patch -i, which takes its time at that call; returns once it is there
slowly() {
	strace -qq -o /dev/null -e "inject=$1:delay_enter=1500000:when=1" \
		"$GPUPT_XML" patch -i vm.xml "$p10" >"$lab/out" 2>"$lab/err" &
	i=0
	while [ ! -s .vm.xml.gpupt-xml ] && [ $i -lt 200 ]; do
		sleep 0.05
		i=$((i + 1))
	done
	[ -s .vm.xml.gpupt-xml ] || fail "no draft is seen"
}

slowly fchmod
[ "$(stat -c %a .vm.xml.gpupt-xml)" = 600 ] ||
	fail "the draft has mode $(stat -c %a .vm.xml.gpupt-xml)"
sed 's/z-k8s-n-1/renamed/' vm.xml >edited.xml
cat edited.xml >vm.xml
status=0
wait $! || status=$?
[ $status = 2 ] || fail "exit status $status although the file changed"
err=$(cat "$lab/err")
err_has "changed meanwhile and was left alone"
same edited.xml vm.xml
[ "$(find . -name '.?*')" = "" ] || fail "a draft stays"
run 0 patch -i vm.xml "$p10"
grep -q renamed vm.xml || fail "the other's edit is lost"
grep -q pcihole64 vm.xml || fail "nothing is planned on the new text"
finish
