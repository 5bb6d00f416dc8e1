# SPDX-License-Identifier: Apache-2.0
"""certrotate.8 tells every option of every command, as --help does. BUILD ROOT"""

import re
import sys
from pathlib import Path

from common import output, report

program, root = Path(sys.argv[1], "certrotate"), Path(sys.argv[2])
page = (root / "deploy/man/certrotate.8").read_text()
sections = dict(re.findall(r"^\.Ss certrotate (\w+)\n(.*?)(?=^\.S[sh] )", page, re.M | re.S))
findings = []
for command in re.findall(r"^  (\w+) ", output(program, "--help"), re.M):
    if command not in sections:
        findings.append(f"certrotate.8: no section 'certrotate {command}'")
        continue
    text = output(program, command, "--help").split("Options:\n", 1)[1].split("\n\n", 1)[0]
    told = set(re.findall(r"^\.It .*?Fl Fl ([\w-]+)", sections[command], re.M)) | {"help"}
    asked = set(re.findall(r"^  (?:-\w, )?--([\w-]+)", text, re.M))
    findings += [f"certrotate.8: {command}: --{name} is missing" for name in sorted(asked - told)]
    findings += [f"certrotate.8: {command}: there is no --{name}" for name in sorted(told - asked)]
report(findings)
