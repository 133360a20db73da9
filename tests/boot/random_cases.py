#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots random guests and compares every BAR's address with the prediction.

usage: random_cases.py --predict PROGRAM [--noreserve LIBRARY] --first SEED [--count N]
                       [--having TEXT]

One guest a seed; the same seed always makes the same guest. --having takes only those
that have a device with TEXT in it, pxb for one. Sizes lean towards
what the firmware cannot place whole. A guest that differs is made smaller for as
long as it still differs, and printed as a case to keep.
"""

import argparse
import itertools
import json
import random
import sys

import pool
from monitor import options
from rig import Rig, Unbootable
from system import Missing

SHRINKING_BOOTS = 24


def text_of(exponent):
    """2^exponent bytes as QEMU takes it."""
    for unit, least in (("G", 30), ("M", 20)):
        if exponent >= least:
            return f"{1 << (exponent - least)}{unit}"
    raise ValueError(exponent)


class Builder:
    """One random guest."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.case = {"name": f"seed {seed}", "objects": [], "devices": []}
        self.serial = 0
        self.budget = 0 # log2 of the 64-bit space that the firmware should have

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def pick(self, *choices):
        """One of (weight, value) pairs."""
        weights = [weight for weight, _ in choices]
        return self.random.choices([value for _, value in choices], weights)[0]

    def device(self, text):
        self.case["devices"].append(text)

    def number(self):
        self.serial += 1
        return self.serial

    # ---- the guest itself ----

    def cpu(self):
        bits = self.random.randint(39, 46)
        vendor = self.pick((1, ""), (1, ",vendor=GenuineIntel"))
        cpu = self.pick((6, "qemu64,vendor=GenuineIntel"), (2, "qemu64"),
                        (4, f"max,phys-bits={bits}{vendor}"))
        trusted = not cpu.startswith("qemu64,") and not (
            bits == 40 and vendor) and not (bits == 39 and not vendor)
        width = 40 if cpu == "qemu64" else bits
        self.budget = width - 3 if trusted and width > 39 else 35
        return cpu

    def memory(self):
        case = self.case
        mib = self.random.choice([512, 512, 512, 1024, 2048, 2815, 2816, 3072, 3584, 4096,
                                  6144, 8192])
        case["memory"] = f"{mib}M"
        if self.chance(20):
            more = self.random.choice([1, 4, 16, 64, 250])
            case["maxmem"] = f"{mib + more * 1024}M"
            case["slots"] = self.random.randint(1, 8)

    def hole(self):
        gib = 1 << self.random.randint(0, 9)
        value = self.pick((8, None), (1, "0"), (6, f"{gib}G"), (2, f"{gib * 3 // 2 + 1}G"),
                          (3, "max"), (1, "max+1G"))
        if value is not None:
            self.case["hole"] = value

    def override(self):
        if self.case["firmware"] != "ovmf" or not self.chance(15):
            return
        exponent = self.random.randint(10, 20)
        self.case["window_override_mib"] = 1 << exponent
        self.budget = exponent + 20

    # ---- its devices ----

    def exponent(self):
        """Of a large BAR: around the size that fills the firmware's space."""
        steps = self.pick((1, -4), (1, -3), (2, -2), (4, -1), (9, 0), (4, 1))
        return max(28, min(39, self.budget + steps))

    def testdev(self, place, exponent):
        self.device(f"pci-testdev,membar={text_of(exponent)},{place}")

    def nvme(self, place, exponent):
        name = f"m{self.number()}"
        self.case["objects"].append(
            f"memory-backend-ram,id={name},size={text_of(exponent)},reserve=off,prealloc=off")
        small = self.random.choice([1, 16, 32, 64, 512])
        queues = self.pick((4, ""), (1, ",max_ioqpairs=2047"))
        self.device(f"nvme,serial={name},pmrdev={name},cmb_size_mb={small}{queues},{place}")

    def qxl(self, place):
        wide = 1 << self.random.randint(8, 12)
        low = self.random.choice([8, 16, 32, 64])
        self.device(f"qxl,vram64_size_mb={wide},vram_size_mb={low},"
                    f"ram_size_mb={self.random.choice([16, 32, 64])},vgamem_mb=8,{place}")

    def ivshmem(self, place):
        name = f"m{self.number()}"
        mib = 1 << self.random.randint(0, 10)
        self.case["objects"].append(
            f"memory-backend-ram,id={name},size={mib}M,share=on,reserve=off,prealloc=off")
        self.device(f"ivshmem-plain,memdev={name},{place}")

    def small(self, place):
        driver = self.random.choice(["virtio-rng-pci", "virtio-net-pci", "virtio-scsi-pci",
                                     "virtio-serial-pci", "qemu-xhci", "ich9-ahci"])
        self.device(f"{driver},{place}")

    def large(self, place):
        self.pick((5, self.testdev), (4, self.nvme))(place, self.exponent())

    def any(self, place):
        self.pick((8, self.large), (2, self.qxl), (1, self.ivshmem), (4, self.small),
                  (1, lambda at: self.testdev(at, self.random.randint(20, 30))))(place)

    def behind(self, bus):
        """What sits in a port's slot: nothing, a function, or several."""
        if self.chance(8):
            return
        count = self.pick((7, 1), (3, 2), (1, 3))
        for index in range(count):
            several = ",multifunction=on" if index == 0 and count > 1 else ""
            place = f"bus={bus},addr=0.{index}{several}"
            if index == 0:
                self.any(place)
            else:
                self.pick((3, lambda at: self.testdev(at, self.random.randint(20, 26))),
                          (2, self.any))(place)

    def port(self, slot, bus=""):
        number = self.number()
        option = self.pick(
            (12, ""), (2, ",hotplug=off"),
            (2, f",mem-reserve={text_of(self.random.randint(21, 27))}"),
            (1, f",pref64-reserve={text_of(self.random.randint(28, 38))}"))
        self.device(f"pcie-root-port,id=rp{number},chassis={number},addr={slot:x}.0{option}{bus}")
        self.behind(f"rp{number}")

    def bridge(self, slot):
        number = self.number()
        self.device(f"pci-bridge,id=br{number},chassis_nr={number},addr={slot:x}.0")
        for index in range(self.random.randint(1, 2)):
            self.any(f"bus=br{number},addr={index + 1}.0")

    def expander(self, slot, q35):
        """An extra root bus, with ports or with devices."""
        name = f"pxb{self.number()}"
        driver, bus = ("pxb-pcie", "pcie.0") if q35 else ("pxb", "pci.0")
        self.device(f"{driver},id={name},bus_nr={256 - slot * 16},bus={bus},addr={slot:x}.0")
        for index in range(self.pick((3, 1), (3, 2), (1, 3))):
            if q35:
                self.port(index, f",bus={name}")
            else:
                self.any(f"bus={name},addr={index + 1}.0")

    def build(self):
        case = self.case
        q35 = self.chance(86)
        if not q35:
            case["machine"] = "pc"
        case["firmware"] = self.pick((5, "ovmf"), (1, "seabios"))
        case["cpu"] = self.cpu()
        self.memory()
        self.hole()
        self.override()
        case["realloc"] = self.chance(25)
        root = "pcie.0" if q35 else "pci.0"
        first = 1 if q35 else 4
        for slot in range(first, first + self.pick((1, 1), (4, 2), (5, 3), (4, 4), (2, 6),
                                                   (1, 8))):
            if self.chance(88 if q35 else 25):
                (self.port if q35 else self.bridge)(slot)
            else:
                self.any(f"bus={root},addr={slot:x}.0")
        # Last, so that the seeds without one make what they made before there were any.
        if self.chance(12):
            for slot in range(12, 12 + self.pick((4, 1), (1, 2))):
                self.expander(slot, q35)
        return case


def generate(seed):
    return Builder(seed).build()


# ---- making a case smaller ----


def without(case, index):
    """The case less a device and what hangs on it."""
    kept, gone = [], set()
    for i, device in enumerate(case["devices"]):
        parts = device.split(",")
        if i == index or any(f"bus={name}" in parts for name in gone):
            gone |= {part[3:] for part in parts if part.startswith("id=")}
        else:
            kept.append(device)
    names = {value for other in kept for part in other.split(",")
             for key, _, value in [part.partition("=")] if key in ("pmrdev", "memdev")}
    objects = [item for item in case.get("objects", [])
               if any(f"id={name}" in item.split(",") for name in names)]
    return dict(case, devices=kept, objects=objects)


def smaller(case):
    """Cases with one thing less, the largest steps first."""
    ports = options(case)
    bridges = ("pcie-root", "pci-b", "pxb", "x3130", "xio3130", "pcie-pci", "i82801")
    for index in sorted(range(len(case["devices"])),
                        key=lambda i: not case["devices"][i].startswith(bridges)):
        yield without(case, index)
    for key in ("maxmem", "realloc", "window_override_mib", "hole", "machine"):
        if case.get(key):
            yield {other: value for other, value in case.items() if other != key}
    if case.get("memory", "512M") != "512M":
        yield dict(case, memory="512M")
    for index, device in enumerate(case["devices"]):
        for option in ("hotplug=off", "mem-reserve", "pref64-reserve"):
            parts = [part for part in device.split(",") if not part.startswith(option)]
            if ports and len(parts) < device.count(",") + 1:
                changed = list(case["devices"])
                changed[index] = ",".join(parts)
                yield dict(case, devices=changed)


def minimise(rig, boot):
    """The smallest boot found that still differs."""
    left = SHRINKING_BOOTS
    found = True
    while found and left > 0:
        found = False
        for case in smaller(boot.case):
            if left == 0:
                break
            left -= 1
            try:
                other = rig.run(case)
            except (Unbootable, KeyError): # no function 0: the others are not found
                continue
            if other.lines:
                boot, found = other, True
                break
    return boot


def kinds_of(boot):
    """What a boot counts as in the summary."""
    left_to_kernel = boot.prediction["outcome"] in ("all", "some")
    slots = [(f["parent"], f["slot"]) for f in boot.made if f["parent"] >= 0]
    low = any(not bar["mem64"] and not bar["io"] and bar["size"] > 2 << 20 and bar["index"] < 6
              for function in boot.made for bar in function["bars"])
    return {
        boot.case.get("firmware", "ovmf"): True,
        "not placed whole by firmware": left_to_kernel,
        "BARs without an address": bool(boot.made) and boot.left_out() > 0,
        "several functions in a slot": len(set(slots)) < len(slots),
        "32-bit BARs over 2 MiB": low, "refused": boot.refused,
        "i440fx": boot.case.get("machine", "q35") == "pc",
        "expander buses": any(device.startswith("pxb") for device in boot.case["devices"]),
    }


def main(generator=generate):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    pool.add_arguments(parser)
    parser.add_argument("--first", type=int, required=True, help="the first seed")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--having", default="", help="only guests with a device like this")
    parser.add_argument("--print", action="store_true", help="print the cases, boot nothing")
    parser.add_argument("--minimise", action="store_true", help="make smaller what differs")
    chosen = parser.parse_args()
    guests = map(generator, itertools.count(chosen.first))
    cases = list(itertools.islice((case for case in guests if any(
        chosen.having in device for device in case["devices"])), chosen.count))
    if chosen.print:
        print(json.dumps(cases, indent=1))
        return 0
    try:
        rig = Rig(chosen.predict, chosen.noreserve)
    except Missing as missing:
        print(f"skipped: {missing}")
        return 77
    try:
        tally = pool.run_all(rig, cases, chosen)
        for kind in sorted({kind for boot in tally.boots for kind in kinds_of(boot)}):
            print(f"  {sum(kinds_of(boot).get(kind, False) for boot in tally.boots):4} {kind}")
        for boot in [boot for boot in tally.boots if boot.lines and chosen.minimise]:
            least = minimise(rig, boot)
            print("to keep:", json.dumps(least.case))
            print("  " + "\n  ".join(least.lines), flush=True)
    finally:
        rig.close()
    return tally.status()


if __name__ == "__main__":
    sys.exit(main())
