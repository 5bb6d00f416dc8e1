# SPDX-License-Identifier: Apache-2.0
"""
Beside KubeDB's definitions nothing refuses a wrong request: the controller has to, by the same rules as deploy/crds. No
server here but for the samples; the rules are those of the tests of the definitions.
"""

import json
import subprocess
from pathlib import Path

import pytest

from support.agent import BINARY
from support.opsrequests import GROUP, KINDS, SAMPLES, configuration, tls
from test_crds_random import Maker, blames
from test_crds_refused import WRONG

DRIVER = Path(BINARY).parent / "drive_request"
OURS = ("ReconfigureTLS", "Reconfigure")


def request(kind, spec):
    return {"apiVersion": GROUP, "kind": KINDS[kind].kind, "metadata": {"name": "it", "namespace": "demo"}, "spec": spec}


def read(*requests):
    """What the controller makes of each."""
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in requests)
    done = subprocess.run([DRIVER], input=lines, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(requests)
    return answers


def field(sentence):
    """The field in front of it, the way the API server names fields of maps."""
    return sentence.split(": ")[0]


def is_within(one, fields):
    """The controller may point at a place below the one that a rule stands at."""
    return any(one == other or one.startswith((other + ".", other + "[")) or
               other.startswith(one + ".") and other.endswith(".cnf") for other in fields)


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong(number):
    kind, spec, *said = WRONG[number]
    answer, = read(request(kind, spec))
    if spec.get("type") not in OURS:
        assert answer == {"operation": "other", "wrong": None}
        return
    assert answer["wrong"] is not None and is_within(field(answer["wrong"]), [field(line) for line in said]), answer


def is_stricter(spec, wrong):
    """What only the controller knows: where agents look, and what it cannot do."""
    return field(wrong).endswith(".secretName") or field(wrong) == "spec.tls.sentinel" and "sentinel" in spec["tls"]


@pytest.mark.parametrize("kind", KINDS)
def test_random(kind):
    maker, right = Maker(f"{kind} 2"), 0
    specs = [maker.spec(kind) for _ in range(3000)]
    for spec, answer in zip(specs, read(*(request(kind, spec) for spec in specs))):
        blamed, wrong = blames(kind, spec).all(), answer["wrong"]
        if answer["operation"] == "other":
            assert wrong is None and (spec["type"] not in OURS or {"tuning", "auth"} & set(spec["configuration"]))
        elif wrong is None:
            assert not blamed, spec
            right += 1
        else:
            assert is_within(field(wrong), blamed) or is_stricter(spec, wrong), (spec, answer)
    assert 200 < right < 2700, f"{right} were right: this proves little"


def test_the_rules_of_the_controller_alone():
    asked = [("postgres", configuration(tuning={"profile": "web"}), "other", None),
             ("redis", tls(rotateCertificates=True, sentinel={"ref": {"name": "x"}}), "rotate", "spec.tls.sentinel"),
             ("mysql", tls(certificates=[{"alias": "server", "secretName": "mine"}]), "change",
              "spec.tls.certificates[0].secretName"),
             ("mysql", tls(certificates=[{"alias": "server", "secretName": "orders-server-cert"}]), "change", None),
             ("mysql", tls(certificates=[{"alias": "client", "secretName": "orders-router-cert"}]), "change",
              "spec.tls.certificates[0].secretName")]
    answers = read(*(request(kind, spec) for kind, spec, *_ in asked))
    for (_, _, operation, place), answer in zip(asked, answers):
        assert answer["operation"] == operation
        assert (answer["wrong"] and field(answer["wrong"])) == place


def test_samples(cluster, namespace):
    """As the API server stores and lists them; another test may have taken definitions away."""
    cluster.define_requests()
    namespace.kubectl("apply", "-R", "-f", SAMPLES)
    kinds = ",".join(KINDS[folder.name].plural for folder in SAMPLES.iterdir() if folder.is_dir())
    made = json.loads(namespace.kubectl("get", kinds, "-o", "json"))["items"]
    assert len(made) == len(list(SAMPLES.glob("*/*.yaml"))) >= 33
    for sample, answer in zip(made, read(*made)):
        assert answer["wrong"] is None and answer["operation"] != "other", sample
