#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""gpupt-xml rehearse, with QEMU, firmware and a kernel.

usage: rehearse.py --gpupt-xml PROGRAM --noreserve LIBRARY [--only NAME]

Each case is a domain, options, and what has to come of it: the exit status and the
verdict on each BAR of the passed-through devices. The stand-ins of the devices are
chosen by the program; nothing is shared with it here.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

from system import Missing, find_kernel, program

OVMF = "/usr/share/OVMF/OVMF_CODE_4M.fd"
SECURE = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"
PORTS = """
    <controller type='pci' index='1' model='pcie-root-port'><target {target}/></controller>
    <controller type='pci' index='2' model='pcie-root-port'/>
    <controller type='pci' index='3' model='pcie-root-port'/>"""
DOMAIN = """<domain type='qemu'>
  <name>rehearsed</name>
  <memory unit='MiB'>512</memory>
  <os>
    <type arch='x86_64' machine='{machine}'>hvm</type>{loader}
  </os>
  <cpu mode='custom'><model>Westmere</model></cpu>
  <devices>
    <emulator>{qemu}</emulator>
    <controller type='pci' index='0' model='{root}'/>{ports}
    <controller type='usb' model='none'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source><address domain='0' bus='8' slot='0' function='0'/></source>
      {address}
    </hostdev>
  </devices>
</domain>
"""
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


def bar(index, size, bits=64):
    return {"index": index, "type": "memory", "bits": bits, "prefetchable": bits == 64,
            "size": f"{size} bytes", "address": "0x1000000000"}


def inventory(*bars):
    return {"format": "gpupt-snapshot", "version": 1, "host": {}, "devices": [{
        "address": "0000:08:00.0", "vendor": "10de", "device": "2300", "class": "030200",
        "driver": "vfio-pci", "iommu_group": 1, "bars": list(bars)}]}


# the shape of an A30, and the same without the BAR that makes the trap
GPU = inventory(bar(0, 16 * MIB, 32), bar(1, 32 * GIB), bar(3, 32 * MIB))
WIDE = inventory(bar(1, 32 * GIB), bar(3, 32 * MIB))
SMALL = inventory(bar(0, 16 * MIB, 32), bar(1, 256 * MIB), bar(3, 32 * MIB))
PLANNED, TRAPPED, UNSEEN = "as planned", "not assigned", "not seen (kernel)"


def case(name, host, status, verdicts, *options, kernel=False, target="", loader=OVMF,
         machine="q35"):
    """verdicts: one for each BAR; None where 32-bit ones may also be elsewhere."""
    text = f"\n    <loader readonly='yes' type='pflash'>{loader}</loader>" if loader else ""
    q35 = machine == "q35"
    xml = DOMAIN.format(
        machine=machine, loader=text, root="pcie-root" if q35 else "pci-root", qemu="{qemu}",
        ports=PORTS.format(target=target) if q35 else "",
        address="<address type='pci' domain='0' bus='1' slot='0' function='0'/>" if q35 else "")
    return {"name": name, "xml": xml, "host": host, "status": status, "verdicts": verdicts,
            "options": list(options), "kernel": kernel}


OFF = "hotplug='off'"
CASES = [
    case("seabios", GPU, 0, [None, PLANNED, PLANNED], loader=None),
    case("seabios-i440fx", GPU, 0, [None, PLANNED, PLANNED], loader=None, machine="pc"),
    case("firmware", SMALL, 0, [None, PLANNED, PLANNED]),
    # variables without Secure Boot's keys, in a build that needs SMM
    case("secure", inventory(bar(1, 8 * GIB)), 0, [PLANNED], loader=SECURE),
    case("no-kernel", WIDE, 4, [UNSEEN, UNSEEN]),
    # OVMF gives up, and then the guest has no boot disk
    case("no-boot", WIDE, 1, [UNSEEN, UNSEEN], "--force", machine="pc"),
    case("kernel", WIDE, 0, [PLANNED, PLANNED], kernel=True),
    case("trap", GPU, 1, [TRAPPED, PLANNED, PLANNED], "--forbid", "hotplug", "--force",
         kernel=True),
    case("trap-cured", GPU, 0, [None, PLANNED, PLANNED], kernel=True),
    case("trap-hotplug-off", GPU, 0, [None, PLANNED, PLANNED], kernel=True, target=OFF),
    # a plan that is broken on purpose
    case("hole-too-small", WIDE, 1, [TRAPPED, TRAPPED], "--pcihole64", "32GiB", "--force",
         kernel=True),
    case("hole-too-large", WIDE, 1, None, "--pcihole64", "2TiB", "--force"),
]


class Bench:
    """A directory to run the program in, and its environment."""

    def __init__(self, chosen, directory):
        self.gpupt_xml, self.directory = os.path.abspath(chosen.gpupt_xml), directory
        self.qemu, self.kernel = program(["qemu-system-x86_64"], "QEMU"), find_kernel()
        self.environment = dict(os.environ, GPUPT_NORESERVE=os.path.abspath(chosen.noreserve),
                                TMPDIR=os.path.join(directory, "tmp"))
        os.mkdir(self.environment["TMPDIR"])
        if not os.path.exists(OVMF):
            raise Missing(f"no {OVMF}")

    def command(self, one, *options):
        for name, text in (("vm.xml", one["xml"].format(qemu=self.qemu)),
                           ("host.json", json.dumps(one["host"]))):
            with open(os.path.join(self.directory, name), "w", encoding="utf-8") as file:
                file.write(text)
        kernel = ["--kernel", self.kernel] if one["kernel"] else []
        return [self.gpupt_xml, "rehearse", "vm.xml", "--inventory", "host.json", "--format",
                "json", *one["options"], *kernel, *options]

    def start(self, one, *options):
        return subprocess.Popen(self.command(one, *options), cwd=self.directory, text=True,
                                env=self.environment, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def run(self, one, *options):
        process = self.start(one, *options)
        output, said = process.communicate()
        return process.returncode, output, said

    def left_behind(self):
        return sorted(set(os.listdir(self.directory)) - {"vm.xml", "host.json", "tmp", "fake",
                                                         "pid"}) + \
            os.listdir(self.environment["TMPDIR"])


def judge(one, status, output):
    if status != one["status"]:
        yield f"exit status {status}, expected {one['status']}"
    if status not in (0, 1, 4):
        return
    result = json.loads(output)
    if one["verdicts"] is None:
        if "phys-bits too low" not in (result["refusal"] or ""):
            yield "QEMU's message is not shown"
        return
    bars = [bar for bar in result["bars"] if bar["passed_through"]]
    for expected, found in zip(one["verdicts"], bars, strict=True):
        allowed = [expected] if expected else ["as planned", "assigned"]
        if found["verdict"] not in allowed:
            yield f"BAR {found['bar']}: {found['verdict']}, expected {' or '.join(allowed)}"
        if (found["seen_address"] is not None) != (found["verdict"] in ("as planned",
                                                                        "assigned")):
            yield f"BAR {found['bar']}: {found['verdict']} at {found['seen_address']}"
    # the guest's own devices are as planned where there is a boot disk to speak of
    for found in result["bars"] if result["boots"] else []:
        if not found["passed_through"] and found["verdict"] not in ("as planned", "assigned"):
            yield f"{found['device']} BAR {found['bar']}: {found['verdict']}"


def fake(bench, script):
    """An emulator that notes its process id, but not when it is asked for its version."""
    path = os.path.join(bench.directory, "fake")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\ncase \"$*\" in *'-machine none'*) exec {bench.qemu} \"$@\";; "
                   f"esac\necho $$ > {bench.directory}/pid\n{script}\n")
    os.chmod(path, 0o755)
    return path


def pid_of(bench, limit=20):
    end = time.monotonic() + limit
    path = os.path.join(bench.directory, "pid")
    while time.monotonic() < end:
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                text = file.read().strip()
            if text:
                return int(text)
        time.sleep(0.05)
    raise TimeoutError("the emulator was not started")


def is_alive(pid):
    """For a moment more, since what ends it may come after its parent's end."""
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


def check_ends(bench):
    """What ends a rehearsal in the middle of a boot leaves no QEMU and no file."""
    one = CASES[0]
    emulator = fake(bench, f"exec {bench.qemu} \"$@\" -S")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        process = bench.start(one, "--emulator", emulator)
        pid = pid_of(bench)
        time.sleep(0.5)
        process.send_signal(number)
        process.communicate()
        os.unlink(os.path.join(bench.directory, "pid"))
        if process.returncode != -number:
            yield f"{number.name}: exit status {process.returncode}"
        if is_alive(pid):
            yield f"{number.name}: QEMU is still there"
    status, _, said = bench.run(one, "--emulator", emulator, "--timeout", "2")
    if status != 2 or "longer than 2 seconds" not in said:
        yield f"timeout: exit status {status}: {said}"
    if is_alive(pid_of(bench)):
        yield "timeout: QEMU is still there"


def check_emulators(bench):
    for script, message in (("/nonexistent/qemu", "No such file"),
                            ("echo fake: broken >&2; exit 1", "broken"),
                            ("printf '{'", "without a word"), ("echo nonsense; exec sleep 20", "QMP")):
        emulator = script if script.startswith("/") else fake(bench, script)
        status, output, said = bench.run(CASES[0], "--emulator", emulator)
        if status != 2 or message not in said or output:
            yield f"{script}: exit status {status}: {said}"
    one = dict(CASES[0], xml=CASES[0]["xml"].replace("{qemu}", "/nonexistent/qemu"))
    status, _, said = bench.run(one)
    if status != 0:
        yield f"an emulator that is not here is not replaced: {said}"


def report(name, lines, began):
    lines = list(lines)
    print(f"{'FAILED' if lines else 'ok'}  {name} ({time.monotonic() - began:.1f} s)", flush=True)
    for line in lines:
        print(f"    {line}")
    return not lines


def run(bench, only):
    good = True
    for one in CASES:
        if only and only not in one["name"]:
            continue
        began = time.monotonic()
        status, output, said = bench.run(one)
        lines = list(judge(one, status, output))
        good &= report(one["name"], lines + ([said] if lines else []), began)
    for name, check in (("ends", check_ends), ("emulators", check_emulators)):
        if only and only not in name:
            continue
        began = time.monotonic()
        good &= report(name, check(bench), began)
    return report("nothing is left behind", bench.left_behind(), time.monotonic()) and good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--gpupt-xml", required=True)
    parser.add_argument("--noreserve", required=True)
    parser.add_argument("--only", help="cases with this in their name")
    chosen = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="gpupt-rehearse-") as directory:
            return 0 if run(Bench(chosen, directory), chosen.only) else 1
    except Missing as missing:
        print(f"skipped: {missing}")
        return 77


if __name__ == "__main__":
    sys.exit(main())
