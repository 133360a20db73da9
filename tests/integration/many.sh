#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# apply --all on a real libvirtd, and Ctrl-C at any moment of it: each domain is done in
# whole or not at all, the count at the end is right, and a rerun does the rest. Needs
# root.
#   many.sh GPUPT_XML EXAMPLES KILL_AT
# GPUPT_EVERY: Ctrl-C at one in so many system calls (default 60).
set -u

gpupt_xml=$1
examples=$2
kill_at=$3

# shellcheck source=tests/integration/libvirtd.sh
. "${0%/*}/libvirtd.sh"
every=${GPUPT_EVERY:-60}
needs_tracing
start_lab "$0" "$@"

store=/var/lib/gpupt-xml
names=(vm-1 vm-2 vm-3 vm-4)
options=(-c $uri --inventory "$examples/hosts/p10.json")
for name in "${names[@]}"; do
	sed -e "s/<domain type='kvm'>/<domain type='qemu'>/; s/z-k8s-n-1/$name/; /<uuid>/d" \
		-e "/<mac /d" "$examples/z-k8s-n-1.xml" >/run/lab/$name.xml
	virsh -q -c $uri define /run/lab/$name.xml || fail "cannot define $name"
	cp /etc/libvirt/qemu/$name.xml /run/lab/$name.old # with the UUID that it got
done
definition() { sort /etc/libvirt/qemu/$1.xml; }
reset() {
	for name in "${names[@]}"; do
		[ -z "${new[$name]-}" ] || [ "$(definition $name)" != "${old[$name]}" ] || continue
		virsh -q -c $uri define /run/lab/$name.old
	done
	rm -rf $store
}
declare -A old new
for name in "${names[@]}"; do old[$name]=$(definition $name); done

run 1 "$gpupt_xml" diff --all "${options[@]}"
has "$err" "4 in all: 4 would change"
has "$err" "domain vm-2 lists 0000:08:00.0 as well" # read once, known to each
run 0 "$gpupt_xml" apply --all "${options[@]}"
has "$err" "4 in all: 4 defined"
for name in "${names[@]}"; do
	new[$name]=$(definition $name)
	[ "${new[$name]}" != "${old[$name]}" ] || fail "$name is as it was"
done
run 0 "$gpupt_xml" apply --all "${options[@]}"
has "$err" "4 in all: 4 nothing to do"
# as several hosts, the others by the network
if virsh -r -c qemu+tcp://localhost/system version >/dev/null 2>/run/lab/err; then
	run 0 "$gpupt_xml" diff --all "${options[@]}" -c qemu+tcp://localhost/system \
		--inventory "$examples/hosts/p10.json" --format table
	has "$err" "8 in all: 8 nothing to do"
	has "$out" "localhost/vm-4 "
	run 0 "$gpupt_xml" diff vm-4 --inventory "$examples/hosts/p10.json" -c $uri \
		-c qemu+tcp://localhost/system -c qemu+tcp://root@localhost/system --format table
	has "$out" "qemu-system/vm-4 "
	has "$out" "qemu-tcp-root-localhost-system/vm-4 " # localhost is the other one
else
	echo "no remote URI was tried: $(cat /run/lab/err)"
fi
run 0 "$gpupt_xml" undo vm-3 -c $uri
run 0 "$gpupt_xml" apply 'vm-[23]' "${options[@]}"
has "$err" "2 in all: 1 defined, 1 nothing to do"

reset
total=$("$kill_at" 0 "$gpupt_xml" apply --all "${options[@]}" -q 2>/dev/null | tail -n 1)
[ "${total:-0}" -gt 400 ] || fail "no system calls are counted: $total"
ended=0 between=0
for ((n = 1; n <= total; n += every)); do
	reset
	status=0
	# what starts tests in the background ignores SIGINT, and so would all it starts
	env --default-signal=INT "$kill_at" $n=2 "$gpupt_xml" apply --all "${options[@]}" \
		>/run/lab/out 2>/run/lab/err || status=$?
	err=$(cat /run/lab/err)
	done=0
	for name in "${names[@]}"; do
		case $(definition $name) in
		"${old[$name]}") ;;
		"${new[$name]}") done=$((done + 1)) ;;
		*) fail "Ctrl-C at $n: $name has neither the old definition nor the new one" ;;
		esac
	done
	[ "$(find $store -type f 2>/dev/null | wc -l)" = $((2 * done)) ] ||
		fail "Ctrl-C at $n: $done are done, and kept is $(find $store -type f)"
	case $status in
	0) [ $done = 4 ] || fail "Ctrl-C at $n: exit status 0, and $done are done" ;;
	130)
		ended=$((ended + 1))
		[ $done = 0 ] || [ $done = 4 ] || between=$((between + 1))
		# before the first target nothing is said
		[ $done = 0 ] || has "$err" "4 in all: $done defined"
		[ $done = 0 ] || [ $done = 4 ] || has "$err" "$((4 - done)) not tried ("
		;;
	*) fail "Ctrl-C at $n: exit status $status: $err" ;;
	esac
	run 0 "$gpupt_xml" apply --all "${options[@]}"
	for name in "${names[@]}"; do
		[ "$(definition $name)" = "${new[$name]}" ] || fail "Ctrl-C at $n: no rerun of $name"
	done
done
echo "Ctrl-C ended it $ended times, $between times between two domains"
[ $between -gt 1 ] || fail "Ctrl-C misses the point"

[ $failures = 0 ]
