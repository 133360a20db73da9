#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs an example and looks for the line that says it did its work.
set -eu
output=$("$@" 2>&1) || {
	printf '%s\n' "$output"
	exit 1
}
printf '%s\n' "$output"
case ${1##*/} in
plan-buffer) printf '%s\n' "$output" | grep -q '^+ *<pcihole64 unit=' ;;
apply-domain)
	printf '%s\n' "$output" | sed -n 1p | grep -q ': defined, .*hole 64 GiB; stop and start it'
	printf '%s\n' "$output" | sed -n 2p | grep -q ': left as it was, .*hole 64 GiB'
	;;
*) exit 99 ;;
esac
