# SPDX-License-Identifier: Apache-2.0
"""Files and functions that a person can read at once. ROOT"""

import re
import sys
from pathlib import Path

from common import CODE, files, report

FILE_MAX, HEADER_MAX, FUNCTION_MAX = 400, 160, 60

root, findings = Path(sys.argv[1]), []
for path in files(root, ".c", ".h", below=(*CODE, "tests")):
    lines, where, start, name = path.read_text().splitlines(), path.relative_to(root), None, ""
    limit = HEADER_MAX if path.suffix == ".h" else FILE_MAX
    if len(lines) > limit:
        findings.append(f"{where}: {len(lines)} lines, at most {limit}")
    for number, line in enumerate(lines, 1):
        if re.match(r"[a-z].*\w\s*\(", line):
            name = re.search(r"(\w+)\s*\(", line)[1]
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start + 1 > FUNCTION_MAX:
                findings.append(f"{where}:{start}: {name}() has {number - start + 1} lines, at most {FUNCTION_MAX}")
            start = None
report(findings)
