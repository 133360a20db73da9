#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Golden files: every folder in cases/ is a domain, a wish and what has to come of it.
#
#   in.xml    the domain                request   options, one a line
#   out.diff  standard output of diff   out.xml   of patch; not there: equal to in.xml
#   stderr    standard error of diff    status    exit status of diff
#   plan.json of explain --format json, in a few cases only
#
# GPUPT_REGENERATE=1 writes what comes out now into the files, to be judged with git
# diff before it is kept. A case name as argument runs that case alone.
set -u
export LC_ALL=C.UTF-8
unset NO_COLOR LIBVIRT_DEFAULT_URI CDPATH

regenerate=${GPUPT_REGENERATE:-}
if [ -n "$regenerate" ] && [ -n "${CI:-}" ]; then
	echo "golden files are not regenerated under CI" >&2
	exit 1
fi
lab=$(mktemp -d "${TMPDIR:-/tmp}/gpupt-golden.XXXXXX") || exit 99
trap 'rm -rf "$lab"' EXIT
trap 'exit 99' INT TERM
failures=0
cases=0

fail() {
	printf 'FAILED: %s: %s\n' "$case" "$1"
	failures=$((failures + 1))
}

# same EXPECTED GOT: compares, or takes over when regenerating.
same() {
	if [ -n "$regenerate" ]; then
		cmp -s "$2" "$1" || cp "$2" "$1"
	elif ! diff -u "$1" "$2"; then
		fail "$1 differs"
	fi
}

# Splits the request into lines without touching what is in them.
run_case() {
	set --
	while IFS= read -r option; do
		[ -z "$option" ] || set -- "$@" "$option"
	done <request
	# this machine is not to matter
	grep -qE '^--(inventory|sysfs)' request || set -- "$@" --inventory=../../host.json
	status=0
	"$GPUPT_XML" diff in.xml "$@" >"$lab/diff" 2>"$lab/stderr" || status=$?
	echo "$status" >"$lab/status"
	same status "$lab/status"
	same stderr "$lab/stderr"
	same out.diff "$lab/diff"
	patched=0
	"$GPUPT_XML" patch in.xml "$@" >"$lab/xml" 2>"$lab/patch-stderr" || patched=$?
	if [ "$status" -gt 1 ]; then
		[ ! -s "$lab/xml" ] || fail "patch writes although diff exits with $status"
		[ "$patched" = "$status" ] || fail "patch exits with $patched, diff with $status"
		cp in.xml "$lab/xml"
	elif [ "$patched" != 0 ]; then
		fail "patch exits with $patched"
	fi
	if cmp -s in.xml "$lab/xml"; then
		[ -z "$regenerate" ] || rm -f out.xml
		[ ! -e out.xml ] || fail "nothing changes, but there is an out.xml"
	else
		same out.xml "$lab/xml"
	fi
	if [ -e plan.json ]; then
		"$GPUPT_XML" explain in.xml --format json "$@" >"$lab/plan" 2>"$lab/plan-stderr"
		same plan.json "$lab/plan"
	fi
	applies
}

# patch(1) turns in.xml and out.diff into out.xml. It wants line ends to agree with the
# headers' own, so it is told to keep them.
applies() {
	command -v patch >/dev/null && [ -s "$lab/diff" ] || return 0
	cp in.xml "$lab/applied.xml"
	patch --binary -s "$lab/applied.xml" "$lab/diff" >"$lab/patch-out" 2>&1 ||
		fail "patch(1) refuses out.diff: $(cat "$lab/patch-out")"
	cmp -s "$lab/applied.xml" "$lab/xml" || fail "patch(1) makes something else of out.diff"
}

cd "${CASES:-$(dirname "$0")/cases}" || exit 99
for case in "${1:-}"*/; do
	case=${case%/}
	cases=$((cases + 1))
	cd "$case" || exit 99
	run_case
	cd ..
done
echo "$cases cases, $failures failures"
[ "$failures" = 0 ]
