# SPDX-License-Identifier: Apache-2.0
"""Helm, built by tests/stages/install.sh, on the chart of deploy/; objects as JSON, by way of kubectl."""

import os
import subprocess

from .agent import ROOT
from .kube import BIN, CACHE
from .poll import STRETCH
from .webhook import documents

HELM = CACHE / "helm-3.18.6/bin/helm"
OPERATOR = CACHE / "prometheus-operator-0.84.0"
CHART = ROOT / "deploy/chart/certrotate"
HOME = "certrotate"


def missing():
    if not os.access(HELM, os.X_OK) or not OPERATOR.is_dir():
        return "Helm could not be built from its Go module (./tests/run --only e2e says why)"
    return None


def environment(folder, **more):
    """Of a shell in which the commands of a README are at home."""
    return {**os.environ, "HOME": str(folder), "PATH": f"{BIN}:{HELM.parent}:{os.environ['PATH']}", **more}


def helm(folder, *words, check=True, **more):
    """Its output; with check=False (exit code, output and complaints)."""
    done = subprocess.run([str(HELM), *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120 * STRETCH, env=environment(folder, **more))
    if not check:
        return done.returncode, done.stdout + done.stderr
    assert done.returncode == 0, f"helm {' '.join(map(str, words))}: {done.stdout}{done.stderr}"
    return done.stdout


def objects(plane, text):
    """{(kind, namespace, name): object} of a stream of YAML, as they stand in it."""
    found = documents(plane.kubectl("create", "--dry-run=client", "--validate=ignore", "-o", "json", "-f", "-",
                                    stdin=text))
    keyed = {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]): o for o in found}
    assert len(keyed) == len(found), "two objects with one name"
    return keyed


def template(folder, *words):
    return helm(folder, "template", "certrotate", CHART, "--namespace", HOME, "--kube-version", "1.33.13", *words)
