# SPDX-License-Identifier: Apache-2.0
"""What the lints share: the files of a tree, C code without comments and texts, objects of a build."""

import re
import subprocess
import sys
from pathlib import Path

CODE = ("agent", "certs", "hooks")
NOT_OURS = {".git", "build", "__pycache__", "node_modules", "new"}


def files(root, *suffixes, below=(".",)):
    found = [p for top in below for p in Path(root, top).rglob("*") if p.is_file() and not p.is_symlink()]
    inside = [p for p in found if not NOT_OURS & set(p.relative_to(root).parts)]
    return sorted(p for p in inside if not suffixes or p.suffix in suffixes or p.name in suffixes)


def bare(text):
    """C with comments, texts and characters blanked; line numbers stay."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def objects(build, root):
    """(source path below the root, object) of the product; main.c exports its table and main."""
    for obj in sorted(Path(build).rglob("*.c.o")):
        where, _, rest = str(obj.relative_to(build)).partition("/CMakeFiles/")
        source = Path(where) / rest.split("/", 1)[1][:-2] if rest else None
        if source and source.parts[0] in CODE and source.name != "main.c" and (Path(root) / source).exists():
            yield source, obj


def output(*command):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout


def report(findings):
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)
