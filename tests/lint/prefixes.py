# SPDX-License-Identifier: Apache-2.0
"""
Exported symbols start with the noun of their file or folder: pem.c -> pem_*, kinds.c -> kind_*, hooks/ ->
hook_*. Tables and other objects may have any name that a header of the folder declares. BUILD ROOT
"""

import re
import sys
from pathlib import Path

from common import bare, objects, output, report

build, root = Path(sys.argv[1]), Path(sys.argv[2])


def nouns(source):
    stem, folder = source.stem, source.parent.name
    words = stem.split("_")
    return {"_".join(words[:n + 1]) for n in range(len(words))} | {stem.rstrip("s"), folder, folder.rstrip("s")}


def declared_tables(source):
    headers = (root / source.parent).glob("*.h")
    return {name for h in headers for name in re.findall(r"\bextern const [^;(]*?\b(\w+)(?:\[\])?;", bare(h.read_text()))}


findings, seen = [], 0
for source, obj in objects(build, root):
    for line in output("nm", "-g", "--defined-only", obj).splitlines():
        kind, name = line.split()[1:3]
        seen += 1
        if name.startswith("__") or any(name == n or name.startswith(n + "_") for n in nouns(source)):
            continue
        if kind not in "Tt" and name in declared_tables(source):
            continue
        findings.append(f"{source}: exports {name}, which starts with none of {', '.join(sorted(nouns(source)))}")
report(findings if seen else ["no objects below " + str(build)])
