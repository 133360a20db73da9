#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots guests under QEMU and compares every BAR's address with the prediction.

usage: boot.py --predict PROGRAM [--noreserve LIBRARY] [--set NAME] [CASE.json...]

A case file holds a list of guests, see rig.py, each with what should come of it:
"outcome" (refused, all-firmware, all or some) and "left", the number of memory
BARs without an address. "variants" is a list of changes, each a guest of its own.
Without files the default set runs, or what --set or $GPUPT_BOOT_SET names: all
files cases/*.json but those of another set ("large" has everything). Exits 77
where something needed is missing.
"""

import argparse
import glob
import json
import os
import sys

import pool
from rig import Missing, Rig

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


def files_of(name):
    """Case files lie in cases/, those of the large set in cases/large/."""
    folders = ["cases"] if name == "default" else ["cases", "cases/large"]
    return [path for folder in folders
            for path in sorted(glob.glob(os.path.join(HERE, folder, "*.json")))]


def judge(boot, case):
    """What the case expects of the guest, and did not come."""
    lines = []
    expected = case.get("outcome")
    if expected and boot.prediction["outcome"] != expected:
        lines.append(f"the outcome should be {expected}")
    if "left" in case and boot.left_out() != case["left"]:
        lines.append(f"{boot.left_out()} BARs have no address, expected {case['left']}")
    return lines


def minimal_pairs(cases):
    """Each case at its smallest hole, and with 1 GiB less."""
    for case in cases:
        yield dict(case, name=f"{case['name']}, minimal hole", hole="minimal")
        yield dict(case, name=f"{case['name']}, 1 GiB less", hole="minimal-1G")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    pool.add_arguments(parser)
    parser.add_argument("--only", help="run cases whose name has this in it")
    parser.add_argument("--set", default=os.environ.get("GPUPT_BOOT_SET", "default"),
                        choices=("default", "large"))
    parser.add_argument("cases", nargs="*")
    chosen = parser.parse_args()
    cases = [case for case in load(chosen.cases or files_of(chosen.set))
             if not chosen.only or chosen.only in case["name"]]
    try:
        rig = Rig(chosen.predict, chosen.noreserve)
    except Missing as missing:
        print(f"skipped: {missing}")
        return 77
    try:
        return pool.run_all(rig, cases, chosen, judge).status()
    finally:
        rig.close()


if __name__ == "__main__":
    sys.exit(main())
