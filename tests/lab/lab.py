#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole way with a libvirtd and devices that are not there; see host.py.

usage: lab.py --gpupt-xml PROGRAM --card LIBRARY --memlock LIBRARY [--only NAME]
              [--random N [--first SEED] [--plan-only] [--keep DIRECTORY]]

Without --random the cases of story.py run: `gpupt-xml devices`, `gpupt-xml apply`,
`virsh start`, and what the guest's kernel shows compared with the plan. With it N
domains of draw.py do. Needs root and what the boots need (see ../boot/rig.py). Exits
77 where something is missing.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BOOT = os.path.join(os.path.dirname(HERE), "boot")
sys.path[1:1] = [BOOT, os.path.join(BOOT, "domains")]
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import drawn  # noqa: E402
import story  # noqa: E402
from host import Host  # noqa: E402
from rig import Rig  # noqa: E402
from system import Missing  # noqa: E402

INSIDE = "GPUPT_LAB"
NAMESPACE = ["unshare", "-m", "-n", "--propagation", "private"]
ACCOUNT = os.path.join(os.path.dirname(HERE), "with-libvirt-account.sh")


def inside():
    """Whether the mounts here are not the machine's."""
    return INSIDE in os.environ and os.readlink("/proc/self/ns/mnt") != os.environ[INSIDE]


def enter():
    """Goes on in namespaces of its own."""
    if os.geteuid() != 0:
        raise Missing("needs root for a mount namespace")
    os.environ["PATH"] += ":/usr/sbin"
    for tool in ("libvirtd", "virsh", "unshare"):
        if not shutil.which(tool):
            raise Missing(f"{tool} is not installed")
    if subprocess.run(NAMESPACE + ["true"], capture_output=True, check=False).returncode:
        raise Missing("no namespaces here")
    os.environ[INSIDE] = os.readlink("/proc/self/ns/mnt")
    os.execvp(ACCOUNT, [ACCOUNT] + NAMESPACE + [sys.executable] + sys.argv)


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("gpupt-xml", "card", "memlock"):
        parser.add_argument(f"--{name}", required=True, type=os.path.abspath)
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--random", type=int, metavar="N", help="N made-up domains instead")
    parser.add_argument("--first", type=int, default=1, metavar="SEED",
                        help="number of the first of them")
    parser.add_argument("--plan-only", action="store_true", help="start none of those")
    parser.add_argument("--keep", default="", type=os.path.abspath, metavar="DIRECTORY",
                        help="keep what belongs to those that differ there")
    return parser.parse_args()


def main():
    chosen = options()
    rig = lab = None
    try:
        if not inside():
            enter()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1)) # not without stopping guests
        rig = Rig("")
        lab = Host(chosen.card, chosen.memlock)
        lab.show([])
        lab.start()
        return (drawn if chosen.random else story).run(chosen, lab, rig)
    except Missing as missing:
        print(f"skipped: {missing}")
        return 77
    finally:
        if lab:
            lab.stop()
        if rig:
            rig.close()


if __name__ == "__main__":
    sys.exit(main())
