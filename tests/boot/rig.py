# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots a guest under QEMU and compares every BAR's address with the prediction.

A case is a dictionary: name, machine (q35), cpu (qemu64), memory (512M), maxmem,
slots, firmware (ovmf or seabios), hole, window_override_mib, realloc, kernel_options,
objects and devices (QEMU's -object and -device). A hole of "max" or "max+1G" is the
largest that QEMU should start with, and the first that it should not; "minimal" or
"minimal-1G" the smallest that serves, and the first that does not.

What PCI functions a guest has, with their BARs' sizes, is asked of QEMU while it
runs; where the BARs are, of the guest's kernel. From the environment, for other
releases' programs: GPUPT_KERNEL (see system.py), GPUPT_QEMU, GPUPT_OVMF (the code
file; its variables lie beside it), GPUPT_OVMF_VERSION (stable tag, 202211; with a +
where a smaller X-PciMmio64Mb counts as in 202505), GPUPT_SEABIOS (file) and
GPUPT_SEABIOS_VERSION (11602). GPUPT_BOOT_LIMIT: seconds that a boot may take, for
machines that have other things to do.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from monitor import GIB, Monitor, functions, number_buses, size
from system import Missing, find_kernel, initramfs, kernel_version, observed, program, version

LIMIT_SECONDS = int(os.environ.get("GPUPT_BOOT_LIMIT", "120"))
# the last that SeaBIOS says, to its debug port, before it halts
STOPS = re.compile(rb"^PCI: out of (32bit|I/O) address space$", re.MULTILINE)


class Unbootable(Exception):
    """QEMU does not like the case, or the guest is too slow."""


def compare(made, names, prediction, seen):
    """Lines that differ, and how many BARs were looked at."""
    lines, count = [], 0
    for function, name, bars in zip(made, names, prediction["functions"]):
        for bar, predicted in zip(function["bars"], bars):
            if bar["io"] or bar["index"] == 6:
                continue
            count += 1
            address = seen[name][bar["index"]]
            if address == predicted["address"]:
                continue
            wide = "64-bit" if bar["mem64"] else "32-bit"
            lines.append(f"{name} BAR {bar['index']} ({wide}, {bar['size']:#x}): "
                         f"predicted {predicted['address']:#x} "
                         f"({predicted['reason'] or predicted['placed_by']}), "
                         f"booted {address:#x}")
    return lines, count


def stops(path):
    """Did SeaBIOS halt?"""
    try:
        with open(path, "rb") as file:
            return STOPS.search(file.read()) is not None
    except FileNotFoundError:
        return False


class Boot:
    """What a boot showed. No functions where QEMU refused to start, no addresses where
    the firmware stopped."""

    def __init__(self, case):
        self.case = case
        self.refused = self.stopped = False
        self.made, self.names, self.seen, self.log = [], [], {}, ""
        self.retries = 0
        self.seconds = 0.0
        self.question, self.prediction = {}, {}
        self.bars, self.lines = 0, []

    def left_out(self):
        """Memory BARs without an address."""
        return sum(self.seen[name][bar["index"]] == 0
                   for function, name in zip(self.made, self.names)
                   for bar in function["bars"] if not bar["io"] and bar["index"] < 6)


class Rig:
    """Programs, firmware and kernel, with their versions."""

    def __init__(self, predict, noreserve="", boots=True):
        self.predict_program = os.path.abspath(predict)
        self.noreserve = noreserve and os.path.abspath(noreserve)
        self.qemu = program([os.environ.get("GPUPT_QEMU", "qemu-system-x86_64")], "QEMU")
        text = subprocess.run([self.qemu, "--version"], capture_output=True, text=True,
                              check=True).stdout
        self.qemu_version = version(re.search(r"version (\S+)", text).group(1))
        self.scratch = tempfile.mkdtemp(prefix="gpupt-boot-")
        try:
            if boots:
                self.find_guest()
        except Missing:
            self.close()
            raise

    def use_kernel(self, path):
        self.kernel = path
        self.kernel_version = kernel_version(path)

    def find_guest(self):
        """What only a guest that runs needs."""
        self.use_kernel(find_kernel())
        self.ovmf = os.environ.get("GPUPT_OVMF", "/usr/share/OVMF/OVMF_CODE_4M.fd")
        ovmf_version = os.environ.get("GPUPT_OVMF_VERSION", "202211")
        self.ovmf_version = int(ovmf_version.rstrip("+"))
        self.ovmf_keeps_override = ovmf_version.endswith("+")
        self.seabios = os.environ.get("GPUPT_SEABIOS", "")
        self.seabios_version = int(os.environ.get("GPUPT_SEABIOS_VERSION", "11602"))
        self.initramfs = os.path.join(self.scratch, "initramfs")
        initramfs(self.initramfs)
        for needed in (self.ovmf, self.ovmf.replace("CODE", "VARS")):
            if not os.path.exists(needed):
                raise Missing(f"no {needed}")

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def __str__(self):
        keeps = "+" if self.ovmf_keeps_override else ""
        return (f"QEMU {self.qemu_version}, OVMF {self.ovmf_version}{keeps}, "
                f"SeaBIOS {self.seabios_version}, Linux {self.kernel_version}")

    # ---- QEMU ----

    def firmware_arguments(self, case, directory):
        if case.get("firmware", "ovmf") == "seabios":
            return (["-bios", self.seabios] if self.seabios else []) + [
                "-chardev", f"file,id=said,path={directory}/said",
                "-device", "isa-debugcon,iobase=0x402,chardev=said"]
        writable = os.path.join(directory, "vars.fd")
        shutil.copyfile(self.ovmf.replace("CODE", "VARS"), writable)
        return ["-drive", f"if=pflash,format=raw,readonly=on,file={self.ovmf}",
                "-drive", f"if=pflash,format=raw,file={writable}"]

    def objects(self, case):
        """reserve= came with QEMU 6.1."""
        result = []
        for item in case.get("objects", []):
            result += ["-object", item if self.qemu_version >= 601
                       else item.replace(",reserve=off", "")]
        return result

    def arguments(self, case, directory):
        machine = case.get("machine", "q35")
        memory = case.get("memory", "512M")
        if "maxmem" in case:
            memory += f",maxmem={case['maxmem']},slots={case.get('slots', 1)}"
        result = ["-machine", machine, "-accel", "tcg", "-cpu", case.get("cpu", "qemu64"),
                  "-m", memory, "-nodefaults", "-display", "none", "-no-reboot",
                  "-serial", f"file:{directory}/serial", "-monitor", "none",
                  "-qmp", f"unix:{directory}/qmp,server=on,wait=off"]
        if "hole" in case:
            host = "q35-pcihost" if "q35" in machine else "i440FX-pcihost"
            result += ["-global", f"{host}.pci-hole64-size={size(case['hole'])}"]
        if "window_override_mib" in case:
            result += ["-fw_cfg", "name=opt/ovmf/X-PciMmio64Mb,string="
                       f"{case['window_override_mib']}"]
        if any(device.startswith("qxl") for device in case["devices"]):
            result += ["-spice", f"unix=on,addr={directory}/spice,disable-ticketing=on"]
        result += self.objects(case)
        for device in case["devices"]:
            result += ["-device", device]
        return [self.qemu] + result

    def guest_arguments(self, case, directory):
        append = f"console=ttyS0 panic=1 no_timer_check quiet {case.get('kernel_options', '')}"
        if case.get("realloc"):
            append += " pci=realloc"
        return self.firmware_arguments(case, directory) + [
            "-kernel", self.kernel, "-initrd", self.initramfs, "-append", append]

    def start(self, command):
        environment = dict(os.environ)
        if self.noreserve:
            environment["LD_PRELOAD"] = self.noreserve
        return subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)

    def attempt(self, boot):
        """True when the guest showed its BARs or QEMU refused, False at the limit."""
        directory = tempfile.mkdtemp(prefix="boot-", dir=self.scratch)
        serial = os.path.join(directory, "serial")
        open(serial, "w", encoding="ascii").close()
        process = self.start(self.arguments(boot.case, directory)
                             + self.guest_arguments(boot.case, directory))
        try:
            end = time.monotonic() + LIMIT_SECONDS
            while time.monotonic() < end:
                if process.poll() is not None:
                    message = process.stderr.read().decode()
                    boot.refused = "phys-bits too low" in message
                    if not boot.refused:
                        with open(serial, encoding="latin-1") as file:
                            boot.log = file.read()
                        raise Unbootable(message or "the guest went down: "
                                         + boot.log[-2000:].strip())
                    return True
                with open(serial, encoding="latin-1") as file:
                    boot.log = file.read()
                boot.stopped = stops(os.path.join(directory, "said"))
                if boot.stopped or "GPUPT-END" in boot.log:
                    with Monitor(os.path.join(directory, "qmp")) as monitor:
                        buses = monitor.ask("query-pci")
                    boot.made, boot.names = functions(boot.case, buses)
                    boot.seen = ({name: [0] * 13 for name in boot.names} if boot.stopped
                                 else observed(boot.log))
                    return True
                time.sleep(0.1)
            return False
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
            shutil.rmtree(directory, ignore_errors=True)

    def stopped(self, case, look):
        """What look(monitor) says of QEMU before the guest runs; None if QEMU refuses."""
        directory = tempfile.mkdtemp(prefix="start-", dir=self.scratch)
        process = self.start(self.arguments(case, directory) + ["-S"])
        try:
            while process.poll() is None:
                try:
                    monitor = Monitor(os.path.join(directory, "qmp"))
                except OSError:
                    time.sleep(0.02)
                    continue
                with monitor:
                    return look(monitor)
            message = process.stderr.read().decode()
            if "phys-bits too low" not in message:
                raise Unbootable(message)
            return None
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
            shutil.rmtree(directory, ignore_errors=True)

    def starts(self, case):
        """Does QEMU start with the case's hole?"""
        return self.stopped(case, lambda monitor: True) is True

    def functions(self, case):
        """The model's functions, without a boot; see number_buses()."""
        def look(monitor):
            number_buses(monitor)
            return functions(case, monitor.ask("query-pci"))[0]
        return self.stopped(dict(case, hole=0), look)

    # ---- the prediction ----

    def guest(self, case):
        """The case in the model's terms."""
        cpu = case.get("cpu", "qemu64")
        bits = re.search(r"[, ]phys-bits=(\d+)", cpu)
        machine = case.get("machine", "q35")
        intel = "vendor=GenuineIntel" in cpu
        seabios = case.get("firmware", "ovmf") == "seabios"
        result = {
            "machine": "q35" if "q35" in machine else "i440fx",
            "machine_version": self.qemu_version, "qemu_version": self.qemu_version,
            "ram_bytes": size(case.get("memory", "512M")),
            "max_ram_bytes": size(case.get("maxmem", "0")),
            "memory_slots": case.get("slots", 1) if "maxmem" in case else 0,
            "phys_bits": int(bits.group(1)) if bits else 40,
            "vendor_intel": intel, "vendor_amd": not intel,
            "pages_1g": cpu.startswith("max"),
            "firmware": "seabios" if seabios else "ovmf",
            "firmware_version": self.seabios_version if seabios else self.ovmf_version,
            "firmware_keeps_override": self.ovmf_keeps_override,
            "kernel_version": self.kernel_version, "realloc": case.get("realloc", False),
        }
        if "hole" in case:
            result["hole_bytes"] = size(case["hole"])
        if "window_override_mib" in case:
            result["window_override_mib"] = case["window_override_mib"]
        return result

    def predict(self, case, made, *arguments):
        """(the model's answer, what it was asked)"""
        question = {"guest": self.guest(case), "functions": made}
        done = subprocess.run([self.predict_program, *arguments], input=json.dumps(question),
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout), question

    def resolve(self, case):
        """The case with its hole as a number."""
        hole = case.get("hole")
        if not isinstance(hole, str) or not hole.startswith("m"):
            return case
        case = {key: value for key, value in case.items() if key != "hole"}
        less = GIB if hole.endswith("-1G") else -GIB if hole.endswith("+1G") else 0
        if hole.startswith("minimal"):
            answer, _ = self.predict(case, self.functions(case), "--minimal")
            return dict(case, hole=answer["hole"] - less)
        answer, _ = self.predict(case, [])
        most = answer["max_hole"]
        if most <= 0: # no limit in this version: reach past the address width
            most = 1 << self.guest(case)["phys_bits"]
        return dict(case, hole=most - less)

    def show(self, boot):
        """Boots; once more where it took too long."""
        began = time.monotonic()
        while not self.attempt(boot):
            boot.retries += 1
            if boot.retries == 2:
                raise Unbootable("timed out twice")
        boot.seconds = time.monotonic() - began

    def run(self, case):
        """Boots and compares."""
        boot = Boot(self.resolve(case))
        self.show(boot)
        boot.prediction, boot.question = self.predict(boot.case, boot.made)
        refused = boot.prediction["outcome"] == "refused"
        if boot.refused != refused:
            boot.lines = ["QEMU refused to start" if boot.refused else "QEMU started"]
        elif refused:
            boot.bars = 1
        elif boot.stopped != boot.prediction["firmware_stopped"]:
            boot.lines = ["SeaBIOS stops" if boot.stopped else "SeaBIOS goes on"]
        else:
            boot.lines, boot.bars = compare(boot.made, boot.names, boot.prediction, boot.seen)
        return boot
