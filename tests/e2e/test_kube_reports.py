# SPDX-License-Identifier: Apache-2.0
"""
What an agent tells the cluster of its rotations, read as a person reads it: by kubectl. Conditions in the OpsRequest
that the plan names, Events on the pod and the request, a report on the pod; all of it also after the API server was
away. When one fails, look at the reports' errors in the agent's status and at `kubectl get events -A`.
"""

import json
import signal

import pytest

from support.pod_stack import PodStack
from support.poll import wait_for

OPS = "ops.kubedb.com/v1alpha1"
REQUEST = "mariadbopsrequests/px-rotate"


@pytest.fixture
def stack(namespace, tmp_path, template, authority, tidy, rights, requests_defined):
    namespace.call("POST", "mariadbopsrequests", {
        "apiVersion": OPS, "kind": "MariaDBOpsRequest", "metadata": {"name": "px-rotate"},
        "spec": {"type": "ReconfigureTLS", "databaseRef": {"name": "px"}, "tls": {"rotateCertificates": True}}}, OPS)
    namespace.patch(REQUEST + "/status", {"status": {"phase": "Progressing", "observedGeneration": 1, "conditions": [
        {"type": "ReconfigureTLS", "reason": "ReconfigureTLS", "status": "True", "observedGeneration": 1,
         "lastTransitionTime": "2026-11-26T00:00:00Z", "message": "started"}]}}, OPS)
    return tidy(PodStack(tmp_path / "pod", template, authority, namespace, kube={"plan": "px-certrotate"},
                         **{"verify-limit": "3s"}))


def plan(namespace, **more):
    namespace.config_map("px-certrotate", **{"plan.json": json.dumps(
        {"request": "px-rotate", "kind": "MariaDBOpsRequest", "generation": 1, "turn": ["px-0"], **more})})


def conditions(namespace):
    return {c["type"]: c for c in namespace.get(REQUEST, OPS)["status"]["conditions"]}


def wait_condition(namespace, kind, status, tail):
    return wait_for(f"{kind} is {status}", lambda: conditions(namespace).get(kind, {}).get("status") == status and
                    conditions(namespace)[kind], 30, 0.1, tail)


def test_a_rotation_as_kubectl_shows_it(stack, namespace):
    stack.up()
    assert set(conditions(namespace)) == {"ReconfigureTLS"}  # nobody asked for the first one
    plan(namespace)
    stack.agent.wait_status("the plan is heard", lambda s: s["plan"])
    fresh = stack.authority.issue()
    stack.put(fresh)
    stack.wait_proven(fresh)
    wait_condition(namespace, "ReloadTLS--px-0", "True", stack.tail)
    wait_condition(namespace, "CheckServedCertificate--px-0", "True", stack.tail)
    found = conditions(namespace)
    for step, words in (("CheckCertificate", "check certificate"), ("PublishCertificate", "publish certificate"),
                        ("ReloadTLS", "reload TLS"), ("CheckServedCertificate", "check served certificate")):
        condition = found[f"{step}--px-0"]
        assert condition["message"] == f"{words}; ConditionStatus:True; PodName:px-0"
        assert condition["status"] == "True" and condition["observedGeneration"] == 1 and "reason" not in condition
    assert found["ReconfigureTLS"]["message"] == "started"
    assert namespace.get(REQUEST, OPS)["status"]["phase"] == "Progressing"
    # As a person looks at it.
    described = namespace.kubectl("describe", "mariadbopsrequest", "px-rotate")
    assert "CheckServedCertificate--px-0" in described

    def told():
        text = namespace.kubectl("describe", "pod", "px-0")
        return "RotationSucceeded" in text and fresh.fp[:16] in text
    wait_for("the Event is in kubectl describe pod", told, 30, 0.2, stack.tail)
    wait_for("and in that of the request", lambda: "RotationSucceeded" in namespace.kubectl(
        "describe", "mariadbopsrequest", "px-rotate"), 30, 0.2, stack.tail)

    def says_so():
        """The plan was done before, too."""
        seen = [stack.reported("bundles", 0, stage, "fingerprint") for stage in ("served", "published")]
        return stack.reported("plan", "done") and seen == [fresh.fp] * 2 and stack.report()
    report = wait_for("the report says so", says_so, 30, 0.2)
    assert report["via"] == "api" and report["error"] is None


def test_a_failure_says_where_and_why(stack, namespace, foreign):
    stack.up()
    good = stack.bundle
    plan(namespace)
    stack.agent.wait_status("the plan is heard", lambda s: s["plan"])
    # Refused before anything is touched.
    stack.put(stack.authority.issue(), key=foreign.issue().key)
    found = wait_condition(namespace, "CheckCertificate--px-0", "False", stack.tail)
    assert found["message"].startswith("check certificate; ConditionStatus:False; PodName:px-0; Error:key-mismatch")
    # Taken, and something else served: rolled back.
    stack.deceive(good)
    stack.put(stack.authority.issue())
    found = wait_condition(namespace, "CheckServedCertificate--px-0", "False", stack.tail)
    assert "PodName:px-0; Error:" in found["message"]
    wait_condition(namespace, "RollBackCertificate--px-0", "True", stack.tail)
    stack.deceive(None)
    wait_for("both are Events", lambda: {"BundleRefused", "RotationRolledBack"} <= {
        e["reason"] for e in namespace.events(type="Warning")}, 30, 0.2, stack.tail)
    for event in namespace.events():
        assert event["regarding"]["name"] in ("px-0", "px-rotate") and event["reportingController"] == "certrotate.io/agent"
        assert "PRIVATE KEY" not in json.dumps(event)
    wait_for("the report has the error", lambda: stack.reported("error") and
             stack.reported("lastRotation", "result") == "rolledBack", 30, 0.2, stack.tail)


def test_nothing_is_lost_while_the_server_is_away(stack, namespace):
    stack.agent.config["source"] = str(stack.volume.path)
    plan(namespace)
    stack.volume.publish(stack.authority.issue())
    stack.put(stack.authority.issue())
    stack.run()
    namespace.plane.server.stop()
    try:
        for _ in range(3):
            fresh = stack.authority.issue()
            stack.volume.publish(fresh)
            stack.wait_proven(fresh)
    finally:
        namespace.plane.up()
    report = wait_for("the report is the newest", lambda: stack.reported(
        "bundles", 0, "served", "fingerprint") == fresh.fp and stack.report(), 90, 0.2, stack.tail)
    assert report["via"] == "volume"
    wait_condition(namespace, "CheckServedCertificate--px-0", "True", stack.tail)
    wait_for("each rotation is an Event", lambda: len(namespace.events(reason="RotationSucceeded")) >= 4, 60, 0.2,
             lambda: json.dumps(namespace.events(), indent=1) + stack.tail())


def test_what_repeats_is_one_event(stack, namespace, foreign):
    stack.up()
    stack.put(stack.authority.issue(), key=foreign.issue().key)
    for _ in range(3):
        stack.wait_refused("key-mismatch")
        stack.agent.forget()
        stack.agent.signal(signal.SIGHUP)  # look again, also at what was refused
    refused = wait_for("a series", lambda: [e for e in namespace.events(reason="BundleRefused") if
                                            e.get("series", {}).get("count", 0) >= 2], 30, 0.2,
                       lambda: json.dumps(namespace.events(), indent=1))
    assert len(refused) == 1
