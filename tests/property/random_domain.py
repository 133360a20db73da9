# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of random domains, most of them without an address, for topology.py: several of
each kind, controllers with and without an index in any order, chains of bridges, and an
address here and there. libvirt refuses some; about two in three it takes."""

LETTERS = 'abcdefghijklmnopqrstuvwxyz'
VIRTIO = ('virtio', 'virtio-transitional', 'virtio-non-transitional')


def element(tag, inside='', **attributes):
    words = ''.join(f" {k.rstrip('_')}='{v}'" for k, v in attributes.items() if v is not None)
    return f'<{tag}{words}>{inside}</{tag}>'


class Random:
    """One domain's devices. `dice` is a random.Random."""

    def __init__(self, dice, machine):
        self.dice, self.q35 = dice, machine == 'q35'
        self.slots = list(range(1, 31))
        self.disks = {}
        dice.shuffle(self.slots)

    def maybe(self, chance, value):
        return value if self.dice.random() < chance else None

    def somewhere(self, chance=0.06):
        """An address on the root bus, rarely."""
        if not self.slots or self.dice.random() >= chance:
            return ''
        return f"<address type='pci' bus='0' slot='{self.slots.pop()}'/>"

    def virtio(self):
        return self.dice.choice(('virtio',) * 4 + VIRTIO)

    # ---- controllers

    def usb(self):
        dice, kind = self.dice, self.dice.random()
        if kind < 0.08:
            return [element('controller', type='usb', model='none')]
        if kind < 0.4:
            index = self.maybe(0.6, dice.randrange(3))
            group = ['ich9-ehci1', 'ich9-uhci1', 'ich9-uhci2', 'ich9-uhci3']
            group = group[:dice.choice((1, 2, 4, 4, 4))]
            if dice.random() < 0.3:
                dice.shuffle(group)
            return [element('controller', '' if 'ehci' in m else
                            f"<master startport='{2 * int(m[-1]) - 2}'/>", type='usb', model=m,
                            index=index) for m in group]
        models = ('piix3-uhci', 'piix4-uhci', 'ehci', 'nec-xhci', 'qemu-xhci', 'pci-ohci', None)
        found, indexes = [], dice.sample(range(4), 4)
        for _ in range(dice.randrange(1, 4)):
            found.append(element('controller', self.somewhere(), type='usb',
                                 model=dice.choice(models), index=self.maybe(0.5, indexes.pop())))
        return found

    def several(self, kind, models):
        indexes = self.dice.sample(range(4), 4)
        return [element('controller', self.somewhere(), type=kind, model=self.dice.choice(models),
                        index=self.maybe(0.5, indexes.pop()))
                for _ in range(self.dice.randrange(1, 4))]

    def controllers(self):
        found = []
        if self.dice.random() < 0.5:
            found += self.usb()
        if self.dice.random() < 0.4:
            found += self.several('scsi', (None, 'virtio-scsi', 'lsilogic', 'lsisas1068',
                                           'lsisas1078', 'vmpvscsi', 'virtio-transitional'))
        if self.dice.random() < 0.3:
            found += self.several('sata', (None,))
        if self.dice.random() < 0.3:
            found += self.several('virtio-serial', (None, 'virtio', 'virtio-transitional'))
        if not self.q35 and self.dice.random() < 0.2:
            found.append(element('controller', type='ide', index=self.maybe(0.5, 0)))
        if self.dice.random() < 0.1:
            found.append(element('controller', type='ccid', index=0))
        return found

    def pci(self, index, model, inside=''):
        return element('controller', inside, type='pci', model=model, index=index)

    def ports(self, first, count, at=None):
        where = f"<address type='pci' bus='{at}' slot='%d'/>" if at else ''
        return [self.pci(first + i, 'pcie-root-port', (where % i if at else self.somewhere()) +
                         self.dice.choice(('', '', "<target hotplug='off'/>")))
                for i in range(count)]

    def bridges_q35(self):
        dice, found, index = self.dice, [], 1
        for _ in range(dice.randrange(1, 4)):
            kind = dice.choice(('ports', 'ports', 'ports', 'dmi', 'dmi', 'pcie-to-pci', 'switch',
                                'expander'))
            if kind == 'ports':
                count = dice.randrange(1, 12)
                found += self.ports(index, count)
                index += count
            elif kind == 'dmi':
                found.append(self.pci(index, 'dmi-to-pci-bridge'))
                index += 1
                for _ in range(dice.randrange(3)):
                    found.append(self.pci(index, 'pci-bridge'))
                    index += 1
            elif kind == 'pcie-to-pci':
                found += self.ports(index, 1) + [self.pci(index + 1, 'pcie-to-pci-bridge')]
                index += 2
            elif kind == 'switch':
                found += self.ports(index, 1)
                found.append(self.pci(index + 1, 'pcie-switch-upstream-port'))
                index += 2
                for _ in range(dice.randrange(1, 4)):
                    found.append(self.pci(index, 'pcie-switch-downstream-port'))
                    index += 1
            else:
                bus = dice.choice(('', f"<target busNr='{250 - 8 * index}'/>"))
                found.append(self.pci(index, 'pcie-expander-bus', bus))
                count = dice.randrange(3)
                found += self.ports(index + 1, count, index)
                index += 1 + count
        if dice.random() < 0.2:
            found += [self.pci(None, 'pcie-root-port') for _ in range(dice.randrange(1, 4))]
        if dice.random() < 0.3:
            dice.shuffle(found)
        return [self.pci(0, 'pcie-root')] + found

    def bridges_i440fx(self):
        dice, found = self.dice, []
        indexes = dice.sample(range(1, 5), dice.randrange(1, 4))
        for index in indexes:
            if dice.random() < 0.2:
                found.append(self.pci(index, 'pci-expander-bus',
                                      dice.choice(('', f"<target busNr='{250 - 8 * index}'/>"))))
            else:
                found.append(self.pci(self.maybe(0.8, index), 'pci-bridge', self.somewhere()))
        return [self.pci(0, 'pci-root')] + found

    # ---- other devices

    def disk(self):
        bus = self.dice.choice(('virtio', 'virtio', 'scsi', 'sata', 'usb', 'fdc') +
                               (() if self.q35 else ('ide',)))
        prefix = {'virtio': 'vd', 'ide': 'hd', 'fdc': 'fd'}.get(bus, 'sd')
        limit = {'ide': 4, 'fdc': 2}.get(bus, 20)
        number = self.disks.setdefault(prefix, 0)
        if number >= limit:
            return ''
        self.disks[prefix] += self.dice.choice((1, 1, 1, 4))
        device = 'floppy' if bus == 'fdc' else 'disk'
        number = f'{prefix}{LETTERS[number]}'
        where = ''
        if bus in ('scsi', 'sata') and self.dice.random() < 0.15:
            where = (f"<address type='drive' controller='{self.dice.randrange(3)}' "
                     f"unit='{LETTERS.index(number[2]) % 6}'/>")
        model = self.virtio() if bus == 'virtio' and self.dice.random() < 0.2 else None
        return element('disk', f"<source file='/x{number}'/><target dev='{number}' bus='{bus}'/>" +
                       (self.somewhere() if bus == 'virtio' else where), type='file',
                       device=device, model=model)

    def net(self):
        model = self.dice.choice((None, 'e1000', 'e1000e', 'rtl8139', 'vmxnet3') +
                                 ('virtio',) * 3 + VIRTIO)
        return element('interface', (f"<model type='{model}'/>" if model else '') +
                       self.somewhere(), type='user')

    def video(self):
        dice = self.dice
        model = dice.choice(('virtio', 'virtio', 'qxl', 'vga', 'cirrus', 'bochs', 'vmvga', 'none',
                             'ramfb'))
        others = [] if model in ('none', 'ramfb') else dice.choice(
            ([], [], ['qxl'], ['virtio', 'qxl']))
        heads = " heads='4'" if model in ('virtio', 'qxl') else ''
        found = [f"<video><model type='{model}'{heads}/>{self.somewhere()}</video>"]
        found += [f"<video><model type='{m}'/></video>" for m in others]
        return found

    def gpu(self, number):
        return (f"<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' "
                f"bus='{0x40 + number}' slot='0' function='0'/></source>{self.somewhere()}"
                "</hostdev>")

    def channel(self, number):
        where = self.maybe(0.3, "<address type='virtio-serial' controller="
                           f"'{self.dice.randrange(3)}' bus='0' port='{number + 1}'/>") or ''
        return f"<channel type='unix'><target type='virtio' name='c{number}'/>{where}</channel>"

    def single(self):
        """What there can be one of, or that is rare."""
        dice = self.dice
        adapter = "<source protocol='vhost' wwpn='naa.5123456789abcde0'/>"
        unit = dice.randrange(3)
        return [part for part in (
            dice.choice(("<memballoon model='none'/>",
                         f"<memballoon model='{self.virtio()}'/>")),
            "<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend>"
            "</tpm>",
            f"<watchdog model='{dice.choice(('i6300esb', 'ib700'))}'/>",
            f"<vsock model='{self.virtio()}'><cid auto='yes'/>{self.somewhere()}</vsock>",
            "<panic model='isa'/>", "<iommu model='virtio'/>" if self.q35 else '',
            "<smartcard mode='host'/>",
            f"<console type='pty'><target type='{dice.choice(('serial', 'virtio'))}'/></console>",
            f"<hostdev mode='subsystem' type='scsi_host' model='{self.virtio()}'>{adapter}"
            "</hostdev>",
            "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address "
            f"bus='0' target='0' unit='0'/></source><address type='drive' controller='{unit}' "
            "bus='0' target='0' unit='6'/></hostdev>",
            "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/>"
            "<product id='0xbeef'/></source></hostdev>",
            f"<hostdev mode='subsystem' type='mdev' model='vfio-pci' display='off'><source>"
            "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>",
            "<hub type='usb'/>",
            "<redirdev bus='usb' type='tcp'><source mode='connect' host='localhost' service='4000'/>"
            "</redirdev>",
            "<serial type='pty'><target type='pci-serial'/></serial>",
            "<serial type='pty'/>", "<graphics type='vnc'/>",
        ) if dice.random() < 0.15]

    def many(self):
        dice = self.dice
        kinds = [
            self.disk, self.disk, self.disk, self.net, self.net,
            lambda: f"<sound model='{dice.choice(('ich6', 'ich9', 'ich9', 'ac97', 'usb'))}'>"
                    f"{self.somewhere()}</sound>",
            lambda: f"<rng model='{self.virtio()}'><backend model='random'>/dev/urandom</backend>"
                    f"{self.somewhere()}</rng>",
            lambda: f"<input type='{dice.choice(('keyboard', 'mouse'))}' "
                    f"bus='{dice.choice(('virtio', 'virtio', 'usb', 'ps2'))}'/>",
            lambda: f"<shmem name='s{dice.random()}'><model type='ivshmem-plain'/>"
                    "<size unit='M'>4</size></shmem>",
            lambda: f"<filesystem type='mount'><source dir='/tmp'/><target dir='t{dice.random()}'/>"
                    f"{self.somewhere()}</filesystem>",
        ]
        return [dice.choice(kinds)() for _ in range(dice.choice((2, 5, 10, 20, 40)))]

    def devices(self):
        dice = self.dice
        found = self.controllers() + self.many() + self.single()
        if dice.random() < 0.6:
            found += self.bridges_q35() if self.q35 else self.bridges_i440fx()
        if dice.random() < 0.6:
            found += self.video()
        found += [self.gpu(i) for i in range(dice.choice((1, 1, 2, 4, 8)))]
        found += [self.channel(i) for i in range(dice.choice((0, 0, 1, 3)))]
        if dice.random() < 0.5:
            dice.shuffle(found)
        return ''.join(found)
