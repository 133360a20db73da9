#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plans domains, boots what libvirt makes of the plans, and compares.

usage: domains.py --gpupt-xml PROGRAM [--all] [--drawn N] [--only NAME]... [--rehearse]

Each case's domain is patched, defined in libvirt's QEMU driver, translated to QEMU's
arguments and booted with emulated devices in the place of those passed through.
Then every BAR of the guest is compared with gpupt-xml explain of the definition and
of the domain as it was before libvirt gave out addresses. Passed-through BARs and
64-bit ones have to be where they were predicted; of the guest's other BARs only the
size counts, an address that differs is reported. With --rehearse, gpupt-xml rehearse
has to see what the guest saw, too. Needs what the boots need (see
rig.py), and virsh. Exits 77 where something is missing.
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import cases  # noqa: E402
import guest  # noqa: E402
import native  # noqa: E402
import standins  # noqa: E402
from monitor import GIB  # noqa: E402
from rig import Rig, Unbootable  # noqa: E402
from system import Missing  # noqa: E402

AS_IT_IS = ["--pcihole64", "keep", "--forbid", "memreserve,hotplug"]
FIRMWARE = ["--firmware", os.environ.get("GPUPT_PLATFORM", "debian-12")]


class Planner:
    """gpupt-xml, run on a case."""

    def __init__(self, program, rig, directory):
        self.program, self.directory = os.path.abspath(program), directory
        self.rehearses = False
        self.world = FIRMWARE + ["--guest-kernel", f"{rig.kernel_version // 100}."
                                 f"{rig.kernel_version % 100}"]

    def run(self, command, case, xml, options):
        """(exit status, standard output, standard error)"""
        inventory = os.path.join(self.directory, f"{case['name']}.json")
        with open(inventory, "w", encoding="ascii") as file:
            json.dump(standins.inventory(case["hosts"]), file)
        done = subprocess.run([self.program, command, "-", "--inventory", inventory]
                              + self.world + options, input=xml, capture_output=True,
                              text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def explain(self, case, xml, options):
        _, output, said = self.run("explain", case, xml, ["--format", "json"] + options)
        if not output:
            raise Unbootable(f"no plan: {said}")
        return json.loads(output)

    def options(self, case):
        """With the hole the case asks for as a number."""
        options = list(case.get("options", []))
        if "hole" not in case:
            return options
        numbers = self.explain(case, case["xml"], options)["hole"]
        most = case["hole"] in ("most", "beyond")
        hole = numbers["maximum_bytes" if most else "minimum_bytes"]
        if not hole:
            raise Unbootable("the case wants a hole, and none is needed")
        hole += {"less": -GIB, "beyond": GIB}.get(case["hole"], 0)
        return options + ["--pcihole64", f"{hole // 1024}KiB", "--force", "--allow-shrink"]

    def rehearse(self, case, xml, kernel):
        _, output, said = self.run("rehearse", case, xml, [
            "--kernel", kernel, "--format", "json"] + AS_IT_IS)
        if not output:
            raise Unbootable(f"no rehearsal: {said}")
        return json.loads(output)

    def patch(self, case, options):
        status, output, said = self.run("patch", case, case["xml"], options)
        return status, output or case["xml"], said


class Outcome:
    """What came of one case."""

    def __init__(self, case):
        self.case = case
        self.bars = self.wrong = self.others = self.others_wrong = 0
        self.lines, self.notes = [], []
        self.verdict = self.rehearsed = ""

    def fail(self, line):
        self.lines.append(line)


def where(key):
    return f"{key[0]} BAR {key[1]}"


def shape(bar):
    kind = "64-bit" if bar.mem64 else "32-bit"
    return f"{bar.size:#x} {kind}{' pref' if bar.prefetchable else ''}"


def planned_bars(plan):
    return {(bar["guest_path"], bar["bar"]): bar for bar in plan["layout"]}


def compare(outcome, plan, seen):
    """The plan for the definition, which says where everything sits."""
    planned = planned_bars(plan)
    for key, bar in sorted(seen.items()):
        told = planned.pop(key, None)
        if not told:
            outcome.wrong += 1
            outcome.bars += 1
            outcome.fail(f"{where(key)} ({bar.id}, {shape(bar)}): the plan does not know it")
            continue
        important = told["passed_through"] or bar.mem64
        outcome.bars += important
        outcome.others += not important
        if (told["size_bytes"], told["mem64"], told["prefetchable"]) != (
                bar.size, bar.mem64, bar.prefetchable):
            outcome.wrong += 1
            outcome.fail(f"{where(key)} ({told['device']}): is {shape(bar)}, planned "
                         f"{told['size_bytes']:#x}{' 64-bit' if told['mem64'] else ''}"
                         f"{' pref' if told['prefetchable'] else ''}")
        elif (told["guest_address"] or 0) != bar.address:
            line = (f"{where(key)} ({told['device']}, {shape(bar)}): predicted "
                    f"{told['guest_address'] or 0:#x} ({told['reason'] or told['placed_by']}), "
                    f"booted {bar.address:#x}")
            outcome.wrong += important
            outcome.others_wrong += not important
            (outcome.fail if important else outcome.notes.append)(line)
    for key, told in planned.items():
        outcome.wrong += 1
        outcome.fail(f"{where(key)} ({told['device']}): the guest has no such BAR")


def compare_first(outcome, first, plan):
    """The plan from before libvirt gave out addresses, with the one after."""
    def of_hosts(layout):
        return {(bar["host"], bar["bar"]): bar for bar in layout if bar["passed_through"]}
    after = of_hosts(plan["layout"])
    for key, bar in of_hosts(first["layout"]).items():
        same = after.get(key, {})
        for what in ("guest_path", "guest_address", "placed_by"):
            if bar[what] != same.get(what):
                outcome.fail(f"{key[0]} BAR {key[1]}: {what} {bar[what]} before libvirt gave "
                             f"out addresses, {same.get(what)} after")
    others = [sorted((bar["device"], bar["bar"], bar["guest_path"]) for bar in one["layout"]
                     if not bar["passed_through"]) for one in (first, plan)]
    for device, index, path in sorted(set(others[0]) ^ set(others[1])):
        side = "before" if (device, index, path) in others[0] else "after"
        outcome.notes.append(f"{device} BAR {index} at {path} only {side} libvirt gave out "
                             "addresses")


def check_hole(outcome, seen):
    """1 GiB less than the minimum has to be too little; where no hole does, the largest
    is too little as well."""
    left = any(bar.mem64 and bar.prefetchable and not bar.address for bar in seen.values())
    if outcome.case.get("hole") == "less" and not left:
        outcome.fail("1 GiB less than the minimum is enough")
    if outcome.case.get("hole") == "minimum" and left:
        outcome.fail("the minimum is not enough")
    if outcome.case.get("hole") == "most" and left == outcome.case["possible"]:
        outcome.fail("the largest hole is enough" if not left else "no hole is enough")


def check_cure(outcome, plan, seen):
    passed = [(bar["guest_path"], bar["bar"]) for bar in plan["layout"] if bar["passed_through"]]
    left = [key for key in passed if key in seen and not seen[key].address]
    expected = outcome.case.get("expected")
    if expected in ("cured", "unchanged") and left:
        outcome.fail(f"not cured: {', '.join(where(key) for key in left)}")
    if expected == "left" and not left:
        outcome.fail("every BAR has an address without the remedy")


def compare_rehearsal(outcome, rehearsal, seen):
    """Assigned here and there, or neither; where a 64-bit BAR is, too."""
    if isinstance(seen, str) or rehearsal["refusal"]:
        outcome.rehearsed = "refused"
        if isinstance(seen, str) != bool(rehearsal["refusal"]):
            outcome.fail(f"rehearsal: {rehearsal['refusal'] or 'QEMU starts'}")
        return
    left = unseen = 0
    for told in rehearsal["bars"]:
        bar = seen.get((told["guest_path"], told["bar"]))
        if not bar or not told["passed_through"]:
            continue
        left += bar.address == 0
        if told["verdict"].startswith("not seen"):
            unseen += 1
            continue
        address = int(told["seen_address"] or "0", 16)
        wide = told["mem64"] and told["prefetchable"]
        if address != bar.address if wide else bool(address) != bool(bar.address):
            outcome.fail(f"{where((told['guest_path'], told['bar']))}: rehearsed {address:#x}, "
                         f"booted {bar.address:#x}")
    if rehearsal["as_planned"] and left:
        outcome.fail(f"rehearsal: all as planned, and {left} BARs are left out")
    outcome.rehearsed = f"{left} left out" + (f", {unseen} not seen" if unseen else "")


def judge(outcome, planner, rig, made, keep):
    case = outcome.case
    definition, words = made
    plan = planner.explain(case, definition, AS_IT_IS)
    outcome.verdict = plan["verdict"]
    seen = guest.boot(rig, words, case["hosts"],
                      keep and os.path.join(keep, f"{case['name']}.log"))
    if keep:
        for what, text in (("definition.xml", definition), ("plan.json", json.dumps(
                plan, indent=1)), ("first.json", json.dumps(case["first"], indent=1))):
            with open(os.path.join(keep, f"{case['name']}-{what}"), "w",
                      encoding="utf-8") as file:
                file.write(text)
    if isinstance(seen, str) != (case.get("hole") == "beyond"):
        outcome.fail(f"QEMU refuses: {seen}" if isinstance(seen, str) else "QEMU starts")
    if planner.rehearses:
        compare_rehearsal(outcome, planner.rehearse(case, definition, rig.kernel), seen)
    if isinstance(seen, str):
        return
    compare(outcome, plan, seen)
    compare_first(outcome, case["first"], plan)
    check_hole(outcome, seen)
    check_cure(outcome, plan, seen)


def prepare(case, planner, outcome):
    """The new XML, or None."""
    try:
        options = planner.options(case)
        case["possible"] = planner.explain(case, case["xml"], case.get("options", []))[
            "verdict"] != "no-fit"
        case["first"] = planner.explain(case, case["xml"], options)
        status, xml, said = planner.patch(case, options)
    except Unbootable as why:
        outcome.fail(str(why))
        return None
    if status not in (0, 3):
        outcome.fail(f"patch exits with {status}: {said}")
        return None
    if case.get("expected") == "unchanged" and xml != case["xml"]:
        outcome.fail("the plan changes something")
    if case.get("expected") == "refused":
        if status != 3 or "--allow" not in said:
            outcome.fail(f"no refusal that says what would do: {status}, {said}")
        return None
    if status == 3 or case["first"]["verdict"] == "no-fit":
        outcome.notes.append("no hole fits")
    return xml


def report(outcome, seconds, verbose):
    others = (f" ({outcome.others_wrong} of {outcome.others} others elsewhere)"
              if outcome.others_wrong else "")
    lines = [f"{'DIFFERS' if outcome.lines else 'ok':8}{outcome.case['name']}: "
             f"{outcome.verdict}, {outcome.bars - outcome.wrong} of {outcome.bars} BARs{others}, "
             f"{seconds:.0f} s{', rehearsed: ' * bool(outcome.rehearsed)}{outcome.rehearsed}"
             ] + [f"  {line}" for line in outcome.lines]
    if verbose or outcome.lines:
        lines += [f"  note: {line}" for line in outcome.notes]
    print("\n".join(lines), flush=True)


def run(chosen, planner, rig, arguments):
    outcomes, domains = {}, {}
    for case in chosen:
        outcomes[case["name"]] = Outcome(case)
        xml = prepare(case, planner, outcomes[case["name"]])
        if xml:
            domains[case["name"]] = xml
    made = native.ask(domains, planner.directory)

    def finish(name):
        began = time.monotonic()
        try:
            if name in domains and isinstance(made[name], str):
                outcomes[name].fail(f"libvirt refuses: {made[name]}")
            elif name in domains:
                judge(outcomes[name], planner, rig, made[name], arguments.keep)
        except (Unbootable, TimeoutError) as why:
            outcomes[name].fail(f"no boot: {why}")
        report(outcomes[name], time.monotonic() - began, arguments.verbose)

    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(finish, outcomes))
    return list(outcomes.values())


def choose(arguments):
    found = list(cases.all_cases()) + [cases.drawn(arguments.seed + i)
                                       for i in range(arguments.drawn)]
    if arguments.only:
        return [case for case in found if any(word in case["name"] for word in arguments.only)]
    return [case for case in found if arguments.all or case.get("quick")
            or case["name"].startswith("drawn-")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--gpupt-xml", required=True)
    parser.add_argument("--noreserve", default="", help="library that lets QEMU start with "
                        "devices larger than this machine's memory")
    parser.add_argument("--all", action="store_true", help="all cases, not only the quick ones")
    parser.add_argument("--drawn", type=int, default=0, metavar="N",
                        help="N made-up domains as well")
    parser.add_argument("--seed", type=int, default=1, help="number of the first of them")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="only cases with this in their name (repeatable)")
    parser.add_argument("--keep", metavar="DIRECTORY",
                        help="keep definitions, plans and the guests' logs there")
    parser.add_argument("--rehearse", action="store_true",
                        help="rehearse each domain as well")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="boots at a time")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    try:
        rig = Rig("", arguments.noreserve)
    except Missing as missing:
        print(f"skipped: {missing}")
        return 77
    try:
        with tempfile.TemporaryDirectory(prefix="gpupt-domains-") as directory:
            planner = Planner(arguments.gpupt_xml, rig, directory)
            planner.rehearses = arguments.rehearse
            os.environ["GPUPT_NORESERVE"] = rig.noreserve
            outcomes = run(choose(arguments), planner, rig, arguments)
    except Missing as missing:
        print(f"skipped: {missing}")
        return 77
    finally:
        rig.close()
    agree = sum(not outcome.lines for outcome in outcomes)
    bars, wrong = (sum(getattr(outcome, what) for outcome in outcomes)
                   for what in ("bars", "wrong"))
    print(f"{agree} of {len(outcomes)} domains agree, {bars - wrong} of {bars} BARs; of the "
          f"guests' other BARs "
          f"{sum(outcome.others_wrong for outcome in outcomes)} of "
          f"{sum(outcome.others for outcome in outcomes)} are elsewhere")
    return 0 if agree == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
