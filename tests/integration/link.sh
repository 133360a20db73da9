#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is installed is all that a program needs: with the flags that pkg-config tells, in C
# and in C++, and every function that the headers declare is there for both.
#   link.sh shared|static BUILD EXAMPLES HEADER...
# static: the archives of -Ddefault_library=both; then once more with no library at all.
set -u

kind=$1 build=$2 examples=$3
shift 3
for tool in c++ pkg-config readelf; do
	command -v $tool >/dev/null || {
		echo "skipped: no $tool"
		exit 77
	}
done
lab=$(mktemp -d) || exit 99
trap 'rm -rf "$lab"' EXIT
failures=0
fail() {
	printf 'FAILED: %s\n' "$*"
	failures=$((failures + 1))
}

DESTDIR=$lab/root meson install -C "$build" --no-rebuild >"$lab/log" 2>&1 || {
	cat "$lab/log"
	exit 1
}
# Where it was installed to is no place that pkg-config or the linker know yet.
folder=$(dirname "$(find "$lab/root" -name gpupt.pc)")
libraries=${folder%/pkgconfig}
sed -i "s|^prefix=|&$lab/root|" "$folder"/*.pc
export PKG_CONFIG_PATH="$folder"
unset LD_LIBRARY_PATH
if [ "$kind" = static ]; then
	[ -e "$libraries/libgpupt.a" ] || {
		echo "skipped: no archives in this build; -Ddefault_library=both makes them"
		exit 77
	}
	rm "$libraries"/*.so* # the linker would prefer them
	static=--static
	nm -g --defined-only "$libraries"/*.a | grep -E '^[0-9a-f]+ [A-Z] ' | grep -v ' gpupt_' &&
		fail "names that are not ours in the archives"
else
	static=
	export LD_LIBRARY_PATH="$libraries"
fi

# make PACKAGE PROGRAM COMPILER SOURCE [FLAG...]
make() {
	package=$1 program=$lab/$2 compiler=$3 source=$4
	shift 4
	# shellcheck disable=SC2046,SC2086 # words
	$compiler -Wall -Wextra -Werror -o "$program" "$source" \
		$(pkg-config $static --cflags --libs $package) "$@" >"$lab/log" 2>&1 || {
		cat "$lab/log"
		fail "${program##*/} does not build"
		return 1
	}
}
# run PATTERN PROGRAM ARGUMENT...
run() {
	pattern=$1 program=$2
	shift 2
	needed=$(readelf -d "$lab/$program" | grep -c 'NEEDED.*libgpupt')
	case $kind:$needed in
	static:0 | shared:[12]) ;;
	*) fail "$program needs $needed libraries of ours" ;;
	esac
	status=0
	"$lab/$program" "$@" >"$lab/out" 2>&1 || status=$?
	[ $status = 0 ] && grep -q "$pattern" "$lab/out" && return
	cat "$lab/out"
	fail "$program does not work: exit $status"
}
guest=$examples/z-k8s-n-1.xml host=$examples/hosts/p10.json

make gpupt plan-buffer cc "$examples/plan-buffer.c" &&
	run '^+ *<pcihole64 ' plan-buffer "$guest" "$host"
for standard in 11 17; do
	make gpupt plan-$standard "c++ -std=c++$standard" "$examples/plan.cpp" &&
		run '^ *<pcihole64 ' plan-$standard "$guest" "$host"
	"$lab/plan-$standard" "$host" "$host" 2>&1 | grep -q "^$host:1:1: not XML" ||
		fail "plan-$standard: no exception"
done
# In C++ a name is another one where a header forgets extern "C".
package=gpupt
for header; do
	[ "${header##*/}" != libvirt.h ] || package=gpupt-libvirt
	echo "#include <gpupt/${header##*/}>"
done >"$lab/all.cpp"
"${0%/*}/declared.sh" "$@" | sed 's/.*/extern void *const use_&; void *const use_& = (void *)\&&;/' \
	>>"$lab/all.cpp"
printf '#include <cstdio>\nint main() { std::puts("linked"); }\n' >>"$lab/all.cpp"
make $package all c++ "$lab/all.cpp" && run linked all
if [ "$package" = gpupt-libvirt ]; then
	make gpupt-libvirt apply-domain cc "$examples/apply-domain.c" &&
		run ': defined, .*hole 64 GiB' apply-domain "test://$examples/node.xml" z-k8s-n-1 \
			0000:08:00.0=10de:1b39
fi
if [ "$kind" = static ]; then
	# libxml2's file does not name the C++ that ICU is written in.
	echo 'int main(void) { return 0; }' >"$lab/probe.c"
	if make 'libxml-2.0 jansson liblzma' probe cc "$lab/probe.c" -static -lstdc++ >/dev/null; then
		make gpupt alone cc "$examples/plan-buffer.c" -static -lstdc++ &&
			run '^+ *<pcihole64 ' alone "$guest" "$host"
		readelf -d "$lab/alone" | grep NEEDED && fail "a static program needs a library"
	else
		echo "not seen: a program without any library: $(tail -n 1 "$lab/log")"
		failures=$((failures - 1))
	fi
fi
[ $failures = 0 ]
