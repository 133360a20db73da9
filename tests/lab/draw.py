# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains made up from a number.

A third and more of them are meant to fail: cards that cannot fit, or a hole that is
too small or larger than QEMU starts with.
"""

import random

from cases import NO_BALLOON, USB, XHCI, controller, cpu, host, hostdev, max_memory, pci, ports
from domain import CMDLINE, GIB, MIB, domain
from host import Bar, Device

LARGE = [256 * MIB, 8 * GIB, 16 * GIB, 32 * GIB, 32 * GIB, 64 * GIB, 128 * GIB,
         256 * GIB]
CPUS = (("Westmere", 0),) * 5 + (("", 0), ("max", 42), ("max", 46), ("EPYC", 0),
        ("EPYC", 43), ("Skylake-Server", 0), ("Skylake-Server", 42), ("core2duo", 0))
CLASSES = (0x030200, 0x030200, 0x030000, 0x038000, 0x120000)
WISHES = ("auto", "auto", "less", "less", "less", "keep", "keep", "beyond")


def card(draw, number, large):
    """The functions of a card."""
    kind = draw.random()
    if kind < 0.6: # up to Ada: a BAR 0 of 32 bits
        bars = [Bar(0, draw.choice((16, 16, 16, 1, 64)) * MIB), Bar(1, large, 64, True),
                Bar(3, 32 * MIB, 64, True)]
    elif kind < 0.9: # Hopper and later
        bars = [Bar(0, 16 * MIB, 64, True), Bar(2, large, 64, True),
                Bar(4, 32 * MIB, 64, True)]
    else: # others
        bars = [Bar(0, large, 64, True), Bar(2, 2 * MIB, 64, True), Bar(5, MIB // 2)]
    result = [Device(host(number), (0x10de, 0x2300 + number), draw.choice(CLASSES), bars,
                     number)]
    if draw.random() < 0.25: # an audio function, or a second large one
        second = [Bar(0, 16 << 10)]
        code = 0x040300
        if draw.random() < 0.3:
            second, code = [Bar(0, 4096), Bar(2, draw.choice(LARGE[:5]), 64, True)], 0x038000
        result.append(Device(host(number, 1), (0x10de, 0x0e00 + number), code, second, number))
    return result


def root_ports(draw, count):
    """Root ports, each with or without hotplug."""
    result, addressed = "", draw.random() < 0.5
    off = draw.choice((0, 0, 0.3, 1))
    for i in range(count):
        hotplug = "off" if draw.random() < off else None
        result += (ports(i + 1, 1, i + 2, hotplug) if addressed
                   else ports(i + 1, 1, 0, hotplug, False))
    return result


class Drawn:
    """cards: the host's functions; wish: one of WISHES."""

    def __init__(self, rig, seed):
        draw = random.Random(seed)
        self.name = f"drawn-{seed}"
        self.cards, large = [], draw.choice(LARGE)
        self.count = draw.choice((1, 1, 1, 2, 2, 3, 4, 8))
        for i in range(self.count):
            large = large if draw.random() < 0.7 else draw.choice(LARGE)
            self.cards += card(draw, 8 + i, large)
        self.wish = draw.choice(WISHES)
        self.ovmf = draw.random() < 0.8
        self.i440fx = draw.random() < 0.12
        self.placed = not self.i440fx and draw.random() < 0.4
        self.multifunction = draw.random() < 0.3
        self.memory = draw.choice((512, 1024, 2048, 2816, 3072, 4096, 8192))
        self.cpu = draw.choice(CPUS)
        more = {"memory": self.memory, "cpu": cpu(*self.cpu)}
        self.hotplug_memory = draw.random() < 0.12
        if self.hotplug_memory:
            more.update(max_memory(1024, draw.choice((4, 16, 64, 256)) * 1024,
                                   draw.choice((1, 4, 16))))
            self.cpu = ("Westmere", 0)
        if draw.random() < 0.1:
            more["cmdline"] = CMDLINE + " pci=realloc"
        self.realloc = "cmdline" in more
        self.xml = domain(rig, self.name, self.devices(draw), ovmf=self.ovmf,
                          machine="pc" if self.i440fx else "q35", **more)

    def devices(self, draw):
        result = draw.choice((USB, XHCI)) + draw.choice(("", NO_BALLOON))
        if self.i440fx:
            return result
        result += controller(0, "pcie-root")
        result += root_ports(draw, self.count + draw.randrange(3) if self.placed
                             else draw.randrange(4))
        if not self.placed:
            return result
        given = {8 + i for i in range(self.count) if draw.random() < 0.85}
        for device in self.cards:
            function = int(device.address[-1])
            several = sum(other.group == device.group for other in self.cards) > 1
            more = " multifunction='on'" if several and function == 0 else ""
            if device.group in given:
                result += hostdev(device.address, pci(device.group - 7, 0, function, more))
        return result

    def __str__(self):
        def gib(size):
            return f"{size // GIB}G" if size >= GIB else f"{size // MIB}M"
        large = "+".join(gib(max(bar.size for bar in device.bars)) for device in self.cards)
        kind = [self.wish, "i440fx" if self.i440fx else "q35",
                "OVMF" if self.ovmf else "SeaBIOS", f"{self.memory} MiB",
                f"{self.cpu[0] or 'no CPU'}{f' {self.cpu[1]} bits' if self.cpu[1] else ''}",
                large]
        for flag in ("placed", "hotplug_memory", "multifunction", "realloc"):
            kind += [flag.replace("_", " ")] if getattr(self, flag) else []
        return ", ".join(kind)
