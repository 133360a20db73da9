# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2034
# For the tests of the command line: every test sources this first. It starts in
# an empty directory of its own and ends with `finish`; 77 tells that it was skipped.
#   GPUPT_XML  the program        EXAMPLES  the folder examples/
#   DATA       tests/data         SOURCE    the source tree

set -u
unset LIBVIRT_DEFAULT_URI NO_COLOR CDPATH
export LC_ALL=C.UTF-8 TERM=xterm

failures=0
lab=$(mktemp -d "${TMPDIR:-/tmp}/gpupt-cli.XXXXXX") || exit 99
trap 'cd / && rm -rf "$lab"' EXIT
trap 'exit 99' INT TERM
export XDG_STATE_HOME=$lab/state # what apply keeps
mkdir "$lab/work" && cd "$lab/work" || exit 99

# A Tesla P10, as the catalogue knows it, where z-k8s-n-1 expects one.
p10=--assume=0000:08:00.0=10de:1b39
# z-k8s-n-1 on the test driver.
node=test://$EXAMPLES/node.xml

fail() {
	printf 'FAILED: %s\n' "$*"
	failures=$((failures + 1))
}

skip() {
	echo "skipped: $*"
	exit 77
}

# run STATUS ARGUMENT...: gpupt-xml with these arguments; its output goes to $lab/out
# and $lab/err, and without trailing newlines to $out and $err.
run() {
	expected=$1
	shift
	status=0
	"$GPUPT_XML" "$@" >"$lab/out" 2>"$lab/err" || status=$?
	out=$(cat "$lab/out")
	err=$(cat "$lab/err")
	[ "$status" = "$expected" ] ||
		fail "exit status $status, expected $expected: gpupt-xml $*
$err"
}

out_has() { case $out in *"$1"*) ;; *) fail "standard output lacks \"$1\": $out" ;; esac; }
out_lacks() { case $out in *"$1"*) fail "standard output has \"$1\": $out" ;; esac; }
err_has() { case $err in *"$1"*) ;; *) fail "standard error lacks \"$1\": $err" ;; esac; }
err_lacks() { case $err in *"$1"*) fail "standard error has \"$1\": $err" ;; esac; }
out_empty() { [ -z "$out" ] || fail "standard output is not empty: $out"; }
err_empty() { [ -z "$err" ] || fail "standard error is not empty: $err"; }
same() { cmp "$1" "$2" || fail "$1 and $2 differ"; }

finish() {
	[ $failures = 0 ]
	exit
}
