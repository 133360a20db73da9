#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hosts that are reached by ssh: two, each with a real sshd and a libvirtd of its own, in
# one run; and what is said where ssh does not get there. Needs root.
#   ssh.sh GPUPT_XML EXAMPLES
set -u

gpupt_xml=$1
examples=$2

# shellcheck source=tests/integration/libvirtd.sh
. "${0%/*}/libvirtd.sh"

# The second host is a mount namespace; on the laboratory's network it has an address.
be_node_2() {
	make_room
	sed -i 's/listen_tcp = 1/listen_tcp = 0/' /etc/libvirt/libvirtd.conf # that port is taken
	cp -a /etc/ssh/cache/. /var/cache/libvirt # what QEMU can do takes seconds to find out
	mkdir /run/sshd
	start_libvirtd
	echo $daemon >/etc/ssh/node-2.libvirtd
	/usr/sbin/sshd -D -E /etc/ssh/node-2.log -o ListenAddress=127.0.0.3 &
	trap '{ kill $daemon $!; wait; } 2>/dev/null' EXIT
	trap exit TERM
	wait $!
}

if [ "${!#}" = node-2 ]; then
	be_node_2
	exit
fi
PATH=$PATH:/usr/sbin command -v sshd >/dev/null || skip "sshd is not installed"
start_lab "$0" "$@"

# All that ssh and sshd read is in /etc/ssh, which is the laboratory's.
mount -t tmpfs -o mode=755 tmpfs /etc/ssh || skip "cannot mount on /etc/ssh"
for key in host user stranger; do
	ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/$key || skip "no key can be made"
done
printf '%s\n' 'HostKey /etc/ssh/host' 'AuthorizedKeysFile /etc/ssh/user.pub' 'UsePAM no' \
	'PidFile none' >/etc/ssh/sshd_config
cat >/etc/ssh/ssh_config <<-'END'
	Host node-1 bare
		HostName 127.0.0.2
	Host node-2
		HostName 127.0.0.3
	Host unknown
		HostName 127.0.0.4
	Host changed
		HostName 127.0.0.5
	Host node-* unknown
		IdentityFile /etc/ssh/user
END
echo "127.0.0.2,127.0.0.3 $(cat /etc/ssh/host.pub)" >/etc/ssh/ssh_known_hosts
echo "127.0.0.5 $(cat /etc/ssh/stranger.pub)" >>/etc/ssh/ssh_known_hosts
cp -a /var/cache/libvirt /etc/ssh/cache
mkdir /run/sshd
/usr/sbin/sshd -D -E /run/lab/sshd.log -o ListenAddress=127.0.0.2 \
	-o ListenAddress=127.0.0.4 -o ListenAddress=127.0.0.5 &
sshd=$!
unshare -m --propagation private "$BASH" "$0" "$@" node-2 &
node_2=$!
trap '{ kill $daemon $sshd $node_2; wait; } 2>/dev/null' EXIT
for address in 127.0.0.2 127.0.0.3; do
	for _ in $(seq 100); do
		(: </dev/tcp/$address/22) 2>/dev/null && break
		kill -0 $sshd $node_2 || skip "a host does not start: $(cat /run/lab/sshd.log)"
		sleep 0.1
	done
done

node() { echo "qemu+ssh://root@$1/system${2-}"; }
inventory=(--inventory "$examples/hosts/p10.json")
fleet=("${inventory[@]}" -c "$(node node-1)" -c "$(node node-2)")
for n in 1 2; do
	sed -e "s/<domain type='kvm'>/<domain type='qemu'>/; s/z-k8s-n-1/vm-$n/; /<uuid>/d" \
		-e "/<mac /d" "$examples/z-k8s-n-1.xml" >/run/lab/vm-$n.xml
	virsh -q -c "$(node node-$n)" define /run/lab/vm-$n.xml || fail "cannot define vm-$n"
done

# ---- two hosts in one run
run 1 "$gpupt_xml" diff --all "${fleet[@]}" --format table
has "$out" "node-1/vm-1  differs"
has "$out" "node-2/vm-2  differs"
has_not "$out" "node-1/vm-2" # each is a host of its own
run 1 "$gpupt_xml" diff --all "${fleet[@]}" --format json
has "$out" "\"target\":\"vm-2\",\"kind\":\"domain\",\"uri\":\"$(node node-2)\""
[ "$(wc -l </run/lab/out)" = 2 ] || fail "not a line for each: $out"
run 0 "$gpupt_xml" apply --all "${fleet[@]}"
has "$err" "vm-2: defined, read back and found right"
has "$err" "2 in all: 2 defined"
for n in 1 2; do
	has "$(virsh -c "$(node node-$n)" dumpxml --inactive vm-$n)" "<pcihole64 unit='KiB'>67108864<"
done
grep -q 'Accepted publickey for root' /etc/ssh/node-2.log || fail "not by ssh"
run 0 "$gpupt_xml" undo vm-2 -c "$(node node-2)"
run 1 "$gpupt_xml" diff vm-1 vm-2 "${inventory[@]}" -c $uri -c "$(node node-2)" --format table
has "$out" "qemu-system/vm-1  unchanged"
has "$out" "node-2/vm-2       differs"

# ---- what is there is no matter here
run 2 "$gpupt_xml" diff vm-2 -c "$(node node-2)"
has "$err" "this machine's devices are not taken for its own"
has "$err" "ssh root@node-2 gpupt-xml snapshot"

# ---- ssh does not get there
# trouble URI WORDS ADVICE: in one line
trouble() {
	run 2 "$gpupt_xml" diff vm-1 -c "$1" "${inventory[@]}"
	has "$err" "cannot connect to $1: "
	has "$err" "$2"
	has "$err" "; $3"
	[ "$(wc -l </run/lab/err)" = 1 ] || fail "more than a line: $err"
}
trouble "$(node node-1:23)" "Connection refused" "see that \`ssh\` gets there by hand"
trouble "$(node node-9.invalid)" "Could not resolve" "see that \`ssh\` gets there by hand"
trouble "$(node unknown)" "Host key verification failed" "once you know that it is that host"
trouble "$(node changed)" "IDENTIFICATION HAS CHANGED" "once you know why it has another key"
has_not "$err" "^M" # each line of ssh's has one
stranger=$(node bare '?keyfile=/etc/ssh/stranger')
trouble "$stranger" "Permission denied (publickey" "the host takes no key that ssh has"
run 1 "$gpupt_xml" diff vm-2 -c "$(node bare '?keyfile=/etc/ssh/user')" -c "$(node node-2)" \
	"${inventory[@]}" --format table
has "$out" "node-2/vm-2  differs" # one host is enough to say
trouble "$(node node-1 '?proxy=netcat&netcat=/none')" "not found" "ssh gets there, but libvirt on"
run 2 "$gpupt_xml" diff --all "${inventory[@]}" -c "$stranger" -c "$(node node-2)" --format table
has "$out" "$stranger  failed"
has "$out" "node-2/vm-2 "
# by the libraries that stand in for the program
for transport in libssh libssh2; do
	options="known_hosts=/etc/ssh/ssh_known_hosts&sshauth=privkey&keyfile=/etc/ssh"
	library() { echo "qemu+$transport://root@127.0.0.$1/system?$options/$2"; }
	"$gpupt_xml" diff vm-1 "${inventory[@]}" -c "$(library 2 user)" >/dev/null 2>/run/lab/err ||
		{ grep -q "recompile\|not supported" /run/lab/err && continue; }
	run 0 "$gpupt_xml" diff vm-1 "${inventory[@]}" -c "$(library 2 user)"
	trouble "$(library 2 stranger)" "uthenticat" "the host takes no key that ssh has"
	trouble "$(library 4 user)" "to accept host key" "once you know that it is that host"
	trouble "$(library 5 user)" "differs from" "once you know why it has another key"
done

# ---- nobody is there to answer: ssh would ask on the terminal that it was started from
# on_terminal OPTIONS: what is seen there, of a run whose standard input is another; Ctrl-C
# is the answer to a question
on_terminal() {
	rm -f /run/lab/over
	: >/run/lab/terminal
	for _ in $(seq 100); do
		grep -q 'password: $' /run/lab/terminal && printf '\003'
		[ ! -e /run/lab/over ] || break
		sleep 0.1
	done | {
		env --default-signal=INT,QUIT timeout 10 script -qefc \
			"$gpupt_xml diff vm-1 $1 ${inventory[*]} </dev/null" /dev/null >/run/lab/terminal
		touch /run/lab/over
	}
	terminal=$(cat /run/lab/terminal)
}
if command -v script >/dev/null; then
	on_terminal "-c '$stranger'"
	has_not "$terminal" "password:"
	has "$terminal" "Permission denied (publickey"
	LIBVIRT_DEFAULT_URI=$stranger on_terminal ''
	has_not "$terminal" "password:"
	on_terminal "-c '$stranger&no_tty=0'"
	has "$terminal" "password:" # whoever says so is asked
fi

# ---- ssh gets there, and libvirt is not to be had
printf '#!/bin/sh\nexec setpriv --reuid=65534 --clear-groups nc "$@"\n' >/run/lab/nc
chmod +x /run/lab/nc
chmod 700 /run/libvirt/libvirt-sock # as where polkit does not decide
run 2 "$gpupt_xml" undo vm-1 -c "$(node node-1 '?proxy=netcat&netcat=/run/lab/nc')"
has "$err" "Permission denied"
has "$err" "; root may, members of the group libvirt"
kill "$(cat /etc/ssh/node-2.libvirtd)"
for _ in $(seq 100); do
	kill -0 "$(cat /etc/ssh/node-2.libvirtd)" 2>/dev/null || break
	sleep 0.1
done
for proxy in netcat native; do
	trouble "$(node node-2 "?proxy=$proxy")" "No such file" "ssh gets there, is libvirt's daemon"
done

[ $failures = 0 ]
