# SPDX-License-Identifier: Apache-2.0
"""One bundle (leaf and intermediate) judged: ours against Go's crypto/tls and crypto/x509, on the same files."""

import json

from .programs import run as call

RUNS = 2000
PROGRAMS = {"certrotate": "validate", "go": "govalidate"}


def run(material, built, say):
    rows = []
    for name, program in PROGRAMS.items():
        if program not in built.path:
            continue
        say(f"validation: {name}")
        said = call([built.path[program], RUNS, *material.samples], material.bundles, program)
        rows += [{"by": name, **json.loads(line)} for line in said.splitlines()]
    return rows
