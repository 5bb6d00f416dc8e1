# SPDX-License-Identifier: Apache-2.0
"""
No writable globals, static ones included, outside the three files that cannot do without. Tables of pointers in
.data.rel.ro are read-only after loading. BUILD ROOT
"""

import sys
from pathlib import Path

from common import objects, output, report

ALLOWED = {"agent/base/log.c", "agent/loop/watch_dir.c", "hooks/mssql_link.c"}

findings, seen = [], 0
for source, obj in objects(Path(sys.argv[1]), sys.argv[2]):
    seen += 1
    for line in output("objdump", "-t", obj).splitlines():
        fields = line.split()
        if "O" not in fields[1:4] and "*COM*" not in fields:
            continue
        section, name = fields[-3], fields[-1]
        if name.startswith(("__odr_asan", ".LASAN", "__")) or str(source) in ALLOWED:
            continue
        if section == "*COM*" or (section.startswith((".data", ".bss", ".tdata", ".tbss")) and
                                  not section.startswith(".data.rel.ro")):
            findings.append(f"{source}: {name} is writable ({section}): hand it from function to function instead")
report(findings if seen else ["no objects"])
