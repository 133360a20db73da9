# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host with made-up PCI devices and a libvirtd of its own.

Everything happens in a private mount namespace: an overlay over /sys shows the
devices, tmpfs hides the machine's libvirt, /dev has /dev/vfio, and the emulator is
covered by emulator.py. libvirt finds, detaches and hands out the devices as if they
were there; what the guest gets has their ids and BARs, and nothing behind them.
"""

import os
import shutil
import subprocess
import threading
import time

from system import Missing

HERE = os.path.dirname(os.path.abspath(__file__))
LAB = "/run/lab"
URI = "qemu:///system"
FIRMWARE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
EMULATOR = "/usr/bin/qemu-system-x86_64"
DAEMON_SECONDS = 60
CONFIGURATION = {
    "libvirtd.conf": 'auth_unix_ro = "none"\nauth_unix_rw = "none"\n'
                     'unix_sock_group = "root"\nlisten_tls = 0\n',
    "qemu.conf": 'security_driver = "none"\nnamespaces = []\ncgroup_controllers = []\n'
                 'user = "root"\ngroup = "root"\nstdio_handler = "file"\n',
}


class Bar:
    def __init__(self, index, size, bits=32, prefetchable=False):
        self.index, self.size = index, size
        self.bits, self.prefetchable = bits, prefetchable

    def flags(self):
        """As in include/linux/ioport.h; the low bits are those of the register."""
        low = (4 if self.bits == 64 else 0) | (8 if self.prefetchable else 0)
        return (0x40200 | low | (0x100000 if self.bits == 64 else 0)
                | (0x2000 if self.prefetchable else 0))


class Device:
    """A function of the host: group is its IOMMU group."""

    def __init__(self, address, ids, class_code, bars, group, driver="vfio-pci"):
        self.address, self.ids, self.class_code = address, ids, class_code
        self.bars, self.group, self.driver = bars, group, driver

    def places(self):
        """(BAR, its address): somewhere in the host."""
        place = (0x380000000000, 0x40000000)
        group = self.group + int(self.address[-1])
        for bar in self.bars:
            base = place[0] + (group << 40) if bar.bits == 64 else place[1] + (group << 26)
            yield bar, base + bar.index * (bar.size if bar.bits == 64 else 1 << 25)

    def resource(self):
        lines = ["0x%016x 0x%016x 0x%016x" % (0, 0, 0)] * 13
        for bar, start in self.places():
            lines[bar.index] = "0x%016x 0x%016x 0x%016x" % (start, start + bar.size - 1,
                                                            bar.flags())
        return "\n".join(lines) + "\n"

    def config(self):
        """A header and a PCI Express capability: an endpoint that can be reset."""
        data = bytearray(4096)
        vendor, device = self.ids
        for offset, width, value in (
                (0x00, 2, vendor), (0x02, 2, device), (0x04, 2, 0x0002), (0x06, 2, 0x0010),
                (0x08, 4, self.class_code << 8), (0x2c, 2, vendor), (0x2e, 2, device),
                (0x34, 1, 0x40), (0x40, 2, 0x0010), (0x42, 2, 0x0002), (0x44, 4, 1 << 28)):
            data[offset:offset + width] = value.to_bytes(width, "little")
        for bar, start in self.places():
            value = start | (bar.flags() & 0xf)
            width = bar.bits // 8
            data[0x10 + 4 * bar.index:0x10 + 4 * bar.index + width] = value.to_bytes(
                8, "little")[:width]
        return bytes(data)

    def attributes(self):
        vendor, device = self.ids
        return {
            "vendor": f"0x{vendor:04x}\n", "device": f"0x{device:04x}\n",
            "subsystem_vendor": f"0x{vendor:04x}\n", "subsystem_device": f"0x{device:04x}\n",
            "class": f"0x{self.class_code:06x}\n", "resource": self.resource(),
            "config": self.config(), "revision": "0xa1\n", "irq": "16\n",
            "numa_node": "-1\n", "enable": "0\n",
            "boot_vga": "0\n", "modalias": "pci:\n",
            "uevent": (f"DRIVER={self.driver}\n" if self.driver else "")
                      + f"PCI_CLASS={self.class_code:X}\nPCI_ID={vendor:04X}:{device:04X}\n"
                      f"PCI_SUBSYS_ID={vendor:04X}:{device:04X}\n"
                      f"PCI_SLOT_NAME={self.address}\n",
        }


def write(path, content=""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    data = content if isinstance(content, bytes) else content.encode()
    with open(path, "wb") as file:
        file.write(data)


def link(path, target):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(target, path)


PCI, GROUPS, CARDS = "bus/pci", "kernel/iommu_groups", "devices/gpupt-lab"
# what shows nothing of the machine's own
HIDDEN = (f"{PCI}/devices", f"{PCI}/drivers", GROUPS, CARDS)


def show_driver(name):
    for attribute in ("bind", "unbind", "new_id", "remove_id", "uevent"):
        write(f"/sys/{PCI}/drivers/{name}/{attribute}")


def show_device(device):
    place = f"{CARDS}/{device.address}"
    for name, content in device.attributes().items():
        write(f"/sys/{place}/{name}", content)
    link(f"/sys/{place}/subsystem", f"../../../{PCI}")
    link(f"/sys/{place}/iommu_group", f"../../../{GROUPS}/{device.group}")
    link(f"/sys/{PCI}/devices/{device.address}", f"../../../{place}")
    link(f"/sys/{GROUPS}/{device.group}/devices/{device.address}", f"../../../../{place}")
    os.mkfifo(f"/sys/{place}/driver_override")
    if device.driver:
        bind(device.address, device.driver)


def driver_of(address):
    """The driver that holds a device, or an empty word."""
    place = f"/sys/{CARDS}/{address}/driver"
    return os.path.basename(os.readlink(place)) if os.path.islink(place) else ""


def bind(address, driver):
    bound = driver_of(address)
    if bound:
        os.unlink(f"/sys/{CARDS}/{address}/driver")
        os.unlink(f"/sys/{PCI}/drivers/{bound}/{address}")
    if driver:
        show_driver(driver)
        link(f"/sys/{CARDS}/{address}/driver", f"../../../{PCI}/drivers/{driver}")
        link(f"/sys/{PCI}/drivers/{driver}/{address}", f"../../../../{CARDS}/{address}")


def follow(device):
    """Plays the kernel's part when libvirt rebinds a device, that is writes to
    driver_override, unbind and drivers_probe, in this order (virPCIDeviceRebind(),
    src/util/virpci.c, 9.0). The first and the last are pipes: libvirt's write to the
    last waits for the device to have its new driver."""
    while True:
        with open(f"/sys/{CARDS}/{device.address}/driver_override", encoding="ascii") as pipe:
            wanted = pipe.read().strip()
        bind(device.address, wanted or device.driver)
        with open(f"/sys/{PCI}/drivers_probe", encoding="ascii") as pipe:
            pipe.read()


def mount(*arguments):
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"no mounts here: {done.stderr.strip()}")


def make_dev(root):
    """A /dev without KVM and the machine's own VFIO devices."""
    os.makedirs(root)
    mount("-t", "tmpfs", "tmpfs", root)
    for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx"):
        write(f"{root}/{name}")
        mount("--bind", f"/dev/{name}", f"{root}/{name}")
    for name in ("pts", "shm"):
        os.makedirs(f"{root}/{name}")
        if os.path.isdir(f"/dev/{name}"):
            mount("--bind", f"/dev/{name}", f"{root}/{name}")
    write(f"{root}/vfio/vfio")
    link(f"{root}/fd", "/proc/self/fd")
    mount("--rbind", root, "/dev")


def cover_emulator(card):
    """QEMU finds its modules and firmware from where its binary lies."""
    for name in ("usr/bin/qemu", "card.so"):
        write(f"{LAB}/{name}")
    for name in ("lib", "share"):
        link(f"{LAB}/usr/{name}", f"/usr/{name}")
    mount("--bind", EMULATOR, f"{LAB}/usr/bin/qemu")
    mount("--bind", card, f"{LAB}/card.so")
    shutil.copy(os.path.join(HERE, "emulator.py"), f"{LAB}/emulator.py")
    os.chmod(f"{LAB}/emulator.py", 0o755)
    mount("--bind", f"{LAB}/emulator.py", EMULATOR)


class Host:
    """Only for a process in a mount namespace of its own. card and memlock are the
    libraries for QEMU and libvirtd."""

    def __init__(self, card, memlock):
        self.memlock = memlock
        self.daemon = None
        for directory in ("/run", "/var/lib", "/var/log", "/var/cache"):
            mount("-t", "tmpfs", "tmpfs", directory)
            os.makedirs(f"{directory}/libvirt")
        for name, content in CONFIGURATION.items():
            write(f"{LAB}/etc/{name}", content)
        os.makedirs(f"{LAB}/etc/qemu")
        mount("--bind", f"{LAB}/etc", "/etc/libvirt")
        for directory in HIDDEN:
            os.makedirs(f"{LAB}/sys/{directory}")
            os.setxattr(f"{LAB}/sys/{directory}", "trusted.overlay.opaque", b"y")
        os.makedirs(f"{LAB}/work")
        mount("-t", "overlay", "overlay", "-o",
              f"lowerdir=/sys,upperdir={LAB}/sys,workdir={LAB}/work", "/sys")
        os.mkfifo(f"/sys/{PCI}/new_probe")
        os.rename(f"/sys/{PCI}/new_probe", f"/sys/{PCI}/drivers_probe")
        make_dev(f"{LAB}/dev")
        cover_emulator(card)

    def show(self, devices):
        """The host has these devices, and no others."""
        for directory in HIDDEN:
            for entry in os.scandir(f"/sys/{directory}"):
                if entry.is_symlink():
                    os.unlink(entry.path)
                else:
                    shutil.rmtree(entry.path)
        show_driver("vfio-pci")
        for device in devices:
            show_device(device)
            threading.Thread(target=follow, args=(device,), daemon=True).start()
            write(f"/dev/vfio/{device.group}")

    def start(self):
        """Starts libvirtd: it lists the host's devices once."""
        environment = dict(os.environ, SYSTEMD_DEVICE_VERIFY_SYSFS="0", LD_PRELOAD=self.memlock)
        with open(f"{LAB}/libvirtd.log", "wb") as log:
            self.daemon = subprocess.Popen(["libvirtd", "-p", f"{LAB}/libvirtd.pid"],
                                           stdout=log, stderr=log, env=environment)
        end = time.monotonic() + DAEMON_SECONDS
        while virsh("version", check=False)[0]:
            if self.daemon.poll() is not None or time.monotonic() > end:
                with open(f"{LAB}/libvirtd.log", encoding="utf-8") as log:
                    raise Missing(f"no libvirtd: {log.read()[-300:]}")
            time.sleep(0.1)

    def stop(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()
            self.daemon = None


class Failed(Exception):
    """A command did not do what it should."""


def virsh(*words, check=True):
    """(exit status, standard output, standard error)"""
    done = subprocess.run(["virsh", "-q", "-c", URI, *words], capture_output=True, text=True,
                          check=False)
    if check and done.returncode:
        raise Failed(f"virsh {' '.join(words)}: {done.stderr.strip()}")
    return done.returncode, done.stdout, done.stderr
