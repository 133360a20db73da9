# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole way of a domain: planned, applied, started by libvirtd, read in the guest.

Nothing here knows how the plan is made: what the guest's kernel shows in sysfs is
what counts.
"""

import json
import re
import subprocess
import time

from host import LAB, URI, Failed, virsh, write

# a plan that leaves a definition alone
AS_IT_IS = ("--pcihole64", "keep", "--forbid", "memreserve,hotplug")
LIMIT_SECONDS = 400
MAYBE = re.compile(r"0x[0-9a-f]{16} 0x[0-9a-f]{16} 0x[0-9a-f]{16}$")


def path(place):
    """"/sys/devices/pci0000:00/0000:00:02.0/0000:01:00.0": "02.0/00.0", as in
    struct gpupt_layout_bar."""
    return "/".join(name[8:] for name in place.split("/")[4:])


def read_guest(text):
    """(guest path, BAR) -> (address or 0, size or 0). The kernel forgets the size of what
    it gave up on (reset_resource(), drivers/pci/setup-bus.c, Linux 6.1)."""
    result, place, index = {}, "", 0
    for line in text.split("GPUPT-BEGIN")[1].split("GPUPT-LOG")[0].splitlines():
        if line.startswith("GPUPT-DEVICE"):
            place, index = path(line.split()[2]), 0
        elif MAYBE.match(line):
            start, end, flags = (int(word, 16) for word in line.split())
            if index < 6:
                result[place, index] = (start, end - start + 1 if flags else 0)
            index += 1
    return result


class Session:
    """One domain on the lab's libvirtd, gone again at the end."""

    def __init__(self, program, rig, name, xml):
        self.program, self.rig, self.name = program, rig, name
        self.serial = f"{LAB}/{name}.serial"
        write(f"{LAB}/{name}.xml", xml)
        virsh("define", "--validate", f"{LAB}/{name}.xml")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        virsh("destroy", self.name, check=False)
        virsh("undefine", self.name, "--nvram", check=False)

    def gpupt(self, command, *words):
        """(exit status, standard output, standard error)"""
        done = subprocess.run([self.program, command, self.name, "-c", URI, *words],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def release(self):
        """The guest's Linux."""
        return f"{self.rig.kernel_version // 100}.{self.rig.kernel_version % 100}"

    def definition(self):
        return virsh("dumpxml", "--inactive", self.name)[1]

    def plan(self):
        """What explain says of the definition as it is now, where the kernel is known."""
        _, out, said = self.gpupt("explain", "--format", "json", *AS_IT_IS,
                                  "--guest-kernel", self.release())
        if not out:
            raise Failed(f"no plan: {said}")
        return json.loads(out)

    def start(self):
        """The message with which QEMU refuses to start, or an empty one."""
        status, _, said = virsh("start", self.name, check=False)
        if status and "phys-bits too low" not in said:
            raise Failed(f"virsh start: {said.strip()}")
        return said.strip() if status else ""

    def read(self):
        """Waits for the guest to show its devices."""
        end = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < end:
            with open(self.serial, encoding="latin-1") as file:
                text = file.read()
            if "GPUPT-END" in text:
                return read_guest(text)
            if virsh("domstate", self.name)[1].strip() != "running":
                raise Failed(f"the guest went down: {text[-500:]}")
            time.sleep(0.3)
        raise Failed(f"timed out: {text[-500:]}")


def compare(plan, seen):
    """(lines that differ, BARs of passed-through devices, those of them without an
    address in the guest)"""
    lines, count, left = [], 0, 0
    for bar in plan["layout"]:
        key = (bar["guest_path"], bar["bar"])
        address, size = seen.get(key, (None, 0))
        count += bar["passed_through"]
        left += bar["passed_through"] and not address
        if not bar["passed_through"] and not bar["mem64"]:
            continue
        told = f"{key[0]} BAR {key[1]} of {bar['device']}"
        if address is None:
            lines.append(f"{told}: the guest has no such device")
        elif size not in (bar["size_bytes"], 0):
            lines.append(f"{told}: {size:#x} bytes, planned {bar['size_bytes']:#x}")
        elif address != (bar["guest_address"] or 0):
            lines.append(f"{told} ({size:#x}): planned {bar['guest_address'] or 0:#x} "
                         f"({bar['reason'] or bar['placed_by']}), in the guest {address:#x}")
    return lines, count, left


def has_command(program, command):
    """Whether gpupt-xml has that command."""
    return subprocess.run([program, "help", command], capture_output=True,
                          check=False).returncode == 0
