# SPDX-License-Identifier: Apache-2.0
"""Every source file names its licence in the first three lines. ROOT"""

import sys
from pathlib import Path

from common import files, report

WANTED = "SPDX-License-Identifier: Apache-2.0"
SOURCES = (".c", ".h", ".py", ".sh", ".cmake", "CMakeLists.txt", ".go", ".supp")

root, findings = Path(sys.argv[1]), []
for path in files(root):
    try:
        head = path.read_text().split("\n", 3)[:3]
    except UnicodeDecodeError:
        continue
    ours = path.suffix in SOURCES or path.name in SOURCES or head[0].startswith("#!")
    if ours and path.suffix != ".supp" and not any(WANTED in line for line in head):
        findings.append(f"{path.relative_to(root)}: no '{WANTED}' in its first three lines")
report(findings)
