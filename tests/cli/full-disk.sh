#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Output that cannot be written: a full disk, a closed pipe.
. "$SOURCE/tests/cli/lib.sh"

[ -c /dev/full ] || skip "no /dev/full"
original=$EXAMPLES/z-k8s-n-1.xml
full() {
	status=0
	"$GPUPT_XML" "$@" >/dev/full 2>"$lab/err" || status=$?
	err=$(cat "$lab/err")
	[ $status = 2 ] || fail "exit status $status on a full disk: $*"
	err_has "cannot write to standard output: No space left on device"
}
"$GPUPT_XML" snapshot "$p10" >card.json || fail "no snapshot"
full snapshot --inventory card.json
full diff "$original" "$p10"
full patch "$original" "$p10"
full explain "$original" "$p10"
full explain "$original" "$p10" --format json
full devices --inventory card.json
full --help
full --version

# closed from the start
closed() {
	status=0
	"$GPUPT_XML" "$@" >&- 2>"$lab/err" || status=$?
	err=$(cat "$lab/err")
	[ $status = 2 ] || fail "exit status $status with a closed standard output: $*"
	err_has "cannot write to standard output: Bad file descriptor"
}
closed patch "$original" "$p10"
closed --help
closed diff --help
closed --version
# nothing to write is no trouble
"$GPUPT_XML" diff "$original" --pcihole64 keep >&- || fail "no output, and still trouble"
status=0
"$GPUPT_XML" patch - "$p10" <&- >/dev/null 2>"$lab/err" || status=$?
[ $status = 2 ] || fail "exit status $status with a closed standard input"
grep -q "cannot read standard input: Bad file" "$lab/err" || fail "no reason: $(cat "$lab/err")"
# no file takes the place of a closed one: the messages would go into it
cp "$original" vm.xml
"$GPUPT_XML" patch -i vm.xml "$p10" <&- >&- 2>&- || fail "patch -i needs open standard files"
"$GPUPT_XML" patch "$original" "$p10" >new.xml 2>/dev/null
same new.xml vm.xml

# SIGPIPE ends the program without a word; where it is ignored, the exit status is 2
i=0
while [ $i -lt 3000 ]; do
	echo "<!-- line $i: enough of them that they do not fit the pipe's buffer -->"
	i=$((i + 1))
done >lines
{ sed -n 1p "$original"; cat lines; sed 1d "$original"; } >long.xml
{ "$GPUPT_XML" patch long.xml "$p10" -q 2>"$lab/err"; echo $? >status; } | head -n 1 >/dev/null
[ "$(cat status)" = 141 ] || fail "exit status $(cat status), expected death by SIGPIPE"
grep -q "write" "$lab/err" && fail "a closed pipe is complained about: $(cat "$lab/err")"
(trap '' PIPE; "$GPUPT_XML" patch long.xml "$p10" -q 2>"$lab/err"; echo $? >status) |
	head -n 1 >/dev/null
[ "$(cat status)" = 2 ] || fail "exit status $(cat status) with SIGPIPE ignored"
grep -q "Broken pipe" "$lab/err" || fail "no reason given: $(cat "$lab/err")"

# the same with libvirt loaded, whose own broken pipes are no reason to die
"$GPUPT_XML" explain z-k8s-n-1 -c "$node" "$p10" >/dev/null 2>&1 || finish
# when_closed COMMAND...: runs it once the reader of its standard output is gone
when_closed() {
	rm -f gone
	{
		while [ ! -e gone ]; do sleep 0.02; done
		"$@" 2>"$lab/err"
		echo $? >status
	} | { exec <&-; : >gone; }
	wait
}
when_closed "$GPUPT_XML" explain z-k8s-n-1 -c "$node" "$p10" -q
[ "$(cat status)" = 141 ] || fail "exit status $(cat status), expected death by SIGPIPE"
when_closed sh -c 'trap "" PIPE; exec "$@"' sh "$GPUPT_XML" explain z-k8s-n-1 -c "$node" "$p10" -q
[ "$(cat status)" = 2 ] || fail "exit status $(cat status) with SIGPIPE ignored"
finish
