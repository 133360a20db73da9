#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where devices without an address go: our tree of a domain has to be the same before
and after libvirt has handed out addresses. Uses libvirt's QEMU driver without a daemon
(qemu:///embed). topology.py PROGRAM [COUNT [SEED]], with so many random domains on top; where
libvirt refuses one of these, that is no fault."""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from random_domain import Random  # noqa: E402

SKIP = 77


def hostdev(bus, address=''):
    return ("<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' "
            f"bus='{bus}' slot='0' function='0'/></source>{address}</hostdev>")


def pci(index, model, inside=''):
    return f"<controller type='pci' index='{index}' model='{model}'>{inside}</controller>"


def at(bus, slot, function=0):
    return f"<address type='pci' bus='{bus}' slot='{slot}' function='{function}'/>"


def controller(kind, model, index=None, inside=''):
    number = '' if index is None else f" index='{index}'"
    return f"<controller type='{kind}' model='{model}'{number}>{inside}</controller>"


def disk(name, bus):
    return (f"<disk type='file' device='disk'><source file='/{name}'/><target dev='{name}' "
            f"bus='{bus}'/></disk>")


GPU = hostdev(8)
TWO = hostdev(8) + hostdev(9)
DISK = "<disk type='file' device='disk'><source file='/x'/><target dev='vda' bus='virtio'/></disk>"
NET = "<interface type='user'><model type='virtio'/></interface>"
VIRTIO = "<graphics type='vnc'/><video><model type='virtio'/></video>"
QXL = "<graphics type='vnc'/><video><model type='qxl'/></video>"
RNG = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
CHANNEL = "<channel type='unix'><target type='virtio' name='a'/></channel>"
XHCI = "<controller type='usb' model='qemu-xhci'/>"
SCSI = "<controller type='scsi' model='virtio-scsi'/>"
SOUND = "<sound model='ich9'/>"
WATCHDOG = "<watchdog model='i6300esb' action='reset'/>"
INPUT = "<input type='tablet' bus='virtio'/>"
SHMEM = "<shmem name='s'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>"
SHARE = "<filesystem type='mount'><source dir='/tmp'/><target dir='t'/></filesystem>"
VSOCK = "<vsock model='virtio'><cid auto='yes'/></vsock>"
SOME = (DISK + NET + QXL + GPU + RNG + CHANNEL + SOUND + XHCI + SHARE + WATCHDOG + SCSI + INPUT +
        SHMEM + VSOCK)
ROOT = pci(0, 'pcie-root')
PORTS = ROOT + ''.join(pci(i, 'pcie-root-port') for i in range(1, 11))
SCSI_HOSTDEV = ("<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/>"
                "<address bus='0' target='0' unit='0'/></source><address type='drive' "
                "controller='1' bus='0' target='0' unit='6'/></hostdev>")
ICH9 = controller('usb', 'ich9-ehci1') + ''.join(
    controller('usb', f'ich9-uhci{i + 1}', None, f"<master startport='{2 * i}'/>")
    for i in range(3))
NO_USB = "<controller type='usb' model='none'/>"

BOTH = [  # on either machine
    GPU, TWO, DISK + NET + TWO, DISK + NET + VIRTIO + GPU + RNG + CHANNEL, SOME,
    VIRTIO + "<video><model type='virtio'/></video><video><model type='qxl'/></video>" + GPU,
    DISK + GPU + "<memballoon model='none'/>" + NO_USB,
    "".join(f"<interface type='user'><model type='{m}'/></interface>"
            for m in ('e1000', 'e1000e', 'rtl8139')) + GPU,
    "<controller type='usb' model='nec-xhci'/>" + SHMEM + DISK + GPU,
    VSOCK + "<sound model='ac97'/><interface type='user'/><disk type='file' device='cdrom'>"
    "<source file='/x'/><target dev='sda' bus='sata'/></disk>" + GPU,
    "<controller type='usb'/><controller type='sata' index='1'/>" + GPU + "<graphics type='vnc'/>",
    "<interface type='hostdev'><source><address type='pci' domain='0' bus='9' slot='0' "
    "function='0'/></source></interface>" + GPU + "<hostdev mode='subsystem' type='mdev' "
    "model='vfio-pci'><source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source>"
    "</hostdev>" + DISK,
    # which controllers there are, which number one without an index gets, and whose turn it is
    "<controller type='sata' index='1'/>" + disk('sda', 'sata') + GPU,
    controller('scsi', 'virtio-scsi', 2) + controller('usb', 'ehci') +
    controller('scsi', 'lsisas1068', 0) + controller('scsi', 'vmpvscsi') + GPU,
    disk('sda', 'scsi') + disk('sdh', 'scsi') + disk('sdab', 'scsi') + GPU,
    controller('scsi', 'virtio-scsi') + disk('sdh', 'scsi') + disk('sdi', 'sata') + GPU,
    controller('scsi', 'virtio-scsi', 1) + SCSI_HOSTDEV + GPU,
    controller('scsi', 'vmpvscsi') + SCSI_HOSTDEV + GPU,
    "<channel type='unix'><target type='virtio' name='a'/><address type='virtio-serial' "
    "controller='2' bus='0' port='1'/></channel>" + CHANNEL + GPU,
    controller('usb', 'piix3-uhci') + controller('usb', 'piix3-uhci') + GPU,
    controller('usb', 'nec-xhci', 1) + GPU,
    controller('usb', 'ich9-ehci1') + GPU, ICH9 + GPU, ICH9 + ICH9 + ICH9 + GPU,
    controller('usb', 'ehci') + ICH9 + controller('usb', 'ich9-ehci1', 7) + GPU,
    # disks go by their names; a console and a video none are no devices
    "<disk type='file' device='disk' model='virtio-transitional'><source file='/y'/>"
    "<target dev='vdb' bus='virtio'/></disk>" + DISK + GPU,
    "<disk type='file' device='disk'><source file='/y'/><target dev='vdb'/></disk>" + GPU,
    "<serial type='pty'><target type='pci-serial'/></serial>"
    "<console type='pty'><target type='serial'/></console>" + GPU,
    f"<video><model type='none'/>{at(0, 9)}</video>" + GPU,
]
Q35 = [
    PORTS + DISK + NET + VIRTIO + TWO,
    PORTS + DISK + NET + VIRTIO + XHCI + TWO + RNG + CHANNEL,
    "<controller type='pci' model='pcie-root'/>" + 2 * "<controller type='pci' "
    "model='pcie-root-port'/>" + GPU,
    ROOT + pci(5, 'pcie-root-port') + "<controller type='pci' model='pcie-root-port'/>" +
    pci(2, 'pcie-root-port') + TWO,
    PORTS + pci(11, 'pcie-expander-bus', "<target busNr='100'/>") +
    pci(12, 'pcie-root-port', at(11, 0)) + GPU + DISK,
    ROOT + pci(1, 'pcie-root-port') + pci(2, 'pcie-expander-bus', "<target busNr='100'/>") +
    pci(3, 'pcie-root-port', at(2, 0)) + TWO + DISK,
    # which root port gets which slot; the devices tell the ports apart
    "<controller type='pci' model='pcie-root-port'/>" + pci(3, 'pcie-root-port') +
    pci(1, 'pcie-root-port') + ROOT + pci(2, 'pcie-root-port') + GPU + DISK,
    hostdev(8, at(4, 0)) + hostdev(9) + DISK, hostdev(8, at(0, 5)) + hostdev(9) + DISK,
    # the ports below that bus do for what may be plugged in later
    hostdev(8, at(2, 0)) + NO_USB + "<memballoon model='none'/>",
    ROOT + pci(1, 'dmi-to-pci-bridge') + pci(2, 'pci-bridge') + DISK + GPU,
    ROOT + pci(1, 'pcie-root-port', "<target hotplug='off'/>") + pci(2, 'pcie-root-port') + DISK +
    GPU,
    ROOT + pci(1, 'pcie-root-port') + pci(2, 'pcie-switch-upstream-port') +
    pci(3, 'pcie-switch-downstream-port') + pci(4, 'pcie-switch-downstream-port') + DISK + TWO,
    ROOT + pci(1, 'pcie-to-pci-bridge') + pci(2, 'pcie-root-port') + pci(3, 'pcie-root-port') +
    "<interface type='user'/>" + GPU,
    ROOT + pci(1, 'pcie-root-port', at(0, 2)) + pci(2, 'pcie-root-port') + GPU + DISK,
    PORTS + "<sound model='ich6'/>" + GPU + DISK,
    PORTS + "".join(f"<controller type='scsi' index='{i}' model='{m}'/>" for i, m in enumerate(
        ('virtio-scsi', 'virtio-transitional', 'vmpvscsi', 'lsisas1068', 'lsisas1078'))) + GPU,
    PORTS + "".join(f"<interface type='user'><model type='{m}'/></interface>" for m in (
        'vmxnet3', 'pcnet', 'ne2k_pci', 'virtio-transitional', 'virtio-non-transitional')) + GPU,
    "<memballoon model='virtio-transitional'/><vsock model='virtio-transitional'>"
    "<cid auto='yes'/></vsock>" + GPU,
    ROOT + pci(1, 'pcie-root-port', at(0, 1)) + DISK + NET + 8 * RNG + GPU,
    ROOT + pci(3, 'dmi-to-pci-bridge') + pci(1, 'dmi-to-pci-bridge') + pci(4, 'pci-bridge') +
    pci(2, 'pci-bridge') + SHMEM + GPU,
    VIRTIO + NET + 35 * "<sound model='ac97'/>" + GPU, # the slots of more than one bridge
    hostdev(8, at(2, 0)) + SHMEM.replace('<size', at(5, 3) + '<size'),
    "<iommu model='virtio'/>" + pci(0, 'pcie-root') + pci(1, 'pcie-root-port') + VIRTIO + TWO,
]
I440FX = [
    hostdev(8, at(1, 4)) + hostdev(9) + DISK,
    pci(0, 'pci-root') + pci(1, 'pci-bridge') + GPU + DISK,
    hostdev(8, at(0, 2)) + VIRTIO + DISK,
    "".join(hostdev(bus) for bus in range(8, 35)) + DISK, # one slot too few
    "".join(hostdev(bus) for bus in range(8, 34)) + DISK,
    pci(0, 'pci-root') + pci(4, 'pci-expander-bus', "<target busNr='200'/>") +
    pci(1, 'pci-expander-bus') + pci(2, 'pci-bridge') + 30 * RNG + GPU,
    "<controller type='ide' index='0'/>" + disk('hda', 'ide') + ICH9 + 24 * RNG + GPU,
]


def domain(name, machine, devices):
    return (f"<domain type='qemu'><name>{name}</name><memory unit='GiB'>4</memory><os>"
            f"<type arch='x86_64' machine='{machine}'>hvm</type></os><features><acpi/></features>"
            "<devices>"
            "<emulator>/usr/bin/qemu-system-x86_64</emulator>"
            f"{devices}</devices></domain>\n")


def through_libvirt(lab, names):
    os.makedirs(f'{lab}/root/etc')
    with open(f'{lab}/root/etc/qemu.conf', 'w') as f:
        f.write('user = "root"\ngroup = "root"\nsecurity_driver = "none"\n')
    commands = ''.join(f'define {lab}/{n}.xml\ndumpxml {n}\n' for n in names)
    done = subprocess.run(['virsh', '-q', '-c', f'qemu:///embed?root={lab}/root'],
                          input=commands, capture_output=True, text=True, timeout=250)
    dumped = {}
    for text in re.findall(r'<domain type=.*?</domain>\n', done.stdout, re.S):
        dumped[re.search('<name>(.*?)</name>', text)[1]] = text
    if not dumped:
        print('libvirt defines nothing here:', done.stdout[-500:], done.stderr[-500:])
        sys.exit(SKIP)
    return dumped


def random_cases(count, seed):
    cases = {}
    for i in range(count):
        dice = random.Random(f'{seed}-{i}')
        machine = dice.choice(('q35', 'q35', 'pc'))
        cases[f'random-{seed}-{i}'] = (machine, Random(dice, machine).devices())
    return cases


def main():
    program, count, seed = (sys.argv[1:] + ['0', '1'][len(sys.argv) - 2:])[:3]
    if os.getuid() != 0 or not shutil.which('virsh') or not shutil.which('qemu-system-x86_64'):
        print('needs root, virsh and qemu-system-x86_64')
        return SKIP
    cases = {f'{m}-{i}': (m, d) for m, own in (('q35', Q35), ('pc', I440FX))
             for i, d in enumerate(BOTH + own)}
    cases.update(random_cases(int(count), seed))
    failed = refused = 0
    with tempfile.TemporaryDirectory(prefix='gpupt-topology-') as lab:
        for name, (machine, devices) in cases.items():
            with open(f'{lab}/{name}.xml', 'w') as f:
                f.write(domain(name, machine, devices))
        dumped = through_libvirt(lab, cases)
        for name in cases:
            if name not in dumped and name.startswith('random'):
                refused += 1
                continue
            if name not in dumped:
                print(f'{name}: libvirt did not define it')
                failed += 1
                continue
            with open(f'{lab}/{name}-dumped.xml', 'w') as f:
                f.write(dumped[name])
            ours, theirs = (subprocess.run([program, f'{lab}/{name}{end}.xml'], text=True,
                                           capture_output=True, check=True).stdout
                            for end in ('', '-dumped'))
            if ours != theirs:
                print(f'{name}: {domain(name, *cases[name])}ours\n{ours}libvirt\'s\n{theirs}')
                failed += 1
    print(f'{len(cases)} domains, {failed} differ, {refused} refused by libvirt')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
