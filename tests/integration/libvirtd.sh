#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2034
# Sourced, by tests that want a real libvirtd: a daemon of its own, with private
# directories in a private mount namespace, so that the machine's libvirt and its
# guests are not touched.
#   start_lab "$0" "$@": runs the script again, in there, and starts the daemon
#   start_libvirtd: starts it once more; sets $daemon
#   needs_tracing: skips the test where $kill_at cannot work
# Offers: run, has, has_not, fail, skip, $failures, $uri; $gpupt_xml is what runs.

failures=0
uri=qemu:///system

skip() {
	echo "skipped: $1"
	exit 77
}

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# run STATUS COMMAND...: its output in $out, its messages in $err
run() {
	local expected=$1 status=0
	shift
	"$@" >/run/lab/out 2>/run/lab/err || status=$?
	out=$(cat /run/lab/out)
	err=$(cat /run/lab/err)
	[ $status = "$expected" ] || fail "exit $status instead of $expected: $*: $out $err"
}

has() { case $1 in *"$2"*) ;; *) fail "no \"$2\" in: $1" ;; esac; }
has_not() { case $1 in *"$2"*) fail "\"$2\" in: $1" ;; esac; }

needs_tracing() {
	"$kill_at" 1 true
	[ $? = 99 ] || skip "a process may not be traced here"
	export ASAN_OPTIONS=detect_leaks=0 # which would trace, too
}

enter_namespace() {
	[ "$(id -u)" = 0 ] || skip "needs root for a mount namespace"
	for tool in libvirtd virsh unshare qemu-system-x86_64; do
		PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"
	done
	unshare -m -n --propagation private true 2>/dev/null || skip "no namespaces here"
	exec "${0%/*}/../with-libvirt-account.sh" \
		unshare -m -n --propagation private "$BASH" "$@" inside
}

start_lab() {
	[ "${!#}" = inside ] || enter_namespace "$@"
	export PATH=$PATH:/usr/sbin LC_ALL=C
	unset LIBVIRT_DEFAULT_URI
	make_room
	start_libvirtd
	prepare_program
}

make_room() {
	for directory in /run /var/lib /var/log /var/cache; do
		mount -t tmpfs tmpfs $directory || skip "cannot mount on $directory"
		mkdir $directory/libvirt
	done
	mkdir -p /run/lab/etc/qemu
	mount --bind /run/lab/etc /etc/libvirt || skip "cannot mount on /etc/libvirt"
	printf '%s\n' 'auth_unix_ro = "none"' 'auth_unix_rw = "none"' 'unix_sock_group = "root"' \
		'listen_tls = 0' 'listen_tcp = 1' 'auth_tcp = "none"' >/etc/libvirt/libvirtd.conf
	printf '%s\n' 'security_driver = "none"' 'namespaces = []' 'cgroup_controllers = []' \
		'user = "root"' 'group = "root"' 'stdio_handler = "file"' >/etc/libvirt/qemu.conf
	ip link set lo up 2>/dev/null # for remote URIs
	# libvirtd asks each QEMU for seconds what it can do; this one is for no test
	other=$(command -v qemu-system-i386) && mount --bind /dev/null "$other"
}

start_libvirtd() {
	libvirtd -l -p /run/lab/libvirtd.pid >/run/lab/libvirtd.log 2>&1 &
	daemon=$!
	trap '{ kill $daemon; wait $daemon; } 2>/dev/null' EXIT
	for _ in $(seq 100); do
		virsh -r -c qemu:///system version >/dev/null 2>&1 && break
		kill -0 $daemon 2>/dev/null || skip "libvirtd does not run: $(tail -n 3 /run/lab/libvirtd.log)"
		sleep 0.1
	done
	virsh -r -c qemu:///system version >/dev/null || skip "libvirtd does not answer"
}

# Sets $gpupt_xml to what runs under AddressSanitizer too, which wraps the xdr functions
# that libvirt has from libtirpc, and finds the real ones only where that was loaded from
# the start, not by dlopen().
prepare_program() {
	libasan=$(ldd "$gpupt_xml" | awk '/libasan/ { print $3 }')
	if [ -n "$libasan" ]; then
		libtirpc=$(ldd "$(command -v virsh)" | awk '/libtirpc/ { print $3 }')
		printf '#!/bin/sh\nLD_PRELOAD="%s %s" exec %s "$@"\n' "$libasan" "$libtirpc" \
			"$(realpath "$gpupt_xml")" >/run/lab/gpupt-xml
		chmod +x /run/lab/gpupt-xml
		gpupt_xml=/run/lab/gpupt-xml
	fi
}
