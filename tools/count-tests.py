#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts what meson test logged and says it in one line.

usage: count-tests.py [--coverage SUMMARY --minimum PERCENT] TESTLOG.json...

A log has one test per line. Every skipped test is named with its reason, every
failed one with its log. Coverage below the minimum counts as one failed test.
Exits 1 when something failed, or when there was nothing to count.
"""

import argparse
import collections
import json
import pathlib
import sys

PASSED = {"OK", "EXPECTEDFAIL"}


def read_tests(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def reason(test):
    """The last thing a skipped test said."""
    said = (test.get("stdout") or "") + (test.get("stderr") or "")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def count(path):
    """Returns how many tests of one log passed, failed and were skipped."""
    counts = collections.Counter()
    for test in read_tests(path):
        if test["result"] in PASSED:
            counts["passed"] += 1
        elif test["result"] == "SKIP":
            counts["skipped"] += 1
            print(f"skipped: {test['name']}: {reason(test)}")
        else:
            counts["failed"] += 1
            print(f"{test['result']}: {test['name']} (see {path.with_suffix('.txt')})")
    return counts


def count_coverage(path, minimum):
    with open(path, encoding="utf-8") as summary:
        percent = json.load(summary)["line_percent"]
    enough = percent >= minimum
    print(f"coverage of src/: {percent} % of lines, at least {minimum} % wanted"
          + ("" if enough else ": FAIL"))
    return collections.Counter(passed=int(enough), failed=int(not enough))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--coverage", type=pathlib.Path)
    parser.add_argument("--minimum", type=float, default=0)
    parser.add_argument("logs", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    total = collections.Counter()
    for log in options.logs:
        counts = count(log)
        print(f"{log.stem}: passed {counts['passed']}, failed {counts['failed']}, "
              f"skipped {counts['skipped']}")
        total += counts
    if options.coverage:
        total += count_coverage(options.coverage, options.minimum)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
