#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is built has the hardening that meson.build asks for, and what is installed
# looks for libraries nowhere but where the system does. Nothing can run a
# shell, or look for a program in PATH.
#   hardening.sh BUILD OBJECTS PROGRAM LIBRARY...
#   FORTIFIED  whether the C library's checks are on    CC  the compiler
set -u
build=$1 objects=$2
shift 2
program=$1

command -v readelf >/dev/null || {
	echo "skipped: no readelf"
	exit 77
}
lab=$(mktemp -d)
trap 'rm -rf "$lab"' EXIT
failures=0
fail() {
	printf 'FAILED: %s\n' "$*"
	failures=$((failures + 1))
}

for file; do
	name=${file##*/}
	readelf -Wld "$file" >"$lab/headers"
	readelf -W --dyn-syms "$file" >"$lab/symbols"
	grep -q 'GNU_RELRO' "$lab/headers" || fail "$name: no RELRO"
	grep -Eq '\(FLAGS\).*BIND_NOW|\(BIND_NOW\)' "$lab/headers" || fail "$name: no BIND_NOW"
	grep -q 'GNU_STACK .* RW  ' "$lab/headers" || fail "$name: the stack is executable"
	grep -q ' RWE ' "$lab/headers" && fail "$name: writable code"
	grep -q '(TEXTREL)' "$lab/headers" && fail "$name: text relocations"
	grep -q ' __stack_chk_fail' "$lab/symbols" || fail "$name: no stack protector"
	[ "$FORTIFIED" = no ] || grep -Eq ' __[a-z]+_chk' "$lab/symbols" ||
		fail "$name: no call is fortified"
	grep -q ' __asan_init' "$lab/symbols" ||
		! grep -E ' UND (system|popen|wordexp|execlp|execvpe?|posix_spawnp|set(e|re|res|fs)?[ug]id)@' \
			"$lab/symbols" || fail "$name: runs a shell, looks in PATH, or changes who it is"
	case $(stat -c %A "$file") in *[sS]*) fail "$name: setuid or setgid" ;; esac
done
readelf -Wd "$program" | grep -q 'FLAGS_1.*PIE' || fail "${program##*/}: not a PIE"

# The linker drops the notes where the C library's start files lack them, so the
# objects have to show them. cc -fcf-protection decides whether there are any to have.
echo 'int main(void) { return 0; }' >"$lab/empty.c"
has_cet() { readelf -n "$1" 2>/dev/null | grep -q 'IBT, SHSTK'; }

if $CC -fcf-protection -c -o "$lab/empty.o" "$lab/empty.c" 2>/dev/null && has_cet "$lab/empty.o"; then
	without=$(readelf -n "$objects" | awk '/^File: / { file = $2; marked[file] += 0 }
		/IBT, SHSTK/ { marked[file]++ }
		END { for (file in marked) if (!marked[file]) print file }')
	[ -z "$without" ] || fail "objects without CET: $without"
	$CC -fcf-protection -o "$lab/empty" "$lab/empty.o" && has_cet "$lab/empty" &&
		for file; do
			has_cet "$file" || fail "${file##*/}: no CET"
		done
fi

if DESTDIR=$lab/root meson install -C "$build" --no-rebuild --tags runtime >"$lab/log" 2>&1; then
	find "$lab/root" -type f \( -name gpupt-xml -o -name '*.so.*' \) >"$lab/installed"
	while read -r file; do
		[ "$(head -c 4 "$file" | tail -c 3)" = ELF ] || continue
		echo x >>"$lab/looked-at"
		readelf -Wd "$file" | grep -E 'RPATH|RUNPATH' && fail "${file##*/}: has an RPATH"
	done <"$lab/installed"
	[ "$(wc -l <"$lab/looked-at")" = $# ] || fail "installed: $(cat "$lab/installed")"
else
	cat "$lab/log"
	fail "cannot install"
fi
[ $failures = 0 ]
