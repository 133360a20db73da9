# SPDX-License-Identifier: LGPL-2.1-or-later
"""The domains that are planned for and booted.

A case is a dictionary: name, xml, hosts (host address -> word of standins.py), and
where wanted options (for gpupt-xml), hole ("minimum"; "less", 1 GiB less than that;
"most", the largest QEMU starts with; "beyond", 1 GiB more), expected ("cured", every
BAR has an address; "left", one has none; "unchanged", the plan does nothing, and every
BAR has an address; "refused", there is no plan) and quick (part of the default run).
"""

import os
import random

HERE = os.path.dirname(os.path.abspath(__file__))

OVMF = """
    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
    <nvram>/var/lib/libvirt/qemu/nvram/{name}_VARS.fd</nvram>"""

DOMAIN = """<domain type='qemu'{namespace}>
  <name>{name}</name>
  {max_memory}<memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='{machine}'>hvm</type>{firmware}{kernel}
  </os>
  <features><acpi/><apic/></features>
  {cpu}
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
{devices}
  </devices>{commandline}
</domain>
"""

COMMANDLINE = """
  <qemu:commandline>
    <qemu:arg value='{}'/>
    <qemu:arg value='{}'/>
  </qemu:commandline>"""

NAMESPACE = " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"


def cpu(model="Westmere", bits=0):
    """A CPU model; "max" and "host-model" are modes."""
    width = f"<maxphysaddr mode='emulate' bits='{bits}'/>" if bits else ""
    if not model:
        return ""
    if model == "max":
        return f"<cpu mode='maximum' check='none'>{width}</cpu>"
    if model == "host-model":
        return f"<cpu mode='host-model'>{width}</cpu>"
    return f"<cpu mode='custom' match='exact' check='none'><model>{model}</model>{width}</cpu>"


def max_memory(memory, most, slots):
    numa = (f"<cpu mode='custom' match='exact' check='none'><model>Westmere</model>"
            f"<numa><cell id='0' cpus='0' memory='{memory}' unit='MiB'/></numa></cpu>")
    return {"max_memory": f"<maxMemory slots='{slots}' unit='MiB'>{most}</maxMemory>\n  ",
            "cpu": numa, "memory": memory}


def pci(bus, slot, function=0, more=""):
    return (f"<address type='pci' domain='0' bus='{bus}' slot='{slot}' function='{function}'"
            f"{more}/>")


def hostdev(host, guest=""):
    bus, slot, function = int(host[5:7], 16), int(host[8:10], 16), int(host[11:])
    return (f"    <hostdev mode='subsystem' type='pci' managed='yes'>\n"
            f"      <source><address domain='0' bus='{bus}' slot='{slot}' "
            f"function='{function}'/></source>\n      {guest}\n    </hostdev>\n")


def controller(index, model, inside="", address=""):
    return (f"    <controller type='pci' index='{index}' model='{model}'>{inside}{address}"
            f"</controller>\n")


def ports(first, count, slot, hotplug=None, addressed=True):
    """Root ports, eight to a slot."""
    target = f"<target hotplug='{hotplug}'/>" if hotplug else ""
    result = ""
    for i in range(count):
        more = " multifunction='on'" if i % 8 == 0 else ""
        address = pci(0, slot + i // 8, i % 8, more) if addressed else ""
        result += controller(first + i, "pcie-root-port", target, address)
    return result


def disk(address=""):
    return ("    <disk type='file' device='disk'><driver name='qemu' type='raw'/>"
            "<source file='/var/lib/libvirt/images/a.img'/>"
            f"<target dev='vda' bus='virtio'/>{address}</disk>\n")


def network(address="", model="virtio"):
    return f"    <interface type='user'><model type='{model}'/>{address}</interface>\n"


USB = "    <controller type='usb' model='none'/>\n"
XHCI = "    <controller type='usb' index='0' model='qemu-xhci'/>\n"
NO_BALLOON = "    <memballoon model='none'/>\n"


def domain(name, devices, hosts, machine="pc-q35-7.2", firmware="ovmf", memory=1024,
           override=0, cmdline=None, **more):
    kernel = f"\n    <kernel>/boot/vmlinuz</kernel><cmdline>{cmdline}</cmdline>" if cmdline else ""
    fields = {"max_memory": "", "cpu": cpu()}
    options = more.pop("options", [])
    argument = more.pop("argument", None) or (override and (
        "-fw_cfg", f"name=opt/ovmf/X-PciMmio64Mb,string={override}"))
    case = {"name": name, "hosts": hosts, "options": options}
    for key in ("hole", "quick", "expected"):
        if key in more:
            case[key] = more.pop(key)
    fields.update(more, name=name, devices=devices.rstrip("\n"), machine=machine, memory=memory,
                  firmware=OVMF.format(name=name) if firmware == "ovmf" else "", kernel=kernel,
                  commandline=COMMANDLINE.format(*argument) if argument else "",
                  namespace=NAMESPACE if argument else "")
    if "memory" in more:
        fields["memory"] = more["memory"]
    case["xml"] = DOMAIN.format(**fields)
    return case


def host(number, function=0):
    return f"0000:{number:02x}:00.{function}"


def gpus(count, word, **more):
    """count GPUs behind root ports of their own, beside a disk and a network card."""
    name = more.pop("name")
    hotplug = more.pop("hotplug", None)
    devices = USB + NO_BALLOON + controller(0, "pcie-root") + ports(1, count + 2, 1, hotplug)
    devices += disk(pci(count + 1, 0)) + network(pci(count + 2, 0))
    for i in range(count):
        devices += hostdev(host(8 + i), pci(i + 1, 0))
    return domain(name, devices, {host(8 + i): word for i in range(count)}, **more)


def sizes():
    yield gpus(1, "nvme:32G+32M", name="story", quick=True)
    yield gpus(1, "nvme:32G+32M", name="story-less", hole="less")
    yield gpus(1, "nvme:32G+32M", name="story-hotplug-off", hotplug="off")
    yield gpus(1, "nvme:32G+32M", name="story-realloc", cmdline="root=/dev/vda pci=realloc")
    yield gpus(1, "nvme:32G+32M", name="story-seabios", firmware="seabios")
    yield gpus(2, "testdev:64G", name="two-64g", quick=True)
    yield gpus(2, "testdev:64G", name="two-64g-less", hole="less")
    yield gpus(4, "nvme:16G+64M", name="four-16g", memory=2048)
    yield gpus(4, "nvme:16G+64M", name="four-16g-minimum", memory=2048, hole="minimum")
    yield gpus(4, "nvme:16G+64M", name="four-16g-less", memory=2048, hole="less")
    yield gpus(8, "testdev:32G", name="eight-32g", memory=4096)
    yield gpus(8, "nvme:64G+32M", name="eight-64g-46", memory=2048, cpu=cpu("max", 46))
    yield gpus(8, "nvme:128G+32M", name="eight-128g-seabios", memory=3072, firmware="seabios",
               cpu=cpu("Skylake-Server", 46))
    yield gpus(1, "qxl:4G,16M", name="trap-override", override=2048)
    yield gpus(1, "qxl:4G,16M", name="trap-override-hotplug-off", override=2048, hotplug="off")
    yield gpus(1, "qxl:4G,16M", name="trap-override-realloc", override=2048,
               cmdline="pci=realloc")
    yield gpus(2, "qxl:8G,64M", name="two-8g-32bit", memory=3072)
    yield gpus(1, "testdev:256M", name="small")
    yield gpus(1, "nvme:128G+32M", name="large-override", override=262144)


def remedies():
    """What else may be done, that it does it, and that it takes it."""
    none = ["--forbid", "memreserve,hotplug", "--force"]
    trap = {"override": 2048, "quick": True}
    yield gpus(1, "qxl:4G,16M", name="trap-cured", expected="cured", **trap)
    yield gpus(1, "qxl:4G,16M", name="trap-left", expected="left", options=none, **trap)
    yield gpus(1, "qxl:4G,16M", name="trap-cmdline", expected="cured", override=2048,
               cmdline="root=/dev/vda", options=["--allow", "cmdline"] + none[:2])
    slot = (USB + NO_BALLOON + controller(0, "pcie-root") + ports(1, 2, 1) + disk(pci(2, 0)) +
            hostdev(host(8), pci(1, 0, 0, " multifunction='on'")) +
            hostdev(host(8, 1), pci(1, 0, 1)))
    pair = {host(8): "testdev:32G", host(8, 1): "testdev:32M"}
    yield domain("slot-left", slot, pair, expected="left", options=["--force"], quick=True)
    yield domain("slot-refused", slot, pair, expected="refused", quick=True)
    yield domain("slot-move", slot, pair, expected="cured", options=["--allow", "move"],
                 quick=True)
    yield domain("slot-window", slot, pair, expected="cured", options=["--allow", "fwcfg"])
    # without a root port, OVMF gives up on all devices; a window of its own helps
    pc = NO_BALLOON + controller(0, "pci-root") + disk() + hostdev(host(8))
    yield domain("pc-window", pc, {host(8): "nvme:32G+32M"}, machine="pc-i440fx-7.2",
                 expected="cured", options=["--allow", "fwcfg"], quick=True)
    yield gpus(2, "testdev:512G", name="width", expected="cured",
               options=["--allow", "maxphysaddr"], quick=True)
    yield gpus(2, "testdev:512G", name="width-refused", expected="refused", quick=True)
    yield gpus(1, "nvme:32G+32M", name="seabios-nothing", firmware="seabios",
               expected="unchanged", quick=True)


def limits():
    """The largest hole, and more than that: QEMU has to start, or refuse."""
    for hole in ("most", "beyond"):
        yield gpus(1, "nvme:32G+32M", name=f"story-{hole}", hole=hole)
        yield gpus(1, "nvme:32G+32M", name=f"amd-{hole}", hole=hole, cpu=cpu("EPYC"))
        yield gpus(1, "nvme:32G+32M", name=f"amd-42-{hole}", hole=hole, cpu=cpu("EPYC", 42))
        yield gpus(1, "testdev:64G", name=f"hotplug-memory-{hole}", hole=hole,
                   **max_memory(2048, 16384, 16))
        yield domain(f"i440fx-{hole}", NO_BALLOON + disk() + hostdev(host(8)),
                     {host(8): "nvme:8G+32M"}, hole=hole, firmware="seabios",
                     machine="pc-i440fx-7.2")


def memories():
    for memory in (512, 2048, 2816, 3072, 8192):
        yield gpus(2, "nvme:16G+32M", name=f"memory-{memory}", memory=memory)
    yield gpus(1, "nvme:32G+32M", name="hotplug-memory", **max_memory(1024, 65536, 4))
    yield gpus(1, "testdev:64G", name="hotplug-memory-minimum", hole="minimum",
               **max_memory(2048, 16384, 16))
    yield gpus(1, "nvme:64G+32M", name="hotplug-memory-seabios", firmware="seabios",
               **max_memory(1024, 32768, 2))


def cpus():
    for model in ("Skylake-Server", "EPYC", "qemu64", "", "host-model", "max", "core2duo"):
        yield gpus(2, "nvme:32G+32M", name=f"cpu-{model or 'none'}", cpu=cpu(model))
    for model in ("max", "Westmere", "Skylake-Server", "EPYC"):
        for bits in (39, 42, 46):
            yield gpus(2, "nvme:64G+32M", name=f"cpu-{model}-{bits}", cpu=cpu(model, bits),
                       quick=(model, bits) == ("Skylake-Server", 42))
    yield gpus(4, "testdev:256G", name="cpu-EPYC-46-1t", cpu=cpu("EPYC", 46))


def places():
    one = {host(8): "nvme:32G+32M"}
    root = USB + NO_BALLOON + controller(0, "pcie-root")
    yield domain("free-port", root + ports(1, 4, 1) + disk(pci(1, 0)) + hostdev(host(8)), one)
    yield domain("new-port", root + ports(1, 1, 1) + disk(pci(1, 0)) + hostdev(host(8)), one)
    yield domain("no-ports", USB + disk() + network() + hostdev(host(8)), one, quick=True)
    yield domain("no-controllers", XHCI + disk() + network() + hostdev(host(8)) +
                 "    <video><model type='virtio'/></video>\n", one)
    for firmware in ("ovmf", "seabios"):
        yield domain(f"root-bus-{firmware}", root + ports(1, 1, 1) + disk(pci(1, 0)) +
                     hostdev(host(8), pci(0, 5)), one, firmware=firmware)
        yield domain(f"root-bus-fits-{firmware}", root + ports(1, 1, 1) + disk(pci(1, 0)) +
                     hostdev(host(8), pci(0, 5)), {host(8): "nvme:8G+32M"}, firmware=firmware)
        yield domain(f"pci-bridge-{firmware}", root + ports(1, 2, 1) +
                     controller(3, "pcie-to-pci-bridge", "", pci(1, 0)) + disk(pci(2, 0)) +
                     hostdev(host(8), pci(3, 1)), one, firmware=firmware)
        yield domain(f"switch-{firmware}", root + ports(1, 2, 1) +
                     controller(3, "pcie-switch-upstream-port", "", pci(1, 0)) +
                     controller(4, "pcie-switch-downstream-port", "", pci(3, 0)) +
                     controller(5, "pcie-switch-downstream-port", "", pci(3, 1)) +
                     disk(pci(2, 0)) + hostdev(host(8), pci(4, 0)) + hostdev(host(9), pci(5, 0)),
                     {host(8): "nvme:16G+32M", host(9): "testdev:16G"}, firmware=firmware)
        if firmware == "ovmf":
            yield domain("switch-most", root + ports(1, 2, 1) +
                         controller(3, "pcie-switch-upstream-port", "", pci(1, 0)) +
                         controller(4, "pcie-switch-downstream-port", "", pci(3, 0)) +
                         controller(5, "pcie-switch-downstream-port", "", pci(3, 1)) +
                         disk(pci(2, 0)) + hostdev(host(8), pci(4, 0)) +
                         hostdev(host(9), pci(5, 0)),
                         {host(8): "nvme:16G+32M", host(9): "testdev:16G"}, hole="most")
        for model, bits in (("Westmere", 0), ("max", 42)):
            yield domain(f"expander-{firmware}-{bits}", root + ports(1, 1, 1) +
                         controller(2, "pcie-expander-bus", "<target busNr='64'/>", pci(0, 4)) +
                         controller(3, "pcie-root-port", "", pci(2, 0)) + disk(pci(1, 0)) +
                         hostdev(host(8), pci(3, 0)), one, firmware=firmware,
                         cpu=cpu(model, bits))
    # two empty ports with a reserve, for a hot-plugged card
    yield domain("reserve", root + ports(1, 4, 1) + disk(pci(1, 0)) + hostdev(host(8), pci(2, 0)),
                 {host(8): "nvme:8G+32M"}, quick=True,
                 argument=("-global", "pcie-root-port.pref64-reserve=4G"))
    pair = {host(8): "nvme:16G+32M", host(8, 1): "testdev:256M"}
    for name, options in (("siblings", []), ("multifunction", ["--multifunction"])):
        yield domain(name, root + ports(1, 2, 1) + disk(pci(1, 0)), pair,
                     options=["--add-device", "08:00.0"] + options,
                     quick=name == "multifunction")
    yield domain("multifunction-ovmf-no-room", root + ports(1, 2, 1) + disk(pci(1, 0)),
                 {host(8): "nvme:64G+32M", host(8, 1): "testdev:32G"},
                 options=["--add-device", "08:00.0", "--multifunction"])
    yield domain("four-free-ports", root + ports(1, 8, 2) + disk() + network() +
                 "".join(hostdev(host(8 + i)) for i in range(4)),
                 {host(8 + i): "nvme:16G+32M" for i in range(4)}, memory=2048)


def i440fx():
    root = NO_BALLOON + controller(0, "pci-root")
    machine = {"machine": "pc-i440fx-7.2"}
    for firmware in ("ovmf", "seabios"):
        for word in ("nvme:8G+32M", "nvme:32G+32M"):
            yield domain(f"i440fx-{firmware}-{word[5:].split('+')[0]}",
                         root + disk() + network() + hostdev(host(8)), {host(8): word},
                         firmware=firmware, quick=word[5] == "8" and firmware == "ovmf",
                         **machine)
    yield domain("i440fx-two", disk() + network() + hostdev(host(8)) + hostdev(host(9)),
                 {host(8): "nvme:64G+32M", host(9): "testdev:32G"}, firmware="seabios",
                 **machine)
    yield domain("i440fx-less", root + disk() + hostdev(host(8), pci(0, 7)),
                 {host(8): "testdev:64G"}, hole="less", **machine)
    yield domain("i440fx-multifunction", disk() + network(), {
        host(8): "nvme:8G+32M", host(8, 1): "testdev:64M"}, firmware="seabios",
        options=["--add-device", "08:00.0", "--multifunction"], **machine)
    yield domain("i440fx-bridge", root + controller(1, "pci-bridge", "", pci(0, 6)) + disk() +
                 hostdev(host(8), pci(1, 3)), {host(8): "nvme:8G+32M"}, **machine)
    yield domain("i440fx-max-46", root + disk() + hostdev(host(8)),
                 {host(8): "nvme:128G+32M"}, cpu=cpu("max", 46), **machine)
    yield domain("i440fx-expander", root +
                 controller(1, "pci-expander-bus", "<target busNr='128'/>", pci(0, 6)) + disk() +
                 hostdev(host(8), pci(1, 2)), {host(8): "nvme:8G+32M"}, firmware="seabios",
                 **machine)


def from_files():
    """Domains as other programs write them."""
    for name, hosts, quick in (
            ("virt-manager", {host(8): "nvme:32G+32M"}, True),
            ("virt-manager-spice", {host(8): "qxl:4G,16M"}, False),
            ("kubevirt", {host(0x3b): "nvme:64G+32M", host(0xd8): "nvme:64G+32M"}, True),
            ("sundry", {host(8): "nvme:16G+32M"}, False),
            ("sundry-pc", {host(8): "nvme:8G+32M"}, False)):
        with open(os.path.join(HERE, f"{name}.xml"), encoding="utf-8") as file:
            xml = file.read()
        yield {"name": name, "xml": xml, "hosts": hosts, "options": [], "quick": quick}
        if name != "kubevirt" and "pflash" in xml:
            loader = xml[xml.index("    <loader"):xml.index("</nvram>") + len("</nvram>\n")]
            yield {"name": f"{name}-seabios", "hosts": hosts, "options": [],
                   "xml": xml.replace(loader, "").replace(
                       f"<name>{name}<", f"<name>{name}-seabios<")}


def drawn(seed):
    """A domain made up from a number."""
    draw = random.Random(seed)
    count = draw.choice((1, 1, 2, 3, 4))
    free = draw.randrange(3)
    devices = draw.choice((USB, XHCI)) + controller(0, "pcie-root")
    devices += ports(1, draw.randrange(6), 1, draw.choice((None, None, "off")),
                     draw.random() < 0.5)
    devices += disk() + network(model=draw.choice(("virtio", "e1000e")))
    devices += draw.choice(("", NO_BALLOON, "    <rng model='virtio'>"
                            "<backend model='random'>/dev/urandom</backend></rng>\n"))
    devices += draw.choice(("", "    <video><model type='vga'/></video>\n",
                            "    <video><model type='virtio'/></video>\n"))
    hosts = {}
    for i in range(count + free % 2):
        word = draw.choice(("nvme:{}+32M", "testdev:{}", "nvme:{}+256M")).format(
            draw.choice(("256M", "2G", "8G", "16G", "32G", "64G")))
        hosts[host(8 + i)] = word
        devices += hostdev(host(8 + i))
    memory = draw.choice((512, 1024, 2048, 3072, 6144))
    return domain(f"drawn-{seed}", devices, hosts, memory=memory,
                  firmware=draw.choice(("ovmf", "ovmf", "seabios")),
                  cpu=cpu(*draw.choice((("Westmere", 0), ("", 0), ("max", 42), ("EPYC", 0),
                                        ("Skylake-Server", 46), ("core2duo", 0)))))


def all_cases():
    for source in (sizes, remedies, limits, memories, cpus, places, i440fx,
                   from_files):
        yield from source()
