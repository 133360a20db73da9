#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# patch -i killed at any step leaves the old file or the new one, and the next run
# leaves nothing beside it.
. "$SOURCE/tests/cli/lib.sh"

original=$EXAMPLES/z-k8s-n-1.xml
strace -qq -o /dev/null -e inject=fsync:signal=SIGKILL:when=99 true 2>/dev/null ||
	skip "no strace(1), or it may not trace"
run 0 patch "$original" "$p10"
cp "$lab/out" new.xml

# killed CALL STEP: kills patch -i where it makes that system call for the STEPth time
killed() {
	cp "$original" vm.xml
	strace -qq -o /dev/null -e "inject=$1:signal=SIGKILL:when=$2+99" \
		"$GPUPT_XML" patch -i vm.xml "$p10" >/dev/null 2>&1 && return 1
	if cmp -s vm.xml "$original"; then
		olds=$((olds + 1))
	elif cmp -s vm.xml new.xml; then
		news=$((news + 1))
	else
		fail "killed at $1 $2: neither the old file nor the new one"
	fi
	[ -e .vm.xml.gpupt-xml ] && drafts=$((drafts + 1))
	cp "$original" vm.xml
	run 0 patch -i vm.xml "$p10"
	same vm.xml new.xml
	[ "$(find . -name '.?*')" = "" ] || fail "killed at $1 $2: a draft stays"
}

olds=0 news=0 drafts=0
for call in flock write fchmod fsync rename close exit_group; do
	step=1
	while [ $step -lt 99 ] && killed $call $step 2>/dev/null; do step=$((step + 1)); done
done
echo "$olds times the old file, $news times the new one, $drafts times a draft"
[ $olds -gt 0 ] && [ $news -gt 0 ] && [ $drafts -gt 3 ] || fail "the steps miss the point"
finish
