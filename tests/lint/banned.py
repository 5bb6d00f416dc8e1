# SPDX-License-Identifier: Apache-2.0
"""Calls that invite overflows, hidden state or a shell. ROOT"""

import re
import sys
from pathlib import Path

from common import CODE, bare, files, report

EVERYWHERE = ("strcpy stpcpy strcat sprintf vsprintf strncpy strtok gets atoi atol atof strtol strtoul strtoll "
              "strtoull strtod system popen tmpnam tempnam mktemp alloca signal rand srand random localtime gmtime ctime "
              "asctime setjmp longjmp").split()
# function: files that may call it; a folder ends in a slash
LIMITED = {
    "malloc": ["agent/base/"], "calloc": ["agent/base/"], "realloc": ["agent/base/"], "free": ["agent/base/"],
    "strdup": ["agent/base/"], "strndup": ["agent/base/"], "asprintf": ["agent/base/"],
    "getenv": ["agent/cli/terminal.c", "agent/kube/access.c", "agent/rotate/breakpoint.c"], "exit": ["agent/main.c"], "_exit": ["agent/main.c", "agent/loop/child.c"],
    "strtod_l": ["agent/base/"], "fork": [], "vfork": [], "goto": [],
}
CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(|\b(goto)\b")

root, findings = Path(sys.argv[1]), []
for path in files(root, ".c", ".h", below=CODE):
    where = str(path.relative_to(root))
    for number, line in enumerate(bare(path.read_text()).splitlines(), 1):
        for call in CALL.finditer(line):
            name = call[1] or call[2]
            limited = name in LIMITED and not any(where.startswith(a) for a in LIMITED[name])
            if limited or (name in EVERYWHERE and not where.startswith("agent/base/num.c")):
                findings.append(f"{where}:{number}: {name} is banned here")
report(findings)
