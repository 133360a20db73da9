# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots what libvirt would start, with stand-ins for passed-through devices.

Every PCI device keeps its place and its options. What is behind the others (disks,
networks, consoles, displays) goes to null back ends, and the guest runs a kernel and
an initramfs of the rig's.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time

from monitor import Monitor
from rig import Unbootable
from system import observed

import standins

LIMIT_SECONDS = 400
# on a busy machine the emulated timer is late enough for the kernel to give up on it
KERNEL_OPTIONS = "console=ttyS0 panic=1 quiet no_timer_check"
ALONE = {"-S", "-no-user-config", "-nodefaults", "-no-shutdown", "-no-acpi", "-no-hpet",
         "-no-reboot"}
DROPPED = {"-S", "-no-shutdown", "-name", "-mon", "-sandbox", "-msg", "-spice", "-vnc",
           "-display", "-tpmdev", "-serial", "-no-reboot", "-kernel", "-initrd", "-append",
           "-uuid", "-boot"}
NO_PCI = {"isa-serial", "usb-redir", "usb-host", "usb-ccid", "ccid-card-passthru",
          "ccid-card-emulated", "tpm-tis", "tpm-crb"}
# what needs a helper process, and what has the same BARs (hw/virtio/virtio-pci.c)
LIKE = {"vhost-vsock-pci": "virtio-rng-pci", "vhost-user-fs-pci": "virtio-rng-pci",
        "virtio-gpu-gl-pci": "virtio-gpu-pci", "virtio-vga-gl": "virtio-vga"}


def pairs(words):
    """(option, value or None)"""
    words = list(words)
    while words:
        option = words.pop(0)
        yield option, None if option in ALONE else words.pop(0)


def as_dictionary(value):
    """An option's value, JSON or key=value."""
    if value.startswith("{"):
        return json.loads(value)
    first, *rest = value.split(",")
    result = dict(item.split("=", 1) if "=" in item else (item, True) for item in rest)
    return dict(result, driver=first, id=result.get("id", ""))


class Arguments:
    """QEMU's arguments for a boot, from those of libvirt. hosts: host address -> word
    for a stand-in."""

    def __init__(self, words, hosts, directory):
        self.hosts, self.directory = hosts, directory
        self.result, self.append, self.devices, self.serial = [], "", [], 0
        self.has_kernel = False
        for option, value in pairs(words):
            self.take(option, value)

    def add(self, option, value):
        text = value if isinstance(value, str) else json.dumps(value)
        self.result += [option, text]

    def take(self, option, value):
        handler = getattr(self, "take" + option.replace("-", "_"), None)
        self.append = value if option == "-append" else self.append
        if handler:
            handler(value)
        elif option not in DROPPED:
            self.result += [option] if value is None else [option, value]

    def take_object(self, value):
        settings = as_dictionary(value)
        kind = settings.get("qom-type") or settings["driver"]
        if kind == "secret" or kind.startswith("tls-creds"):
            return
        if kind.startswith("memory-backend"):
            settings = {"qom-type": "memory-backend-ram", "id": settings["id"],
                        "size": settings["size"]}
            value = settings
        self.add("-object", value)

    def take_blockdev(self, value):
        settings = as_dictionary(value)
        if settings["node-name"] == "libvirt-pflash1-storage":
            template = "/usr/share/OVMF/OVMF_VARS_4M.fd"
            settings["filename"] = os.path.join(self.directory, "vars.fd")
            shutil.copyfile(template, settings["filename"])
        elif "pflash" not in settings["node-name"]:
            if settings["node-name"].endswith("-storage"):
                return
            settings = {"driver": "null-co", "node-name": settings["node-name"],
                        "size": 1 << 30, "read-zeroes": True,
                        "read-only": settings.get("read-only", False)}
        self.add("-blockdev", settings)

    def take_chardev(self, value):
        self.add("-chardev", f"null,id={as_dictionary(value)['id']}")

    def take_netdev(self, value):
        self.serial += 1
        self.add("-netdev", f"hubport,id={as_dictionary(value)['id']},hubid={self.serial}")

    def take_audiodev(self, value):
        self.add("-audiodev", f"none,id={as_dictionary(value)['id']}")

    def take_fsdev(self, value):
        self.add("-fsdev", f"local,id={as_dictionary(value)['id']},security_model=none,"
                 f"path={self.directory}")

    def take_device(self, value):
        settings = as_dictionary(value)
        driver = settings["driver"]
        if driver in NO_PCI:
            return
        if driver == "vfio-pci":
            settings = self.stand_in(settings)
        elif driver in LIKE:
            settings = {"driver": LIKE[driver], "id": settings["id"], "bus": settings["bus"],
                        "addr": settings["addr"]}
        self.devices.append(settings)
        self.add("-device", settings)

    def stand_in(self, settings):
        self.serial += 1
        _, _, options, backends = standins.make(self.hosts[settings["host"]], self.serial)
        for backend in backends:
            self.add("-object", backend)
        return dict({key: settings[key] for key in ("id", "bus", "addr", "multifunction")
                     if key in settings}, **options)

    def boot(self, kernel, initramfs):
        result = self.result + [
            "-display", "none", "-no-reboot", "-serial", f"file:{self.directory}/serial",
            "-qmp", f"unix:{self.directory}/qmp,server=on,wait=off", "-kernel", kernel,
            "-initrd", initramfs,
            "-append", f"{KERNEL_OPTIONS} {self.append}".strip()]
        if any(settings["driver"].startswith("qxl") for settings in self.devices):
            result += ["-spice", f"unix=on,addr={self.directory}/spice,disable-ticketing=on"]
        return result


class Bar:
    """A memory BAR of the guest."""

    def __init__(self, device, region, address):
        self.id = device["qdev_id"]
        self.index, self.size = region["bar"], region["size"]
        self.mem64 = region.get("mem_type_64", False)
        self.prefetchable = region.get("prefetch", False)
        self.address = address


def expanders(devices):
    """An expander's bus number -> its own place."""
    result = {}
    for settings in devices:
        if settings["driver"].startswith("pxb"):
            slot, _, function = str(settings["addr"]).partition(".")
            result[int(settings["bus_nr"])] = f"{int(slot, 16):02x}.{int(function or '0', 16):x}/"
    return result


def collect(buses, devices, seen):
    """(path, BAR index) -> Bar. The path is made of slots and functions, as in
    struct gpupt_layout_bar."""
    result, prefixes = {}, expanders(devices)
    queue = [(device, prefixes.get(bus["bus"], "")) for bus in buses for device in bus["devices"]]
    while queue:
        device, prefix = queue.pop()
        path = f"{prefix}{device['slot']:02x}.{device['function']:x}"
        name = f"0000:{device['bus']:02x}:{device['slot']:02x}.{device['function']:x}"
        for region in device["regions"]:
            if region["type"] == "memory" and region["bar"] < 6:
                address = seen.get(name, [0] * 6)[region["bar"]]
                result[path, region["bar"]] = Bar(device, region, address)
        queue += [(child, path + "/")
                  for child in device.get("pci_bridge", {}).get("devices", [])]
    return result


def wait(process, serial):
    end = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            return False
        with open(serial, encoding="latin-1") as file:
            if "GPUPT-END" in file.read():
                return True
        time.sleep(0.1)
    raise TimeoutError("timed out")


def boot(rig, words, hosts, keep_log=None):
    """(path, BAR index) -> Bar, or the message with which QEMU refuses to start. Once
    more where it took too long."""
    try:
        return attempt(rig, words, hosts, keep_log)
    except TimeoutError:
        return attempt(rig, words, hosts, keep_log)


def attempt(rig, words, hosts, keep_log):
    directory = tempfile.mkdtemp(prefix="domain-", dir=rig.scratch)
    serial = os.path.join(directory, "serial")
    open(serial, "w", encoding="ascii").close()
    made = Arguments(words, hosts, directory)
    command = [rig.qemu] + made.boot(rig.kernel, rig.initramfs)
    process = rig.start(command)
    try:
        if not wait(process, serial):
            message = process.stderr.read().decode()
            if "phys-bits too low" in message:
                return message
            raise Unbootable(message or "QEMU ended early")
        with open(serial, encoding="latin-1") as file:
            text = file.read()
        with Monitor(os.path.join(directory, "qmp")) as monitor:
            return collect(monitor.ask("query-pci"), made.devices, observed(text))
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
        if keep_log:
            with open(keep_log, "w", encoding="utf-8") as file:
                file.write(subprocess.list2cmdline(command) + "\n")
                with open(serial, encoding="latin-1") as source:
                    file.write(source.read())
        shutil.rmtree(directory, ignore_errors=True)
