# SPDX-License-Identifier: Apache-2.0
"""
Agents that have no right to restart their database: where that is needed the controller evicts the pod, in its turn and
no other, when the PodDisruptionBudgets allow it. Pods that come again are played by support/successor.py; the budgets
are real, and so is who counts what they allow (kube-controller-manager).
"""

import pytest

from support.flows import issuer_ref
from support.kube_api import MERGE
from support.namespace import Namespace
from support.poll import stays, wait_for
from support.stage import staged
from support.successor import MortalFleet

POLICY = "policy/v1"


@pytest.fixture(scope="module")
def stage(cluster, tmp_path_factory, template, requests_defined):
    cluster.run_manager()
    namespace = Namespace(cluster, "control-evict")
    fleet = MortalFleet(namespace, tmp_path_factory.mktemp("evict"), template, has_files=True)
    namespace.call("POST", "poddisruptionbudgets", {
        "apiVersion": POLICY, "kind": "PodDisruptionBudget", "metadata": {"name": "px-budget"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app.kubernetes.io/instance": "px"}}}}, POLICY)
    with staged(fleet, ["issuer"]) as flows:
        yield flows


def budget(flows, least):
    """minAvailable; returns when it counts."""
    flows.namespace.call("PATCH", "poddisruptionbudgets/px-budget", {"spec": {"minAvailable": least}}, POLICY, MERGE)
    last = {}

    def counted():
        last.update(flows.namespace.get("poddisruptionbudgets/px-budget", POLICY))
        status = last.get("status", {})
        return status.get("observedGeneration") == last["metadata"]["generation"] and \
            status.get("disruptionsAllowed") == len(flows.fleet.pods) - least
    wait_for("the budget counts", counted, 60, 0.1, lambda: str(last))


def uids(flows):
    return [pod.uid() for pod in flows.fleet.pods]


def all_are_evicted(flows, before, conditions):
    for pod, was, now in zip(flows.fleet.pods, before, uids(flows)):
        assert now != was, f"{pod.name} is the one of before"
        for word in ("EvictPod", "CheckPodReady"):
            assert conditions[f"{word}--{pod.name}"]["status"] == "True", conditions
            assert conditions[f"{word}--{pod.name}"]["message"].endswith(f"ConditionStatus:True; PodName:{pod.name}")


@pytest.fixture
def flows(stage):
    budget(stage, 2)
    return stage


def test_one_after_the_other(flows):
    before = uids(flows)
    conditions = flows.succeed("add", issuerRef=issuer_ref("issuer"))
    flows.serve_the_secret()
    all_are_evicted(flows, before, conditions)


def test_nobody_who_can_be_served_otherwise(flows):
    flows.with_tls()
    before, served = uids(flows), flows.fleet.secret_fp()
    conditions = flows.succeed("rotate", rotateCertificates=True)
    assert flows.serve_the_secret().fingerprint != served
    assert uids(flows) == before and not [word for word in conditions if word.startswith("EvictPod")]


def test_a_budget_that_never_allows_it(flows):
    flows.with_tls()
    budget(flows, 3)
    before, picture = uids(flows), flows.picture()
    flows.fail("remove", ["Timeout: PodDisruptionBudget does not allow", "px-0", "px-budget"], "8s", remove=True)
    assert uids(flows) == before
    flows.same_as(picture)


def test_a_budget_is_waited_for(flows):
    flows.with_tls()
    budget(flows, 3)
    before = uids(flows)
    name = flows.ask("remove", "60s", remove=True)
    wait_for("it is refused", lambda: any("PodDisruptionBudget" in line for line in flows.controller.raw), 60, 0.1,
             lambda: flows.fleet.explain(name))
    stays("nobody is evicted", lambda: uids(flows) == before, 1)
    budget(flows, 2)
    conditions = flows.wait_success(name)
    flows.fleet.assert_plain()
    all_are_evicted(flows, before, conditions)


def test_a_configuration(flows):
    before = uids(flows)
    conditions = flows.wait_success(flows.reconfigure("apply", applyConfig={"px.cnf": "[mysqld]\nmax_connections = 77\n"}))
    assert [pod.db.sql("SELECT @@GLOBAL.max_connections") for pod in flows.fleet.pods] == [[["77"]]] * 3
    all_are_evicted(flows, before, conditions)


def test_one_that_does_not_come_again(flows):
    """The others are as they were; when it comes at last, it is too."""
    flows.with_tls()
    before, first = flows.picture(), flows.fleet.pods[0]
    flows.fleet.makes_anew = False
    try:
        flows.fail("remove", ["px-0", "has gone in its turn"], "15s", away=[first], remove=True)
        assert first.uid() is None
    finally:
        flows.fleet.makes_anew = True
    wait_for("all serve what was served", lambda: flows.fleet.served() == before["served"], 60, 0.5, flows.fleet.explain)
    flows.same_as(before)
