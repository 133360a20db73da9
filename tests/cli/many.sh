#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Several targets: each is done or reported by itself, and the end tells.
. "$SOURCE/tests/cli/lib.sh"

"$GPUPT_XML" diff z-k8s-n-1 -c "$node" "$p10" >/dev/null 2>"$lab/err"
grep -q "cannot be loaded" "$lab/err" && skip "built without libvirt"

# Files: a right one, one to change, a broken one.
cp "$EXAMPLES/z-k8s-n-1.xml" vm.xml
"$GPUPT_XML" patch vm.xml "$p10" >right.xml 2>/dev/null
echo '<domain' >broken.xml
run 2 diff right.xml broken.xml vm.xml "$p10"
err_has "broken.xml:"
err_has "3 in all: 1 would change, 1 nothing to do, 1 failed (broken.xml)"
out_has "--- a/vm.xml"
run 1 diff right.xml vm.xml vm.xml "$p10"
err_has "2 in all: 1 would change, 1 nothing to do"
run 0 diff right.xml right.xml "$p10" -q
err_empty
out_empty
run 2 diff - - "$p10"
err_has "standard input can be read once only"
run 2 patch right.xml vm.xml "$p10"
err_has "add --in-place, or name one"
run 2 patch -i right.xml broken.xml vm.xml "$p10"
err_has "3 in all: 1 nothing to do, 1 failed (broken.xml), 1 not tried (vm.xml)"
same vm.xml "$EXAMPLES/z-k8s-n-1.xml"
run 2 patch -i right.xml broken.xml vm.xml "$p10" --keep-going
err_has "3 in all: 1 rewritten, 1 nothing to do, 1 failed (broken.xml)"
same vm.xml right.xml

# Domains of the test driver: one to change, one whose card nobody knows, one of an odd
# name, one without a device.
domain() { # NAME NUMBER SED
	sed -n '/<domain/,/<\/domain>/p' "$EXAMPLES/node.xml" |
		sed -e "s/z-k8s-n-1/$1/; s/5f11/5f$2/; s/:7e'/:$2'/" -e "$3"
}
{
	echo "<node>"
	domain gpu-b 21 ''
	domain gpu-a 22 "s/bus='0x08'/bus='0x99'/"
	domain vm.xml 23 ''
	domain 'gpu-[x]' 24 ''
	domain plain 25 '/<hostdev/,/<\/hostdev>/d'
	echo "</node>"
} >node.xml
many=test://$PWD/node.xml
run 2 diff --all -c "$many" "$p10"
err_has "5 in all: 3 would change, 1 nothing to do, 1 failed (gpu-a)"
err_has "0000:99:00.0"
out_has "+++ b/vm.xml.xml"
# A file is planned for this machine, a domain for where it runs: they share no host.
run 2 diff "$EXAMPLES/z-k8s-n-1.xml" gpu-b -c "$many"
err_has "gpu-b: libvirt's test driver has no host devices"
{ echo "<node>"; domain drive 26 ''; echo "</node>"; } >drive.xml
run 2 diff drive plain -c "test://$PWD/drive.xml"
err_has "drive: libvirt's test driver" # its name is in a word of the message
run 1 diff gpu-b plain -c "$many" "$p10"
err_has "2 in all: 1 would change, 1 nothing to do"
run 2 diff 'gpu-*' -c "$many" "$p10"
err_has "3 in all: 2 would change, 1 failed (gpu-a)"
run 1 diff gpu-b 'gpu-b*' -c "$many" "$p10" # once
err_has "1 in all: 1 would change"
run 1 diff 'gpu-[!a]' -c "$many" "$p10"
err_has "1 in all: 1 would change"
run 1 diff 'gpu-[x]' -c "$many" "$p10" # a name before a pattern
out_has "b/gpu-[x].xml"
run 2 diff 'nothing*' -c "$many" "$p10"
err_has 'no domain matches "nothing*"'
run 2 diff gpu-b nothing -c "$many" "$p10"
err_has 'there is no domain "nothing"'
err_has "2 in all: 1 would change, 1 failed (nothing)"
run 0 diff plain 'pl*' -c "$many"
err_has "nothing to do"

# the host is read once: standard input would not give it twice
status=0
"$GPUPT_XML" diff gpu-b 'gpu-[[]*' vm.xml --domain -c "$many" --inventory - \
	<"$EXAMPLES/hosts/p10.json" >"$lab/out" 2>"$lab/err" || status=$?
[ $status = 1 ] || fail "exit status $status with an inventory from standard input"
grep -q "3 in all: 3 would change" "$lab/err" || fail "$(cat "$lab/err")"

# apply stops, or goes on; a dry run always goes on
run 2 apply --all -c "$many" "$p10"
err_has "5 in all: 1 defined, 1 failed (gpu-a), 3 not tried (gpu-b, plain, vm.xml)"
err_lacks "gpu-b: defined"
run 2 apply --all -c "$many" "$p10" --keep-going
err_has "5 in all: 3 defined, 1 nothing to do, 1 failed (gpu-a)"
run 2 apply --all -c "$many" "$p10" --dry-run
err_has "5 in all: 3 would change, 1 nothing to do, 1 failed (gpu-a)"
run 2 apply gpu-b plain -c "$many" "$p10" --pcihole64 1PiB
err_has "2 in all: 1 cannot fit (gpu-b), 1 not tried (plain)"
run 3 apply gpu-b 'gpu-[x]' -c "$many" "$p10" --pcihole64 1PiB --keep-going
err_has "2 in all: 2 cannot fit (gpu-b, gpu-[x])"
run 2 apply gpu-b plain -c "$many" "$p10" --add-device gpu
err_has "--add-device is for one domain at a time"
run 2 apply --all gpu-b -c "$many"
err_has '--all means every domain: leave "gpu-b" out'
run 2 apply --all -c "test://$PWD/none.xml"
err_has "cannot connect to"
echo "<node/>" >none.xml
run 0 apply --all -c "test://$PWD/none.xml"
err_has "there is no domain"
err_lacks "[1/" # no terminal, no progress

# The disk that takes the diffs is full: no use to go on.
status=0
"$GPUPT_XML" diff --all -c "$many" "$p10" >/dev/full 2>"$lab/err" || status=$?
[ $status = 2 ] || fail "exit status $status on a full disk"
[ "$(grep -c 'No space left' "$lab/err")" = 1 ] || fail "$(cat "$lab/err")"

# Several hosts: a domain is looked for on each, and goes by its host's name.
{ echo "<node>"; domain drive 27 ''; domain far 28 ''; echo "</node>"; } >far.xml
near="test://$PWD/drive.xml" far="test://$PWD/far.xml"
label() { echo "$1" | sed 's|[:/]\{1,\}|-|g'; }
run 1 diff --all -c "$near" -c "$far" "$p10"
err_has "3 in all: 3 would change"
out_has "+++ b/$(label "$far")/far.xml"
err_has "$(label "$near")/drive.xml: note"
run 1 diff drive -c "$near" -c "$far" "$p10"
err_has "2 in all"
run 1 diff far -c "$near" -c "$far" "$p10"
err_has "1 in all"
run 1 diff 'f*' -c "$near" -c "$far" "$p10"
err_has "1 in all"
uuid=$(sed -n '/far/,$s|.*<uuid>\(.*\)</uuid>.*|\1|p' far.xml)
run 1 diff "$uuid" -c "$near" -c "$far" "$p10"
out_has "/far.xml"
run 2 diff nowhere -c "$near" -c "$far" "$p10"
err_has "there is no domain \"nowhere\""
run 2 diff 'nowhere*' drive -c "$near" -c "$far" "$p10"
err_has 'no domain matches "nowhere*"'
err_has "3 in all: 2 would change, 1 failed (nowhere*)"
# what is said of one host is not said of another
run 2 diff drive -c "$near" -c "$far" --inventory "$EXAMPLES/hosts/p10.json"
err_has "$(label "$near")/drive: libvirt's test driver has no host devices"
err_has "1 would change, 1 failed ($(label "$near")/drive)"
run 1 diff drive -c "$near" --inventory "$EXAMPLES/hosts/p10.json" -c "$far" "$p10"
run 1 diff drive --inventory "$EXAMPLES/hosts/p10.json" -c "$near" -c "$far"
# a host that cannot be had: the others go on, unless they would be changed
none=test:///nonexistent.xml
run 2 diff drive -c "$near" -c "$none" -c "$far" "$p10"
err_has "3 in all: 2 would change, 1 failed ($none)"
err_has "cannot connect to $none"
run 2 apply drive -c "$near" -c "$none" -c "$far" "$p10"
err_has "3 in all: 1 failed ($none), 2 not tried"
run 2 apply drive -c "$near" -c "$none" -c "$far" "$p10" --keep-going
err_has "3 in all: 2 defined, 1 failed ($none)"
err_has "$(label "$far")/drive: defined"
run 2 diff drive -c "$near" -c "$none" "$p10" --format json
out_has "\"kind\":\"host\",\"uri\":\"$none\""
out_has "\"target\":\"drive\",\"kind\":\"domain\",\"uri\":\"$near\""
run 2 explain drive -c "$near" -c "$far" "$p10"
err_has "explain takes one --connect"
run 2 diff drive -c "$near" -c "$near" "$p10"
err_has "is there twice"
run 2 diff drive -c "$near" -c "$far" --inventory -
run 2 diff drive --inventory - -c "$near" -c "$far"
err_has "standard input can be read once only"

# A signal while targets are planned ahead: the one at hand is finished, no other is opened.
mkfifo first.xml second.xml
"$GPUPT_XML" diff first.xml vm.xml second.xml "$p10" >"$lab/out" 2>"$lab/err" &
program=$!
{ # as it is opened
	kill $program
	cat "$EXAMPLES/z-k8s-n-1.xml"
} >first.xml
{ sleep 5 && kill -9 $program; } >"$lab/none" 2>&1 & # which would wait for the second one
wait $program
status=$?
kill $! 2>"$lab/none"
out=$(cat "$lab/out") err=$(cat "$lab/err")
[ $status = 143 ] || fail "exit status $status after a signal"
err_has "3 in all: 1 would change, 2 not tried (vm.xml, second.xml)"
out_has "--- a/first.xml"

# On a terminal: progress, a question for each, and Ctrl-C ends all that is to come.
command -v script >/dev/null || finish
default="env --default-signal=INT,QUIT"
$default true 2>/dev/null || default=
mkfifo keys
: >terminal
{
	i=0
	while ! grep -q 'y/N' terminal && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
	printf 'y\n'
	while [ "$(grep -c 'y/N' terminal)" != 2 ] && [ $i -lt 200 ]; do sleep 0.1; i=$((i + 1)); done
	printf '\003'
	sleep 0.5
} >keys &
status=0
# shellcheck disable=SC2086 # words, or none
$default script -qfec "trap : INT; $GPUPT_XML apply gpu-b vm.xml plain --domain -c $many $p10; echo ended: \$?" \
	/dev/null <keys >terminal || status=$?
wait
grep -q '\[1/3\] gpu-b' terminal || fail "no progress: $(cat terminal)"
grep -q '3 in all: 1 defined, 1 failed (vm.xml), 1 not tried (plain)' terminal ||
	fail "no summary: $(cat terminal)"
grep -q 'ended: 130' terminal || fail "not ended by the signal: $(cat terminal)"
finish
