# SPDX-License-Identifier: Apache-2.0
"""
deploy/kubernetes/agent as it stands, applied by kubectl: an agent may do what it needs, and is refused what it does
not, by a sentence that says why. Without the policy the API server takes every one of those writes: so it is the
policy that refuses them, and each of these tests can fail.
"""

import copy
import json

import pytest

from support.agent import ROOT
from support.kube_api import APPLY, JSON, MERGE, Api, ApiError
from support.poll import tail, wait_for

DEPLOY = ROOT / "deploy/kubernetes/agent"
OPS, EVENTS, LEASES = "ops.kubedb.com/v1alpha1", "events.k8s.io/v1", "coordination.k8s.io/v1"
POLICIES = ["certrotate-agent-events", "certrotate-agent-leases", "certrotate-agent-pods", "certrotate-agent-requests"]
CRD = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
       "metadata": {"name": "mariadbopsrequests.ops.kubedb.com"},
       "spec": {"group": "ops.kubedb.com", "scope": "Namespaced",
                "names": {"kind": "MariaDBOpsRequest", "plural": "mariadbopsrequests"},
                "versions": [{"name": "v1alpha1", "served": True, "storage": True, "subresources": {"status": {}},
                              "schema": {"openAPIV3Schema": {
                                  "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}


def condition(kind, **more):
    return {"type": kind, "status": "True", "lastTransitionTime": "2026-11-26T00:00:00Z", "observedGeneration": 1, **more}


def event(about="px-0", who="px-0", kind="Pod", version="v1", **more):
    return {"metadata": {"name": f"e-{next(event.numbers)}"}, "eventTime": "2026-11-26T00:00:00.000000Z",
            "reportingController": "certrotate.io/agent", "reportingInstance": who, "reason": "RotationSucceeded",
            "action": "Rotate", "type": "Normal", "note": "…",
            "regarding": {"apiVersion": version, "kind": kind, "name": about, "namespace": event.namespace}, **more}


class Scene:
    """A database of two pods, one of somebody else's, a request with conditions of others, and the agent of px-0."""

    def __init__(self, namespace, foreign_bundle):
        self.namespace, event.numbers, event.namespace = namespace, iter(range(1000)), namespace.name
        namespace.kubectl("apply", "-f", DEPLOY / "role.yaml")
        for name, account in (("px-0", "px"), ("px-1", "px"), ("web-0", "web"), ("a--px-0", "px")):
            namespace.pod(name, account, annotations={"team": "a", "certrotate.io/inject": "true"})
        for name in ("px-server-cert", "px-client-cert", "other"):
            namespace.secret(name, foreign_bundle)
        namespace.config_map("px-certrotate", turn="px-0")
        namespace.config_map("other", x="y")
        namespace.call("POST", "mariadbopsrequests", {
            "apiVersion": OPS, "kind": "MariaDBOpsRequest", "metadata": {"name": "rotate"}, "spec": {}}, OPS)
        self.status = {"phase": "Progressing", "conditions": [
            condition("ReconfigureTLS", reason="ReconfigureTLS"), condition("ReloadTLS--px-1"),
            condition("ReloadTLS--a--px-0")]}
        namespace.patch("mariadbopsrequests/rotate/status", {"status": self.status}, OPS)
        self.api = Api(namespace.plane.port, namespace.plane.ca_file, namespace.token("px", "px-0"))

    def call(self, method, rest, body=None, group="v1", kind=JSON):
        return self.api.call(method, self.namespace.path(rest, group), body, kind)

    def annotate(self, pod, key, value="x"):
        return self.call("PATCH", f"pods/{pod}", {"metadata": {"annotations": {key: value}}}, kind=MERGE)

    def pod(self, **changes):
        return self.call("PATCH", "pods/px-0", changes, kind=MERGE)

    def write_status(self, change):
        """change(status) on a copy of what is there."""
        status = copy.deepcopy(self.namespace.get("mariadbopsrequests/rotate", OPS)["status"])
        change(status)
        return self.call("PATCH", "mariadbopsrequests/rotate/status", {"status": status}, OPS, MERGE)

    def add(self, *kinds):
        return self.write_status(lambda status: status["conditions"].extend(condition(kind) for kind in kinds))

    def lease(self, name="px-certrotate", holder="px-0"):
        if self.namespace.get(f"leases/{name}", LEASES):
            self.namespace.delete(f"leases/{name}", LEASES)
        return self.call("POST", "leases", {"apiVersion": LEASES, "kind": "Lease", "metadata": {"name": name},
                                            "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15}}, LEASES)

    def hold(self, holder):
        have = self.namespace.get("leases/px-certrotate", LEASES) or self.lease()
        have["spec"]["holderIdentity"] = holder
        return self.call("PUT", "leases/px-certrotate", have, LEASES)

    def tell(self, **more):
        return self.call("POST", "events", event(**more), EVENTS)


@pytest.fixture(scope="module")
def deployed(cluster):
    """Policy and CRD are the cluster's. Deleted at the end, so that other tests meet a cluster without them."""
    cluster.up()
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(CRD))
    cluster.kubectl("wait", "--for=condition=Established", "crd/mariadbopsrequests.ops.kubedb.com", "--timeout=60s")
    cluster.kubectl("apply", "-f", DEPLOY / "policy.yaml")
    yield cluster
    cluster.kubectl("delete", "--ignore-not-found", "-f", DEPLOY / "policy.yaml")
    cluster.kubectl("delete", "crd/mariadbopsrequests.ops.kubedb.com")


def refusal(act, scene):
    """The server's sentence; None: it was done."""
    try:
        act(scene)
    except ApiError as e:
        assert e.status in (403, 422), e
        return e.message
    return None


def wait_policies(scene, active=True):
    """Admission takes a moment to hear of them: each of them is asked."""
    probes = [FORBIDDEN[name][0] for name in ("a foreign pod's annotation", "a foreign condition", "a foreign event",
                                              "a Lease for another")]
    wait_for("policies", lambda: all((refusal(act, scene) is not None) == active for act in probes), 30, 0.2)


@pytest.fixture
def scene(deployed, namespace, foreign):
    scene = Scene(namespace, foreign.issue())
    wait_policies(scene)
    return scene


ALLOWED = {
    "get its Secret": lambda s: s.call("GET", "secrets/px-server-cert"),
    "list its Secret": lambda s: s.call("GET", "secrets?fieldSelector=metadata.name%3Dpx-client-cert"),
    "watch its Secret": lambda s: s.api.raw("GET", s.namespace.path(
        "secrets?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dpx-server-cert"))[0] == 200,
    "get its plan": lambda s: s.call("GET", "configmaps/px-certrotate"),
    "list its plan": lambda s: s.call("GET", "configmaps?fieldSelector=metadata.name%3Dpx-certrotate"),
    "get its pod": lambda s: s.call("GET", "pods/px-0"),
    "report": lambda s: s.annotate("px-0", "certrotate.io/report", "{}"),
    "report again": lambda s: s.annotate("px-0", "certrotate.io/report", "{\"x\":1}"),
    "nudge": lambda s: s.annotate("px-0", "certrotate.io/nudge"),
    "take the report back": lambda s: s.annotate("px-0", "certrotate.io/report", None),
    "report by server-side apply": lambda s: s.call("PATCH", "pods/px-0?fieldManager=certrotate", json.dumps({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "px-0", "annotations": {"certrotate.io/report": "1"}}}),
        kind=APPLY),
    "get the request": lambda s: s.call("GET", "mariadbopsrequests/rotate", group=OPS),
    "add its conditions": lambda s: s.add("ReloadTLS--px-0", "CheckServedCertificate--px-0"),
    "change its condition": lambda s: s.write_status(lambda status: status["conditions"][-1].update(status="False")),
    "tell of its pod": lambda s: s.tell(),
    "tell of the request": lambda s: s.tell(about="rotate", kind="MariaDBOpsRequest", version=OPS),
    "tell of both": lambda s: s.tell(related={"apiVersion": OPS, "kind": "MariaDBOpsRequest", "name": "rotate"}),
    "count an event": lambda s: s.call("PATCH", f"events/{s.tell()['metadata']['name']}", {
        "series": {"count": 2, "lastObservedTime": "2026-11-26T00:00:01.000000Z"}}, EVENTS, MERGE),
    "make its Lease": lambda s: s.lease(),
    "renew its Lease": lambda s: s.hold("px-0"),
    "give its Lease back": lambda s: s.hold(""),
    "take its Lease": lambda s: s.hold("px-0"),
}

# Refused by RBAC: what the Role does not name.
NOT_GRANTED = {
    "another Secret": lambda s: s.call("GET", "secrets/other"),
    "all Secrets": lambda s: s.call("GET", "secrets"),
    "a watch of all Secrets": lambda s: s.call("GET", "secrets?watch=1&timeoutSeconds=1"),
    "its Secret's change": lambda s: s.call("PATCH", "secrets/px-server-cert", {"data": {}}, kind=MERGE),
    "another ConfigMap": lambda s: s.call("GET", "configmaps/other"),
    "its plan's change": lambda s: s.call("PATCH", "configmaps/px-certrotate", {"data": {"turn": "px-1"}}, kind=MERGE),
    "all pods": lambda s: s.call("GET", "pods"),
    "its pod's status": lambda s: s.call("PATCH", "pods/px-0/status", {"status": {"phase": "Failed"}}, kind=MERGE),
    "a pod's end": lambda s: s.call("DELETE", "pods/px-1"),
    "a command in a pod": lambda s: s.call("POST", "pods/px-1/exec?command=id&stdout=true"),
    "the request's spec": lambda s: s.call("PATCH", "mariadbopsrequests/rotate", {"spec": {"type": "x"}}, OPS, MERGE),
    "a new request": lambda s: s.call("POST", "mariadbopsrequests", {
        "apiVersion": OPS, "kind": "MariaDBOpsRequest", "metadata": {"name": "mine"}}, OPS),
    "another Lease": lambda s: s.call("GET", "leases/other", group=LEASES),
    "an old event's end": lambda s: s.call("DELETE", "events/e-0", group=EVENTS),
    "events of core": lambda s: s.call("POST", "events", {
        "metadata": {"name": "x", "namespace": s.namespace.name}, "involvedObject": {"kind": "Pod", "name": "px-0"}}),
    "a token": lambda s: s.call("POST", "serviceaccounts/px/token", {"spec": {}}),
    "its own rights": lambda s: s.call("PATCH", "roles/px-certrotate", {"rules": []}, "rbac.authorization.k8s.io/v1", MERGE),
}

POD, ANNOTATIONS, REST = "its own pod only, which is px-0", "no annotations but certrotate.io/report and", "nothing of its pod but"
CONDITIONS, STATUS = "conditions of its own pod only, whose type ends in --px-0", "nothing of a request's status but"

# Refused by the policy, and by nothing else.
FORBIDDEN = {
    "a foreign pod's annotation": (lambda s: s.annotate("px-1", "certrotate.io/report"), POD),
    "a stranger's pod": (lambda s: s.annotate("web-0", "certrotate.io/nudge"), POD),
    "another annotation": (lambda s: s.annotate("px-0", "team", "b"), ANNOTATIONS),
    "a new annotation": (lambda s: s.annotate("px-0", "x", "b"), ANNOTATIONS),
    "an annotation's end": (lambda s: s.annotate("px-0", "team", None), ANNOTATIONS),
    "an annotation of the injection": (lambda s: s.annotate("px-0", "certrotate.io/inject", "false"), ANNOTATIONS),
    "all annotations' end": (lambda s: s.pod(metadata={"annotations": None}), ANNOTATIONS),
    "a label": (lambda s: s.pod(metadata={"labels": {"app": "web"}}), REST),
    "a finalizer": (lambda s: s.pod(metadata={"finalizers": ["x.io/y"]}), REST),
    "an owner": (lambda s: s.pod(metadata={"ownerReferences": [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "1-2"}]}), REST),
    "an image": (lambda s: s.call("PATCH", "pods/px-0", [
        {"op": "replace", "path": "/spec/containers/0/image", "value": "evil"}], kind="application/json-patch+json"), REST),
    "a foreign condition": (lambda s: s.add("ReloadTLS--px-1"), CONDITIONS),
    "a condition of nobody's": (lambda s: s.add("Successful"), CONDITIONS),
    "a condition of a pod whose name ends alike": (lambda s: s.add("ReloadTLS--b--px-0"), CONDITIONS),
    "a foreign condition's change": (
        lambda s: s.write_status(lambda status: status["conditions"][1].update(status="False")), CONDITIONS),
    "a foreign condition's end": (lambda s: s.write_status(lambda status: status["conditions"].pop(1)), CONDITIONS),
    "all conditions' end": (lambda s: s.write_status(lambda status: status.update(conditions=[])), CONDITIONS),
    "its own condition's end": (lambda s: (s.add("GetPod--px-0"), s.write_status(lambda status: status.update(
        conditions=[c for c in status["conditions"] if c["type"] != "GetPod--px-0"]))), "no condition away"),
    "the phase": (lambda s: s.write_status(lambda status: status.update(phase="Successful")), STATUS),
    "the phase's end": (lambda s: s.write_status(lambda status: status.update(phase=None)), STATUS),
    "a new field": (lambda s: s.write_status(lambda status: status.update(pausedBackups=[])), STATUS),
    "a foreign event": (lambda s: s.tell(about="px-1"), "an OpsRequest or its own pod only"),
    "an event about a Secret": (lambda s: s.tell(about="other", kind="Secret"), "an OpsRequest or its own pod only"),
    "an event related to another": (lambda s: s.tell(related={"apiVersion": "v1", "kind": "Pod", "name": "px-1"}),
                                    "an OpsRequest or its own pod only"),
    "an event in another's name": (lambda s: s.tell(who="px-1"), "reportingInstance is to be px-0"),
    "an event of another": (lambda s: (s.namespace.call("POST", "events", event(who="px-1"), EVENTS), s.call(
        "PATCH", f"events/e-{next(event.numbers) - 1}", {"series": {
            "count": 2, "lastObservedTime": "2026-11-26T00:00:01.000000Z"}}, EVENTS, MERGE)),
        "reportingInstance is to be px-0"),
    "a Lease for another": (lambda s: s.hold("px-1"), "a Lease for its own pod only"),
    "another new Lease": (lambda s: s.lease("other"), "no Lease but the one"),
}


def test_an_agent_may(scene):
    for name, act in ALLOWED.items():
        said = refusal(act, scene)
        assert said is None, f"{name}: {said}"


def test_a_pod_with_a_long_name(scene):
    long = "p" * 150
    scene.namespace.pod(long, "px")
    scene.api = Api(scene.namespace.plane.port, scene.namespace.plane.ca_file, scene.namespace.token("px", long))
    assert refusal(lambda s: s.tell(about=long, who=long[:128]), scene) is None
    assert "reportingInstance" in (refusal(lambda s: s.tell(about=long, who=long[:127]), scene) or "")


def test_an_event_keeps_its_author(scene):
    """The API server's own rule, on which the policy of events rests: what another told cannot be made one's own."""
    told = scene.namespace.call("POST", "events", event(who="px-1", about="px-1"), EVENTS)["metadata"]["name"]
    for change in ({"reportingInstance": "px-0"}, {"reportingInstance": "px-0", "regarding": event()["regarding"]}):
        said = refusal(lambda s: s.call("PATCH", f"events/{told}", change, EVENTS, MERGE), scene)
        assert said and "immutable" in said, said


def test_an_agent_is_not_granted(scene):
    for name, act in NOT_GRANTED.items():
        said = refusal(act, scene)
        assert said and "is forbidden: User" in said and "policy" not in said.lower(), f"{name}: {said}"


def test_the_policy_forbids(scene):
    wrong = {}
    for name, (act, words) in FORBIDDEN.items():
        said = refusal(act, scene) or "it was done"
        if "ValidatingAdmissionPolicy 'certrotate-agent-" not in said or words not in said:
            wrong[name] = said
    assert not wrong, json.dumps(wrong, indent=1)


def test_without_the_policy_all_of_it_is_done(deployed, scene):
    deployed.kubectl("delete", "-f", DEPLOY / "policy.yaml")
    try:
        wait_policies(scene, active=False)
        done = {name: refusal(act, scene) for name, (act, _) in FORBIDDEN.items()}
        assert not {name: said for name, said in done.items() if said}
    finally:
        deployed.kubectl("apply", "-f", DEPLOY / "policy.yaml")


def test_a_token_of_no_pod_or_of_another_namespace_does_nothing(scene, foreign):
    """Only what the Role lets it read."""
    scene.api = Api(scene.namespace.plane.port, scene.namespace.plane.ca_file, scene.namespace.token("px"))
    scene.call("GET", "secrets/px-server-cert")
    for act in (ALLOWED["report"], ALLOWED["add its conditions"], ALLOWED["tell of its pod"], ALLOWED["make its Lease"]):
        assert "bound to a pod of this namespace" in (refusal(act, scene) or "")


def test_a_pod_of_the_same_name_elsewhere_does_nothing(deployed, scene):
    """Another namespace's account that was given the Role: px-0 there is not px-0 here."""
    elsewhere = type(scene.namespace)(deployed, scene.namespace.name + "-b")
    elsewhere.pod("px-0", "px")
    scene.namespace.kubectl("create", "rolebinding", "guest", "--role=px-certrotate",
                            f"--serviceaccount={elsewhere.name}:px")
    scene.api = Api(deployed.port, deployed.ca_file, elsewhere.token("px", "px-0"))
    assert refusal(ALLOWED["get its Secret"], scene) is None
    assert "bound to a pod of this namespace" in (refusal(ALLOWED["report"], scene) or "")


def test_others_are_left_alone(deployed, scene):
    """Administrators, an account with rights of its own but no such Role, and an operator in a pod that may do everything."""
    namespace = scene.namespace
    namespace.patch("pods/px-1", {"metadata": {"annotations": {"certrotate.io/report": "admin"}}})
    namespace.kubectl("create", "role", "labeller", "--verb=patch", "--resource=pods")
    namespace.kubectl("create", "rolebinding", "labeller", "--role=labeller", f"--serviceaccount={namespace.name}:web")
    scene.api = Api(deployed.port, deployed.ca_file, namespace.token("web", "web-0"))
    assert refusal(FORBIDDEN["a foreign pod's annotation"][0], scene) is None
    namespace.pod("operator-0", "operator")
    namespace.kubectl("create", "clusterrolebinding", namespace.name, "--clusterrole=cluster-admin",
                      f"--serviceaccount={namespace.name}:operator")
    scene.api = Api(deployed.port, deployed.ca_file, namespace.token("operator", "operator-0"))
    assert not {name: said for name, (act, _) in FORBIDDEN.items() if (said := refusal(act, scene))}


def test_a_request_with_many_conditions(scene):
    """The policy's cost: 100 pods with 8 steps each."""
    many = [condition(f"Step{step}--px-{pod}", message="x" * 100) for pod in range(1, 101) for step in "ABCDEFGH"]
    scene.namespace.patch("mariadbopsrequests/rotate/status", {"status": {"conditions": many}}, OPS)
    assert refusal(ALLOWED["add its conditions"], scene) is None
    assert CONDITIONS in refusal(FORBIDDEN["a foreign condition"][0], scene)


def test_the_api_server_finds_nothing_wrong_with_the_policies(deployed):
    deployed.run_manager()

    def checked():
        found = {p["metadata"]["name"]: p.get("status", {}) for p in json.loads(deployed.kubectl(
            "get", "validatingadmissionpolicies", "-o", "json"))["items"]}
        return all(found[name].get("typeChecking") is not None for name in POLICIES) and found
    for name, status in wait_for("the types are checked", checked, 120, 0.2, lambda: tail(deployed.manager.log)).items():
        assert not status["typeChecking"].get("expressionWarnings"), (name, status)
