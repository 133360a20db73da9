#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots guests under QEMU and compares every BAR's address with the prediction.

usage: boot.py --predict PROGRAM [--noreserve LIBRARY] [--set NAME] [CASE.json...]

A case file holds a list of guests, see rig.py, each with what should come of it:
"outcome" (refused, all-firmware, all or some) and "left", the number of memory
BARs without an address. "variants" is a list of changes, each a guest of its own.
Without files cases/*.json run, and what --set or $GPUPT_BOOT_SET names beside them:
"large" has one to eight GPUs of every size under every kind of firmware. Cases
with "every_kernel" are booted with the kernels that $GPUPT_OTHER_KERNELS lists
(between colons) as well. Exits 77 where something needed is missing.
"""

import argparse
import glob
import json
import os
import sys

import pool
from rig import Rig
from system import Missing

HERE = os.path.dirname(os.path.abspath(__file__))


def expand(case):
    """The case's variants, or the case itself."""
    base = {key: value for key, value in case.items() if key != "variants"}
    for variant in case.get("variants", [{}]):
        merged = dict(base, **variant)
        if "name" in variant and "variants" in case:
            merged["name"] = f"{base['name']}, {variant['name']}"
        if "append" in merged:
            merged["devices"] = merged["devices"] + merged.pop("append")
        yield merged


def load(files):
    cases = []
    for path in files:
        with open(path, encoding="utf-8") as file:
            for case in json.load(file):
                cases += expand(case)
    return cases


def gpus(count, size):
    """GPU-shaped functions, each behind a port, and a small device."""
    case = {"objects": [], "devices": []}
    for number in range(1, count + 2):
        case["devices"].append(f"pcie-root-port,id=rp{number},chassis={number},addr={number}.0")
        if number > count:
            case["devices"].append(f"virtio-rng-pci,bus=rp{number}")
            continue
        case["objects"].append(
            f"memory-backend-ram,id=m{number},size={size}M,reserve=off,prealloc=off")
        case["devices"].append(
            f"nvme,serial=s{number},bus=rp{number},pmrdev=m{number},cmb_size_mb=32")
    return case


def large_set():
    for size in (256 << step for step in range(12)):
        for count in range(1, 9):
            for cpu, firmware in (("qemu64,vendor=GenuineIntel", "ovmf"), ("qemu64", "ovmf"),
                                  ("max,phys-bits=46", "ovmf"),
                                  ("qemu64,vendor=GenuineIntel", "seabios")):
                yield dict(gpus(count, size), name=f"{count} of {size} MiB, {cpu}, {firmware}",
                           cpu=cpu, firmware=firmware, hole="max")


def judge(boot, case):
    """What the case expects of the guest, and did not come."""
    lines = []
    expected = case.get("outcome")
    if expected and boot.prediction["outcome"] != expected:
        lines.append(f"the outcome should be {expected}")
    if "left" in case and boot.left_out() != case["left"]:
        lines.append(f"{boot.left_out()} BARs have no address, expected {case['left']}")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    pool.add_arguments(parser)
    parser.add_argument("--only", help="run cases whose name has this in it")
    parser.add_argument("--set", default=os.environ.get("GPUPT_BOOT_SET", "default"),
                        choices=("default", "large"))
    parser.add_argument("cases", nargs="*")
    chosen = parser.parse_args()
    files = sorted(glob.glob(os.path.join(HERE, "cases", "*.json")))
    cases = load(chosen.cases or files)
    if chosen.set == "large" and not chosen.cases:
        cases += large_set()
    cases = [case for case in cases if not chosen.only or chosen.only in case["name"]]
    try:
        rig = Rig(chosen.predict, chosen.noreserve)
    except Missing as missing:
        print(f"skipped: {missing}")
        return 77
    try:
        status = pool.run_all(rig, cases, chosen, judge).status()
        for kernel in filter(None, os.environ.get("GPUPT_OTHER_KERNELS", "").split(":")):
            rig.use_kernel(kernel)
            again = [case for case in cases if case.get("every_kernel")]
            status = pool.run_all(rig, again, chosen, judge).status() or status
        return status
    finally:
        rig.close()


if __name__ == "__main__":
    sys.exit(main())
