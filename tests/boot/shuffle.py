#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints a case file for boot.py with N guests put together at random.

usage: shuffle.py N SEED [bridges]
"""

import json
import random
import sys

CPUS = ["qemu64,vendor=GenuineIntel"] * 5 + ["qemu64"] * 2 + [
    f"max,phys-bits={bits},vendor=GenuineIntel" for bits in (39, 41, 42, 43, 46)]
HOLES = [None, "0", "1G", "40G", "64G", "100G", "200G", "300G", "500G", "700G", "1000G"]


def backend(objects, name, gib):
    objects.append(f"memory-backend-ram,id={name},size={gib}G,reserve=off,prealloc=off")


def endpoint(rng, case, bus, name, slot=0):
    """-device strings of what goes into one slot."""
    kind = rng.choice(["gpu", "gpu", "pair", "small", "small", "empty", "qxl", "low"])
    at = f"bus={bus},addr={slot:x}"
    if kind == "gpu":
        backend(case["objects"], f"m{name}", rng.choice([4, 8, 16, 32, 64, 128]))
        return [f"nvme,serial={name},pmrdev=m{name},cmb_size_mb={rng.choice([16, 32, 64])},"
                f"{at}.0"]
    if kind == "pair":
        large, small = rng.choice(["8G", "32G", "64G", "256G"]), rng.choice(["32M", "256M"])
        return [f"pci-testdev,membar={large},multifunction=on,{at}.0",
                f"pci-testdev,membar={small},{at}.1"]
    if kind == "qxl":
        return [f"qxl,vgamem_mb=8,ram_size_mb={rng.choice([16, 32])},"
                f"vram_size_mb={rng.choice([0, 32])},vram64_size_mb="
                f"{rng.choice([4096, 16384, 32768])},{at}.0"]
    if kind == "low":
        return [f"secondary-vga,vgamem_mb={rng.choice([16, 64, 256])},{at}.0"]
    if kind == "small":
        return [rng.choice(["virtio-net-pci", "virtio-rng-pci", "qemu-xhci",
                            "virtio-serial-pci", "pci-testdev,membar=1M"]) + f",{at}.0"]
    return []


def port(rng, case, index):
    name = f"rp{index}"
    option = rng.choice(["", "", "", ",hotplug=off", ",mem-reserve=64M", ",mem-reserve=0",
                         ",pref64-reserve=8G", ",pref64-reserve=64G"])
    case["devices"].append(f"pcie-root-port,id={name},chassis={index},addr={index + 1:x}.0"
                           f"{option}")
    return endpoint(rng, case, name, name)


def bridged(rng, case, index):
    """A switch or a PCI bridge behind a root port."""
    case["devices"].append(f"pcie-root-port,id=rp{index},chassis={index},"
                           f"addr={index + 1:x}.0")
    late = []
    if rng.random() < 0.5:
        case["devices"].append(f"pcie-pci-bridge,id=pb{index},bus=rp{index}")
        for slot in range(1, rng.randint(2, 4)):
            late += endpoint(rng, case, f"pb{index}", f"x{index}{slot}", slot)
        return late
    case["devices"].append(f"x3130-upstream,id=up{index},bus=rp{index}")
    for down in range(rng.randint(1, 3)):
        name = f"dn{index}{down}"
        case["devices"].append(f"xio3130-downstream,id={name},bus=up{index},"
                               f"chassis={100 + index * 8 + down},addr={down:x}.0")
        late += endpoint(rng, case, name, name)
    return late


def one(rng, name, bridges):
    case = {"name": name, "cpu": rng.choice(CPUS), "objects": [], "devices": []}
    case["memory"] = rng.choice(["512M", "512M", "1G", "2G", "3G", "4G", "8G"])
    if rng.random() < 0.2:
        case["maxmem"], case["slots"] = rng.choice(["16G", "40G", "64G"]), rng.randint(1, 8)
    hole = rng.choice(HOLES)
    if hole:
        case["hole"] = hole
    case["realloc"] = rng.random() < 0.3
    case["firmware"] = rng.choice(["ovmf", "ovmf", "ovmf", "seabios"])
    if case["firmware"] == "ovmf" and rng.random() < 0.2:
        case["window_override_mib"] = rng.choice([2048, 8192, 65536, 262144])
    late = []
    if not bridges and rng.random() < 0.15:
        case["machine"] = "pc"
        for slot in range(2, rng.randint(4, 8)):
            late += endpoint(rng, case, "pci.0", f"d{slot}", slot)
    else:
        for index in range(1, rng.randint(3, 8)):
            late += port(rng, case, index)
        if rng.random() < 0.3:
            late += endpoint(rng, case, "pcie.0", "root", 0x14)
        if bridges:
            late += bridged(rng, case, 9)
    case["devices"] += late
    return case


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    bridges = len(sys.argv) > 3
    print(json.dumps([one(rng, f"{seed}.{i}", bridges) for i in range(count)], indent=1))


if __name__ == "__main__":
    main()
