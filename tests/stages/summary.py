# SPDX-License-Identifier: Apache-2.0
"""Adds up the reports of a run: JUnit files of ctest and pytest, and the list of single checks: FOLDER
--failed REPORT: the tests of pytest that failed, as pytest takes them; none when they are too many for a second try.

Of at most five tests that failed, the second try counts (NAME-again.xml beside NAME.xml), and is told; where more fail
the fault is no chance, and nothing is forgiven.
"""

import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def verdict(case):
    """ctest writes a test whose program is missing as skipped: only one that says so itself (77) is."""
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return "failed"
    skipped = case.find("skipped")
    if skipped is not None:
        ctest = case.get("status") == "notrun"
        return "failed" if ctest and "SKIP_" not in (skipped.get("message") or "") else "skipped"
    return "passed"


def name_of(case):
    """ctest's name, or pytest's with its file; without the group of pytest-xdist that stands behind it."""
    name = re.sub(r"@\w+$", "", case.get("name"))
    place = case.get("classname") or name
    return name if place == name else f"{place.rpartition('.')[2]}.py::{name}"


def cases(path):
    if path.suffix != ".xml":
        for line in path.read_text().splitlines():
            result, name = line.split(" ", 1)
            yield result, name
        return
    try:
        tree = xml.parse(path)
    except xml.ParseError as e:
        yield "failed", f"{path.stem}: unreadable report: {e}"
        return
    found = list(tree.iter("testcase"))
    if not found:
        yield "failed", f"{path.stem}: no tests were found"
    for case in found:
        yield verdict(case), f"{path.stem}: {name_of(case)}"


AGAIN = "-again"
FORGIVEN_MAX = 5


def tried_again(path, found):
    """Those that passed in a second try, where there was one and few enough had failed."""
    report = path.with_name(path.stem + AGAIN + path.suffix)
    failed = [name for result, name in found if result == "failed"]
    if not report.exists() or len(failed) > FORGIVEN_MAX:
        return set()
    passed = {name.removeprefix(report.stem) for result, name in cases(report) if result == "passed"}
    return {name for name in failed if name.removeprefix(path.stem) in passed}


def failed(report):
    """The report has its folder's name."""
    found = [f"tests/{report.stem}/{name_of(case)}" for case in xml.parse(report).iter("testcase") if verdict(case) == "failed"]
    return found if len(found) <= FORGIVEN_MAX else []


if sys.argv[1] == "--failed":
    print("".join(f"{test}\n" for test in failed(Path(sys.argv[2]))), end="")
    sys.exit(0)
counts = {"passed": 0, "failed": 0, "skipped": 0}
for report in sorted(Path(sys.argv[1]).iterdir()):
    if report.stem.endswith(AGAIN):
        continue
    found = list(cases(report))
    second = tried_again(report, found)
    for result, name in found:
        if name in second:
            print(f"passed only when tried again: {name}")
            result = "passed"
        counts[result] += 1
        if result != "passed":
            print(f"{result}: {name}")
print(", ".join(f"{n} {word}" for word, n in counts.items()))
sys.exit(1 if counts["failed"] or not counts["passed"] else 0)
