#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Text that others wrote cannot make a terminal do things.
. "$SOURCE/tests/cli/lib.sh"

escape=$(printf '\033')
csi=$(printf '\302\233') # U+009B, which XML allows and some terminals obey
run 2 diff "./${escape}[31m.xml"
err_has "^[[31m.xml"
err_lacks "$escape"
run 2 diff "--${escape}[2J"
err_lacks "$escape"
printf '<domain>\n<x%s31m/>\n</domain' "$csi" >c1.xml
run 2 diff c1.xml
err_lacks "$csi"

command -v script >/dev/null || skip "no script(1) to make a terminal with"
sed "s|^    <controller type='pci' index='0'|    <!-- ${csi}31m -->\n&|" \
	"$EXAMPLES/z-k8s-n-1.xml" >vm.xml
run 1 diff vm.xml "$p10"
out_has "$csi" # to a pipe: the very bytes, so that patch(1) applies it
script -qec "$GPUPT_XML diff vm.xml $p10" /dev/null </dev/null >terminal
grep -qF "<9b>31m" terminal || fail "the control character is not shown"
grep -qF "$csi" terminal && fail "the control character reaches the terminal"
finish
