#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# apply and undo killed at system call after system call, and the daemon killed under
# them: the definition is the old one or the new one, what was kept is whole, and a
# rerun ends well. On a real libvirtd; needs root.
#   crash.sh GPUPT_XML EXAMPLES KILL_AT
# GPUPT_EVERY=1 tries every system call; more takes one in so many (default 9).
set -u

gpupt_xml=$1
examples=$2
kill_at=$3

# shellcheck source=tests/integration/libvirtd.sh
. "${0%/*}/libvirtd.sh"
every=${GPUPT_EVERY:-9}
needs_tracing
start_lab "$0" "$@"

name=z-k8s-n-1
store=/var/lib/gpupt-xml
options=(-c $uri --inventory "$examples/hosts/p10.json" -q)
sed -e "s/<domain type='kvm'>/<domain type='qemu'>/" "$examples/z-k8s-n-1.xml" >/run/lab/vm.xml
# the file that libvirtd writes whole, or not at all; sorted, since it sorts controllers
definition() { sed '/^  *<\(uuid\|nvram\)/d' /etc/libvirt/qemu/$name.xml | sort; }
reset() {
	virsh -q -c $uri define /run/lab/vm.xml || fail "cannot define"
	rm -rf $store
}
apply() { "$gpupt_xml" apply $name "${options[@]}"; }
undo() { "$gpupt_xml" undo $name -c $uri -q; }
# how many system calls there are until the connection is made, which is not of interest
before_connecting() {
	strace -f -qq -o /run/lab/trace "$@" >/dev/null 2>&1
	awk '/connect\(.*libvirt-sock/ { print NR; exit }' /run/lab/trace
}

reset
old=$(definition)
run 0 apply
new=$(definition)
[ "$old" != "$new" ] || fail "apply changes nothing"

# The definition is one of the two; a rerun makes it the wanted one; an undo leads back,
# and nothing is left behind.
olds=0 news=0
judge() { # WHAT
	case $(definition) in
	"$old") olds=$((olds + 1)) ;;
	"$new") news=$((news + 1)) ;;
	*) fail "$1: neither the old definition nor the new one" ;;
	esac
}
check_rerun() { # WHAT
	run 0 apply
	[ "$(definition)" = "$new" ] || fail "$1: a rerun of apply does not do it"
	[ "$(find $store -type f | wc -l)" = 2 ] || fail "$1: left: $(find $store -type f)"
	run 0 undo
	[ "$(definition)" = "$old" ] || fail "$1: no way back"
	[ "$(find $store -type f)" = "" ] || fail "$1: left after undo: $(find $store -type f)"
}

reset
first=$(before_connecting "$gpupt_xml" apply $name "${options[@]}")
reset
total=$("$kill_at" 0 "$gpupt_xml" apply $name "${options[@]}" 2>/dev/null | tail -n 1)
[ "${total:-0}" -gt 100 ] || fail "no system calls are counted: $total"
tried=0
for ((n = ${first:-1}; n <= total; n += every)); do
	reset
	"$kill_at" $n "$gpupt_xml" apply $name "${options[@]}" >/dev/null 2>&1
	tried=$((tried + 1))
	judge "apply killed at $n"
	check_rerun "apply killed at $n"
done
echo "apply killed $tried times: $olds times the old definition, $news times the new one"
[ $olds -gt 3 ] && [ $news -gt 1 ] || fail "the steps of apply miss the point"

olds=0 news=0 tried=0
reset
run 0 apply
first=$(before_connecting "$gpupt_xml" undo $name -c $uri -q)
reset
run 0 apply
total=$("$kill_at" 0 "$gpupt_xml" undo $name -c $uri -q 2>/dev/null | tail -n 1)
for ((n = ${first:-1}; n <= total; n += every)); do
	reset
	run 0 apply
	"$kill_at" $n "$gpupt_xml" undo $name -c $uri -q >/dev/null 2>&1
	tried=$((tried + 1))
	judge "undo killed at $n"
	undo >/dev/null 2>&1
	[ "$(definition)" = "$old" ] || fail "undo killed at $n: a rerun does not do it"
	check_rerun "undo killed at $n"
done
echo "undo killed $tried times: $olds times the old definition, $news times the new one"
[ $olds -gt 1 ] && [ $news -gt 3 ] || fail "the steps of undo miss the point"

# The daemon dies in the middle.
restart_libvirtd() {
	{ kill -9 $daemon; wait $daemon; } 2>/dev/null
	start_libvirtd
}
olds=0 news=0 tried=0 clear=0
reset
total=$("$kill_at" 0 "$gpupt_xml" apply $name "${options[@]}" 2>/dev/null | tail -n 1)
for ((n = ${first:-1}; n <= total; n += 3 * every)); do
	reset
	status=0
	"$kill_at" $n:$daemon "$gpupt_xml" apply $name "${options[@]}" >/run/lab/out 2>&1 || status=$?
	restart_libvirtd
	tried=$((tried + 1))
	judge "daemon killed at $n"
	case $status in
	0) ;;
	2)
		clear=$((clear + 1))
		has "$(cat /run/lab/out)" "gpupt-xml: cannot "
		;;
	*) fail "daemon killed at $n: exit status $status: $(cat /run/lab/out)" ;;
	esac
	check_rerun "daemon killed at $n"
done
echo "daemon killed $tried times: $olds times the old definition, $news times the new one;" \
	"$clear times an error"
[ $olds -gt 1 ] && [ $clear -gt 1 ] || fail "the daemon's deaths miss the point"

[ $failures = 0 ]
