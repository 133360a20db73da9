# SPDX-License-Identifier: LGPL-2.1-or-later
"""What PCI functions a guest has, with their BARs' sizes: asked of QEMU while it runs."""

import json
import re
import socket

GIB = 1 << 30
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": GIB, "T": 1 << 40}
KINDS = {
    "pcie-root-port": "root-port", "ioh3420": "root-port",
    "x3130-upstream": "switch", "xio3130-downstream": "switch",
    "pcie-pci-bridge": "pci-bridge", "pci-bridge": "pci-bridge",
    "i82801b11-bridge": "pci-bridge", "pxb": "expander", "pxb-pcie": "expander",
}
# What query-pci does not show: of igb's virtual functions, all eight together.
VF_BARS = {0x10c9: [{"index": index, "size": 128 << 10, "io": False, "mem64": True,
                    "prefetchable": True} for index in (7, 10)]}
NO_DEVICE = 0xffff # also what a virtual function shows


def size(text):
    if isinstance(text, int):
        return text
    number, unit = re.fullmatch(r"(\d+)([KMGT]?)(?:i?B)?", text).groups()
    return int(number) * UNITS[unit]


class Monitor:
    """QEMU's machine protocol."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.ask("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def ask(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
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


def number_buses(monitor):
    """Does what firmware does first, so that query-pci shows what is behind bridges:
    numbers the buses, through the ports 0xcf8 and 0xcfc. Only those of bridges on
    root buses."""
    for root in monitor.ask("query-pci"):
        bridges = [device for device in root["devices"] if "pci_bridge" in device]
        for number, device in enumerate(bridges, root["bus"] + 1):
            address = (0x80000018 | root["bus"] << 16 | device["slot"] << 11
                       | device["function"] << 8)
            for port, value in ((0xcf8, address), (0xcfc, number << 8 | number << 16)):
                monitor.ask("human-monitor-command",
                            **{"command-line": f"o/w {port:#x} {value:#x}"})


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
    """A function as the model takes it; `device` is query-pci's."""
    driver = settings.get("driver", "")
    function = {
        "kind": KINDS.get(driver, "endpoint"), "parent": parent, "slot": device["slot"],
        "function": device["function"], "class_code": device["class_info"]["class"] << 8,
        "bars": [],
    }
    if function["kind"] == "root-port" or driver == "xio3130-downstream":
        function["hotplug"] = settings.get("hotplug", "on") != "off"
    elif driver == "pci-bridge":
        function["hotplug"] = settings.get("shpc", "on") != "off"
    elif driver == "pcie-pci-bridge":
        function["hotplug"] = True
    elif driver == "i82801b11-bridge": # subtractive decoding, which query-pci does not tell
        function["class_code"] |= 1
    for option, key in (("mem-reserve", "mem_reserve"), ("pref64-reserve", "pref64_reserve"),
                        ("bus_nr", "bus_number")):
        if option in settings:
            function[key] = size(settings[option])
    for region in sorted(device["regions"], key=lambda region: region["bar"]):
        function["bars"].append({
            "index": region["bar"], "size": region["size"], "io": region["type"] == "io",
            "mem64": region.get("mem_type_64", False),
            "prefetchable": region.get("prefetch", False)})
    function["bars"] += VF_BARS.get(device["id"]["device"], [])
    return function


def place_of(device):
    return (device["bus"], device["slot"], device["function"])


def settings_of(device, by_id):
    """The -device options that made it. A pxb puts a bridge of its own name on its bus."""
    settings = by_id.get(device["qdev_id"], {})
    if settings.get("driver") == "pxb" and "pci_bridge" in device:
        return {"driver": "pci-bridge", "shpc": "off"}
    return settings


def functions(case, buses):
    """The model's functions, bus by bus, and the kernel's name of each."""
    found, by_id = [], options(case)
    expanders = {}
    for device in [device for bus in buses for device in bus["devices"]]:
        settings = settings_of(device, by_id)
        if KINDS.get(settings.get("driver")) == "expander":
            expanders[int(settings["bus_nr"])] = place_of(device)
    queue = [(device, expanders.get(bus["bus"])) for bus in buses for device in bus["devices"]]
    while queue:
        device, parent = queue.pop(0)
        place = place_of(device)
        if device["class_info"]["class"] == 0x0600 and place not in expanders.values():
            continue
        if device["id"]["device"] == NO_DEVICE:
            continue
        found.append((place, parent, device))
        behind = device.get("pci_bridge", {}).get("devices", [])
        queue += [(child, place) for child in behind]
    found.sort(key=lambda entry: entry[0])
    index = {place: i for i, (place, _, _) in enumerate(found)}
    made = [one_function(device, -1 if parent is None else index[parent],
                         settings_of(device, by_id))
            for _, parent, device in found]
    names = ["0000:%02x:%02x.%d" % place for place, _, _ in found]
    return made, names
