#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stands over QEMU's binary in the lab, and runs the real one beside it.

`-device vfio-pci` becomes a device with the ids and BARs that the host device has in
sysfs (see card.c), in the same place of the guest. Everything else stays as it is.
"""

import json
import os
import sys

LAB = "/run/lab"
IORESOURCE_IO, IORESOURCE_PREFETCH, IORESOURCE_MEM_64 = 0x100, 0x2000, 0x100000


def attribute(host, name):
    with open(f"/sys/bus/pci/devices/{host}/{name}", encoding="ascii") as file:
        return file.read()


def bars(host):
    for index, line in enumerate(attribute(host, "resource").splitlines()[:6]):
        start, end, flags = (int(word, 16) for word in line.split())
        if flags:
            low = (flags & IORESOURCE_IO and 1) | (flags & IORESOURCE_MEM_64 and 4) | (
                flags & IORESOURCE_PREFETCH and 8)
            yield f"{index}/{end - start + 1:x}/{low:x}"


def card(kind, host):
    """A line for $GPUPT_CARDS."""
    ids = [int(attribute(host, name), 16) for name in ("vendor", "device", "class")]
    return " ".join([kind, f"{ids[0]:x}", f"{ids[1]:x}", f"{ids[2] >> 8:x}", *bars(host)])


def replace(words, cards):
    for option, value in zip([""] + words, words):
        settings = json.loads(value) if option == "-device" and value[0] == "{" else {}
        if settings.get("driver") != "vfio-pci":
            yield value
            continue
        kind = f"gpupt-card-{len(cards)}"
        cards.append(card(kind, settings["host"]))
        yield json.dumps({"driver": kind} | {key: settings[key] for key in (
            "id", "bus", "addr", "multifunction") if key in settings})


def main():
    cards = []
    words = list(replace(sys.argv[1:], cards))
    if cards:
        os.environ.update(GPUPT_CARDS="\n".join(cards),
                          LD_PRELOAD=os.path.join(LAB, "card.so"))
    real = os.path.join(LAB, "usr/bin/qemu")
    os.execv(real, [sys.argv[0]] + words)


main()
