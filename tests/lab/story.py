# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cases that run every time."""

import subprocess
import time

from cases import host, hostdev, pci, ports
from domain import GIB, MIB, domain, nvidia
from host import Failed, driver_of
from session import Session, compare, has_command


def p10(number=8, driver="nvidia"):
    """16 MiB, 32 GiB, 32 MiB: the P10 of the user's story."""
    return nvidia(number, 0x1b39, 16 * MIB, 32 * GIB, 32 * MIB, driver=driver)


def t4(number):
    return nvidia(number, 0x1eb8, 16 * MIB, 256 * MIB, 32 * MIB)


class Case:
    """complete: every BAR of the cards has an address in the guest (None: if the plan
    says so). hole: apply writes <pcihole64>. status: what apply exits with; unless it is
    0 nothing is started. more: for domain()."""

    def __init__(self, name, cards, complete=True, hole=True, status=0, **more):
        self.name, self.cards, self.complete = name, cards, complete
        self.hole, self.status, self.more = hole, status, more


CASES = [
    # A rejected P10 also needs room for its BAR 0 (the 32-bit trap).
    Case("user-story", [p10()]),
    Case("port-without-hotplug", [p10()],
         devices=ports(1, 1, 1, "off") + hostdev(host(8), pci(1, 0))),
    Case("eight-cards", [t4(8 + i) for i in range(8)], hole=False),
    Case("seabios-q35", [p10()], hole=False, ovmf=False),
    Case("seabios-i440fx", [p10(), p10(9, "vfio-pci")], hole=False, ovmf=False, machine="pc"),
    Case("cannot-fit", [nvidia(8 + i, 0x2901, 64 * MIB, 256 * GIB, 32 * MIB)
                        for i in range(8)], status=3),
]


def check(condition, message):
    if not condition:
        raise Failed(message)


def check_devices(program, case):
    done = subprocess.run([program, "devices"], capture_output=True, text=True, check=True)
    for device in case.cards:
        check(device.address in done.stdout, f"devices has no {device.address}")


def check_definition(before, after, case):
    """Whether the cards came in, and a hole only where one is needed."""
    check(after.count("<hostdev ") == len(case.cards), "not all cards are in the domain")
    check(("<pcihole64" in after) == case.hole,
          "a hole was written" if not case.hole else "no hole was written")
    check("<pcihole64" not in before, "the case has a hole already")


def check_drivers(case, expected):
    found = [driver_of(card.address) for card in case.cards]
    check(found == expected, f"the cards' drivers are {found}, not {expected}")


def boot(guest, case):
    """What the plan says and what the guest shows; a line for the log."""
    plan = guest.plan()
    refused = guest.start()
    check(not refused, refused)
    check_drivers(case, ["vfio-pci"] * len(case.cards))
    lines, count, left = compare(plan, guest.read())
    check(not lines, "; ".join(lines))
    complete = plan["verdict"] != "partial" if case.complete is None else case.complete
    check((left == 0) == complete, f"{left} of {count} BARs have no address in the guest")
    if has_command(guest.program, "verify"):
        status, out, said = guest.gpupt("verify")
        check((status == 0) == (left == 0), f"verify exits with {status}: {out}{said}")
    return f"{count - left} of {count} BARs placed, all as planned"


def one(chosen, lab, rig, case):
    lab.show(case.cards)
    check_devices(chosen.gpupt_xml, case)
    with Session(chosen.gpupt_xml, rig, case.name, domain(rig, case.name, **case.more)) as guest:
        before = guest.definition()
        status, out, said = guest.gpupt("apply", "--add-device", "gpu")
        check(status == case.status, f"apply exits with {status}: {out}{said}")
        if status:
            check(guest.definition() == before, "apply changed the domain")
            return "refused: " + said.strip().splitlines()[0]
        check_definition(before, guest.definition(), case)
        status, out, said = guest.gpupt("apply", "--add-device", "gpu")
        check(status == 0 and not out, f"a second apply changes something: {out}")
        line = boot(guest, case)
    check_drivers(case, [card.driver for card in case.cards]) # given back
    return line


def run(chosen, lab, rig):
    failures = 0
    for case in CASES:
        if chosen.only not in case.name:
            continue
        began = time.monotonic()
        try:
            result = "ok      " + case.name + ": " + one(chosen, lab, rig, case)
        except Failed as why:
            result = f"FAILED  {case.name}: {why}"
            failures += 1
        print(f"{result} ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if failures else 0
