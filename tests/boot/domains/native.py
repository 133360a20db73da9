# SPDX-License-Identifier: LGPL-2.1-or-later
"""What libvirt makes of domains: its definition, with addresses, and QEMU's arguments.

Through the QEMU driver embedded in one virsh, without a daemon, and with directories
of its own: neither the machine's libvirt nor its guests are touched.
"""

import json
import os
import re
import shlex
import subprocess
import xml.etree.ElementTree

from system import Missing, program

MARK = "gpupt-part"
# /dev/kvm is open to root alone on some machines, and whether it opens to this user
# is part of what the capabilities cache is checked against, time and again
# (virQEMUCapsIsValid, src/qemu/qemu_capabilities.c, 9.0).
CONFIGURATION = 'user = "root"\ngroup = "root"\nsecurity_driver = "none"\n'


def with_driver(xml):
    """libvirt's domxml-to-native (9.0) wants to be told that a hostdev uses VFIO; when
    it starts a domain, it finds that out itself."""
    return re.sub(r"""(<hostdev [^>]*type=['\"]pci['\"][^>]*>)""", r"\1<driver name='vfio'/>", xml)


def script(directory, names):
    commands = []
    for name in names:
        commands += [f"echo {MARK} {name} define:", f"define {directory}/{name}.xml",
                     f"echo {MARK} {name} arguments:",
                     f"domxml-to-native qemu-argv --domain {name}",
                     f"echo {MARK} {name} definition:", f"dumpxml {name}",
                     f"undefine {name} --keep-nvram"]
    return "; ".join(commands)


def arguments(text):
    """The words behind QEMU's name."""
    words = shlex.split(text.strip())
    while words and re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    return words[1:]


def with_roms(words, definition):
    """domxml-to-native forgets the ROM of an <interface>
    (qemuConnectDomainXMLToNative, src/qemu/qemu_driver.c, 9.0)."""
    without = {interface.find("mac").get("address")
               for interface in xml.etree.ElementTree.fromstring(definition).iter("interface")
               if (rom := interface.find("rom")) is not None
               and "no" in (rom.get("enabled"), rom.get("bar", "on").replace("off", "no"))}
    return [json.dumps(dict(device, romfile=""))
            if word.startswith("{") and (device := json.loads(word)).get("mac") in without
            else word for word in words]


def ask(domains, directory):
    """From name -> XML to name -> (definition, arguments), or the message with which
    libvirt refuses the domain."""
    root = os.path.join(directory, "root")
    os.makedirs(os.path.join(root, "etc"), exist_ok=True)
    with open(os.path.join(root, "etc", "qemu.conf"), "w", encoding="ascii") as file:
        file.write(CONFIGURATION)
    for name, xml in domains.items():
        with open(os.path.join(directory, f"{name}.xml"), "w", encoding="utf-8") as file:
            file.write(with_driver(xml))
    done = subprocess.run([program(["virsh"], "virsh"), "-q", "-c", f"qemu:///embed?root={root}",
                           script(directory, domains)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if MARK not in done.stdout:
        raise Missing(f"no libvirt with QEMU: {done.stdout.strip()}")
    said = {}
    pieces = re.split(MARK + r" (\S+) (\w+):", done.stdout)[1:]
    for name, what, text in zip(*[iter(pieces)] * 3):
        said.setdefault(name, {})[what] = text
    return {name: parts["define"] + parts["arguments"]
            if "error:" in parts["define"] + parts["arguments"] else
            (parts["definition"],
             with_roms(arguments(parts["arguments"]), parts["definition"]))
            for name, parts in said.items()}
