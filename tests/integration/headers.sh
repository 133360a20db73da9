#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every installed header compiles alone, as C11 and as C++, without a warning.
#   headers.sh INCLUDE_DIRECTORY HEADER...
set -u

directory=$1
shift
status=0
command -v cc >/dev/null || {
	echo "skipped: no cc"
	exit 77
}
libvirt=$(pkg-config --cflags libvirt 2>/dev/null)
for header; do
	echo "#include <gpupt/$header>" |
		cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$directory" $libvirt \
			-fsyntax-only -x c - || status=1
	command -v c++ >/dev/null || continue
	echo "#include <gpupt/$header>" |
		c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -I"$directory" $libvirt \
			-fsyntax-only -x c++ - || status=1
done
exit $status
