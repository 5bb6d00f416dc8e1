# SPDX-License-Identifier: Apache-2.0
"""The commands of a README, run as they stand."""

import re
import subprocess

from .agent import ROOT
from .helm import environment
from .poll import STRETCH


def commands(readme, heading=None):
    """[(heading, command)] of the indented lines, a continued line joined; of one heading the commands alone."""
    under, found = "", []
    text = re.sub(r"^```.*?^```", "", readme.read_text(), flags=re.M | re.S)
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if line.startswith("#"):
            under = line.lstrip("# ")
        elif line.startswith("    "):
            found.append((under, line.strip()))
    if heading is None:
        return found
    alone = [command for under, command in found if under == heading]
    assert alone, f"{readme} has no commands under {heading}"
    return alone


def blocks(readme):
    """Its examples of YAML."""
    return re.findall(r"^```yaml\n(.*?)^```", readme.read_text(), re.M | re.S)


def shell(plane, folder, command, cwd=ROOT):
    """kubectl, helm and what folder/bin has are at hand; HOME is folder."""
    known = environment(folder, KUBECONFIG=str(plane.admin))
    known["PATH"] = f"{folder}/bin:{known['PATH']}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=cwd, stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=600 * STRETCH, env=known)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout
