#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs an example and looks for the line that says it did its work. Those that print a
# place with an error meet one.
set -eu
fails_with() { # TEXT COMMAND...
	text=$1
	shift
	if output=$("$@" 2>&1); then exit 1; fi
	printf '%s\n' "$output" | grep -F "$text"
}
name=${1##*/}
if [ "$name" = plan-go ]; then # a folder
	command -v go >/dev/null || {
		echo "skipped: no go"
		exit 77
	}
	lab=$(mktemp -d)
	trap 'rm -rf "$lab"' EXIT
	export GOPATH="$lab/path" GOPROXY=off
	(cd "$1" && go vet && go build -o "$lab/plan-go")
	shift
	set -- "$lab/plan-go" "$@"
fi
output=$("$@" 2>&1) || {
	printf '%s\n' "$output"
	exit 1
}
printf '%s\n' "$output"
case $name in
plan-buffer) printf '%s\n' "$output" | grep -q '^+ *<pcihole64 unit=' ;;
plan.py | plan-go)
	printf '%s\n' "$output" | grep -q 'verdict: kernel$'
	printf '%s\n' "$output" | grep -q "0000:08:00.0: controller 3, has hotplug='off'"
	printf '%s\n' "$output" | grep -q "^+\{0,1\} *<pcihole64 unit='KiB'>67108864</pcihole64>"
	fails_with "$3:1:1: not XML" "$1" "$3" "$3"
	fails_with "no PCI device in it" "$1" "$2" "$2"
	;;
apply-domain)
	printf '%s\n' "$output" | sed -n 1p | grep -q ': defined, .*hole 64 GiB; stop and start it'
	printf '%s\n' "$output" | sed -n 2p | grep -q ': left as it was, .*hole 64 GiB'
	;;
*) exit 99 ;;
esac
