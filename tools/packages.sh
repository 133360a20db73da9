# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by first-run and run-tests: what Debian packages they need, and how to
# get those that are missing.

build_packages='
	gcc libc6-dev meson ninja-build pkgconf
	libxml2-dev libjansson-dev liblzma-dev libvirt-dev libpci-dev
	scdoc
'
test_packages='
	libcmocka-dev valgrind gcovr
	libxml2-utils patch g++ abigail-tools strace libvirt-clients
	libvirt-daemon libvirt-daemon-driver-qemu
	qemu-system-x86 ovmf seabios busybox-static qemu-guest-agent
	python3 python3-jsonschema ansible-core
	zsh fish iproute2 duktape openssh-client openssh-server
	git python3-yaml pre-commit netcat-openbsd
'

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

missing_packages() {
	for package; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
		[ "$state" = installed ] || echo "$package"
	done
}

# Installs what is missing of the packages named; asks nothing, and needs neither
# rights nor a network where nothing is missing.
install_packages() {
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	echo "== installing:" $missing
	as_root apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
		-o Dpkg::Use-Pty=0 $missing </dev/null
}

# Configures build directory $1 with the options behind it, or sets them there.
configure() {
	directory=$1
	shift
	if [ -f "$directory/build.ninja" ]; then
		meson configure "$directory" "$@"
	else
		meson setup "$directory" "$@"
	fi
}
