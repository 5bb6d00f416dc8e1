# SPDX-License-Identifier: Apache-2.0
"""
The controller's shell on a real API server, with the rights of deploy/kubernetes/controller and no others: what it needs
to be ready, which of two replicas acts, how one takes over, and how a mistake is told. Whole requests are the business of
test_control_*.py.
"""

import json
import signal
import time

import pytest

from support.agent import run
from support.api_proxy import WireProxy
from support.controller import ACCOUNT, HOME, LEASE, ROLE, Controller, account_token
from support.kube import ControlPlane, missing
from support.kube_api import APPLY, ApiError
from support.opsrequests import GROUP
from support.poll import free_port, stays, wait_for

LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/{LEASE.partition('/')[2]}"


@pytest.fixture
def make(cluster, requests_defined, namespace, tmp_path, tidy):
    """make("a", …): a controller of the test's namespace. The Lease is there, and nobody's."""
    cluster.kubectl("apply", "-f", ROLE)
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": ACCOUNT},
             "spec": {"holderIdentity": "", "leaseTransitions": 1, "leaseDurationSeconds": 1}}
    cluster.api.call("PATCH", f"{LEASES}?fieldManager=tests&force=true", json.dumps(lease), APPLY)

    def make_one(identity="a", **more):
        return tidy(Controller(tmp_path / identity, cluster, **{"namespace": namespace.name, "identity": identity, **more}))
    return make_one


def ask(namespace, name, database="nobody"):
    """A request of a database that is not there: it fails, once somebody acts."""
    namespace.call("POST", "mariadbopsrequests", {
        "apiVersion": GROUP, "kind": "MariaDBOpsRequest", "metadata": {"name": name},
        "spec": {"type": "ReconfigureTLS", "databaseRef": {"name": database}, "tls": {"rotateCertificates": True}}}, GROUP)


def phase(namespace, name):
    return namespace.get(f"mariadbopsrequests/{name}", GROUP).get("status", {}).get("phase")


def wait_failed(namespace, name, deadline=60):
    wait_for(f"{name} has failed", lambda: phase(namespace, name) == "Failed", deadline, 0.1)


# --- alone


def test_looks_after_requests(make, namespace):
    """From the request to its end and its metrics; the definitions are there, databases' are not."""
    one = make().start().wait_ready().wait_leads()
    ask(namespace, "first")
    wait_failed(namespace, "first")
    status = namespace.get("mariadbopsrequests/first", GROUP)["status"]
    assert "nobody" in status["conditions"][-1]["message"], status
    told = one.wait_event("request_phase", request="first")
    assert told["phase"] == "Failed" and told["database"] == f"{namespace.name}/nobody"
    one.wait("it is counted", lambda: one.metrics()['certrotate_controller_requests{phase="Failed"}'] == 1)
    assert one.metrics()['certrotate_controller_reconciles_total{result="done"}'] >= 1
    assert one.metrics()["certrotate_controller_reconcile_seconds_count"] >= 1
    assert one.metrics()["certrotate_controller_api_requests_total"] > 20
    one.stop()


def test_pages(make):
    one = make().start().wait_ready().wait_leads()
    for path in ("/livez", "/readyz", "/startupz", "/healthz"):
        assert one.get(path) == (200, "ok\n")
    assert '"checks"' in one.get("/readyz?verbose")[1]
    status = one.status()
    assert status["lease"] == {"name": LEASE, "held": True, "holder": "a", "trouble": ""}
    assert status["world"]["whole"]
    assert one.get("/")[0] == 404
    one.stop()


def test_without_any_definition(tmp_path, tidy):
    """Neither OpsRequests nor databases nor cert-manager: nothing to do, and nothing wrong."""
    if missing():
        pytest.skip(missing())
    plane = tidy(ControlPlane(tmp_path / "plane")).up()
    one = tidy(Controller(tmp_path / "one", plane)).start().wait_ready().wait_leads()
    assert one.get("/startupz") == (200, "ok\n")
    assert not one.find("world_trouble")
    one.stop()


def test_before_there_is_a_server(make, cluster, tidy):
    """It waits, says for what, and is ready when the server is."""
    proxy = tidy(WireProxy(cluster.port))
    proxy.refuse()
    one = make(port=proxy.port).start()
    told = one.wait_event("world_trouble", deadline=30)
    assert "127.0.0.1" in told["error"], told
    assert one.get("/readyz")[0] == 503 and one.get("/startupz")[0] == 503
    assert one.get("/livez") == (200, "ok\n")
    proxy.listen()
    one.wait_ready(90).wait_leads()
    one.stop()


# --- two


def test_one_of_two_acts(make, namespace):
    pair = make("a").start().wait_leads(), make("b").start().wait_ready()
    assert pair[1].wait_event("standing_by", holder="a")
    ask(namespace, "first")
    wait_failed(namespace, "first")
    stays("only one leads", lambda: [one.leads() for one in pair] == [True, False], 3)
    assert pair[0].find("request_phase", request="first") and not pair[1].find("request_phase")
    # Both know the same.
    for one in pair:
        one.wait("it is counted", lambda one=one: one.metrics()['certrotate_controller_requests{phase="Failed"}'] == 1)
        one.stop()


def test_handed_over(make, namespace):
    """Long before the Lease would run out: it was given back."""
    old = make("a", lease_duration="600s").start().wait_leads()
    new = make("b", lease_duration="600s").start().wait_ready()
    new.wait_event("standing_by", holder="a")
    old.stop()
    assert [e["event"] for e in old.find() if e["event"] in ("ending", "lease_given_back", "controller_stopped")] == [
        "ending", "lease_given_back", "controller_stopped"]
    new.wait_leads(30)
    ask(namespace, "first")
    wait_failed(namespace, "first")
    new.stop()


def test_taken_over(make, namespace):
    """One that died gives nothing back; the other has known all along."""
    old = make("a", lease_duration="4s").start().wait_leads()
    new = make("b", lease_duration="4s").start().wait_ready()
    new.wait_event("standing_by", holder="a")
    old.kill()
    ask(namespace, "first")
    new.wait_leads(60)
    wait_failed(namespace, "first")
    assert new.find("world_known")[0]["_at"] < new.find("leader_elected")[0]["_at"]
    new.stop()


def test_the_same_one_again(make):
    """A container that is started anew has the same name, and need not wait."""
    one = make("a", lease_duration="600s").start().wait_leads()
    one.kill()
    one.start().wait_leads(30)
    one.stop()


def test_one_that_stood_still_does_not_act(make, namespace):
    """Its own clock says that the Lease is lost, before it has heard of it."""
    old = make("a", lease_duration="4s").start().wait_leads()
    new = make("b", lease_duration="4s").start().wait_ready()
    old.signal(signal.SIGSTOP)
    new.wait_leads(60)
    old.forget()
    ask(namespace, "first")
    wait_failed(namespace, "first")
    old.signal(signal.SIGCONT)
    old.wait_event("leader_lost")
    old.wait("it stands by", lambda: old.status().get("lease", {}).get("holder") == "b")
    assert not old.find("request_phase") and not old.leads()
    for one in (old, new):
        one.stop()


def test_cut_off(make, cluster, tidy):
    """A leader without a server stops to lead, and goes on when it is back."""
    proxy = tidy(WireProxy(cluster.port))
    one = make(lease_duration="4s", port=proxy.port).start().wait_leads()
    proxy.refuse()
    proxy.cut()
    one.wait_event("leader_lost", deadline=60)
    one.wait("it is not ready", lambda: one.get("/readyz")[0] == 503)
    assert one.get("/livez") == (200, "ok\n"), "killing it would help nobody"
    proxy.listen()
    one.wait_leads(120).wait_ready(120)
    one.stop()


# --- signals


def test_ends_while_standing_by(make):
    first, second = make("a").start().wait_leads(), make("b").start().wait_ready()
    second.stop()
    assert first.leads() and not second.find("lease_given_back")
    first.stop()


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
def test_ends_before_it_is_ready(make, signo):
    """Nobody is there to take the Lease back."""
    one = make(port=free_port()).start()
    one.signal(signo)
    assert one.wait_end() == 0


def test_hangup_is_no_end(make):
    one = make().start().wait_leads()
    one.signal(signal.SIGHUP)
    assert one.metrics() and one.running()
    one.stop()


# --- mistakes


@pytest.mark.parametrize("words, says", [
    (["--workers=0"], "--workers: 1 to"),
    (["--workers=1001"], "--workers: 1 to"),
    (["--history=-1"], "--history"),
    (["--history=1001"], "--history: at most"),
    (["--step-timeout=10ms"], "--step-timeout: at least 1s"),
    (["--namespace=No_Name"], "'No_Name' is no name of a namespace"),
    (["--lease=No_Name/x"], "'No_Name' is no name of a namespace"),
    (["--lease=x/No_Name"], "'No_Name' is no name of a Lease"),
    (["--lease=x/y/z"], "'y/z' is no name of a Lease"),
    (["--lease-duration=2s"], "whole seconds, 3 s to a day"),
    (["--lease-duration=3500ms"], "whole seconds, 3 s to a day"),
    (["--identity="], "1 to 253 characters"),
    (["--identity=a b"], "1 to 253 characters"),
    (["--listen=nonsense"], "nonsense"),
    (["--log-level=loud"], "'loud' is not one of"),
    (["--histroy=3"], "did you mean '--history'"),
    (["--workers"], "--workers needs a value"),
    (["something"], "'something' is not expected"),
])
def test_wrong_options(words, says, tmp_path):
    plane_config = tmp_path / "kubeconfig"
    plane_config.write_text("apiVersion: v1\nkind: Config\nclusters: [{name: x, cluster: {server: 'https://127.0.0.1:1'}}]\n"
                            "users: [{name: x, user: {token: x}}]\n"
                            "contexts: [{name: x, context: {cluster: x, user: x}}]\ncurrent-context: x\n")
    code, out, err = run("controller", "--kubeconfig", plane_config, "--listen=", *words)
    assert code == 2 and not out
    assert err.startswith("certrotate controller: ") and says in err and "--help" in err, err


def test_no_cluster(tmp_path):
    code, _, err = run("controller")
    assert code == 2 and "give --kubeconfig" in err
    code, _, err = run("controller", "--kubeconfig", tmp_path / "none")
    assert code == 2 and str(tmp_path / "none") in err


def test_the_port_is_taken(make):
    one = make().start()
    code, _, err = run("controller", "--kubeconfig", one.options["kubeconfig"], f"--listen=127.0.0.1:{one.port}")
    assert code == 1 and f"127.0.0.1:{one.port}" in err, err
    one.stop()


# --- rights


def test_a_right_that_lacks_is_named(make, namespace, cluster, tmp_path):
    """One that may do all but list pods; and then it may."""
    namespace.account("weak")
    namespace.kubectl("create", "role", "leases", "--verb=get,list,watch,create,update", "--resource=leases")
    namespace.kubectl("create", "rolebinding", "leases", "--role=leases", f"--serviceaccount={namespace.name}:weak")
    cluster.kubectl("create", "clusterrolebinding", namespace.name, "--clusterrole=certrotate-controller-cluster",
                    f"--serviceaccount={namespace.name}:weak")
    rules = cluster.api.call("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/certrotate-controller")["rules"]
    role = {"metadata": {"name": "weak"}, "rules": [r for r in rules if r["resources"] != ["pods"]]}
    namespace.call("POST", "roles", role, "rbac.authorization.k8s.io/v1")
    namespace.kubectl("create", "rolebinding", "weak", "--role=weak", f"--serviceaccount={namespace.name}:weak")
    config = cluster.kubeconfig(tmp_path / "weak.conf", token=account_token(cluster, namespace.name, "weak"),
                                namespace=namespace.name)
    one = make(kubeconfig=config, lease=f"{namespace.name}/own").start()
    told = one.wait_event("world_trouble", deadline=30, error="forbidden")
    assert 'cannot list resource "pods"' in told["error"], told
    code, text = one.get("/readyz")
    assert code == 503 and 'cannot list resource "pods"' in text
    assert one.get("/startupz")[0] == 503 and one.get("/livez") == (200, "ok\n")
    namespace.call("PUT", "roles/weak", {**role, "rules": rules}, "rbac.authorization.k8s.io/v1")
    one.wait_ready(120).wait_leads()
    assert one.wait_event("world_heard")
    one.stop()


def test_a_lease_that_is_not_its_own(make):
    """The Role names one Lease."""
    one = make(lease=f"{HOME}/another").start()
    told = one.wait_event("lease_unavailable", deadline=30)
    assert "another" in told["error"], told
    one.wait("readiness names it", lambda: "another" in one.get("/readyz")[1])
    assert not one.leads()
    one.stop()


MAY_NOT = [
    ("list", "", "secrets"), ("watch", "", "secrets"), ("patch", "", "secrets"), ("deletecollection", "", "secrets"),
    ("create", "", "pods"), ("delete", "", "pods"), ("patch", "", "pods"), ("update", "", "pods"),
    ("create", "", "pods/exec"), ("get", "", "pods/log"), ("get", "", "pods/eviction"),
    ("create", "", "pods/ephemeralcontainers"), ("create", "", "serviceaccounts/token"),
    ("delete", "", "configmaps"), ("get", "", "nodes"), ("create", "", "namespaces"),
    ("delete", "apps", "statefulsets"), ("create", "apps", "deployments"), ("update", "apps", "statefulsets/scale"),
    ("patch", "ops.kubedb.com", "mariadbopsrequests"), ("update", "ops.kubedb.com", "mariadbopsrequests"),
    ("delete", "kubedb.com", "mariadbs"), ("create", "kubedb.com", "mariadbs"),
    ("create", "cert-manager.io", "issuers"), ("create", "cert-manager.io", "certificaterequests"),
    ("update", "cert-manager.io", "certificaterequests/status"), ("create", "rbac.authorization.k8s.io", "roles"),
    ("create", "rbac.authorization.k8s.io", "rolebindings"), ("escalate", "rbac.authorization.k8s.io", "clusterroles"),
    ("impersonate", "", "users"), ("confine", "certrotate.io", "agents"), ("get", "coordination.k8s.io", "leases"),
]


def may(cluster, namespace, verb, group, resource):
    resource, _, sub = resource.partition("/")
    said = cluster.api.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": f"system:serviceaccount:{HOME}:{ACCOUNT}", "resourceAttributes": {
            "namespace": namespace, "verb": verb, "group": group, "resource": resource, "subresource": sub}}})
    return said["status"]["allowed"]


def test_what_it_may_not_do(cluster, namespace):
    cluster.kubectl("apply", "-f", ROLE)
    assert may(cluster, namespace.name, "get", "", "secrets"), "it is asked in the right way"
    assert [what for what in MAY_NOT if may(cluster, namespace.name, *what)] == []
    assert not may(cluster, HOME, "delete", "coordination.k8s.io", "leases")


def every(text):
    """The JSON documents of a text, one behind the other."""
    at, found, decoder = 0, [], json.JSONDecoder()
    while text[at:].strip():
        value, at = decoder.raw_decode(text, at + len(text[at:]) - len(text[at:].lstrip()))
        found.append(value)
    return found


def test_the_deployment_is_taken_as_it_stands(cluster):
    """By the API server, and its pods by the strictest of the Pod Security Standards."""
    cluster.kubectl("apply", "-f", ROLE)
    cluster.kubectl("label", "--overwrite", "namespace", HOME, "pod-security.kubernetes.io/enforce=restricted")
    try:
        folder = ROLE.parent
        cluster.kubectl("apply", "--dry-run=server", "-f", folder / "deployment.yaml")
        made = cluster.kubectl("create", "--dry-run=client", "-o", "json", "-f", folder / "deployment.yaml")
        deployment = next(item for item in every(made) if item["kind"] == "Deployment")
        template = deployment["spec"]["template"]
        pod = {"metadata": {"name": f"try-{time.monotonic_ns()}", "labels": template["metadata"]["labels"]},
               "spec": template["spec"]}
        cluster.api.call("POST", f"/api/v1/namespaces/{HOME}/pods?dryRun=All", pod)
        with pytest.raises(ApiError, match="violates PodSecurity"):
            pod["spec"]["containers"][0].pop("securityContext")
            cluster.api.call("POST", f"/api/v1/namespaces/{HOME}/pods?dryRun=All", pod)
    finally:
        cluster.kubectl("label", "namespace", HOME, "pod-security.kubernetes.io/enforce-")
