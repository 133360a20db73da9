#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Where the host's devices come from, and when they are needed at all.
. "$SOURCE/tests/cli/lib.sh"

# No passthrough: nothing to do, and no inventory is read.
sed '/<hostdev/,/<\/hostdev>/d' "$EXAMPLES/z-k8s-n-1.xml" >plain.xml
run 0 diff plain.xml
out_empty
err_has "plain.xml: nothing to do: no device is passed through"
run 0 diff --quiet plain.xml
err_empty
run 0 patch plain.xml
same plain.xml "$lab/out"

snapshot=$EXAMPLES/hosts/p10.json
if [ -e "$snapshot" ]; then
	run 1 diff "$EXAMPLES/z-k8s-n-1.xml" --inventory "$snapshot"
	cp "$lab/out" by-snapshot
	run 1 diff "$EXAMPLES/z-k8s-n-1.xml" --inventory - <"$snapshot"
	same by-snapshot "$lab/out"
	# adding the card to a domain without it
	run 1 diff plain.xml --inventory "$snapshot" --add-device gpu
	out_has "+    <hostdev mode='subsystem' type='pci' managed='yes'>"
	run 1 diff plain.xml --inventory "$snapshot" --add-device 10de:1b39
	out_has "bus='0x08' slot='0x00' function='0x0'"
	run 1 diff "$EXAMPLES/z-k8s-n-1.xml" --inventory "$snapshot" --remove-device 08:00.0 \
		--pcihole64 keep
	out_has "-    <hostdev"
	# the display the host boots with
	run 2 diff plain.xml --inventory "$snapshot" --add-device 06:00.0
	err_has "06:00.0"
	run 1 diff plain.xml --inventory "$snapshot" --add-device 06:00.0 --force
	# a snapshot of a snapshot is the same inventory
	run 0 snapshot --inventory "$snapshot" -o again.json
	run 1 diff "$EXAMPLES/z-k8s-n-1.xml" --inventory again.json
	same by-snapshot "$lab/out"
	run 0 devices --inventory "$snapshot"
	out_has "0000:08:00.0  10de:1b39"
	out_lacks "0000:00:00.0"
	run 0 devices --inventory "$snapshot" --format json
	out_has '"address": "0000:08:00.0"'
	out_has '"size_bytes": 34359738368'
fi

# a copy of /sys with one card
card=sys/bus/pci/devices/0000:08:00.0
mkdir -p $card
echo 0x10de >$card/vendor
echo 0x1b39 >$card/device
echo 0x030200 >$card/class
cat >$card/resource <<'EOF'
0x0000000092000000 0x0000000092ffffff 0x0000000000040200
0x0000038000000000 0x00000387ffffffff 0x000000000014220c
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x0000038800000000 0x0000038801ffffff 0x000000000014220c
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x0000000000000000 0x0000000000000000 0x0000000000000000
EOF
run 0 devices --sysfs sys
out_has "0000:08:00.0  10de:1b39  0302"
out_has "0:16 MiB, 1:32 GiB 64-bit pref, 3:32 MiB 64-bit pref"
run 1 diff "$EXAMPLES/z-k8s-n-1.xml" --sysfs sys
out_has "<pcihole64 unit='KiB'>67108864</pcihole64>"
cp "$lab/out" by-sysfs
run 0 snapshot --sysfs sys -o sys.json
run 1 diff "$EXAMPLES/z-k8s-n-1.xml" --inventory sys.json
same by-sysfs "$lab/out"

# a card that is still on its way is so in a snapshot, too
run 1 diff "$EXAMPLES/z-k8s-n-1.xml" --sysfs sys --assume 0000:08:00.0=10de:1db6 --strict
cp "$lab/out" by-assumption
run 0 snapshot --sysfs sys --assume 0000:08:00.0=10de:1db6 -o coming.json
run 1 diff "$EXAMPLES/z-k8s-n-1.xml" --inventory coming.json --strict
err_lacks GPUPT-0007
same by-assumption "$lab/out"
run 0 devices --inventory coming.json
err_lacks "no address"

# guests elsewhere: this machine's devices are not theirs
"$GPUPT_XML" diff z-k8s-n-1 -c "$node" "$p10" >/dev/null 2>"$lab/err"
grep -q "cannot be loaded" "$lab/err" && skip "built without libvirt"
run 2 diff z-k8s-n-1 -c "$node"
err_has "--inventory FILE"
run 0 diff plain -c "test://$DATA/libvirt/node.xml"
out_empty
finish
