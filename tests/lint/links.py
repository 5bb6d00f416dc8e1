# SPDX-License-Identifier: Apache-2.0
"""Relative links of Markdown files lead somewhere. ROOT"""

import re
import sys
from pathlib import Path
from urllib.parse import unquote

from common import files, report

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]:\s*(\S+)", re.M)


def anchors(path):
    heads = re.findall(r"^#+\s+(.*)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in heads}


root, findings = Path(sys.argv[1]), []
for path in files(root, ".md"):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(), flags=re.S)
    for link in LINK.finditer(text):
        target = unquote(link[1] or link[2])
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        to = (path.parent / name) if name else path
        if not to.exists():
            findings.append(f"{path.relative_to(root)}: {target} leads nowhere")
        elif anchor and to.suffix == ".md" and anchor not in anchors(to):
            findings.append(f"{path.relative_to(root)}: {target}: no such heading")
report(findings)
