# SPDX-License-Identifier: LGPL-2.1-or-later
"""Emulated devices that stand in for passed-through ones.

A device is described by one word a function: "nvme:128G+32M" has 64-bit
prefetchable BARs of 128 GiB and 32 MiB, "testdev:64G" one of 64 GiB, and
"qxl:4G,16M" one of 4 GiB next to two 32-bit ones of which the first is 16 MiB large.
The BARs are those of QEMU's devices (hw/nvme/ctrl.c, hw/misc/pci-testdev.c,
hw/display/qxl.c); a boot in which they are other ones fails.
"""

import re

from monitor import size

KIB, MIB = 1 << 10, 1 << 20


def memory(index, bytes_, bits=32, prefetchable=False):
    return {"index": index, "type": "memory", "bits": bits, "prefetchable": prefetchable,
            "size": f"{bytes_} bytes", "address": "0x1000000000"}


def ports(index, bytes_):
    return {"index": index, "type": "io", "size": f"{bytes_} bytes", "address": "0x1000"}


def mib(text):
    return size(text) // MIB


def nvme(text, index):
    large, small = text.split("+")
    bars = [memory(0, 16 * KIB, 64), memory(2, size(small), 64, True),
            memory(4, size(large), 64, True)]
    options = {"driver": "nvme", "serial": f"s{index}", "pmrdev": f"pmr{index}",
               "cmb_size_mb": mib(small)}
    backend = {"qom-type": "memory-backend-ram", "id": f"pmr{index}", "size": size(large),
               "reserve": False, "prealloc": False}
    return "010802", bars, options, [backend]


def testdev(text, _):
    bars = [memory(0, 4 * KIB), ports(1, 256), memory(2, size(text), 64, True)]
    return "00ff00", bars, {"driver": "pci-testdev", "membar": size(text)}, []


def qxl(text, _):
    large, ram = text.split(",")
    bars = [memory(0, size(ram)), memory(1, 32 * MIB), memory(2, 8 * KIB), ports(3, 32),
            memory(4, size(large), 64, True)]
    options = {"driver": "qxl", "ram_size_mb": mib(ram), "vgamem_mb": max(mib(ram) // 2, 1),
               "vram_size_mb": 32, "vram64_size_mb": mib(large)}
    return "038000", bars, options, []


def make(word, index):
    """(class, BARs, -device options, -object options)"""
    kind, text = re.fullmatch(r"(\w+):(.*)", word).groups()
    return {"nvme": nvme, "testdev": testdev, "qxl": qxl}[kind](text, index)


def inventory(devices):
    """A snapshot of a host with these devices, host address -> word."""
    return {
        "format": "gpupt-snapshot", "version": 1, "host": {},
        "devices": [{
            "address": address, "vendor": "10de", "device": f"{0x2300 + index:04x}",
            "class": make(word, index)[0], "driver": "vfio-pci", "iommu_group": index,
            "bars": make(word, index)[1],
        } for index, (address, word) in enumerate(devices.items())],
    }
