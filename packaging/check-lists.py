#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every file that is installed is in one Debian package and in the RPM that corresponds to
it, and neither lists anything else. Version scripts and versions are the same as well.

usage: check-lists.py BUILD SOURCE

What a build without man pages or libvirt installs is less: exits 77.
"""

import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

RPMS = {"gpupt-xml": "", "libgpupt0": "-n libgpupt", "libgpupt-libvirt0": "-n libgpupt-libvirt",
        "libgpupt-dev": "-n libgpupt-devel"}
MACROS = {"_bindir": "/usr/bin", "_datadir": "/usr/share", "_includedir": "/usr/include",
          "_libdir": "/usr/lib/*", "_libexecdir": "/usr/libexec", "_mandir": "/usr/share/man"}


def meson(*arguments, **environment):
    done = subprocess.run(["meson", *arguments], check=True, stdout=subprocess.PIPE,
                          env=dict(os.environ, **environment))
    return done.stdout


def installed_files(build):
    """What meson installs, as if the prefix were /usr and libdir Debian's. Static libraries
    (-Ddefault_library=both) are for those who build for themselves."""
    options = {option["name"]: option["value"]
               for option in json.loads(meson("introspect", "--buildoptions", build))}
    with tempfile.TemporaryDirectory() as root:
        meson("install", "-C", build, "--no-rebuild", "--quiet", DESTDIR=root)
        prefix = pathlib.Path(root + options["prefix"])
        paths = [path.relative_to(prefix) for path in prefix.rglob("*")
                 if path.is_symlink() or not path.is_dir()]
    return sorted("/usr/" + re.sub(f"^{options['libdir']}/", "lib/HOST/", str(path))
                  for path in paths
                  if "__pycache__" not in path.parts and path.suffix != ".a")


def debian_lists(debian):
    return {name: ["/" + line.split()[0] for line in
                   (debian / f"{name}.install").read_text().splitlines() if line]
            for name in RPMS}


def rpm_lists(spec):
    def expand(path):
        return re.sub(r"%\{(\w+)\}", lambda macro: MACROS[macro[1]], path)

    lists = {}
    for name, title in RPMS.items():
        section = re.search(rf"^%files ?{title}\n(.*?)(?=\n\n|\Z)", spec, re.M | re.S)
        lists[name] = [expand(line) for line in section[1].splitlines()
                       if not line.startswith("%license")]
    return lists


def covers(pattern, path):
    """A pattern is a file's or a folder's."""
    return fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, pattern + "/*")


def check(kind, lists, files):
    """Returns which package has which file, and how much is wrong."""
    owners, wrong = {}, 0
    for path in files:
        owner = [name for name, patterns in lists.items()
                 if any(covers(pattern, path) for pattern in patterns)]
        owners[path] = owner
        if len(owner) != 1:
            wrong += 1
            print(f"FAILED: {kind}: {path} is in {', '.join(owner) or 'no package'}")
    for name, patterns in lists.items():
        for pattern in patterns:
            if not any(covers(pattern, path) for path in files):
                wrong += 1
                print(f"FAILED: {kind}: {name}: nothing installed is {pattern}")
    return owners, wrong


def check_texts(source, spec):
    """Returns how many of the texts that repeat another do not."""
    packaging = source / "packaging/debian"
    version = re.search(r"^  version: '(.*)'", (source / "meson.build").read_text(), re.M)[1]
    changelog = (packaging / "changelog").read_text()
    told = [re.search(r"^Version: *(.*)", spec, re.M)[1],
            re.match(r"\S+ \((.*)-[^-]*\)", changelog)[1]]
    wrong = 0
    if told != [version, version]:
        wrong += 1
        print(f"FAILED: version {version}, in the spec and Debian's changelog {told}")
    for script, package in ("src/libgpupt.map", "libgpupt0"), (
            "src/libvirt/libgpupt-libvirt.map", "libgpupt-libvirt0"):
        nodes = re.findall(r"^([\w.]+) \{", (source / script).read_text(), re.M)
        symbols = (packaging / f"{package}.symbols").read_text()
        if sorted(nodes) != sorted(re.findall(r"\(symver\)([\w.]+) ", symbols)):
            wrong += 1
            print(f"FAILED: {package}.symbols lists others than {nodes}")
    return wrong


def main():
    build, source = sys.argv[1], pathlib.Path(sys.argv[2])
    files = installed_files(build)
    for part in ("libgpupt-libvirt.so", "man/man1"):
        if not any(part in path for path in files):
            print(f"skipped: built without {part}")
            return 77
    spec = (source / "packaging/rpm/gpupt-xml.spec").read_text()
    in_debs, wrong = check("deb", debian_lists(source / "packaging/debian"), files)
    in_rpms, more = check("rpm", rpm_lists(spec), files)
    wrong += more + check_texts(source, spec)
    for path in files:
        if in_debs[path] != in_rpms[path]:
            wrong += 1
            print(f"FAILED: {path} is in {in_debs[path]}, and in the RPM of {in_rpms[path]}")
    print(f"{len(files)} files in {len(RPMS)} packages, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
