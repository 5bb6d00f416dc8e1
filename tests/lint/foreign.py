# SPDX-License-Identifier: Apache-2.0
"""Nothing in the tree that belongs elsewhere: keys and certificates, paths of somebody's machine. ROOT"""

import re
import sys
from pathlib import Path

from common import files, report

PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]*(?:PRIVATE KEY|CERTIFICATE))-----\s*(?:[\w-]+:[^\n]*\n)*\s*([A-Za-z0-9+/]{60})")
PATHS = re.compile(rb"(?<![\w.$}*~])/(?:home|Users|root|work|workspace)/[\w.-]+")

root, findings = Path(sys.argv[1]), []
for path in files(root):
    data, where = path.read_bytes(), path.relative_to(root)
    for pem in PEM.finditer(data):
        findings.append(f"{where}: holds a {pem[1].decode()}: tests make theirs at run time")
    for found in PATHS.finditer(data):
        findings.append(f"{where}: names {found[0].decode()}, a path of one machine")
report(findings)
