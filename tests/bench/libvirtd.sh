#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Against a real libvirtd, wall time, medians:
#   diff --all over many domains, against fetching their XML through libvirt;
#   apply, against `virsh define --validate` of the same XML.
# One domain in a hundred has a GPU, then each of them. Needs root.
#   libvirtd.sh GPUPT_XML BENCH_FETCH EXAMPLES DOMAINS ROUNDS
set -u

gpupt_xml=$1 fetch=$2 examples=$3 domains=$4 rounds=$5

# shellcheck source=tests/integration/libvirtd.sh
. "${0%/*}/../integration/libvirtd.sh"
start_lab "$0" "$@"

options=(-c "$uri" --inventory "$examples/hosts/p10.json" -q)
sed -e "s/<domain type='kvm'>/<domain type='qemu'>/; /<mac /d" \
	"$examples/z-k8s-n-1.xml" >/run/lab/gpu.xml
sed '/<hostdev/,/<\/hostdev>/d' /run/lab/gpu.xml >/run/lab/plain.xml

# timed FILE COMMAND...: notes microseconds of wall time; what $prepare does is not timed.
# What fails is fast, and no measure: 0 and 1 (differs) are right.
prepare=true
timed() {
	local file=$1
	shift
	$prepare
	local start=$EPOCHREALTIME
	"$@" >/dev/null 2>&1 || [ $? = 1 ] || echo "FAILED: $*" >&2
	echo $((${EPOCHREALTIME/./} - ${start/./})) >>"$file"
}

median() { sort -n "$1" | awk '{ t[NR] = $1 } END { print t[int((NR + 1) / 2)] / 1000 }'; }

# row WHAT: $ours and $theirs, in turns
row() {
	rm -f /run/lab/ours /run/lab/theirs
	for _ in $(seq "$rounds"); do
		timed /run/lab/ours "${ours[@]}"
		timed /run/lab/theirs "${theirs[@]}"
	done
	awk -v what="$1" -v a="$(median /run/lab/ours)" -v b="$(median /run/lab/theirs)" \
		'BEGIN { printf "%-44s %9.1f %9.1f %6.2f\n", what, a, b, a / b }'
}

# define_all EVERY: the domains, of which one in so many has a GPU
define_all() {
	for i in $(seq "$domains"); do
		template=plain
		[ $((i % $1)) != 0 ] || template=gpu
		sed "s/z-k8s-n-1/vm-$i/; /<uuid>/d" "/run/lab/$template.xml" >"/run/lab/vm-$i.xml"
		echo "define /run/lab/vm-$i.xml"
	done | virsh -q -c $uri >/dev/null
}

define_old() { virsh -q -c $uri define /run/lab/gpu.xml; }

printf '%-44s %9s %9s %6s\n' "$domains domains, medians of $rounds" "ours ms" "theirs ms" ratio
for every in 100 1; do
	define_all $every
	ours=("$gpupt_xml" diff --all "${options[@]}")
	theirs=("$fetch" "$uri")
	row "diff --all, 1 in $every with a GPU"
	for i in $(seq "$domains"); do echo "undefine vm-$i"; done | virsh -q -c $uri >/dev/null
done

"$gpupt_xml" patch /run/lab/gpu.xml "${options[@]:2}" >/run/lab/new.xml
prepare=define_old
ours=("$gpupt_xml" apply z-k8s-n-1 "${options[@]}")
theirs=(virsh -q -c "$uri" define --validate /run/lab/new.xml)
row "apply, against virsh define --validate"
