#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every option of every command stands in gpupt-xml(1), spelled as in the command's
# help, in a section that names the command; and the other way round.
#   check-options.sh GPUPT_XML PAGE
set -eu
gpupt_xml=$1
page=$2
lab=$(mktemp -d)
trap 'rm -rf "$lab"' EXIT

commands=$("$gpupt_xml" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
[ -n "$commands" ]

# "diff -c, --connect URI" for each option of each command.
for command in $commands; do
	"$gpupt_xml" help "$command" |
		sed -n "s/^ *\(\(-[a-z], \)\{0,1\}--[a-z0-9-]*\( [^ ][^ ]*\)\{0,1\}\).*/$command \1/p"
	grep -q "^\*$command\*" "$page" || echo "$command is not described"
done | sort >"$lab/help"

# "## Options of diff and explain" holds for the entries "*--file*" below it.
awk -v commands="$commands" '
	/^#/ { n = 0 }
	/^## Options of every command$/ { n = split(commands, to) }
	/^## Options of / && !/every command$/ {
		gsub(/^## Options of |,| and/, " ")
		n = split($0, to)
	}
	/^\*-/ {
		gsub(/[*_]/, "")
		for (i = 1; i <= n; i++)
			print to[i], $0
	}' "$page" | sort >"$lab/page"

diff -u --label "gpupt-xml help" --label "${page##*/}" "$lab/help" "$lab/page"
