# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many boots, some at a time, and what came of them."""

import concurrent.futures
import json
import time

from rig import Unbootable


def add_arguments(parser):
    parser.add_argument("--predict", required=True, help="the program built from predict.c")
    parser.add_argument("--noreserve", default="", help="the library built from noreserve.c")
    parser.add_argument("--jobs", type=int, default=2, help="boots at a time")
    parser.add_argument("--record", help="append what was seen to a file for recorded.py")
    parser.add_argument("--verbose", action="store_true")


class Tally:
    """Counts of boots."""

    def __init__(self):
        self.boots, self.failures = [], []
        self.began = time.monotonic()

    def status(self):
        wrong = any(boot.lines for boot in self.boots)
        return 1 if wrong or self.failures else 0

    def __str__(self):
        agree = sum(not boot.lines for boot in self.boots)
        bars = sum(boot.bars for boot in self.boots)
        wrong = sum(len(boot.lines) for boot in self.boots)
        return (f"{len(self.boots) + len(self.failures)} boots, {agree} agree in every address, "
                f"{len(self.boots) - agree} differ, {len(self.failures)} did not boot; "
                f"{bars - wrong} of {bars} BARs; "
                f"{sum(boot.retries for boot in self.boots)} retries; "
                f"{time.monotonic() - self.began:.0f} s")


def report(boot, verbose):
    case, prediction = boot.case, boot.prediction
    verdict = "DIFFERS" if boot.lines else "ok"
    print(f"{verdict:8}{case['name']}: {prediction['outcome']}, {boot.bars} BARs, "
          f"{boot.seconds:.0f} s" + (f", {boot.retries} retries" if boot.retries else ""),
          flush=True)
    for line in boot.lines:
        print(f"  {line}")
    if verbose or boot.lines:
        print("  " + json.dumps(case))
    if verbose:
        print(json.dumps(boot.question), json.dumps(prediction), boot.log, sep="\n")


def record(boot, path):
    """A line that recorded.py can hold a prediction against."""
    line = {"name": boot.case["name"], "guest": without_falsehoods(boot.question["guest"])}
    if boot.refused:
        line["refused"] = True
    else:
        line["functions"] = [without_falsehoods(function) for function in boot.made]
        for function, name in zip(line["functions"], boot.names):
            function["bars"] = [
                dict(without_falsehoods(bar), address=boot.seen[name][bar["index"]])
                for bar in function["bars"]]
    with open(path, "a", encoding="utf-8") as file:
        print(json.dumps(line, separators=(",", ":")), file=file)


def without_falsehoods(item):
    """predict takes what is left out as false."""
    return {key: value for key, value in item.items() if value is not False}


def run_all(rig, cases, chosen, judge=None):
    """Boots the cases; `judge` may add lines to a boot."""
    tally = Tally()
    print(rig, flush=True)
    executor = concurrent.futures.ThreadPoolExecutor(chosen.jobs)
    futures = {executor.submit(rig.run, case): case for case in cases}
    try:
        for future in concurrent.futures.as_completed(futures):
            case = futures[future]
            try:
                boot = future.result()
            except Unbootable as error:
                print(f"FAILED  {case['name']}: {error}\n  {json.dumps(case)}", flush=True)
                tally.failures.append(case)
                continue
            if judge:
                boot.lines += judge(boot, case)
            tally.boots.append(boot)
            report(boot, chosen.verbose)
            if chosen.record:
                record(boot, chosen.record)
    finally:
        executor.shutdown(cancel_futures=True)
    print(tally, flush=True)
    return tally
