#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every installed header compiles alone, as C and as C++, without a warning.
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
	for standard in c99 c11 c++11 c++17; do
		case $standard in c++*) compiler=c++ ;; *) compiler=cc ;; esac
		command -v $compiler >/dev/null || continue
		# shellcheck disable=SC2086 # words
		echo "#include <gpupt/$header>" |
			$compiler -std=$standard -Wall -Wextra -Wpedantic -Werror -I"$directory" \
				$libvirt -fsyntax-only -x ${standard%%[0-9]*} - || status=1
	done
done
exit $status
