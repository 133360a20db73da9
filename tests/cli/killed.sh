#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# patch -i killed at system call after system call leaves the old file or the new one,
# and the next run leaves nothing beside it. KILL_AT stops the program (tests/kill-at.c);
# GPUPT_EVERY=1 tries every system call, more takes one in so many.
. "$SOURCE/tests/cli/lib.sh"

original=$EXAMPLES/z-k8s-n-1.xml
status=0
"$KILL_AT" 1 true || status=$?
[ $status = 99 ] || skip "a process may not be traced here"
export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS} # which would trace, too
run 0 patch "$original" "$p10"
cp "$lab/out" new.xml
cp "$original" vm.xml
total=$("$KILL_AT" 0 "$GPUPT_XML" patch -i vm.xml "$p10" -q | tail -n 1)
[ "${total:-0}" -gt 50 ] || fail "no system calls are counted: $total"

olds=0 news=0 drafts=0
# There may be some more of them the next time: until one run gets by.
for step in $(seq 1 "${GPUPT_EVERY:-1}" $((total * 2))); do
	cp "$original" vm.xml
	status=0
	"$KILL_AT" "$step" "$GPUPT_XML" patch -i vm.xml "$p10" >/dev/null 2>&1 || status=$?
	[ $status = 99 ] || break
	if cmp -s vm.xml "$original"; then
		olds=$((olds + 1))
	elif cmp -s vm.xml new.xml; then
		news=$((news + 1))
	else
		fail "killed at $step: neither the old file nor the new one"
	fi
	[ -e .vm.xml.gpupt-xml ] && drafts=$((drafts + 1))
	cp "$original" vm.xml
	run 0 patch -i vm.xml "$p10"
	same vm.xml new.xml
	[ "$(find . -name '.?*')" = "" ] || fail "killed at $step: a draft stays"
done
echo "$olds times the old file, $news times the new one, $drafts times a draft"
[ $olds -gt 0 ] && [ $news -gt 0 ] && [ $drafts -gt 0 ] || fail "the steps miss the point"
finish
