#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The names of the functions that headers declare.
#   declared.sh HEADER...
# Declarations end in ';' and hold the name before the first '('; comments name
# functions too and go first.
cat "$@" | sed -e ':a' -e 's|/\*.*\*/||' -e '/\/\*/{N;ba' -e '}' |
	grep -v '^#' | tr '\n' ' ' | grep -o 'gpupt_[a-z0-9_]*(' | tr -d '(' | sort -u
