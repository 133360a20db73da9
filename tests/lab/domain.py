# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab's domains: what a user might have, but booting a kernel directly and with no
disk, so that a guest is up in seconds."""

from host import FIRMWARE, LAB, Bar, Device

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

OVMF = """
    <loader readonly='yes' type='pflash'>{code}</loader>
    <nvram template='{template}'>/var/lib/libvirt/qemu/nvram/{name}.fd</nvram>"""

DOMAIN = """<domain type='qemu'>
  <name>{name}</name>
  {max_memory}<memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='{machine}'>hvm</type>{firmware}
    <kernel>{kernel}</kernel>
    <initrd>{initramfs}</initrd>
    <cmdline>{cmdline}</cmdline>
  </os>
  <features><acpi/><apic/></features>
  {cpu}
  <on_reboot>destroy</on_reboot>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
{devices}    <serial type='file'><source path='{serial}'/></serial>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
"""
CMDLINE = "console=ttyS0 panic=1 quiet no_timer_check"
WESTMERE = "<cpu mode='custom' match='exact' check='none'><model>Westmere</model></cpu>"


def domain(rig, name, devices="", machine="q35", ovmf=True, **more):
    fields = {"memory": 1024, "max_memory": "", "cpu": WESTMERE, "cmdline": CMDLINE}
    fields.update(more)
    firmware = OVMF.format(code=FIRMWARE, template=FIRMWARE.replace("CODE", "VARS"),
                           name=name) if ovmf else ""
    return DOMAIN.format(name=name, devices=devices, machine=machine, firmware=firmware,
                         kernel=rig.kernel, initramfs=rig.initramfs,
                         serial=f"{LAB}/{name}.serial", **fields)


def nvidia(number, device, first, large, third, function=0, **more):
    """An NVIDIA card in slot `number` of the host: a BAR 0 of 32 bits, the video memory,
    and a third BAR (none: 0)."""
    bars = [Bar(0, first), Bar(1, large, 64, True)]
    if third:
        bars.append(Bar(3, third, 64, True))
    return Device(f"0000:{number:02x}:00.{function}", (0x10de, device), 0x030200, bars,
                  number, **more)
