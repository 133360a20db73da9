#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ThreadSanitizer has nothing to say about threads.c. libxml2 and jansson are not compiled
# with it: of what they do it sees their locks, memory that they allocate and free, and what
# the C library reads and writes for them, but not what they read and write themselves.
#   tsan.sh SOURCE MESON THREADS_ARGUMENT...
set -u

source=$1 meson=$2
shift 2
lab=$(mktemp -d) || exit 99
trap 'rm -rf "$lab"' EXIT

# It wants its own places in memory, which some kernels give to others unless asked not to.
cat >"$lab/probe.c" <<'END'
#include <pthread.h>
static int written;
static void *run(void *data) { written++; return data; }
int main(void)
{
	pthread_t thread;
	pthread_create(&thread, 0, run, 0);
	written++;
	return pthread_join(thread, 0);
}
END
cc -g -fsanitize=thread -o "$lab/probe" "$lab/probe.c" 2>"$lab/log" || {
	echo "skipped: no ThreadSanitizer: $(tail -n 1 "$lab/log")"
	exit 77
}
for prefix in '' 'setarch -R'; do
	$prefix "$lab/probe" 2>"$lab/log"
	grep -q 'WARNING: ThreadSanitizer: data race' "$lab/log" && break
done
grep -q 'WARNING: ThreadSanitizer: data race' "$lab/log" || {
	echo "skipped: ThreadSanitizer does not see a race here: $(head -n 1 "$lab/log")"
	exit 77
}

{
	"$meson" setup "$lab/build" "$source" -Db_sanitize=thread -Db_lundef=false \
		-Dlibvirt=false -Dman=false -Doptimization=1 &&
		ninja -C "$lab/build" tests/integration/threads
} >"$lab/log" 2>&1 || {
	cat "$lab/log"
	exit 1
}
$prefix "$lab/build/tests/integration/threads" "$@"
