# SPDX-License-Identifier: Apache-2.0
"""The definitions in deploy/crds are what their script writes. ROOT"""

import sys
from pathlib import Path

from common import report

crds, findings = Path(sys.argv[1]) / "deploy/crds", []
sys.path.insert(0, str(crds))
import make  # noqa: E402  (it is found only now)

wanted = make.texts()
for name, text in wanted.items():
    file = crds / name
    if not file.exists() or file.read_text() != text:
        findings.append(f"deploy/crds/{name}: is not what make.py writes: run it")
findings += [f"deploy/crds/{file.name}: make.py does not write it" for file in sorted(crds.glob("*.yaml"))
             if file.name not in wanted]
report(findings)
