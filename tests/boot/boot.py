#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots guests under QEMU and compares every BAR's address with the prediction.

usage: boot.py --predict PROGRAM [--noreserve LIBRARY] [--verbose] CASE.json...

A case file holds a list of guests. What PCI functions a guest has, with their
BARs' sizes, is asked of QEMU while it runs; where the BARs are, of the guest's
kernel. The kernel comes from $GPUPT_KERNEL or /boot/vmlinuz-*; $GPUPT_OVMF names
the firmware's code file and $GPUPT_OVMF_VERSION its stable tag (202211). Exits
77 where something needed is missing.
"""

import argparse
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

LIMIT_SECONDS = 120
BUSYBOX = ["/bin/busybox", "/usr/bin/busybox", "/usr/lib/initramfs-tools/bin/busybox"]
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
KINDS = {
    "pcie-root-port": "root-port", "ioh3420": "root-port",
    "x3130-upstream": "switch", "xio3130-downstream": "switch",
    "pcie-pci-bridge": "pci-bridge", "pci-bridge": "pci-bridge",
    "i82801b11-bridge": "pci-bridge",
}
INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
echo; echo GPUPT-BEGIN
for d in /sys/bus/pci/devices/*; do
    echo "GPUPT-DEVICE ${d##*/}"
    cat $d/resource
done
echo GPUPT-LOG
dmesg | grep -E 'pci|e820|PCI' | head -n 400
echo GPUPT-END
sleep 1000
"""


class Missing(Exception):
    """Something that the rig needs is not there."""


def size(text):
    if isinstance(text, int):
        return text
    number, unit = re.fullmatch(r"(\d+)([KMGT]?)(?:i?B)?", text).groups()
    return int(number) * UNITS[unit]


def version(text):
    major, minor = re.match(r"(\d+)\.(\d+)", text).groups()
    return int(major) * 100 + int(minor)


def kernel():
    found = [os.environ["GPUPT_KERNEL"]] if "GPUPT_KERNEL" in os.environ else sorted(
        glob.glob("/boot/vmlinuz-*"))
    if not found or not os.path.exists(found[-1]):
        raise Missing("no kernel: set GPUPT_KERNEL to a vmlinuz")
    return found[-1]


def kernel_version(path):
    """From the header of a bzImage."""
    with open(path, "rb") as image:
        head = image.read(1 << 16)
    offset = int.from_bytes(head[0x20e:0x210], "little") + 0x200
    return version(head[offset:offset + 32].decode("latin-1"))


def program(names, what):
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise Missing(f"no {what}")


def initramfs(path):
    """A cpio archive: busybox and a script that prints what the kernel did."""
    busybox = program(BUSYBOX, "static busybox")
    with open(busybox, "rb") as file:
        binary = file.read()
    entries = [("bin", 0o040755, b""), ("proc", 0o040755, b""), ("sys", 0o040755, b""),
               ("bin/busybox", 0o100755, binary), ("init", 0o100755, INIT.encode())]
    entries += [(f"bin/{name}", 0o120777, b"busybox") for name in (
        "sh", "mount", "cat", "dmesg", "grep", "head", "sleep", "echo")]
    entries.append(("TRAILER!!!", 0, b""))
    with open(path, "wb") as out:
        for inode, (name, mode, data) in enumerate(entries, 1):
            fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
            record = b"070701" + b"".join(b"%08X" % field for field in fields)
            record += name.encode() + b"\0"
            record += b"\0" * (-len(record) % 4)
            out.write(record + data + b"\0" * (-len(data) % 4))


class Monitor:
    """QEMU's machine protocol."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        for _ in range(300):
            try:
                self.socket.connect(path)
                break
            except OSError:
                time.sleep(0.1)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.ask("qmp_capabilities")

    def ask(self, command):
        self.file.write(json.dumps({"execute": command}) + "\n")
        self.file.flush()
        while True:
            line = self.file.readline()
            if not line:
                raise OSError("QEMU is gone")
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise OSError(answer["error"]["desc"])


def firmware_arguments(case, directory):
    if case.get("firmware", "ovmf") == "seabios":
        return []
    code = os.environ.get("GPUPT_OVMF", "/usr/share/OVMF/OVMF_CODE_4M.fd")
    template = code.replace("CODE", "VARS")
    if not os.path.exists(code) or not os.path.exists(template):
        raise Missing(f"no {code}")
    writable = os.path.join(directory, "vars.fd")
    shutil.copyfile(template, writable)
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={code}",
            "-drive", f"if=pflash,format=raw,file={writable}"]


def arguments(case, directory, paths):
    machine = case.get("machine", "q35")
    memory = case.get("memory", "512M")
    if "maxmem" in case:
        memory += f",maxmem={case['maxmem']},slots={case.get('slots', 1)}"
    append = "console=ttyS0 panic=1 quiet" + (" pci=realloc" if case.get("realloc") else "")
    result = ["-machine", machine, "-accel", "tcg", "-cpu", case.get("cpu", "qemu64"),
              "-m", memory, "-nodefaults", "-display", "none", "-no-reboot",
              "-serial", f"file:{directory}/serial", "-monitor", "none",
              "-qmp", f"unix:{directory}/qmp,server=on,wait=off",
              "-kernel", paths["kernel"], "-initrd", paths["initramfs"], "-append", append]
    result += firmware_arguments(case, directory)
    if "hole" in case:
        host = "q35-pcihost" if machine.startswith(("q35", "pc-q35")) else "i440FX-pcihost"
        result += ["-global", f"{host}.pci-hole64-size={size(case['hole'])}"]
    if "window_override_mib" in case:
        result += ["-fw_cfg", "name=opt/ovmf/X-PciMmio64Mb,string="
                   f"{case['window_override_mib']}"]
    if any(device.startswith("qxl") for device in case["devices"]):
        result += ["-spice", f"unix=on,addr={directory}/spice,disable-ticketing=on"]
    for index, item in enumerate(case.get("objects", [])):
        result += ["-object", item]
    for device in case["devices"]:
        result += ["-device", device]
    return result


def wait(process, serial, limit):
    """True when the guest said it is done, False when QEMU ended, None at the limit."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if process.poll() is not None:
            return False
        with open(serial, "rb") as file:
            if b"GPUPT-END" in file.read():
                return True
        time.sleep(0.2)
    return None


def boot(case, paths):
    """(query-pci, serial text), or None where QEMU refuses to start."""
    for attempt in range(2):
        directory = tempfile.mkdtemp(prefix="gpupt-boot-")
        serial = os.path.join(directory, "serial")
        open(serial, "w").close()
        environment = dict(os.environ)
        if paths["noreserve"]:
            environment["LD_PRELOAD"] = paths["noreserve"]
        process = subprocess.Popen([paths["qemu"]] + arguments(case, directory, paths),
                                   stderr=subprocess.PIPE, env=environment)
        try:
            done = wait(process, serial, LIMIT_SECONDS)
            if done:
                return Monitor(os.path.join(directory, "qmp")).ask("query-pci"), open(
                    serial, encoding="latin-1").read()
            if done is False:
                message = process.stderr.read().decode()
                if "phys-bits too low" in message:
                    return None
                raise RuntimeError(message or "QEMU ended early")
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
            shutil.rmtree(directory, ignore_errors=True)
        if attempt == 0:
            print(f"{case['name']}: timed out, once more", file=sys.stderr)
    raise RuntimeError("timed out")


def options(case):
    """-device options by id."""
    result = {}
    for device in case["devices"]:
        driver, *rest = device.split(",")
        settings = dict(item.split("=", 1) for item in rest if "=" in item)
        settings["driver"] = driver
        if "id" in settings:
            result[settings["id"]] = settings
    return result


def one_function(device, parent, settings):
    driver = settings.get("driver", "")
    function = {
        "kind": KINDS.get(driver, "endpoint"), "parent": parent, "slot": device["slot"],
        "function": device["function"], "class_code": device["class_info"]["class"] << 8,
        "bars": [],
    }
    if function["kind"] == "root-port" or driver == "xio3130-downstream":
        function["hotplug"] = settings.get("hotplug", "on") != "off"
    elif driver == "pci-bridge":
        function["hotplug"] = settings.get("shpc", "off") == "on"
    elif driver == "pcie-pci-bridge":
        function["hotplug"] = True
    for option, key in (("mem-reserve", "mem_reserve"), ("pref64-reserve", "pref64_reserve")):
        if option in settings:
            function[key] = size(settings[option])
    for region in sorted(device["regions"], key=lambda region: region["bar"]):
        function["bars"].append({
            "index": region["bar"], "size": region["size"], "io": region["type"] == "io",
            "mem64": region.get("mem_type_64", False),
            "prefetchable": region.get("prefetch", False)})
    return function


def functions(case, buses):
    """The model's functions, bus by bus, and the kernel's name of each."""
    made, names, by_id = [], [], options(case)
    queue = [(device, -1) for bus in buses[:1] for device in bus["devices"]]
    while queue:
        device, parent = queue.pop(0)
        if device["class_info"]["class"] == 0x0600:
            continue
        index = len(made)
        made.append(one_function(device, parent, by_id.get(device["qdev_id"], {})))
        names.append(f"0000:{device['bus']:02x}:{device['slot']:02x}.{device['function']}")
        behind = device.get("pci_bridge", {}).get("devices", [])
        queue += [(child, index) for child in behind]
    return made, names


def guest(case, paths):
    cpu = case.get("cpu", "qemu64")
    bits = re.search(r"[, ]phys-bits=(\d+)", cpu)
    machine = case.get("machine", "q35")
    intel = "vendor=GenuineIntel" in cpu
    result = {
        "machine": "q35" if "q35" in machine else "i440fx",
        "machine_version": paths["qemu_version"], "qemu_version": paths["qemu_version"],
        "ram_bytes": size(case.get("memory", "512M")),
        "max_ram_bytes": size(case.get("maxmem", "0")),
        "memory_slots": case.get("slots", 1) if "maxmem" in case else 0,
        "phys_bits": int(bits.group(1)) if bits else 40,
        "vendor_intel": intel, "vendor_amd": not intel, "pages_1g": cpu.startswith("max"),
        "firmware": case.get("firmware", "ovmf"),
        "firmware_version": paths["ovmf_version"], "kernel_version": paths["kernel_version"],
        "realloc": case.get("realloc", False),
    }
    if result["firmware"] == "seabios":
        result["firmware_version"] = paths["seabios_version"]
    if "hole" in case:
        result["hole_bytes"] = size(case["hole"])
    if "window_override_mib" in case:
        result["window_override_mib"] = case["window_override_mib"]
    return result


def observed(text):
    """Start of each resource by device, 0 where it has none."""
    result, device = {}, None
    for line in text.split("GPUPT-BEGIN")[1].split("GPUPT-LOG")[0].splitlines():
        if line.startswith("GPUPT-DEVICE"):
            device = line.split()[1]
            result[device] = []
        elif re.match(r"0x[0-9a-f]{16} ", line):
            result[device].append(int(line.split()[0], 16))
    return result


def predict(paths, case, made):
    text = json.dumps({"guest": guest(case, paths), "functions": made})
    done = subprocess.run([paths["predict"]], input=text, capture_output=True, text=True,
                          check=True)
    return json.loads(done.stdout), text


def compare(made, names, prediction, seen):
    """Lines that differ, and how many BARs were looked at."""
    lines, count = [], 0
    for function, name, bars in zip(made, names, prediction["functions"]):
        for bar, predicted in zip(function["bars"], bars):
            if bar["io"] or bar["index"] > 5:
                continue
            count += 1
            address = seen[name][bar["index"]]
            if address == predicted["address"]:
                continue
            wide = "64-bit" if bar["mem64"] else "32-bit"
            lines.append(f"  {name} BAR {bar['index']} ({wide}, {bar['size']:#x}): "
                         f"predicted {predicted['address']:#x} "
                         f"({predicted['reason'] or predicted['placed_by']}), "
                         f"booted {address:#x}")
    return lines, count


def run(case, paths, verbose):
    """(BARs compared, lines that differ)."""
    began = time.monotonic()
    result = boot(case, paths)
    if result is None:
        prediction, text = predict(paths, case, [])
        lines = [] if prediction["outcome"] == "refused" else ["  QEMU refused to start"]
        count = 1
    else:
        made, names = functions(case, result[0])
        prediction, text = predict(paths, case, made)
        lines, count = compare(made, names, prediction, observed(result[1]))
    verdict = "ok" if not lines else "DIFFERS"
    print(f"{verdict:8}{case['name']}: {prediction['outcome']}, {count} BARs, "
          f"{time.monotonic() - began:.0f} s", flush=True)
    for line in lines:
        print(line)
    expected = case.get("outcome")
    if expected and prediction["outcome"] != expected:
        lines.append("outcome")
        print(f"  the case expects {expected}")
    if verbose:
        print(text)
        print(json.dumps(prediction))
        print(result[1] if result else "refused")
    return count, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--predict", required=True)
    parser.add_argument("--noreserve", default="")
    parser.add_argument("--only", help="run cases whose name has this in it")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("cases", nargs="+")
    chosen = parser.parse_args()
    try:
        paths = {
            "predict": chosen.predict, "noreserve": chosen.noreserve, "kernel": kernel(),
            "qemu": program([os.environ.get("GPUPT_QEMU", "qemu-system-x86_64")], "QEMU"),
            "ovmf_version": int(os.environ.get("GPUPT_OVMF_VERSION", "202211")),
            "seabios_version": int(os.environ.get("GPUPT_SEABIOS_VERSION", "11602")),
        }
        scratch = tempfile.mkdtemp(prefix="gpupt-boot-")
        paths["initramfs"] = os.path.join(scratch, "initramfs")
        initramfs(paths["initramfs"])
    except Missing as missing:
        print(f"skipped: {missing}")
        return 77
    paths["kernel_version"] = kernel_version(paths["kernel"])
    text = subprocess.run([paths["qemu"], "--version"], capture_output=True, text=True,
                          check=True).stdout
    paths["qemu_version"] = version(re.search(r"version (\S+)", text).group(1))
    boots = agree = bars = wrong = 0
    for path in chosen.cases:
        with open(path, encoding="utf-8") as file:
            cases = json.load(file)
        for case in cases:
            if chosen.only and chosen.only not in case["name"]:
                continue
            count, lines = run(case, paths, chosen.verbose)
            boots += 1
            agree += not lines
            bars += count
            wrong += len(lines)
    shutil.rmtree(scratch)
    print(f"{agree} of {boots} boots agree, {bars - wrong} of {bars} BARs")
    return 0 if agree == boots else 1


if __name__ == "__main__":
    sys.exit(main())
