#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A library exports what its installed headers declare, no more and no less.
#   exports.sh LIBRARY HEADER...
set -eu

library=$1
shift
command -v nm >/dev/null || {
	echo "skipped: no nm"
	exit 77
}
lab=$(mktemp -d)
trap 'rm -rf "$lab"' EXIT

"${0%/*}/declared.sh" "$@" >"$lab/declared"
nm -D --defined-only "$library" | grep -v LIBGPUPT_PRIVATE |
	sed -n 's/^.* [TD] \(gpupt_[a-z0-9_]*\)@@.*/\1/p' | sort -u >"$lab/exported"
[ -s "$lab/exported" ] || {
	echo "$library exports nothing under a version"
	exit 1
}
diff -u "$lab/declared" "$lab/exported"
! nm -D --defined-only "$library" | grep -v ' A ' | grep -v ' gpupt_' || {
	echo "exported by accident"
	exit 1
}
