#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# KubeVirt's contract: `onDefineDomain --vmi JSON --domain XML`, looked up in PATH and run
# without a shell; the whole XML on standard output, or nothing and a failure.
. "$SOURCE/tests/cli/lib.sh"

mkdir bin
ln -s "$GPUPT_XML" bin/onDefineDomain
xml=$DATA/kubevirt/vmi.xml
gpus='0000:3b:00.0=10de:2330, 0000:d8:00.0=10de:2330'
vmi() { # [NAME VALUE]...
	printf '{"kind":"VirtualMachineInstance","metadata":{"name":"vm","namespace":"ml",'
	printf '"annotations":{"kubevirt.io/latest-observed-api-version":"v1"'
	while [ $# -gt 0 ]; do
		printf ',"gpupt-xml/%s":"%s"' "$1" "$2"
		shift 2
	done
	printf '}},"spec":{"domain":{"devices":{"gpus":[{"name":"gpu1"}]}}}}'
}
# hook STATUS ARGUMENT...: as the sidecar's shim does
hook() {
	expected=$1
	shift
	status=0
	env PATH="$PWD/bin" onDefineDomain "$@" </dev/null >"$lab/out" 2>"$lab/err" || status=$?
	err=$(cat "$lab/err")
	[ "$status" = "$expected" ] || fail "exit status $status, expected $expected: $err"
	[ "$status" = 0 ] || [ ! -s "$lab/out" ] || fail "output in spite of status $status"
	[ "$status" = 0 ] && [ ! -s "$lab/out" ] && fail "nothing is written"
}
is_in() { grep -q -- "$1" "$lab/out" || fail "no $1 in: $(cat "$lab/out")"; }

# Two H100 and no PCI controller; twice in a row; in any order and form.
text=$(cat "$xml"; echo .) text=${text%.}
hook 0 --vmi "$(vmi assume "$gpus")" --domain "$text"
is_in '<controller type="pci" index="0" model="pcie-root">'
is_in '<pcihole64 unit="KiB">536870912</pcihole64>'
[ "$(diff "$xml" "$lab/out" | grep -c '^<')" = 0 ] || fail "a line is gone: $(diff "$xml" "$lab/out")"
grep -q "'" "$lab/out" && fail "another quote than KubeVirt's"
cp "$lab/out" once
hook 0 --domain "$(cat once; echo)
" --vmi="$(vmi assume "$gpus")"
diff -B once "$lab/out" || fail "a second run changes something"
hook 0 --domain="$text" --vmi="$(vmi assume "$gpus")"
same once "$lab/out"
run 0 kubevirt-hook --domain "$text" --vmi "$(vmi assume "$gpus")"
same once "$lab/out"

# Annotations are options.
hook 0 --domain "$text" --vmi "$(vmi assume "$gpus" rounding gib)"
is_in '<pcihole64 unit="KiB">[0-9]*</pcihole64>'
cmp -s once "$lab/out" && fail "rounding does nothing"
hook 0 --domain "$text" --vmi "$(vmi assume "$gpus" pcihole64 1TiB force true)"
is_in '<pcihole64 unit="KiB">1073741824</pcihole64>'
hook 0 --domain "$text" --vmi "$(vmi pcihole64 keep)"
same "$xml" "$lab/out"
hook 0 --domain "$text" --vmi "$(vmi enabled false)"
same "$xml" "$lab/out"
hook 0 --domain "$text" --vmi "$(vmi enabled true force false pcihole64 keep)"
same "$xml" "$lab/out"
run 0 snapshot --inventory "$EXAMPLES/hosts/p10.json" --assume 0000:3b:00.0=10de:2330 \
	--assume 0000:d8:00.0=10de:2330 -o host.json
hook 0 --domain "$text" --vmi "$(vmi inventory "$PWD/host.json")"
is_in '<pcihole64 unit="KiB">536870912</pcihole64>'

# An explicit 0 (KubeVirt's own kubevirt.io/disablePCIHole64) stays.
sed 's|<devices>|&<controller type="pci" index="0" model="pcie-root"><pcihole64>0</pcihole64></controller>|' \
	"$xml" >zero.xml
hook 0 --domain "$(cat zero.xml)" --vmi "$(vmi assume "$gpus")"
is_in '<pcihole64>0</pcihole64>'
grep -q 'pcihole64 unit' "$lab/out" && fail "a 0 is overwritten"

# The node's distribution narrows down QEMU and firmware for `patch` on the node, not here:
# neither of them comes from there.
sed -e 's/pc-q35-rhel9.6.0/pc-q35-7.2/' -e 's/bus="0x3b"/bus="0x1b"/' \
	-e 's/bus="0xd8"/bus="0x43"/' "$xml" >upstream.xml
healthy=$DATA/doctor/healthy/sys
count() { sed -n 's/.*matters: \([0-9]*\) possibilities.*/\1/p' "$lab/err"; }
run 0 snapshot --sysfs "$healthy" -o healthy.json
run 0 patch upstream.xml --inventory healthy.json
of_node=$(count)
for where in "sysfs $healthy" "inventory $PWD/healthy.json"; do
	hook 0 --domain "$(cat upstream.xml)" --vmi "$(vmi "${where%% *}" "${where#* }")"
	[ "$(count)" -gt "${of_node:-1}" ] || fail "$where: the node's distribution counts"
done

# Eight GPUs and an NVSwitch, with qemu:commandline; a quarter of a megabyte is too much for
# one argument of execve(), 128 KiB less one is not.
many= devices=
for bus in 10 20 30 40 50 60 70 80; do
	many="$many,0000:$bus:00.0=10de:2330"
	devices="$devices<hostdev type=\"pci\" managed=\"no\" mode=\"subsystem\"><source><address \
type=\"pci\" domain=\"0x0000\" bus=\"0x$bus\" slot=\"0x00\" function=\"0x0\"></address></source></hostdev>"
done
many="$many,0000:90:00.0=10de:22a3"
devices="$devices<hostdev type=\"pci\" managed=\"no\" mode=\"subsystem\"><source><address \
type=\"pci\" domain=\"0x0000\" bus=\"0x90\" slot=\"0x00\" function=\"0x0\"></address></source></hostdev>"
sed -e '/<hostdev/,/<\/hostdev>/d' -e "s|</devices>|$devices\n&|" \
	-e 's|</domain>|<qemu:commandline><qemu:arg value="-no-shutdown"></qemu:arg></qemu:commandline>&|' \
	"$xml" >eight.xml
fill=$(printf '%*s' $((131071 - $(wc -c <eight.xml) - 9)) '' | tr ' ' x)
sed "s|</domain>|<!--$fill-->&|" eight.xml | head -c 131070 >large.xml
for file in eight.xml large.xml; do
	hook 0 --vmi "$(vmi assume "$many" allow maxphysaddr)" --domain "$(cat $file)"
	is_in '<pcihole64 unit="KiB">2147483648</pcihole64>'
	is_in '<qemu:arg value="-no-shutdown"></qemu:arg>'
	[ "$(diff $file "$lab/out" | grep -c '^< .*hostdev')" -le 1 ] || fail "hostdevs are gone"
done

# KubeVirt asks up to three times for one start (allocateHotplugPorts() in
# pkg/virt-launcher/virtwrap/manager.go, 1.9), for what its own types keep of the answer:
# they lack <maxphysaddr>, and before 1.8 <target>.
sed -e 's/pc-q35-rhel9.6.0/pc-q35-7.2/' \
	-e 's|<cpu mode="host-model">|<cpu mode="custom">\n    <model>qemu64</model>\n  |' \
	eight.xml >narrow.xml
hook 0 --vmi "$(vmi assume "$many" allow maxphysaddr)" --domain "$(cat narrow.xml)"
cp "$lab/out" first
for unknown in maxphysaddr 'target hotplug'; do
	sed "/<$unknown/d" first >kept
	cmp -s first kept && fail "there is no <$unknown>"
	hook 0 --vmi "$(vmi assume "$many" allow maxphysaddr)" --domain "$(cat kept)"
	[ "$(cat "$lab/out")" = "$(cat first)" ] ||
		fail "another answer without <$unknown>: $(diff first "$lab/out")"
done

# What is read late is read all the same: the shim's log has only what was read before the end.
mkfifo pipe
exec 3<>pipe
{
	env PATH="$PWD/bin" onDefineDomain --vmi "$(vmi pci-hole64 1TiB)" --domain "$text" 2>pipe >/dev/null
	echo $? >ended
} &
sleep 0.5
[ ! -e ended ] || fail "the hook ended before its standard error was read"
read -r line <&3
wait
[ "$(cat ended)" = 2 ] || fail "exit status $(cat ended)"
[ "${line#*pci-hole64: there is no such option}" != "$line" ] || fail "read: $line"
exec 3>&-

# Trouble: a failure, a reason, and no output.
hook 2 --vmi "$(vmi)" --domain '<domain><name>'
err_has "domain:1:"
hook 2 --vmi "$(vmi)" --domain ''
hook 2 --vmi '{"metadata"' --domain "$text"
err_has "--vmi: no JSON"
hook 2 --vmi "$(vmi pci-hole64 1TiB)" --domain "$text"
err_has "annotation gpupt-xml/pci-hole64: there is no such option; did you mean gpupt-xml/pcihole64?"
hook 2 --vmi "$(vmi pcihole 1TiB)" --domain "$text" # getopt_long() would take it
err_has "annotation gpupt-xml/pcihole: there is no such option"
hook 2 --vmi "$(vmi enable false)" --domain "$text"
err_has "did you mean gpupt-xml/enabled?"
hook 2 --vmi "$(vmi force yes)" --domain "$text"
err_has 'annotation gpupt-xml/force: expected "true" or "false"'
hook 0 --vmi "$(vmi force yes enabled false)" --domain "$text" # off is off
same "$xml" "$lab/out"
hook 2 --vmi "$(vmi domain '<domain/>')" --domain "$text"
err_has "annotation gpupt-xml/domain: there is no such option"
hook 2 --vmi "$(vmi inventory /none.json)" --domain "$text"
err_has "/none.json"
hook 2 --vmi '{"metadata":{"annotations":{"gpupt-xml/pcihole64":64}}}' --domain "$text"
err_has "annotation gpupt-xml/pcihole64: not a string"
hook 2 --vmi "$(vmi)"
err_has "needs --domain"
hook 2 --vmi "$(vmi sysfs "$PWD/bin")" --domain "$text"
hook 3 --vmi "$(vmi assume "$gpus" pcihole64 1PiB)" --domain "$text"
# a guest without devices to pass through needs nothing to be known
sed '/<hostdev/,/<\/hostdev>/d' "$xml" >none.xml
hook 0 --vmi '[]' --domain "$(cat none.xml)"
printf %s "$(cat none.xml)" | cmp - "$lab/out" || fail "a guest without devices is changed"
finish
