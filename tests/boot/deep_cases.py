#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots random guests of kinds that random_cases.py never makes.

The same usage. Here are switches, also behind one another, conventional bridges behind
PCIe ones and behind one another, several ports in a slot, reserves of both kinds, 32-bit
prefetchable and large 32-bit BARs, large option ROMs, functions of class VGA, NICs,
sound, storage and consoles, and memory up to 1 TiB, of which the guest's kernel is told
not to use all.
"""

import sys

from random_cases import Builder, main, text_of

VGA = ("VGA", "qxl-vga", "virtio-vga", "cirrus-vga") # one, before other displays
DISPLAYS = VGA + ("qxl", "bochs-display", "secondary-vga", "virtio-gpu-pci")
SUNDRY = ("edu", "e1000e", "e1000", "rtl8139", "vmxnet3", "intel-hda", "megasas", "pvscsi",
          "lsi53c895a", "i6300esb", "usb-ehci", "nec-usb-xhci", "sdhci-pci", "virtio-gpu-pci",
          "virtio-balloon-pci", "pci-serial", "virtio-vga", "cirrus-vga")


class Deep(Builder):
    """One random guest."""

    has_display = False

    def device(self, text):
        driver, *rest = text.split(",")
        if driver in VGA and self.has_display:
            place = [part for part in rest if part.startswith(("bus=", "addr=", "multi"))]
            text = ",".join(["virtio-rng-pci"] + place)
        self.has_display |= driver in DISPLAYS
        super().device(text)

    def memory(self):
        gib = self.pick((1, 3), (1, 4), (1, 32), (1, 64), (1, 512), (1, 1024), (9, 0))
        mib = gib * 1024 if gib else self.pick((4, 512), (1, 2048), (1, 2815), (1, 7680))
        self.case["memory"] = f"{mib}M"
        if gib > 16:
            self.case["kernel_options"] = "mem=1500M"
        if self.chance(20):
            self.case["maxmem"] = f"{mib + self.random.choice([1, 5, 16, 100, 256]) * 1024}M"
            self.case["slots"] = self.random.randint(1, 16)

    # ---- its devices ----

    def exponent(self):
        steps = self.pick((1, -5), (1, -4), (1, -3), (2, -2), (4, -1), (6, 0), (3, 1))
        return max(26, min(39, self.budget + steps))

    def frame_buffer(self, place):
        """32-bit and prefetchable."""
        driver = self.pick((3, "bochs-display,vgamem={}M"), (1, "secondary-vga,vgamem_mb={}"),
                           (1, "VGA,vgamem_mb={}"))
        self.device(driver.format(1 << self.random.randint(4, 8)) + f",{place}")

    def low(self, place):
        """32-bit and not; at times of class VGA with a 64-bit one beside them."""
        wide = self.random.choice([512, 4096])
        driver = self.pick((3, "qxl"), (1, f"qxl-vga,vram64_size_mb={wide}"))
        self.device(f"{driver},vram_size_mb={self.random.choice([16, 64, 256])},ram_size_mb="
                    f"{self.random.choice([16, 64, 128, 256])},vgamem_mb=8,{place}")

    def rom(self, place):
        """QEMU's for another card, which the firmware looks at and leaves alone."""
        self.device(f"pci-testdev,membar={text_of(self.random.randint(20, 34))},"
                    f"romfile=efi-e1000.rom,romsize={1 << self.random.randint(18, 24)},{place}")

    def doorbells(self, place):
        """64-bit and not prefetchable."""
        queues = self.random.choice([64, 4095, 65534])
        self.device(f"nvme,serial=s{self.number()},max_ioqpairs={queues},msix_qsize=2048,{place}")

    def sundry(self, place):
        self.device(f"{self.random.choice(SUNDRY)},{place}")

    def any(self, place):
        if self.chance(60):
            super().any(place)
        else:
            self.pick((3, self.frame_buffer), (2, self.low), (2, self.rom), (1, self.doorbells),
                      (3, self.sundry))(place)

    def slot(self, bus, number=0):
        """Functions in one, or none."""
        count = self.pick((1, 0), (7, 1), (2, 2), (1, 4))
        for index in range(count):
            several = ",multifunction=on" if index == 0 and count > 1 else ""
            self.any(f"bus={bus},addr={number:x}.{index}{several}")

    # ---- bridges; `depth` may be behind one another ----

    def root_port(self, place, depth):
        number = self.number()
        memory, pref64 = (f",{kind}-reserve={self.random.choice(sizes)}" for kind, sizes in (
            ("mem", ("1M", "16M", "48M", "256M")), ("pref64", ("256M", "3G", "32G", "128G"))))
        option = self.pick((10, ""), (3, ",hotplug=off"), (2, memory), (2, pref64),
                           (1, memory + pref64))
        self.device(f"pcie-root-port,id=rp{number},chassis={number},{place}{option}")
        self.express(f"rp{number}", depth)

    def express(self, bus, depth):
        """What is behind a PCIe port."""
        kind = self.pick((4, self.switch), (2, self.to_conventional)) if depth else None
        if kind and self.chance(50):
            kind(bus, depth - 1)
        else:
            self.slot(bus)

    def switch(self, bus, depth):
        up = f"up{self.number()}"
        self.device(f"x3130-upstream,id={up},bus={bus},addr=0.0")
        for index in range(self.random.randint(1, 4)):
            number = self.number()
            off = self.pick((5, ""), (1, ",hotplug=off"))
            self.device(f"xio3130-downstream,id=dn{number},bus={up},addr={index:x}.0,"
                        f"chassis={number},slot={number % 30}{off}")
            self.express(f"dn{number}", depth)

    def to_conventional(self, bus, depth, slot=0):
        number = self.number()
        self.device(f"pcie-pci-bridge,id=pb{number},bus={bus},addr={slot:x}.0")
        self.conventional(f"pb{number}", depth)

    def conventional(self, bus, depth):
        """What is behind a conventional bridge."""
        for slot in range(1, 2 + self.random.randrange(3)):
            if depth and self.chance(30):
                self.nested(bus, slot, depth - 1)
            else:
                self.slot(bus, slot)

    def nested(self, bus, slot, depth):
        number = self.number()
        off = self.pick((3, ""), (2, ",shpc=off"))
        self.device(f"pci-bridge,id=br{number},chassis_nr={number},bus={bus},addr={slot:x}.0{off}")
        self.conventional(f"br{number}", depth)

    def on_q35(self, bus, slot, depth):
        kind = self.pick((10, "port"), (4, "ports"), (2, "functions"), (1, "dmi"), (1, "bridge"))
        if kind == "port":
            self.root_port(f"bus={bus},addr={slot:x}.0", depth)
        elif kind == "ports":
            for index in range(self.random.randint(2, 8)):
                several = ",multifunction=on" if index == 0 else ""
                self.root_port(f"bus={bus},addr={slot:x}.{index}{several}", depth - 1)
        elif kind == "functions":
            self.slot(bus, slot)
        elif kind == "dmi":
            number = self.number()
            self.device(f"i82801b11-bridge,id=dmi{number},bus={bus},addr={slot:x}.0")
            self.conventional(f"dmi{number}", depth)
        else:
            self.to_conventional(bus, depth, slot)

    def on_i440fx(self, bus, slot, depth):
        if self.chance(35):
            self.nested(bus, slot, depth)
        else:
            self.slot(bus, slot)

    def expander(self, slot, q35):
        name = f"pxb{self.number()}"
        driver, bus = ("pxb-pcie", "pcie.0") if q35 else ("pxb", "pci.0")
        self.device(f"{driver},id={name},bus_nr={256 - slot * 12},bus={bus},addr={slot:x}.0")
        for index in range(self.random.randint(1, 2)):
            if q35:
                self.root_port(f"bus={name},addr={index:x}.0", 1)
            else:
                self.slot(name, index + 1)

    def build(self):
        case = self.case
        q35 = self.chance(85)
        if not q35:
            case["machine"] = "pc"
        case["firmware"] = self.pick((4, "ovmf"), (1, "seabios"))
        case["cpu"] = self.cpu()
        self.memory()
        self.hole()
        self.override()
        case["realloc"] = self.chance(20)
        depth = self.pick((2, 1), (3, 2), (1, 3))
        first = 1 if q35 else 4
        for slot in range(first, first + self.pick((1, 1), (4, 2), (3, 3), (3, 4), (1, 6))):
            if q35:
                self.on_q35("pcie.0", slot, depth)
            else:
                self.on_i440fx("pci.0", slot, depth)
        if self.chance(15):
            for slot in range(12, 12 + self.pick((2, 1), (1, 2))):
                self.expander(slot, q35)
        return case


if __name__ == "__main__":
    sys.exit(main(lambda seed: Deep(seed).build()))
