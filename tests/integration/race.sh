#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# No lost update, on a real libvirtd: several of our own processes at one domain, each
# with a change of its own, and somebody else who edits before the last look. Needs root.
#   race.sh GPUPT_XML EXAMPLES FOREIGN_EDIT
# GPUPT_ROUNDS: how many rounds of our own (default 40).
set -u

gpupt_xml=$1
examples=$2
foreign_edit=$3

# shellcheck source=tests/integration/libvirtd.sh
. "${0%/*}/libvirtd.sh"
rounds=${GPUPT_ROUNDS:-40}
start_lab "$0" "$@"
export ASAN_OPTIONS=detect_leaks=0 # four at a time, LeakSanitizer does not always get to look

name=z-k8s-n-1
sed -e "s/<domain type='kvm'>/<domain type='qemu'>/" -e "s|</name>|&<title>t</title>|" \
	"$examples/z-k8s-n-1.xml" >/run/lab/vm.xml
sed '/<hostdev/,/<\/hostdev>/d' /run/lab/vm.xml >/run/lab/bare.xml
cards=()
for bus in 08 09 0a; do cards+=(--assume "0000:$bus:00.0=10de:1b39"); done
stored=/etc/libvirt/qemu/$name.xml

# Four at a time: three that add a card each, and one that makes room. Whoever succeeds
# has its change in the definition at the end.
apply() { # NAME OPTION...: its exit status goes to a file
	local who=$1
	shift
	"$gpupt_xml" apply $name -c $uri "${cards[@]}" --no-backup -q "$@" >/dev/null 2>/run/lab/err.$who
	echo $? >/run/lab/status.$who
}
lost=0 done=0 refused=0
for ((round = 0; round < rounds; round++)); do
	virsh -q -c $uri define /run/lab/bare.xml || fail "cannot define"
	for bus in 08 09 0a; do
		apply $bus --add-device 0000:$bus:00.0 --pcihole64 keep &
		pids[0x$bus]=$!
	done
	apply hole --pcihole64 512GiB --force &
	wait "${pids[@]}" $!
	for who in 08 09 0a hole; do
		case $who in
		hole) wanted="<pcihole64 unit='KiB'>536870912<" ;;
		*) wanted="<address domain='0x0000' bus='0x$who'" ;;
		esac
		if [ "$(cat /run/lab/status.$who)" != 0 ]; then
			# five others in a row got in between
			has "$(tail -n 1 /run/lab/err.$who)" "something else is editing it"
			refused=$((refused + 1))
		elif grep -q "$wanted" $stored; then
			done=$((done + 1))
		else
			lost=$((lost + 1))
		fi
	done
done
echo "$rounds rounds of four: $done changes made, $lost lost, $refused refused"
[ $lost = 0 ] || fail "$lost changes are lost"
[ $done -gt $((rounds * 3)) ] || fail "too little was done"

virsh -q -c $uri define /run/lab/vm.xml || fail "cannot define"
"$foreign_edit" $uri $name "${GPUPT_EDITS:-100}" || fail "somebody else's edit is lost"

[ $failures = 0 ]
