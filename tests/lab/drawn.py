# SPDX-License-Identifier: LGPL-2.1-or-later
"""Made-up domains: the plan of the applied definition, and rehearse where the program
has it, against what the guest shows."""

import json
import os
import shutil
import time

from domain import GIB
from draw import Drawn
from host import Failed, virsh
from session import AS_IT_IS, LIMIT_SECONDS, Session, compare, has_command


def wish_options(guest, drawn):
    """The options for apply that make the domain what was drawn."""
    add = [f"--add-device={device.address}" for device in drawn.cards]
    add += ["--multifunction"] * drawn.multifunction
    status, out, said = guest.gpupt("explain", "--format", "json", *add)
    if not out:
        raise Failed(f"no plan: {said}")
    hole = json.loads(out)["hole"]
    keep = ["--pcihole64", "keep", "--force"]
    if drawn.wish == "auto":
        return add + (keep if status == 3 else [])
    if drawn.wish == "keep":
        return add + keep
    if drawn.wish == "less":
        size = min(hole["minimum_bytes"] or GIB, hole["maximum_bytes"] or 1 << 50) - GIB
    else:
        size = hole["maximum_bytes"] + GIB
    return add + ["--pcihole64", f"{max(size, 0) // 1024}KiB", "--force", "--allow-shrink"]


def rehearse(guest, seen, refused):
    """(lines where a rehearsal of the definition differs from what the guest showed, BARs
    that it looked at, BARs that it says it did not see)"""
    rig = guest.rig
    status, out, said = guest.gpupt(
        "rehearse", "--format", "json", *AS_IT_IS, "--guest-kernel", guest.release(),
        "--kernel", rig.kernel, "--timeout", str(LIMIT_SECONDS))
    if not out:
        return [f"rehearse exits with {status}: {said.strip()}"], 0, 0
    told = json.loads(out)
    if told["refusal"] or refused:
        return ([] if told["refusal"] and refused else
                [f"rehearse: {told['refusal'] or 'QEMU starts'}"]), 0, 0
    lines, looked, unseen = [], 0, 0
    for bar in filter(lambda bar: bar["passed_through"], told["bars"]):
        address = seen.get((bar["guest_path"], bar["bar"]), (0, 0))[0]
        if bar["verdict"].startswith("not seen"):
            unseen += 1
            continue
        looked += 1
        if bool(bar["seen_address"]) != bool(address):
            lines.append(f"rehearse: {bar['guest_path']} BAR {bar['bar']} at "
                         f"{bar['seen_address']} ({bar['verdict']}), in the guest {address:#x}")
    placed = all(address for (path, index), (address, _) in seen.items()
                 if (path, index) in passed_through(told))
    if status == 0 and not placed and not unseen:
        lines.append("rehearse: exits with 0, and a BAR has no address")
    return lines, looked, unseen


def passed_through(told):
    return {(bar["guest_path"], bar["bar"]) for bar in told["bars"] if bar["passed_through"]}


class Outcome:
    """What came of a domain."""

    def __init__(self, drawn):
        self.drawn, self.lines, self.said = drawn, [], ""
        self.failing = self.rehearsed = False

    def go(self, guest, boot):
        options = wish_options(guest, self.drawn)
        status, out, said = guest.gpupt("apply", *options)
        if status:
            raise Failed(f"apply {' '.join(options)} exits with {status}: {out}{said}")
        plan = guest.plan()
        hole = plan["hole"]
        beyond = hole["maximum_bytes"] < hole["current_bytes"]
        if not boot:
            self.said = plan["verdict"]
            return
        refused = guest.start()
        if bool(refused) != beyond:
            self.lines.append(f"QEMU {refused or 'starts'}; the largest hole is "
                              f"{hole['maximum_bytes']:#x}, there are {hole['current_bytes']:#x}")
        seen = None if refused else guest.read()
        self.judge(plan, seen, refused)
        if has_command(guest.program, "rehearse"):
            virsh("destroy", guest.name, check=False)
            lines, looked, unseen = rehearse(guest, seen, refused)
            self.rehearsed = True
            self.lines += lines
            self.said += f"; rehearsed {looked}" + f", {unseen} not seen" * bool(unseen)

    def judge(self, plan, seen, refused):
        if refused:
            self.failing, self.said = True, "QEMU refuses"
            return
        lines, count, left = compare(plan, seen)
        self.lines += lines
        self.failing = left > 0
        self.said = f"{plan['verdict']}, {count - left} of {count} BARs placed"


def keep(guest, directory):
    if directory:
        os.makedirs(directory, exist_ok=True)
        shutil.copy(guest.serial, os.path.join(directory, f"{guest.name}.serial"))
        for name, text in (("xml", guest.definition()), ("json", json.dumps(
                guest.plan(), indent=1))):
            with open(os.path.join(directory, f"{guest.name}.{name}"), "w",
                      encoding="utf-8") as file:
                file.write(text)
        shutil.copy(f"/var/log/libvirt/qemu/{guest.name}.log", directory)


def one(chosen, lab, rig, seed):
    drawn = Drawn(rig, seed)
    outcome = Outcome(drawn)
    lab.show(drawn.cards)
    try:
        with Session(chosen.gpupt_xml, rig, drawn.name, drawn.xml) as guest:
            outcome.go(guest, not chosen.plan_only)
            if outcome.lines:
                keep(guest, chosen.keep)
    except Failed as why:
        outcome.lines.append(str(why))
    return outcome


def run(chosen, lab, rig):
    outcomes = []
    for seed in range(chosen.first, chosen.first + chosen.random):
        began = time.monotonic()
        outcome = one(chosen, lab, rig, seed)
        outcomes.append(outcome)
        print("\n".join([f"{'DIFFERS' if outcome.lines else 'ok':8}{seed}: {outcome.drawn}: "
                         f"{outcome.said} ({time.monotonic() - began:.0f} s)"]
                        + [f"  {line}" for line in outcome.lines]), flush=True)
    agree = sum(not outcome.lines for outcome in outcomes)
    print(f"{agree} of {len(outcomes)} domains agree; "
          f"{sum(outcome.failing for outcome in outcomes)} of them fail to bring up every BAR; "
          f"{sum(outcome.rehearsed for outcome in outcomes)} were rehearsed")
    return 0 if agree == len(outcomes) else 1
