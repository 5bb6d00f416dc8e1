# SPDX-License-Identifier: Apache-2.0
"""One bundle (leaf and intermediate) judged: ours against Go's crypto/tls and crypto/x509, on the same files."""

import json

from .programs import run as call

RUNS = 1000
# What validate.c calls it: what it is called here
STEPS = {"leaf_key_match_us": "pair", "snapshot_read_us": "read", "bundle_load_us": "load",
         "bundle_load_with_previous_us": "load, authorities known", "chain_verify_us": "verify",
         "read_load_verify_with_previous_us": "all, authorities known"}


def ours(material, program):
    for sample in material.samples:
        said = json.loads(call([program, sample, RUNS], material.bundles, "bench_validate"))
        steps = {STEPS[name]: us for name, us in said.items() if name in STEPS}
        steps["all"] = steps["read"] + steps["load"] + steps["verify"]
        for step, us in steps.items():
            yield {"by": "certrotate", "bundle": sample.name, "step": step, "p50_us": us}


def go(material, program):
    for line in call([program, RUNS, *material.samples], material.bundles, "govalidate").splitlines():
        yield {"by": "go", **json.loads(line)}


def run(material, built, say):
    rows = []
    for program, measure in (("validate", ours), ("govalidate", go)):
        if program in built.path:
            say(f"validation: {program}")
            rows += measure(material, built.path[program])
    return rows
