# SPDX-License-Identifier: Apache-2.0
"""
Reports to a real API server, by the program drive_report:
an annotation, conditions and Events, as kubectl shows them, through faults, and after the server was away.
"""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from support.agent import BINARY, REPORT, environment
from support.api_proxy import ApiProxy
from support.poll import STRETCH, end_with_parent, tail, wait_for

DRIVER = os.environ.get("DRIVE_REPORT", str(Path(BINARY).parent / "drive_report"))
OPS, AT = "ops.kubedb.com/v1alpha1", 1795600800  # 2026-11-25T10:00:00Z
KIND, NAME = "MySQLOpsRequest", "my-rotate"
CRD = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
       "metadata": {"name": "mysqlopsrequests.ops.kubedb.com"},
       "spec": {"group": "ops.kubedb.com", "scope": "Namespaced", "names": {"kind": KIND, "plural": "mysqlopsrequests"},
                "versions": [{"name": "v1alpha1", "served": True, "storage": True, "subresources": {"status": {}},
                              "schema": {"openAPIV3Schema": {
                                  "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}


class Reporter:
    def __init__(self, folder, kubeconfig, namespace, pod, uid=None):
        self.log = Path(folder) / f"report-{pod}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([DRIVER, str(kubeconfig), namespace, pod, *([uid] if uid else [])], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log, text=True,
                                            preexec_fn=end_with_parent, env=environment())

    def __call__(self, *words):
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, tail(self.log)
        return json.loads(line)

    def condition(self, step, message="…", status="True", at=AT, pod="px-0"):
        return self("condition", KIND, NAME, f"{step}--{pod}", status, message, at)

    def event(self, note, kind="Normal", reason="RotationSucceeded", at=AT, about=()):
        return self("event", kind, reason, note, at, *about)

    def arrived(self, deadline=60):
        return wait_for("all has arrived", lambda: (s := self("state"))["idle"] and s, deadline, 0.1,
                        lambda: json.dumps(self("state")) + tail(self.log))

    def cleanup(self):
        if self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(20 * STRETCH) == 0, tail(self.log)
        assert not REPORT.search(self.log.read_text()), tail(self.log)


@pytest.fixture(scope="module")
def crd(cluster):
    cluster.up()
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(CRD))
    cluster.kubectl("wait", "--for=condition=Established", "crd/mysqlopsrequests.ops.kubedb.com", "--timeout=60s")
    yield
    cluster.kubectl("delete", "crd/mysqlopsrequests.ops.kubedb.com")


@pytest.fixture
def make(tmp_path, cluster, crd, namespace, tidy):
    def make(pod="px-0", port=None):
        if namespace.get(f"pods/{pod}") is None:
            namespace.pod(pod)
        path = cluster.kubeconfig(tmp_path / f"{pod}.conf", token=cluster.token, port=port)
        return tidy(Reporter(tmp_path, path, namespace.name, pod))
    namespace.call("POST", "mysqlopsrequests", {"apiVersion": OPS, "kind": KIND, "metadata": {"name": NAME},
                                                "spec": {"type": "ReconfigureTLS"}}, OPS)
    namespace.patch(f"mysqlopsrequests/{NAME}/status", {"status": {"phase": "Progressing", "conditions": [
        {"type": "ReconfigureTLS", "status": "True", "reason": "ReconfigureTLS", "message": "started",
         "observedGeneration": 1, "lastTransitionTime": "2026-11-25T09:00:00Z"}]}}, OPS)
    return make


def annotations(namespace, pod="px-0"):
    return namespace.get(f"pods/{pod}")["metadata"].get("annotations", {})


def conditions(namespace):
    return namespace.get(f"mysqlopsrequests/{NAME}", OPS)["status"]["conditions"]


def test_what_kubectl_shows(make, namespace):
    report = make()
    report("report", "{\"phase\":\"leaf\"}")
    report("nudge")
    report.condition("ReloadTLS", "reload tls; ConditionStatus:True; PodName:px-0")
    report.condition("CheckServedCertificate", "check served certificate; ConditionStatus:False; PodName:px-0", "False")
    report.event("the new certificate is served", about=(KIND, NAME))
    report.event("served is not what was published", "Warning", "RotationFailed")
    report.arrived()
    assert annotations(namespace)["certrotate.io/report"] == "{\"phase\":\"leaf\"}"
    assert "certrotate.io/nudge" in annotations(namespace)
    have = conditions(namespace)
    assert [c["type"] for c in have] == ["ReconfigureTLS", "ReloadTLS--px-0", "CheckServedCertificate--px-0"]
    assert have[0]["lastTransitionTime"] == "2026-11-25T09:00:00Z"
    assert have[1] == {"type": "ReloadTLS--px-0", "status": "True", "observedGeneration": 1,
                       "lastTransitionTime": "2026-11-25T10:00:00Z",
                       "message": "reload tls; ConditionStatus:True; PodName:px-0"}
    shown = namespace.kubectl("describe", "pod", "px-0")
    assert "RotationSucceeded" in shown and "served is not what was published" in shown
    shown = namespace.kubectl("describe", "mysqlopsrequests", NAME)
    assert "the new certificate is served" in shown and "RotationFailed" not in shown.partition("Events:")[2]
    managers = [m["manager"] for m in namespace.get(f"mysqlopsrequests/{NAME}", OPS)["metadata"]["managedFields"]]
    assert "certrotate-agent" in managers
    for event in namespace.events():
        assert event["reportingController"] == "certrotate.io/agent" and event["reportingInstance"] == "px-0"
        assert event["eventTime"] == "2026-11-25T10:00:00.000000Z"


def test_a_series(make, namespace):
    report = make()
    for number in range(5):
        report.event("the database does not answer", "Warning", "Waiting", at=AT + number)
        report.arrived()
    only, = namespace.events(reason="Waiting")
    assert only["series"] == {"count": 5, "lastObservedTime": "2026-11-25T10:00:04.000000Z"}


def test_server_away(make, namespace, cluster):
    """All that happened meanwhile is told afterwards, with the time at which it did."""
    report = make()
    report("report", "{\"n\":0}")
    report.arrived()
    cluster.down(signal.SIGKILL)
    for n in range(1, 40):
        report("report", json.dumps({"n": n}))
        report.condition("ReloadTLS", f"number {n}", at=AT + n)
        report.event(f"number {n}", at=AT + n)
    wait_for("trouble is told", lambda: report("state")["reason"], 60, 0.1)
    cluster.up()
    report.arrived(90)
    assert annotations(namespace)["certrotate.io/report"] == "{\"n\": 39}"
    assert [c["message"] for c in conditions(namespace) if c["type"] == "ReloadTLS--px-0"] == ["number 39"]
    told = sorted((e["eventTime"], e["note"]) for e in namespace.events())
    assert [note for _, note in told] == [f"number {n}" for n in range(1, 40)]


def test_faults(make, namespace, cluster, tidy):
    """Whatever comes in between: once each, and no busy loop."""
    proxy = tidy(ApiProxy(cluster))
    report = make(port=proxy.port)
    for number, (kind, more) in enumerate((
            ("cut", {"after": None}), ("cut", {"after": 20}), ("silence", {"after": 10}), ("status", {"code": 500}),
            ("status", {"code": 409}), ("status", {"code": 429, "retry_after": 1}), ("truncate", {"keep": 0.5}),
            ("garbage", {}))):
        proxy.add(kind, "(PATCH|POST|GET) /api", count=3, **more)
        report("report", json.dumps({"n": number}))
        report.condition(f"Step{number}")
        report.event(f"number {number}")
        report.arrived(120)
        proxy.clear()
        assert annotations(namespace)["certrotate.io/report"] == json.dumps({"n": number}), kind
    assert [c["type"] for c in conditions(namespace)] == ["ReconfigureTLS", *(f"Step{n}--px-0" for n in range(8))]
    assert sorted(e["note"] for e in namespace.events()) == [f"number {n}" for n in range(8)]
    assert proxy.busiest(60) < 200


def test_all_at_once(make, namespace):
    """Several pods write into one request: nobody's condition is lost, none is there twice."""
    pods = [f"px-{n}" for n in range(5)]
    reports = [make(pod) for pod in pods]
    for step in range(6):
        for pod, report in zip(pods, reports):
            report.condition(f"Step{step}", pod=pod)
    for report in reports:
        report.arrived(90)
    types = [c["type"] for c in conditions(namespace)]
    assert sorted(types[1:]) == sorted(f"Step{step}--{pod}" for step in range(6) for pod in pods)


def test_the_end_of_a_request(make, namespace):
    report = make()
    namespace.patch(f"mysqlopsrequests/{NAME}/status", {"status": {"phase": "Successful"}}, OPS)
    report.condition("ReloadTLS")
    report.arrived()
    namespace.delete(f"mysqlopsrequests/{NAME}", OPS)
    report.condition("ReloadTLS")
    report.event("of one that is gone", about=(KIND, NAME))
    report.arrived()
    assert len(namespace.events()) == 1  # about the pod


def test_another_pod_of_that_name(make, namespace):
    """A StatefulSet makes px-0 anew: it gets its report, and its Events are its own."""
    report = make()
    report("report", "{\"n\":1}")
    report.event("a")
    report.arrived()
    namespace.delete("pods/px-0")
    wait_for("it is gone", lambda: namespace.get("pods/px-0") is None, 30)
    report("report", "{\"n\":2}")
    wait_for("trouble is told", lambda: report("state")["reason"], 30, 0.1)
    uid = namespace.pod("px-0")["metadata"]["uid"]
    report.event("a")
    report.arrived()
    assert annotations(namespace)["certrotate.io/report"] == "{\"n\":2}"
    assert sorted(e["regarding"]["uid"] == uid for e in namespace.events()) == [False, True]


def test_not_another_pod(make, namespace, cluster, tmp_path, tidy):
    """It has outlived its pod, which was deleted by force: its successor has no such agent."""
    make()
    first = namespace.get("pods/px-0")["metadata"]["uid"]
    report = tidy(Reporter(tmp_path, cluster.admin, namespace.name, "px-0", first))
    report("report", "{\"n\":1}")
    report.arrived()
    namespace.delete("pods/px-0")
    wait_for("it is gone", lambda: namespace.get("pods/px-0") is None, 30)
    second = namespace.pod("px-0")["metadata"]["uid"]
    report("report", "{\"n\":2}")
    report.event("a")
    report.arrived()
    assert "metadata.uid: Invalid value" in report.log.read_text()
    assert first != second and {e["regarding"]["uid"] for e in namespace.events()} == {first}
    assert "certrotate.io/report" not in namespace.get("pods/px-0")["metadata"].get("annotations", {})


def test_without_the_right(make, namespace, cluster, tmp_path, tidy):
    """It is said why nothing arrives; granted later, all of it does."""
    make()
    namespace.apply("serviceaccounts/px", {})
    path = cluster.kubeconfig(tmp_path / "px.conf", token=namespace.token("px"))
    report = tidy(Reporter(tmp_path, path, namespace.name, "px-0"))
    report("report", "{}")
    state = wait_for("trouble", lambda: (s := report("state"))["reason"] and s, 30, 0.1)
    assert state["reason"] == "PrivilegeMissing" and "is forbidden" in state["error"], state
    namespace.kubectl("create", "role", "px", "--verb=get,patch", "--resource=pods")
    namespace.kubectl("create", "rolebinding", "px", "--role=px", f"--serviceaccount={namespace.name}:px")
    report.arrived(90)
    assert annotations(namespace)["certrotate.io/report"] == "{}"
