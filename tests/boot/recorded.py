#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds predictions against boots that happened: recorded.py PREDICT FILE.jsonl...

Each line is what --record wrote: a guest, its functions, and the address at which
the guest's kernel showed each BAR.
"""

import json
import subprocess
import sys


def differences(predict, boot):
    question = {"guest": boot["guest"], "functions": boot.get("functions", [])}
    done = subprocess.run([predict], input=json.dumps(question), capture_output=True,
                          text=True, check=True)
    answer = json.loads(done.stdout)
    if (answer["outcome"] == "refused") != boot.get("refused", False):
        return [f"outcome {answer['outcome']}"]
    lines = []
    for number, function in enumerate(question["functions"]):
        for bar, predicted in zip(function["bars"], answer["functions"][number]):
            if bar.get("io") or bar["index"] == 6 or bar["address"] == predicted["address"]:
                continue
            lines.append(f"function {number} BAR {bar['index']}: predicted "
                         f"{predicted['address']:#x}, booted {bar['address']:#x}")
    return lines


def main():
    boots = wrong = 0
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            for text in file:
                boot = json.loads(text)
                lines = differences(sys.argv[1], boot)
                boots += 1
                wrong += bool(lines)
                if lines:
                    print(boot["name"], *lines, sep="\n  ")
    print(f"{boots - wrong} of {boots} recorded boots agree in every address")
    return 1 if wrong or not boots else 0


if __name__ == "__main__":
    sys.exit(main())
