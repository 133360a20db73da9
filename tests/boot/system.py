# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest runs: a kernel, the last /boot/vmlinuz-* unless GPUPT_KERNEL names
another, and an initramfs that prints where it put BARs."""

import glob
import os
import re
import shutil

BUSYBOX = ["/bin/busybox", "/usr/bin/busybox", "/usr/lib/initramfs-tools/bin/busybox"]
INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
echo; echo GPUPT-BEGIN
for d in /sys/bus/pci/devices/*; do
    echo "GPUPT-DEVICE ${d##*/} $(cd -P $d; pwd)"
    cat $d/resource
done
echo GPUPT-LOG
dmesg | grep -E 'pci|e820|PCI' | head -n 600
for d in /sys/bus/pci/devices/*; do # as a driver does; fails without all addresses
    echo 1 >$d/enable
done 2>/dev/null
echo GPUPT-END
sleep 1000
"""


class Missing(Exception):
    """Something that the rig needs is not there."""


def version(text):
    major, minor = re.match(r"(\d+)\.(\d+)", text).groups()
    return int(major) * 100 + int(minor)


def program(names, what):
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise Missing(f"no {what}")


def find_kernel():
    found = [os.environ["GPUPT_KERNEL"]] if "GPUPT_KERNEL" in os.environ else sorted(
        glob.glob("/boot/vmlinuz-*"))
    if not found or not os.access(found[-1], os.R_OK):
        raise Missing("no kernel: set GPUPT_KERNEL to a vmlinuz")
    return found[-1]


def kernel_version(path):
    """From the header of a bzImage."""
    with open(path, "rb") as image:
        head = image.read(1 << 16)
    offset = int.from_bytes(head[0x20e:0x210], "little") + 0x200
    return version(head[offset:offset + 32].decode("latin-1"))


def initramfs(path):
    """A cpio archive: busybox and a script that prints what the kernel did."""
    busybox = program(BUSYBOX, "static busybox")
    with open(busybox, "rb") as file:
        binary = file.read()
    entries = [("bin", 0o040755, b""), ("proc", 0o040755, b""), ("sys", 0o040755, b""),
               ("bin/busybox", 0o100755, binary), ("init", 0o100755, INIT.encode())]
    entries += [(f"bin/{name}", 0o120777, b"busybox") for name in (
        "sh", "mount", "cat", "dmesg", "grep", "head", "sleep", "echo")]
    entries.append(("TRAILER!!!", 0, b""))
    with open(path, "wb") as out:
        for inode, (name, mode, data) in enumerate(entries, 1):
            fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
            record = b"070701" + b"".join(b"%08X" % field for field in fields)
            record += name.encode() + b"\0"
            record += b"\0" * (-len(record) % 4)
            out.write(record + data + b"\0" * (-len(data) % 4))


def observed(text):
    """Start of each resource by device, 0 where it has none: a kernel that disables a
    BAR takes its flags away and leaves what the register happened to say."""
    result, device = {}, None
    for line in text.split("GPUPT-BEGIN")[1].split("GPUPT-LOG")[0].splitlines():
        if line.startswith("GPUPT-DEVICE"):
            device = line.split()[1]
            result[device] = []
        elif re.match(r"0x[0-9a-f]{16} ", line):
            start, _, flags = (int(word, 16) for word in line.split())
            result[device].append(start if flags else 0)
    return result
