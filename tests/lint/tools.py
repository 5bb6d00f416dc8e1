# SPDX-License-Identifier: Apache-2.0
"""Lints that other programs do: format (clang-format), man (mandoc), shell (shellcheck). KIND ROOT"""

import shutil
import subprocess
import sys
from pathlib import Path

from common import CODE, files, report

kind, root = sys.argv[1], Path(sys.argv[2])


def scripts():
    return [p for p in files(root) if p.suffix == ".sh" or p.read_bytes()[:32].split(b"\n")[0].rstrip() in
            (b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash")]


KINDS = {
    "format": ("clang-format-14", ["--dry-run", "-Werror"], lambda: files(root, ".c", ".h", below=(*CODE, "tests"))),
    "man": ("mandoc", ["-T", "lint", "-W", "warning"], lambda: files(root, ".1", ".5", ".8", below=("deploy",))),
    "shell": ("shellcheck", ["--severity=style", "--external-sources"], scripts),
}
program, options, choose = KINDS[kind]
if shutil.which(program) is None:
    report([f"{program} is not installed: apt-get install {program}"])
names = [str(p.relative_to(root)) for p in choose()]
if not names:
    print(f"nothing for {program} in {root}")
    sys.exit(77)  # ctest counts it as skipped
sys.exit(1 if subprocess.run([program, *options, *names], cwd=root, stdin=subprocess.DEVNULL).returncode else 0)
