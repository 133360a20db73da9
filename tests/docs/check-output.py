#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the commands that the texts show, and compares what they print.

usage: check-output.py [--update] PROGRAM SOURCE_DIR TEXT...

In a block between lines of ``` (README.md: ```console) that begins with
"$ " and has gpupt-xml in its first line, such lines are run in SOURCE_DIR by a shell;
what follows has to be what they print. --update rewrites the texts.
"""

import argparse
import difflib
import os
import pathlib
import re
import subprocess
import sys

BLOCK = re.compile(r"^```(?:console)?\n(\$ [^\n]*gpupt-xml .*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*(?:\\\n.*)*)\n", re.MULTILINE)


def run(command, program, source):
    environment = dict(os.environ, LC_ALL="C.UTF-8", PWD=source, NO_COLOR="1",
                       PATH=f"{os.path.dirname(program)}:{os.environ['PATH']}")
    done = subprocess.run(["/bin/sh", "-c", command], cwd=source, env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", check=False, timeout=60)
    return done.stdout


def replay(match, program, source):
    return "".join(f"$ {command}\n" + run(command, program, source)
                   for command in COMMAND.findall(match[1]))


def check(path, options):
    """Returns whether the text at path shows what is really printed."""
    text = path.read_text(encoding="utf-8")
    blocks = len(BLOCK.findall(text))

    def with_real_output(match):
        fence, rest = match[0].split("\n", maxsplit=1)
        assert rest
        return f"{fence}\n{replay(match, options.program, options.source)}```"

    real = BLOCK.sub(with_real_output, text)
    print(f"{path.name}: {blocks} blocks")
    if real == text:
        return blocks > 0
    if options.update:
        path.write_text(real, encoding="utf-8")
        return True
    sys.stdout.writelines(difflib.unified_diff(
        text.splitlines(keepends=True), real.splitlines(keepends=True),
        f"{path.name} as it is", f"{path.name} as the program prints it"))
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--update", action="store_true")
    parser.add_argument("program", type=os.path.abspath)
    parser.add_argument("source", type=os.path.abspath)
    parser.add_argument("texts", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    results = [check(path, options) for path in options.texts]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
