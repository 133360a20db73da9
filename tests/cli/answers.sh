#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# verify and guest with what QEMU and a guest agent may answer, on libvirt's test driver.
. "$SOURCE/tests/cli/lib.sh"

"$GPUPT_XML" verify z-k8s-n-1 -c "$node" >/dev/null 2>"$lab/err"
grep -q "cannot be loaded" "$lab/err" && skip "built without libvirt"

sed -e "s|<hostdev .*managed='yes'>|&<alias name='ua-gpu'/>|" \
	-e "s|\(index='0' model='pcie-root'\)/>|\1><pcihole64 unit='GiB'>64</pcihole64></controller>|" \
	"$EXAMPLES/z-k8s-n-1.xml" >vm.xml
echo "<node><domain file='$PWD/vm.xml'/></node>" >node.xml
node=test://$PWD/node.xml

# qemu BAR0 BAR1 [ID]: the card behind its port, and where its BARs are
qemu() {
	cat >reply <<-JSON
		{"return":[{"bus":0,"devices":[{"bus":0,"slot":1,"function":2,"qdev_id":"pci.3",
		"regions":[],"pci_bridge":{"bus":{"number":0},"devices":[{"bus":3,"slot":0,
		"function":0,"qdev_id":"${3-ua-gpu}","regions":[
		{"bar":0,"type":"memory","size":16777216,"address":$1},
		{"bar":1,"type":"memory","size":34359738368,"address":$2,"mem_type_64":true,
		 "prefetch":true}]}]}}]}],"id":"libvirt-7"}
	JSON
}
cat >agent <<'SH'
#!/bin/sh
case $COMMAND in
*guest-get-osinfo*) echo '{"return":{"id":"debian"}}' ;;
*guest-file-open*) echo '{"return":1}' ;;
*guest-file-read*) printf '{"return":{"buf-b64":"%s","eof":true}}' "$(base64 -w0 content)" ;;
*guest-exec-status*) printf '{"return":{"exited":true,"exitcode":0,"out-data":"%s"}}' "$(base64 -w0 log)" ;;
*guest-exec\"*) echo '{"return":{"pid":9}}' ;;
*guest-file-write*) touch content.changed; echo '{"return":{"count":53}}' ;;
*) echo '{"return":{}}' ;;
esac
SH
printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' "$ANSWERS" "$GPUPT_XML" >with-answers
chmod +x agent with-answers
GPUPT_XML=$PWD/with-answers
export GPUPT_MONITOR=$PWD/reply GPUPT_AGENT=$PWD/agent
export ASAN_OPTIONS="verify_asan_link_order=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}"

# all there, in another place than predicted
qemu 2147483648 70368744177664
run 0 verify z-k8s-n-1 -c "$node" "$p10"
out_has "0000:08:00.0  0000:03:00.0  0    16 MiB  none          0x80000000"
out_has "0000:08:00.0  0000:03:00.0  1    32 GiB  0x1000000000  0x400000000000"
out_has "z-k8s-n-1: every BAR passed through has an address."
err_has "is at 0x80000000; it was predicted to have no address [GPUPT-0083]"
err_has "is at 0x400000000000; predicted was 0x1000000000 [GPUPT-0083]"
err_has "custom-monitor"
run 0 verify z-k8s-n-1 -c "$node"
out_has "32 GiB  ?          0x400000000000"
err_has "no address was predicted: libvirt's test driver has no host devices"
# the same by the place, where the name is not the one in the XML
qemu 2147483648 70368744177664 hostdev0
run 0 verify z-k8s-n-1 -c "$node" "$p10" -q
out_has "every BAR passed through has an address"

# one is missing
qemu 2147483648 -1
run 1 verify z-k8s-n-1 -c "$node" "$p10"
out_has "z-k8s-n-1: not every BAR passed through has an address."
err_has "error: BAR 1 (32 GiB) of 0000:08:00.0 has no address in the running guest [GPUPT-0080]"
run 1 verify z-k8s-n-1 -c "$node" "$p10" --format json -q
out_has '"state": "unassigned"'
out_has '"sight": "unassigned"'
out_has '"host": "0000:08:00.0"'
out_has '"id": "GPUPT-0080"'

# none is mapped: that says nothing, unless the guest is asked
qemu -1 -1
run 2 verify z-k8s-n-1 -c "$node" "$p10"
out_has "unknown"
out_has "z-k8s-n-1: not verified."
err_has "[GPUPT-0082]"
resource() { # BAR 0, BAR 1
	printf '%s\n%s\n' "$1" "$2"
	for _ in 2 3 4 5 6; do
		echo 0x0000000000000000 0x0000000000000000 0x0000000000000000
	done
}
bar0='0x0000000080000000 0x0000000080ffffff 0x0000000000040200'
bar1='0x0000001000000000 0x00000017ffffffff 0x000000000014220c'
resource "$bar0" "$bar1" >content
printf 'NVRM: BAR1 is 0M @ 0x0\033[31m\nall is well\n' >log
run 0 verify z-k8s-n-1 -c "$node" "$p10" --guest-agent
out_has "0x1000000000 (says the guest)"
out_has "  NVRM: BAR1 is 0M @ 0x0^[[31m"
err_has "custom-ga-command"
resource "$bar0" '0x0000000000000000 0x00000007ffffffff 0x000000002014220c' >content
run 1 verify z-k8s-n-1 -c "$node" "$p10" --guest-agent --format json
out_has '"asked_guest": true'
out_has '"nvidia_smi": ['
# a guest that is not what QEMU shows
resource "$bar1" '0x0000000000000000 0x0000000000000000 0x0000000000000000' >content
run 2 verify z-k8s-n-1 -c "$node" "$p10" --guest-agent
err_has "what the guest has at 0000:03:00.0 is another device"

# a device that QEMU does not know, and answers that are none
echo '{"return":[{"bus":0,"devices":[]}]}' >reply
run 2 verify z-k8s-n-1 -c "$node" "$p10"
err_has "QEMU reports no device 0000:08:00.0, ua-gpu"
for reply in '' '{' '{"return":7}' '{"error":{"desc":"no such command"}}'; do
	printf '%s' "$reply" >reply
	run 2 verify z-k8s-n-1 -c "$node" "$p10"
	out_has "not verified"
done

# guest: missing, carried out (it says), there
echo 'ro quiet' >content
run 0 guest z-k8s-n-1 -c "$node" "$p10" --guest-agent
out_has "For Debian, Ubuntu and their kin"
out_has "z-k8s-n-1 runs without pci=realloc; nothing was changed."
[ ! -e content.changed ] || fail "looking changed the guest"
run 2 guest z-k8s-n-1 -c "$node" "$p10" --guest-agent --yes
err_has "and yet its next boot will not have pci=realloc"
[ -e content.changed ] || fail "--yes changed nothing"
echo 'ro pci=realloc' >content
run 0 guest z-k8s-n-1 -c "$node" "$p10" --guest-agent --yes
out_has "z-k8s-n-1 runs with pci=realloc already; nothing was changed."
run 0 guest z-k8s-n-1 -c "$node" "$p10" --guest-agent --format json
out_has '"command_line": "ro pci=realloc"'
finish
