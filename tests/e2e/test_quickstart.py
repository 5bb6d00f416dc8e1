# SPDX-License-Identifier: Apache-2.0
"""The README's first command: every claim it makes is seen, on the program that users get."""

import json
import os
import subprocess

from support.agent import RELEASE, ROOT


def test_every_claim_is_seen():
    done = subprocess.run(["/usr/bin/python3", "-B", str(ROOT / "deploy/quickstart.py"), "--json"], text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=300,
                          env=dict(os.environ, CERTROTATE=RELEASE))
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["ok"] and len(told["claims"]) >= 13 and all(c["seen"] for c in told["claims"]), told
    assert told["connections"]["failed"] == 0 and told["connections"]["made"] > 50, told
    assert len(told["swapToServedMs"]) == 5, told


def test_unknown_option_is_refused():
    done = subprocess.run([str(ROOT / "deploy/quickstart"), "--bogus"], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 2 and "--bogus" in done.stderr, done
