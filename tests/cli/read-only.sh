#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What only reads cannot write: its connections are read-only. Secrets are read of the
# domains at hand only, and only where they are written back or shown.
#   read-only.sh LOG_CONNECTIONS
. "$SOURCE/tests/cli/lib.sh"
ASAN_OPTIONS=verify_asan_link_order=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export ASAN_OPTIONS LD_PRELOAD="$1"

# connects KIND ARGUMENT...
connects() {
	kind=$1
	shift
	"$GPUPT_XML" "$@" >"$lab/out" 2>"$lab/err" </dev/null
	found=$(sed -n 's/^connection: //p' "$lab/err" | sort -u)
	[ "$found" = "$kind" ] || fail "gpupt-xml $*: \"$found\", expected \"$kind\""
}

host=$EXAMPLES/hosts/p10.json
connects "read-only" diff z-k8s-n-1 -c "$node" "$p10"
connects "read-only" diff z-k8s-n-1 -c "$node" "$p10" --strict
connects "read-only" explain z-k8s-n-1 -c "$node" "$p10"
connects "read-only" doctor z-k8s-n-1 -c "$node" --inventory "$host"
connects "read-only" apply z-k8s-n-1 -c "$node" "$p10" --dry-run
connects "read-only" history z-k8s-n-1 -c "$node"
connects "read-only" diff nobody -c "$node" "$p10"
connects "" diff "$EXAMPLES/z-k8s-n-1.xml" "$p10"
connects "" patch "$EXAMPLES/z-k8s-n-1.xml" "$p10"
connects "" devices --inventory "$host"
connects "may write" apply z-k8s-n-1 -c "$node" "$p10"
connects "may write" diff z-k8s-n-1 -c "$node" "$p10" --show-secrets

# reads DOMAINS ARGUMENT...: of these, in the order of names
reads() {
	names=$1
	shift
	"$GPUPT_XML" "$@" >"$lab/out" 2>"$lab/err" </dev/null
	found=$(sed -n 's/^secrets: //p' "$lab/err" | sort -u | xargs echo)
	[ "$found" = "$names" ] || fail "gpupt-xml $*: secrets of \"$found\", expected \"$names\""
}

{
	echo "<node>"
	for name in a-1 a-2 b-1; do
		sed -n '/<domain/,/<\/domain>/p' "$EXAMPLES/node.xml" |
			sed -e "s/z-k8s-n-1/$name/; s/5f11/5f${name#*-}${name%-*}/" -e '/<mac /d'
	done
	echo "</node>"
} >node.xml
several=test://$PWD/node.xml
reads "" diff --all -c "$several" "$p10"
reads "" diff a-1 -c "$several" "$p10"
reads "a-1" apply a-1 -c "$several" "$p10"
reads "a-1 a-2" apply 'a-*' -c "$several" "$p10"
reads "b-1" diff b-1 -c "$several" "$p10" --show-secrets
reads "b-1" diff 'b-*' -c "$several" "$p10" --show-secrets
finish
