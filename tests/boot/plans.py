#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No plan may lead to a guest that QEMU refuses to start.

usage: plans.py --plans PROGRAM [--noreserve LIBRARY] [--count N] [--start N]

Looks at N random plans by QEMU's formula, told here anew from its source, and
starts QEMU with the planned hole for as many as --start says.
"""

import argparse
import json
import subprocess
import sys

from monitor import GIB
from rig import Rig
from system import Missing

HT_START = 1012 * GIB
MIB = 1 << 20


def up(value, unit):
    return (value + unit - 1) // unit * unit


def hole_start(plan, base):
    """pc_pci_hole64_start() with memory above 4 GiB at `base` (QEMU 7.2, pc.c)."""
    ram = plan["memory_mib"] * MIB
    most, low = (0xb0000000, 2 * GIB) if "q35" in plan["machine"] else (0xe0000000, 3 * GIB)
    end = base + (ram - low if ram >= most else 0)
    if plan["maxmem_mib"]:
        end = up(end, GIB) + plan["maxmem_mib"] * MIB - ram + plan["slots"] * GIB
    return up(end, GIB)


def refused(plan):
    """pc_memory_init() of QEMU 7.2."""
    start = hole_start(plan, 4 * GIB)
    old = plan["machine"].endswith(("-6.2", "-7.0"))
    if plan["amd"] and not old and start + plan["hole"] - 1 >= HT_START:
        start = hole_start(plan, 1 << 40)
    return start + plan["hole"] - 1 > (1 << plan["bits"]) - 1


def guest(plan):
    vendor = "AuthenticAMD" if plan["amd"] else "GenuineIntel"
    case = {"machine": plan["machine"], "memory": f"{plan['memory_mib']}M",
            "cpu": f"max,phys-bits={plan['bits']},vendor={vendor}", "hole": plan["hole"],
            "devices": []}
    if plan["maxmem_mib"]:
        case.update(maxmem=f"{plan['maxmem_mib']}M", slots=plan["slots"])
    return case


def start_some(rig, plans, count):
    """How many started, of plans spread over all of them."""
    chosen = plans[::max(1, len(plans) // count)][:count] if count else []
    failures = [plan for plan in chosen if not rig.starts(guest(plan))]
    for plan in failures:
        print("QEMU refuses", json.dumps(plan))
    print(f"{len(chosen) - len(failures)} of {len(chosen)} guests start")
    return not failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--plans", required=True, help="the program built from plans.c")
    parser.add_argument("--noreserve", default="")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--count", type=int, default=10000, help="how many by formula")
    parser.add_argument("--start", type=int, default=20, help="how many by starting QEMU")
    chosen = parser.parse_args()
    done = subprocess.run([chosen.plans, str(chosen.first), str(chosen.count)],
                          stdout=subprocess.PIPE, text=True, check=True)
    plans = [json.loads(line) for line in done.stdout.splitlines()]
    good = [plan for plan in plans if plan["status"] == 0]
    changed = [plan for plan in good if plan["edits"]]
    wrong = [plan for plan in good if refused(plan)]
    for plan in wrong[:20]:
        print("QEMU would refuse", json.dumps(plan))
    print(f"{len(plans)} guests, {len(good)} have a plan, {len(changed)} of these change the "
          f"domain, {len(wrong)} would not start; {len(plans) - len(good)} have none")
    if len(changed) < len(plans) // 10:
        print("too few plans change anything")
        return 1
    try:
        rig = Rig("", chosen.noreserve, boots=False)
    except Missing as missing:
        print(f"started none: {missing}")
        return 1 if wrong else 0
    try:
        started = start_some(rig, changed, chosen.start)
    finally:
        rig.close()
    return 1 if wrong or not started else 0


if __name__ == "__main__":
    sys.exit(main())
