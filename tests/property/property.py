#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs `property` over folders of domains, and then looks at what it refused and wrote
with the tools of others: xmllint, libvirt's schema, patch(1).

property.py PROGRAM GPUPT_XML REFUSALS FOLDER...

GPUPT_CORPUS in the environment is a folder in place of one named "corpus". REFUSALS
lists the files that are refused; GPUPT_REGENERATE=1 writes it anew, but not
under CI. Without any of the folders the test is skipped."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
SCHEMA = '/usr/share/libvirt/schemas/domain.rng'
EVERY = 97  # of the files, for what starts processes

failures = 0


def fail(message):
    global failures
    failures += 1
    print('FAILED:', message)


def find_files(folders):
    found = {}
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in sorted(names):
                path = os.path.join(parent, name)
                if name.endswith('.xml') and name != 'out.xml':
                    found[path] = os.path.relpath(path, folder)
    return dict(sorted(found.items(), key=lambda item: item[1]))


def is_domain(path):
    """One well-formed document whose root is <domain>, in xmllint's eyes."""
    done = subprocess.run(['xmllint', '--nonet', '--xpath', 'name(/*)', path],
                          capture_output=True, text=True)
    return done.returncode == 0 and done.stdout.strip() == 'domain'


def check_refusals(refused, names, listing):
    lines = [f'{names[path]}: {message}\n' for path, message in refused.items()]
    if os.environ.get('GPUPT_REGENERATE'):
        with open(listing, 'w') as f:
            f.writelines(lines)
    with open(listing) as f:
        expected = f.readlines()
    for line in sorted(set(lines) ^ set(expected)):
        fail(('refused, but not listed: ' if line in lines else 'listed, but not refused: ') +
             line.strip())


def check_others_refuse(refused, names):
    for path in refused:
        if is_domain(path):
            fail(f'{names[path]} is refused, but xmllint takes it for one domain')
    taken = [path for path in names if path not in refused]
    done = subprocess.run(['xmllint', '--nonet', '--noout'] + taken, capture_output=True,
                          text=True)
    for path in sorted(set(re.findall(r'^(/[^:\n]+):\d+: parser error', done.stderr, re.M))):
        fail(f'{names[path]} is taken, but xmllint finds it not well-formed')


def valid_files(paths):
    done = subprocess.run(['xmllint', '--nonet', '--noout', '--relaxng', SCHEMA] + paths,
                          capture_output=True, text=True)
    return set(re.findall(r'^(.*) validates$', done.stderr, re.M))


def check_schema(written, names):
    """A file that libvirt's schema accepts is accepted after the edit too."""
    if not os.path.exists(SCHEMA):
        print('no schema here, not checked')
        return
    before = valid_files(sorted(set(written.values())))
    after = valid_files(sorted(written))
    for path, origin in written.items():
        if origin in before and path not in after:
            fail(f'{names[origin]} is valid, but not {os.path.basename(path)}')
    print(f'{len(before)} valid files, {sum(o in before for o in written.values())} edits of them')


def check_command_line(gpupt_xml, files, names, lab):
    """diff | patch(1) gives what patch gives."""
    wish = ['--assume', '0000:c8:00.0=10de:1b39', '--add-device', '0000:c8:00.0', '--force',
            '--pcihole64', '128GiB']
    for path in files[::EVERY]:
        diff = subprocess.run([gpupt_xml, 'diff', '--show-secrets', path] + wish,
                              capture_output=True)
        new = subprocess.run([gpupt_xml, 'patch', path] + wish, capture_output=True)
        if diff.returncode > 1 or new.returncode:
            if not diff.returncode == new.returncode == 2:
                fail(f'{names[path]}: diff exits with {diff.returncode}, patch with '
                     f'{new.returncode}')
            continue
        copy = f'{lab}/patched.xml'
        shutil.copyfile(path, copy)
        subprocess.run(['patch', '--binary', '-s', copy], input=diff.stdout, check=False)
        with open(copy, 'rb') as f:
            if f.read() != new.stdout:
                fail(f'{names[path]}: patch(1) makes something else of the diff')


def main():
    program, gpupt_xml, listing = sys.argv[1:4]
    if os.environ.get('GPUPT_REGENERATE') and os.environ.get('CI'):
        print('golden files are not regenerated under CI')
        return 1
    corpus = os.environ.get('GPUPT_CORPUS')
    folders = [corpus if corpus and os.path.basename(folder) == 'corpus' else folder
               for folder in sys.argv[4:]]
    names = find_files(folders)
    if not names:
        print('no files in', *folders)
        return SKIP
    with tempfile.TemporaryDirectory(prefix='gpupt-property-') as lab:
        done = subprocess.run([program, lab] + list(names), capture_output=True, text=True)
        print(done.stderr)
        if done.returncode:
            fail('properties do not hold, see above')
        refused = dict(re.findall(r'^refused (.*?\.xml): (.*)$', done.stdout, re.M))
        written = dict(re.findall(r'^wrote (\S+) (.*)$', done.stdout, re.M))
        check_refusals(refused, names, listing)
        if shutil.which('xmllint'):
            check_others_refuse(refused, names)
            check_schema(written, names)
        if shutil.which('patch'):
            check_command_line(gpupt_xml, [p for p in names if p not in refused], names, lab)
    print(f'{len(names)} files, {len(refused)} refused, {failures} failures')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
