#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The smallest hole works and 1 GiB less does not: boots both.

usage: minimal_hole.py --predict PROGRAM [--noreserve LIBRARY] --first SEED [--count N]

Random guests with one to three GPUs that OVMF's window of 32 GiB does not hold, until
N have been found that need a hole. Works: every 64-bit prefetchable BAR has an address.
"""

import argparse
import concurrent.futures
import itertools
import json
import sys

import pool
from monitor import GIB
from random_cases import Builder
from rig import Rig, Unbootable
from system import Missing


def homeless(boot):
    """64-bit prefetchable BARs without an address."""
    return sum(boot.seen[name][bar["index"]] == 0
               for function, name in zip(boot.made, boot.names) for bar in function["bars"]
               if bar["mem64"] and bar["prefetchable"])


class Large(Builder):
    """More BARs than the firmware has room for, fewer than the CPU has addresses."""

    def exponent(self):
        return self.random.randint(33, 37)

    def build(self):
        case = self.case
        case.update(firmware="ovmf", cpu="qemu64,vendor=GenuineIntel")
        self.memory()
        case["realloc"] = self.chance(25)
        gpus = self.random.randint(1, 3)
        for slot in range(1, gpus + 1):
            number = self.number()
            hotplug = self.pick((3, ""), (1, ",hotplug=off"))
            self.device(f"pcie-root-port,id=rp{number},chassis={number},addr={slot}.0{hotplug}")
            several = self.chance(30)
            place = f"bus=rp{number},addr=0.0" + (",multifunction=on" if several else "")
            self.large(place)
            if several:
                self.testdev(f"bus=rp{number},addr=0.1", self.random.randint(20, 26))
        self.device("pcie-root-port,id=rpx,chassis=99,addr=9.0")
        self.small("bus=rpx")
        return case


def judge(rig, case):
    """None where no hole is needed or none does; else a line, and whether it is right."""
    try:
        answer, _ = rig.predict(case, rig.functions(case), "--minimal")
        if not answer["every_bar"] or not answer["hole"]:
            return None
        enough = rig.run(dict(case, hole=answer["hole"]))
        less = rig.run(dict(case, hole=answer["hole"] - GIB))
    except Unbootable as error:
        return f"FAILED  {case['name']}: {error}", False
    right = not homeless(enough) and homeless(less) and not enough.refused
    addresses = len(enough.lines) + len(less.lines)
    return (f"{'ok' if right else 'WRONG':8}{case['name']}: {answer['hole'] // GIB} GiB leaves "
            f"{homeless(enough)} BARs out, 1 GiB less {homeless(less)}; {addresses} addresses "
            f"differ" + ("" if right else "\n  " + json.dumps(case))), right and not addresses


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    pool.add_arguments(parser)
    parser.add_argument("--first", type=int, required=True, help="the first seed")
    parser.add_argument("--count", type=int, default=40, help="how many guests")
    chosen = parser.parse_args()
    try:
        rig = Rig(chosen.predict, chosen.noreserve)
    except Missing as missing:
        print(f"skipped: {missing}")
        return 77
    print(rig, flush=True)
    found = right = 0
    seeds = itertools.count(chosen.first)
    executor = concurrent.futures.ThreadPoolExecutor(chosen.jobs)
    try:
        while found < chosen.count:
            batch = [Large(seed).build() for seed in itertools.islice(seeds, chosen.jobs)]
            for judged in executor.map(lambda case: judge(rig, case), batch):
                if not judged:
                    continue
                found += 1
                right += judged[1]
                print(judged[0], flush=True)
    finally:
        executor.shutdown(cancel_futures=True)
        rig.close()
    print(f"{right} of {found} smallest holes work, and 1 GiB less does not")
    return 0 if right == found else 1


if __name__ == "__main__":
    sys.exit(main())
