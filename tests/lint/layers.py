# SPDX-License-Identifier: Apache-2.0
"""Includes point one way: base <- certs <- hooks <- agent, and each outside library has one folder. ROOT"""

import re
import sys
from pathlib import Path

from common import CODE, files, report

LAYERS = {
    "base": "base",
    "certs": "base certs",
    "hooks": "base certs hooks",
    "loop": "base loop",
    "config": "base certs hooks config",
    "serve": "base certs loop serve",
    "kube": "base certs hooks config loop kube",
    "rotate": "base certs hooks config loop serve kube rotate",
    "inject": "base certs hooks config loop serve kube inject",
    "control": "base certs hooks loop serve kube rotate inject control",
    "cli": "base certs hooks config loop serve kube rotate inject control cli",
    "main.c": "base cli",
}
LIBRARIES = {"event2/": "loop", "inotifytools/": "loop", "yaml.h": "config", "mysql.h": "hooks", "sybdb.h": "hooks", "cjson/": "base",
             "curl/": "hooks kube"}

root, findings = Path(sys.argv[1]), []
for path in files(root, ".c", ".h", below=CODE):
    parts = path.relative_to(root).parts
    folder = parts[1] if parts[0] == "agent" else parts[0]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        include = re.match(r'\s*#\s*include\s+([<"])([^">]+)', line)
        if not include:
            continue
        name, where = include[2], f"{path.relative_to(root)}:{number}"
        if include[1] == '"' and name.split("/")[0] not in LAYERS.get(folder, "").split():
            findings.append(f"{where}: {folder} may not include {name} (only {LAYERS.get(folder, 'nothing')})")
        for library, owners in LIBRARIES.items():
            if include[1] == "<" and name.startswith(library) and folder not in owners.split():
                findings.append(f"{where}: {name} belongs behind {owners}")
report(findings)
