#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# It asks on a terminal, and nowhere else; what is no yes leaves everything as it was.
. "$SOURCE/tests/cli/lib.sh"

sed "s|^<node>|<node><auth><user password='pw'>alice</user></auth>|" "$EXAMPLES/node.xml" >auth.xml
auth=test://$PWD/auth.xml
"$GPUPT_XML" apply z-k8s-n-1 -c "$node" "$p10" >/dev/null 2>"$lab/err"
grep -q "cannot be loaded" "$lab/err" && skip "built without libvirt"

# No terminal: calling apply is the consent, and a hypervisor's password is not asked for.
printf 'n\n' >no
status=0
"$GPUPT_XML" apply z-k8s-n-1 -c "$node" "$p10" <no >"$lab/out" 2>&1 || status=$?
[ $status = 0 ] || fail "exit status $status without a terminal"
grep -q 'Define this' "$lab/out" && fail "it asks without a terminal"
grep -q 'found right' "$lab/out" || fail "it does not define without a terminal"
XDG_CONFIG_HOME=$PWD/config
export XDG_CONFIG_HOME
printf 'alice\npw\n' >answers
status=0
"$GPUPT_XML" diff z-k8s-n-1 -c "$auth" "$p10" <answers >"$lab/out" 2>"$lab/err" || status=$?
[ $status = 2 ] || fail "exit status $status where a password is wanted"
[ ! -s "$lab/out" ] || fail "a prompt without a terminal: $(cat "$lab/out")"
mkdir -p config/libvirt
printf '[credentials-a]\nusername=alice\npassword=pw\n[auth-test-localhost]\ncredentials=a\n' \
	>config/libvirt/auth.conf
run 1 diff z-k8s-n-1 -c "$auth" "$p10" -q
rm -r config

command -v script >/dev/null || skip "no script(1) to make a terminal with"
# what starts tests in the background ignores these, and so would all it starts
default="env --default-signal=INT,QUIT"
$default true 2>/dev/null || default=
# on_terminal KEYS STATUS COMMAND: types the keys, if any, once there is a question
on_terminal() {
	typed=$1 expected=$2
	mkfifo keys
	rm -f terminal && : >terminal
	status=0
	{
		i=0
		while [ -n "$typed" ] && ! grep -q '\[y/N\]\|password for' terminal && [ $i -lt 100 ]; do
			sleep 0.1
			i=$((i + 1))
		done
		# shellcheck disable=SC2059 # the keys are written with escapes
		printf "$typed"
		sleep 0.3
	} >keys &
	# shellcheck disable=SC2086 # words, or none
	$default script -qfec "$3" /dev/null <keys >terminal || status=$?
	wait
	rm keys
	[ $status = "$expected" ] || fail "exit status $status, expected $expected: $(cat terminal)"
}
refused() {
	on_terminal "$@"
	grep -q 'Define this' terminal || fail "it does not ask: $(cat terminal)"
	grep -q 'found right' terminal && fail "it defines after $1"
}
apply="$GPUPT_XML apply z-k8s-n-1 -c $node $p10"
refused '\003' 130 "$apply"  # Ctrl-C
refused '\004' 2 "$apply"    # Ctrl-D
refused '\n' 2 "$apply"      # no is the default
refused 'q\n' 2 "$apply"
refused '\034' 131 "$apply"  # Ctrl-\
grep -q 'core dumped' terminal && fail "it dumps core"
# Somebody must see the question, and be able to answer it.
on_terminal '' 0 "$apply </dev/null"
grep -q 'Define this' terminal && fail "it asks without a terminal to read from"
on_terminal '' 0 "$apply >/dev/null 2>&1"
grep -q 'Define this' terminal && fail "it asks where nobody sees it"
finish
