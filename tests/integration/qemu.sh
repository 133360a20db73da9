#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The main job on a real libvirtd with the QEMU driver: a daemon of its own, with
# private directories in a private mount namespace, so that the machine's libvirt
# and its guests are not touched. Needs root.
#   qemu.sh GPUPT_XML EXAMPLES
set -u

gpupt_xml=$1
examples=$2

# shellcheck source=tests/integration/libvirtd.sh
. "${0%/*}/libvirtd.sh"
[ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || skip "no OVMF firmware"
start_lab "$0" "$@"

# The user's story: q35, OVMF, a GPU with BARs of 16 MiB, 32 GiB and 32 MiB

snapshot=$examples/hosts/p10.json
sed "s/<domain type='kvm'>/<domain type='qemu'>/" "$examples/z-k8s-n-1.xml" >/run/lab/vm.xml
virsh -q -c qemu:///system define --validate /run/lab/vm.xml || fail "cannot define the domain"
before=$(virsh -r -c qemu:///system dumpxml --inactive z-k8s-n-1)

run 2 "$gpupt_xml" diff z-k8s-n-1 -c qemo:///system
has "$err" "cannot connect to qemo:///system (did you mean qemu:///system?): no connection driver"
run 1 "$gpupt_xml" apply z-k8s-n-1 -c qemu:///system --inventory "$snapshot" --dry-run
has "$out" "+      <pcihole64 unit='KiB'>67108864</pcihole64>"
run 1 "$gpupt_xml" diff z-k8s-n-1 -c qemu:///system --inventory "$snapshot"
has "$out" "--- a/z-k8s-n-1.xml"
[ "$before" = "$(virsh -r -c qemu:///system dumpxml --inactive z-k8s-n-1)" ] ||
	fail "--dry-run or diff changed the domain"
# the diff is one for the very text that was read
virsh -r -c qemu:///system dumpxml --inactive z-k8s-n-1 | sed '$d' >/run/lab/z-k8s-n-1.xml
(cd /run/lab && printf '%s\n' "$out" | patch -p1 -s) || fail "the diff does not apply"
grep -q '<pcihole64' /run/lab/z-k8s-n-1.xml || fail "the patched text has no hole"

# The URI is found for people whose default is another one.
run 2 env LIBVIRT_DEFAULT_URI=test:///default "$gpupt_xml" apply z-k8s-n-1 \
	--inventory "$snapshot" --dry-run
has "$err" "gpupt-xml apply -c qemu:///system --inventory"

# Who may not connect is told who may. Without its powers root is an ordinary user, who
# gets at the program wherever it is.
chown 65534:65534 /run/libvirt/libvirt-sock
chmod 700 /run/libvirt/libvirt-sock
run 2 setpriv --bounding-set=-dac_override,-dac_read_search "$gpupt_xml" apply z-k8s-n-1 \
	-c qemu:///system --inventory "$snapshot"
has "$err" "Permission denied; root may, members of the group libvirt, and whom"
chown 0:0 /run/libvirt/libvirt-sock
chmod 777 /run/libvirt/libvirt-sock # as without authentication

# A host across the network: its devices are not this machine's.
if virsh -r -c qemu+tcp://localhost/system version >/dev/null 2>/run/lab/err; then
	run 2 "$gpupt_xml" diff z-k8s-n-1 -c qemu+tcp://localhost/system
	has "$err" "\`ssh localhost gpupt-xml snapshot > host.json\`"
	run 1 "$gpupt_xml" diff z-k8s-n-1 -c qemu+tcp://localhost/system --inventory "$snapshot"
	run 1 "$gpupt_xml" diff z-k8s-n-1 -c qemu+tcp://localhost/system \
		--assume 0000:08:00.0=10de:1b39
else
	echo "no remote URI was tried: $(cat /run/lab/err)"
fi

run 0 "$gpupt_xml" apply z-k8s-n-1 -c qemu:///system --inventory "$snapshot"
has "$out" "+      <pcihole64 unit='KiB'>67108864</pcihole64>"
has "$err" "z-k8s-n-1: defined, read back and found right"
has "$err" "[GPUPT-0101]" # the 32-bit trap: the hole alone is not enough
has_not "$err" "validation"
has "$(virsh -r -c qemu:///system dumpxml --inactive z-k8s-n-1)" \
	"<pcihole64 unit='KiB'>67108864</pcihole64>"

# What QEMU is told. libvirt 9.0 wants the driver named for this conversion.
virsh -r -c qemu:///system dumpxml --inactive z-k8s-n-1 |
	sed "s|<hostdev mode='subsystem' type='pci' managed='yes'>|&<driver name='vfio'/>|" \
		>/run/lab/native.xml
run 0 virsh -c qemu:///system domxml-to-native qemu-argv --xml /run/lab/native.xml
has "$out" "-global q35-pcihost.pci-hole64-size=67108864K"
has "$out" '"host":"0000:08:00.0"'

# A second time there is nothing to do.
after=$(virsh -r -c qemu:///system dumpxml --inactive z-k8s-n-1)
run 0 "$gpupt_xml" apply z-k8s-n-1 -c qemu:///system --inventory "$snapshot"
[ -z "$out" ] || fail "a second apply prints a diff: $out"
has "$err" "nothing to do"
run 0 "$gpupt_xml" diff z-k8s-n-1 -c qemu:///system --inventory "$snapshot"
[ "$after" = "$(virsh -r -c qemu:///system dumpxml --inactive z-k8s-n-1)" ] ||
	fail "a second apply changed the domain"

# Nothing that QEMU would refuse to start with is written.
run 3 "$gpupt_xml" apply z-k8s-n-1 -c qemu:///system --inventory "$snapshot" --pcihole64 2TiB
[ "$after" = "$(virsh -r -c qemu:///system dumpxml --inactive z-k8s-n-1)" ] ||
	fail "a size that does not fit changed the domain"

# Device changes: libvirt picks the guest addresses.
run 0 "$gpupt_xml" apply z-k8s-n-1 -c qemu:///system --inventory "$snapshot" \
	--remove-device 08:00.0
has_not "$(virsh -r -c qemu:///system dumpxml --inactive z-k8s-n-1)" "<hostdev"
run 0 "$gpupt_xml" apply z-k8s-n-1 -c qemu:///system --inventory "$snapshot" \
	--add-device 10de:1b39
has "$(virsh -r -c qemu:///system dumpxml --inactive z-k8s-n-1)" "<hostdev"
run 0 "$gpupt_xml" apply z-k8s-n-1 -c qemu:///system --inventory "$snapshot"
[ -z "$out" ] || fail "not idempotent after --add-device: $out"

# Another domain with the same device; passwords survive.
sed -e "s/z-k8s-n-1/z-k8s-n-2/; s/5f11/5f12/; s/:7e'/:7f'/" \
	-e "s|<memballoon|<graphics type='vnc' passwd='s3cret'/>&|" /run/lab/vm.xml >/run/lab/vm2.xml
virsh -q -c qemu:///system define /run/lab/vm2.xml || fail "cannot define the second domain"
run 0 "$gpupt_xml" apply z-k8s-n-2 -c qemu:///system --inventory "$snapshot"
has "$err" "[GPUPT-0015]"
has_not "$out" "s3cret"
has "$(virsh -c qemu:///system dumpxml --inactive --security-info z-k8s-n-2)" "passwd='s3cret'"

# What only looks needs no more than the socket for looking.
if strace -o /dev/null true 2>/dev/null; then
	for command in diff explain "apply --dry-run"; do
		strace -f -o /run/lab/trace -e trace=connect "$gpupt_xml" $command z-k8s-n-1 \
			-c qemu:///system --inventory "$snapshot" >/dev/null 2>&1
		grep -q 'libvirt-sock-ro"' /run/lab/trace || fail "$command: no read-only socket"
		! grep -q 'libvirt-sock"' /run/lab/trace || fail "$command: not read-only"
	done
fi
# --show-secrets needs the other one.
mv /run/libvirt/libvirt-sock /run/libvirt/moved
run 2 "$gpupt_xml" diff z-k8s-n-1 -c qemu:///system --inventory "$snapshot" --show-secrets
has "$err" "--show-secrets needs more than a read-only connection: "
run 0 "$gpupt_xml" diff z-k8s-n-1 -c qemu:///system --inventory "$snapshot"
# A default that does not even answer.
run 2 env LIBVIRT_DEFAULT_URI=test:///no/such/node.xml "$gpupt_xml" diff z-k8s-n-1
has "$err" "there is a domain \"z-k8s-n-1\" at qemu:///system: gpupt-xml diff -c qemu:///system"
mv /run/libvirt/moved /run/libvirt/libvirt-sock

# Two at once: whoever reports success has its change in the definition.
for _ in 1 2 3 4 5; do
	virsh -q -c qemu:///system define /run/lab/vm.xml
	"$gpupt_xml" apply z-k8s-n-1 -c qemu:///system --inventory "$snapshot" -q \
		--pcihole64 128GiB >/dev/null 2>&1 &
	first=$!
	run 0 "$gpupt_xml" apply z-k8s-n-1 -c qemu:///system --inventory "$snapshot" \
		--pcihole64 keep --remove-device 08:00.0
	wait $first || fail "one of two appliers failed"
	both=$(virsh -r -c qemu:///system dumpxml --inactive z-k8s-n-1)
	has "$both" ">134217728</pcihole64>"
	has_not "$both" "<hostdev"
done
virsh -q -c qemu:///system define /run/lab/vm.xml

# A running guest, and one that was saved: a small one that TCG can run.
virsh -q -c qemu:///system define /dev/stdin <<'XML' || fail "cannot define the small domain"
<domain type='qemu'>
  <name>small</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices><memballoon model='none'/></devices>
</domain>
XML
if virsh -q -c qemu:///system start small 2>/run/lab/err; then
	# verify on a connection that may only look, then for real
	mv /run/libvirt/libvirt-sock /run/libvirt/moved
	run 2 "$gpupt_xml" verify small -c qemu:///system
	has "$out" "small: not verified: QEMU's monitor was not asked"
	has_not "$err" "custom-monitor"
	mv /run/libvirt/moved /run/libvirt/libvirt-sock
	! grep -q custom-monitor /var/log/libvirt/qemu/small.log || fail "QEMU was asked"
	run 0 "$gpupt_xml" verify small -c qemu:///system
	has "$out" "small: verified; no PCI device is passed through."
	has "$err" "tainted: custom-monitor"
	has_not "$err" "GPUPT-0081"
	grep -q custom-monitor /var/log/libvirt/qemu/small.log || fail "QEMU was not asked"
	run 0 "$gpupt_xml" verify small -c qemu:///system --format json -q
	has "$out" '"state": "assigned"'
	has "$out" '"needs_restart": false'
	has "$out" '"path": "1f.2"' # q35's own SATA controller
	[ -z "$err" ] || fail "verify -q says: $err"
	run 0 "$gpupt_xml" verify small -c qemu:///system -v
	has "$out" "0000:00:1f.2  5"
	run 0 "$gpupt_xml" verify small -c qemu:///system --guest-agent
	has "$err" "the guest agent cannot be asked: "

	run 0 "$gpupt_xml" apply small -c qemu:///system --pcihole64 48GiB
	has "$err" "small is running: the change takes effect after a full stop and start"
	has_not "$(virsh -r -c qemu:///system dumpxml small)" "pcihole64"
	run 0 "$gpupt_xml" verify small -c qemu:///system
	has "$err" "other settings than its definition has: <pcihole64> [GPUPT-0081]"
	if virsh -q -c qemu:///system managedsave small 2>/run/lab/err; then
		run 0 "$gpupt_xml" apply small -c qemu:///system --pcihole64 56GiB
		has "$err" "virsh -c qemu:///system managedsave-remove small"
	else
		echo "managed save was not tried: $(cat /run/lab/err)"
	fi
	virsh -q -c qemu:///system managedsave-remove small
	virsh -q -c qemu:///system undefine small --nvram
else
	echo "no guest was started: $(cat /run/lab/err)"
fi

# A transient guest stays one.
sed -e "s/z-k8s-n-1/passing/; s/5f11/5f13/" -e '/<hostdev/,/<\/hostdev/d' \
	-e '/<disk/,/<\/disk/d' -e '/<interface/,/<\/interface/d' \
	-e "s/'KiB'>16777216/'KiB'>131072/" /run/lab/vm.xml >/run/lab/transient.xml
if virsh -q -c qemu:///system create /run/lab/transient.xml --paused 2>/run/lab/err; then
	run 2 "$gpupt_xml" apply passing -c qemu:///system --pcihole64 64GiB
	has "$err" "domain passing is transient"
	run 1 "$gpupt_xml" diff --all -c qemu:///system --inventory $snapshot --pcihole64 96GiB
	has "$out" "b/z-k8s-n-1.xml"
	has_not "$out" "passing" # without a definition
	virsh -q -c qemu:///system destroy passing
	has_not "$(virsh -r -c qemu:///system list --all --name)" "passing"
else
	echo "no transient guest was started: $(cat /run/lab/err)"
fi

# A daemon that dies while the question waits for its answer.
if command -v script >/dev/null; then
	status=0
	{ sleep 1; kill $daemon; wait $daemon; sleep 1; echo y; sleep 1; } 2>/dev/null |
		script -qec "$gpupt_xml apply z-k8s-n-1 -c qemu:///system --inventory $snapshot" \
			/dev/null >/run/lab/out 2>&1 || status=$?
	[ $status = 2 ] || fail "exit $status after libvirtd died: $(cat /run/lab/out)"
	has "$(cat /run/lab/out)" "gpupt-xml: cannot read domain z-k8s-n-1: "
	! grep -q pcihole64 /etc/libvirt/qemu/z-k8s-n-1.xml || fail "defined by a dead daemon"
fi

[ $failures = 0 ]
