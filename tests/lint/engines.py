# SPDX-License-Identifier: Apache-2.0
"""Every driver has a row in README.md, whose tests exist, and an entry in certrotate.conf(5). ROOT"""

import re
import sys
from pathlib import Path

from common import report

root, findings = Path(sys.argv[1]), []
readme = (root / "README.md").read_text()
man = (root / "deploy/man/certrotate.conf.5").read_text()
section = re.search(r"^\.Sh ENGINES$(.*?)^\.Sh ", man, re.M | re.S)
names = re.findall(r"extern const struct hook (\w+)_hook;", (root / "hooks/drivers.h").read_text())
drivers = [name.replace("_", "-") for name in names]
for driver in drivers:
    row = re.search(rf"^\| `{driver}`.*$", readme, re.M)
    tests = re.findall(r"`(test_\w+\.py)`", row[0].rsplit("|", 2)[1]) if row else []
    if not tests:
        findings.append(f"README.md: the table of engines has no row for {driver} that ends in its tests")
    findings += [f"README.md: {driver}: there is no tests/e2e/{test}" for test in tests
                 if not (root / "tests/e2e" / test).exists()]
    if not section or f".It Cm {driver}\n" not in section[1]:
        findings.append(f"deploy/man/certrotate.conf.5: ENGINES has no entry for {driver}")
report(findings)
