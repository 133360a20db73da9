#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Colours: on a terminal or when asked for, and off under NO_COLOR.
. "$SOURCE/tests/cli/lib.sh"

escape=$(printf '\033[')
run 1 diff "$EXAMPLES/z-k8s-n-1.xml" "$p10"
out_lacks "$escape"
err_lacks "$escape"
run 1 diff "$EXAMPLES/z-k8s-n-1.xml" "$p10" --color=always
out_has "${escape}32m+"
out_has "${escape}1m---"
out_has "${escape}1m+++"
out_has "${escape}36m@@"
err_has "${escape}36mnote"
# without the colours it is the plain diff
sed "s/$(printf '\033')\[[0-9]*m//g" "$lab/out" >plain
run 1 diff "$EXAMPLES/z-k8s-n-1.xml" "$p10"
same plain "$lab/out"

command -v script >/dev/null || skip "no script(1) to make a terminal with"
terminal() {
	script -qec "$*" /dev/null </dev/null
}
terminal "$GPUPT_XML" diff "$EXAMPLES/z-k8s-n-1.xml" "$p10" | grep -qF "${escape}32m+" ||
	fail "no colours on a terminal"
NO_COLOR=1 terminal "$GPUPT_XML" diff "$EXAMPLES/z-k8s-n-1.xml" "$p10" |
	grep -qF "$escape" && fail "colours under NO_COLOR"
terminal "$GPUPT_XML" diff "$EXAMPLES/z-k8s-n-1.xml" "$p10" --color never |
	grep -qF "$escape" && fail "colours although told never"
TERM=dumb terminal "$GPUPT_XML" diff "$EXAMPLES/z-k8s-n-1.xml" "$p10" |
	grep -qF "$escape" && fail "colours on a dumb terminal"
finish
