#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Fuzzes each target for a while, two of them at a time, and prints a table. What it
# finds is left in the build directory, where the next run starts from.
#   CC=clang meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
#   tests/fuzz/fuzz.sh build-fuzz SECONDS [TARGET...]
set -eu

[ $# -ge 2 ] || {
	sed -n 's/^# \{0,1\}//; 3,6p' "$0" >&2
	exit 2
}
build=$(realpath "$1") seconds=$2
shift 2
here=$(dirname "$(realpath "$0")")
ninja -C "$build" >/dev/null
[ $# -gt 0 ] || set -- plan domain lspci snapshot resource qmp agent redact diff firmware

# The planner reads what the parser reads.
dictionary_for() {
	case $1 in
	plan | redact | diff) echo "$here/dictionaries/domain.dict" ;;
	*) echo "$here/dictionaries/$1.dict" ;;
	esac
}

fuzz() {
	found=$build/fuzz-found/$1
	mkdir -p "$found"
	cd "$found/.."
	"$build/tests/fuzz/fuzz-$1" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$found-" -dict="$(dictionary_for "$1")" \
		"$found" "$here/corpus/$1" >"$found.log" 2>&1 || :
}

# The last figures of a log: executions, edges covered, and what was found.
report() {
	log=$build/fuzz-found/$1.log
	executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
	crashes=$(find "$build/fuzz-found" -maxdepth 1 -name "$1-*" | wc -l)
	printf '%-10s %14s %10s %8s\n' "$1" "${executions:-?}" "${covered:-?}" "$crashes"
}

while [ $# -gt 0 ]; do
	first=$1 second=${2-}
	fuzz "$first" &
	[ -z "$second" ] || (fuzz "$second")
	wait
	printf '%-10s %14s %10s %8s\n' target executions edges found
	report "$first"
	[ -z "$second" ] || report "$second"
	shift $(($# > 1 ? 2 : 1))
done
