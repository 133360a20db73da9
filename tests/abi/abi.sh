#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A program that was linked with an earlier library runs with this one: its interface is
# compared with the one recorded.
#   abi.sh BASELINE LIBRARY MAP
# GPUPT_REGENERATE=1 records what there is now, to be judged with git diff before it is
# kept: a change that abidiff finds wrong needs another soname, once there was a release.
set -u

baseline=$1 library=$2 map=$3
skip() {
	echo "skipped: $*"
	exit 77
}
for tool in abidw abidiff; do
	command -v $tool >/dev/null || skip "no $tool"
done
[ -z "${GPUPT_REGENERATE-}" ] || [ -z "${CI-}" ] || {
	echo "nothing is recorded under CI" >&2
	exit 1
}
lab=$(mktemp -d) || exit 99
trap 'rm -rf "$lab"' EXIT

# Public is what the headers in include/gpupt say; rooms have headers of the same names,
# so abidw's own --headers-dir would not do. The label keeps a private structure as one
# that is declared only, where functions take pointers to it.
private=$(sed -n '/^LIBGPUPT_PRIVATE/,$s/^\t\(gpupt_[a-z0-9_]*\);$/\1/p' "$map" | paste -sd '|')
{
	printf '[suppress_type]\nlabel = Artificial private types suppression specification\n'
	printf 'source_location_not_regexp = include/gpupt/\ndrop = yes\n'
	for property in name symbol_name; do
		[ -z "$private" ] ||
			printf '[suppress_function]\n%s_regexp = ^(%s)$\ndrop = yes\n' $property "$private"
	done
} >"$lab/private"
abidw --suppressions "$lab/private" --exported-interfaces-only --type-id-style hash \
	--no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --no-parameter-names \
	"$library" | sed -e "s|path='[./]*/src/|path='src/|" \
	-e '1a\  <!-- SPDX-License-Identifier: LGPL-2.1-or-later -->' >"$lab/now.abi"
grep -q "<class-decl name='gpupt_[a-z_]*' size" "$lab/now.abi" || skip "no debug information"
grep -q "<class-decl name='gpupt_error' .*is-declaration-only='yes'" "$lab/now.abi" ||
	skip "abidw does not see private structures as such here: $(abidw --version)"
if [ -n "${GPUPT_REGENERATE-}" ]; then
	cp "$lab/now.abi" "$baseline"
	exit
fi
head -n 1 "$baseline" | grep -q "$(head -n 1 "$lab/now.abi" | grep -o "architecture='[^']*'")" ||
	skip "recorded on another architecture"

# No suppressions here: one that lets a structure grow at its end lets its members swap
# places as well. And one private structure for another, in a pointer, is harmless only to
# abidiff. So what the headers allow is recorded by hand, but for new functions.
abidiff --harmless --no-added-syms "$baseline" "$lab/now.abi" || {
	echo "A program built before would fail. What man/libgpupt.3.scd allows (\"May grow\") is
recorded with GPUPT_REGENERATE=1 meson test -C build abi abi-libvirt"
	exit 1
}
