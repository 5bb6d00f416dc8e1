# SPDX-License-Identifier: Apache-2.0
"""Every lint is seen red: a copy of nothing but one good file each, then one planted violation. ROOT"""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE, SPDX = Path(__file__).parent, "// SPDX-License-Identifier: Apache-2.0\n"
GOOD = {"certs/pem.c": SPDX + '#include "certs/pem.h"\n\nint pem_parse(void)\n{\n        return 0;\n}\n',
        "certs/pem.h": SPDX + "#pragma once\nint pem_parse(void);\n", "hooks/drivers.h": SPDX + "#pragma once\n", "run": "#!/bin/sh\n# SPDX-License-Identifier: "
        "Apache-2.0\necho fine\n", "README.md": "# A\n[pem](certs/pem.c) [a](#a)\n",
        "deploy/crds/a.yaml": "a: 1\n", "deploy/crds/make.py": SPDX.replace("//", "#") +
        "def texts():\n    return {'a.yaml': 'a: 1\\n'}\n",
        "deploy/man/x.8": '.Dd January 1, 2026\n.Dt X 8\n.Os\n.Sh NAME\n.Nm x\n.Nd a thing\n',
        "deploy/man/certrotate.conf.5": '.Dd January 1, 2026\n.Dt CERTROTATE.CONF 5\n.Os\n.Sh NAME\n.Nm certrotate.conf\n'
        '.Nd a thing\n'}
PEM = "-----BEGIN PRIVATE " + "KEY-----\n" + "M" * 64 + "\n"
LONG = "int pem_long(void)\n{\n" + "        pem_parse();\n" * 60 + "        return 0;\n}\n"
# lint, arguments, file, text put behind it
PLANTS = [
    ("layers.py", ["ROOT"], "certs/pem.c", '#include "loop/loop.h"\n'),
    ("layers.py", ["ROOT"], "certs/pem.c", "#include <event2/event.h>\n"),
    ("length.py", ["ROOT"], "certs/pem.c", LONG), ("length.py", ["ROOT"], "certs/pem.c", "\n" * 400),
    ("length.py", ["ROOT"], "certs/pem.h", "\n" * 160), ("banned.py", ["ROOT"], "certs/pem.c", "int x(void) { exit(1); }"),
    ("banned.py", ["ROOT"], "certs/pem.c", "void x(char *a) { (void)strcpy (a, a); }"),
    ("licence.py", ["ROOT"], "certs/new.c", "int x;\n"), ("foreign.py", ["ROOT"], "notes", PEM),
    ("foreign.py", ["ROOT"], "notes", "see /ho" + "me/someone/x\n"), ("links.py", ["ROOT"], "README.md", "[x](nowhere.md)\n"),
    ("links.py", ["ROOT"], "README.md", "[x](#nothing)\n"), ("tools.py", ["format", "ROOT"], "certs/pem.c", "int  x ;\n"),
    ("tools.py", ["man", "ROOT"], "deploy/man/x.8", ".Bogus\n"), ("tools.py", ["shell", "ROOT"], "run", "rm $1/x\n"),
    ("prefixes.py", ["BUILD", "ROOT"], "certs/pem.c", "int stray(void)\n{\n        return 1;\n}\n"),
    ("globals.py", ["BUILD", "ROOT"], "certs/pem.c", "int pem_next(void)\n{\n        static int n;\n        return n++;\n}\n"),
    ("globals.py", ["BUILD", "ROOT"], "certs/pem.c", "int pem_count = 3;\n"),
    ("crds.py", ["ROOT"], "deploy/crds/a.yaml", "b: 2\n"), ("crds.py", ["ROOT"], "deploy/crds/b.yaml", "b: 2\n"),
    ("engines.py", ["ROOT"], "hooks/drivers.h", "extern const struct hook new_hook;\n"),
]


def verdict(lint, arguments, plant=None):
    with tempfile.TemporaryDirectory() as folder:
        root, build = Path(folder), Path(folder) / "build"
        for name, text in {**GOOD, ".clang-format": Path(sys.argv[1], ".clang-format").read_text()}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        if plant:
            (root / plant[0]).write_text(((root / plant[0]).read_text() if (root / plant[0]).exists() else "") + plant[1])
        if "BUILD" in arguments:
            (build / "certs/CMakeFiles/certs.dir").mkdir(parents=True)
            subprocess.run(["cc", "-c", "-fPIC", "-I", root, root / "certs/pem.c", "-o",
                            build / "certs/CMakeFiles/certs.dir/pem.c.o"], check=True)
        words = [{"ROOT": str(root), "BUILD": str(build)}.get(a, a) for a in arguments]
        return subprocess.run([sys.executable, "-B", HERE / lint, *words], capture_output=True, text=True)


bad = 0
for lint, arguments, *plant in PLANTS:
    green, red = verdict(lint, arguments), verdict(lint, arguments, plant)
    said = red.stdout + red.stderr
    if green.returncode != 0 or red.returncode != 1 or not said.strip() or "Traceback" in said + green.stderr:
        print(f"{lint} {arguments[0]}: {plant[1][:40]!r} on top of good files gave {green.returncode}, {red.returncode}: "
              f"{green.stdout}{green.stderr}{said}")
        bad += 1
print(f"{len(PLANTS) - bad} of {len(PLANTS)} planted violations were found")
sys.exit(1 if bad else 0)
