# SPDX-License-Identifier: Apache-2.0
"""
The controller's actions on a real API server with a real cert-manager, by the program drive_act: what is saved comes
back without one Certificate issued too many, a database is paused and resumed, and requests are told in KubeDB's form.
"""

import base64
import hashlib
import json
import re

import pytest

from support.actions import Actions, one
from support.certificates import Certificates
from support.namespace import CERTIFICATES, cert_manager_missing
from support.opsrequests import GROUP
from support.poll import wait_for

KIND, PLURAL, KUBEDB = "PerconaXtraDBOpsRequest", "perconaxtradbopsrequests", "kubedb.com/v1"
NAME, CLIENT, SAVED = "px-server-cert", "px-client-cert", "px-certrotate-saved"
LABELS = {"app.kubernetes.io/instance": "px"}
CRD = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
       "metadata": {"name": "perconaxtradbs.kubedb.com", "annotations": {
           "api-approved.kubernetes.io": "unapproved, of a test"}},
       "spec": {"group": "kubedb.com", "scope": "Namespaced", "names": {"kind": "PerconaXtraDB", "plural": "perconaxtradbs"},
                "versions": [{"name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
                              "schema": {"openAPIV3Schema": {
                                  "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}
with_cert_manager = pytest.mark.skipif(bool(cert_manager_missing()), reason=str(cert_manager_missing()))


@pytest.fixture(scope="module", autouse=True)
def definitions(cluster, requests_defined):
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(CRD))
    cluster.kubectl("wait", "--for=condition=Established", "crd/perconaxtradbs.kubedb.com", "--timeout=60s")
    yield
    cluster.kubectl("delete", "crd/perconaxtradbs.kubedb.com")


@pytest.fixture
def act(tmp_path, cluster, namespace, tidy):
    return tidy(Actions(tmp_path, cluster.kubeconfig(tmp_path / "act.conf", token=cluster.token), namespace.name))


@pytest.fixture
def request_of(namespace):
    def make(name="px-ops", **spec):
        spec = {"type": "ReconfigureTLS", "tls": {"rotateCertificates": True}, **spec}
        return namespace.call("POST", PLURAL, {"apiVersion": GROUP, "kind": KIND, "metadata": {"name": name}, "spec": {
            "databaseRef": {"name": "px"}, **spec}}, GROUP)
    return make


@pytest.fixture
def database(namespace):
    return namespace.call("POST", "perconaxtradbs", {
        "apiVersion": KUBEDB, "kind": "PerconaXtraDB", "metadata": {"name": "px"}, "spec": {"version": "8.0"}}, KUBEDB)


@pytest.fixture
def certificates(namespace):
    namespace.issuer()
    return Certificates(namespace)


def make_certificate(namespace, name=NAME, **spec):
    namespace.apply(f"certificates/{name}", {"metadata": {"labels": LABELS}, "spec": {
        "secretName": name, "dnsNames": ["px.test"], "duration": "2160h", "issuerRef": {"name": "issuer"},
        "usages": ["server auth", "client auth"],
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"}, **spec}}, CERTIFICATES)
    namespace.wait_ready(f"certificates/{name}")


def content(namespace, name=NAME):
    secret = namespace.get(f"secrets/{name}")
    meta = secret["metadata"]
    return secret["type"], secret["data"], meta["labels"], meta["annotations"]


def remember(request, *certificates, **more):
    """The action that writes the record; certificates: (name, uid, revision)."""
    return one("record", request="px-ops", record={"generation": 1, "request": {
        "name": "px-ops", "kind": KIND, "uid": request["metadata"]["uid"], "step": "issue", **more, "certificates": [
            {"name": n, "uid": u, "revision": r, "asked": True} for n, u, r in certificates]}})


def record(namespace):
    return json.loads(namespace.get("configmaps/px-certrotate")["data"]["record.json"])


def settled(certificates, name, revision):
    wait_for(f"{name} has revision {revision}", lambda: certificates.is_settled(name) and
             certificates.revision(name) == revision, 60, 0.1, lambda: json.dumps(certificates.get(name)["status"]))


def begin(act, certificates, request):
    """Saved, and remembered as it is."""
    have = certificates.get(NAME)
    act.do(one("save", request="px-ops"), remember(request, (NAME, have["metadata"]["uid"], have["status"]["revision"])),
           knows=[NAME])
    return have


@with_cert_manager
def test_a_rotation_and_its_way_back(certificates, act, namespace, request_of):
    make_certificate(namespace)
    request, before = request_of(), content(namespace)
    have = begin(act, certificates, request)
    saved = namespace.get(f"secrets/{SAVED}")
    assert saved["metadata"]["annotations"] == {"certrotate.io/request": request["metadata"]["uid"]}
    issue = one("issue", request="px-ops", name=NAME, number=1)
    act.do(issue, issue)
    settled(certificates, NAME, 2)
    act.do(issue)  # done long ago
    assert len(certificates.requests(NAME)) == 2 and content(namespace) != before

    act.do(one("save", request="px-ops"))  # what was saved stays, whatever has come since
    assert namespace.get(f"secrets/{SAVED}")["metadata"]["resourceVersion"] == saved["metadata"]["resourceVersion"]
    act.do(one("restore", request="px-ops"))
    assert content(namespace) == before
    settled(certificates, NAME, 1)  # the number goes on where it was
    anew = certificates.get(NAME)
    assert anew["metadata"]["uid"] != have["metadata"]["uid"] and anew["spec"] == have["spec"]
    assert anew["metadata"]["labels"] == LABELS

    act.do(one("restore", request="px-ops"))
    assert certificates.get(NAME)["metadata"]["uid"] == anew["metadata"]["uid"]
    act.do(one("forget"), one("forget"))
    assert namespace.get(f"secrets/{SAVED}") is None
    # Had cert-manager issued anything for it meanwhile, there were two now.
    act.do(issue)
    settled(certificates, NAME, 2)
    assert len(certificates.requests(NAME)) == 1


@with_cert_manager
@pytest.mark.parametrize("given", [{"dnsNames": ["px.example"]}, {"privateKey": {"encoding": "PKCS8"}},
                                   {"subject": {"organizations": ["kubedb:server"]}}, {"renewBefore": "360h"}],
                         ids=["names", "encoding", "subject", "renewBefore"])
def test_a_change_is_one_revision_and_its_way_back(certificates, act, namespace, request_of, given):
    make_certificate(namespace)
    request, before = request_of(tls={"certificates": [{"alias": "server", **given}]}), content(namespace)
    have = begin(act, certificates, request)
    change = one("certificate", request="px-ops", name="server")
    act.do(change)
    settled(certificates, NAME, 2)
    act.do(change)
    assert len(certificates.requests(NAME)) == 2
    act.do(one("restore", request="px-ops"))
    settled(certificates, NAME, 1)
    assert content(namespace) == before and certificates.get(NAME)["spec"] == have["spec"]
    assert certificates.requests(NAME) == []


@with_cert_manager
def test_a_way_back_while_it_is_issued(certificates, act, namespace, request_of):
    """Again and again: whatever is in flight when the Certificate goes, the old Secret is what stays."""
    make_certificate(namespace)
    request, before = request_of(), content(namespace)
    begin(act, certificates, request)
    for _ in range(8):
        act.do(one("issue", request="px-ops", name=NAME, number=1), one("restore", request="px-ops"))
        settled(certificates, NAME, 1)
        assert content(namespace) == before
    assert certificates.requests(NAME) == []


@with_cert_manager
def test_certificates_of_a_new_database(certificates, act, namespace, request_of, database):
    """Made for its pods, and discarded with what they have issued; not what others made."""
    namespace.pod("px-0", labels=LABELS)
    request = request_of(tls={"issuerRef": {"kind": "Issuer", "name": "issuer"}})
    act.do(remember(request, (NAME, "", 0), (CLIENT, "", 0)), one("certificate", request="px-ops", name="server"),
           one("certificate", request="px-ops", name="client"))
    for name in (NAME, CLIENT):
        namespace.wait_ready(f"certificates/{name}")
    made = certificates.get(NAME)
    assert made["metadata"]["ownerReferences"][0]["uid"] == database["metadata"]["uid"]
    assert "px" in made["spec"]["dnsNames"] and made["spec"]["issuerRef"]["name"] == "issuer"
    act.do(one("certificate", request="px-ops", name="server"))
    assert certificates.get(NAME)["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"] or \
        certificates.get(NAME)["metadata"]["generation"] == made["metadata"]["generation"]

    namespace.patch(f"secrets/{CLIENT}", {"metadata": {"annotations": {"cert-manager.io/certificate-name": "mine"}}})
    act.do(one("discard", request="px-ops"))
    assert namespace.get(f"certificates/{NAME}", CERTIFICATES) is None and namespace.get(f"secrets/{NAME}") is None
    assert namespace.get(f"certificates/{CLIENT}", CERTIFICATES) is None and namespace.get(f"secrets/{CLIENT}")
    act.do(one("discard", request="px-ops"))


@with_cert_manager
def test_all_are_discarded_and_come_back(certificates, act, namespace, request_of):
    """TLS removed, and then the request fails after all."""
    make_certificate(namespace)
    request, before = request_of(tls={"remove": True}), content(namespace)
    begin(act, certificates, request)
    act.do(one("discard", request="px-ops", all=True))
    assert namespace.get(f"certificates/{NAME}", CERTIFICATES) is None and namespace.get(f"secrets/{NAME}") is None
    act.do(one("restore", request="px-ops"))
    settled(certificates, NAME, 1)
    assert content(namespace) == before and certificates.requests(NAME) == []


@with_cert_manager
@pytest.mark.parametrize("other", [False, True], ids=["same-authority", "another"])
def test_what_has_changed_is_judged(certificates, act, namespace, request_of, other):
    make_certificate(namespace)
    namespace.issuer("other")
    before = content(namespace)[1]
    request = request_of(tls={"issuerRef": {"kind": "Issuer", "name": "other" if other else "issuer"}})
    begin(act, certificates, request)
    act.do(one("certificate", request="px-ops", name="server"))
    if not other:
        act.do(one("issue", request="px-ops", name=NAME, number=1))
    settled(certificates, NAME, 2)
    act.do(one("judge", request="px-ops", record={"generation": 2, "request": {
        "name": "px-ops", "kind": KIND, "uid": request["metadata"]["uid"], "step": "walk", "before": "on",
        "wanted": "on"}}))
    told = record(namespace)["request"]
    pem = base64.b64decode(namespace.get(f"secrets/{NAME}")["data"]["tls.crt"]).decode()
    der = base64.b64decode("".join(re.search("-----BEGIN CERTIFICATE-----(.*?)-----END", pem, re.S)[1].split()))
    assert told["leaf"] == hashlib.sha256(der).hexdigest() != told["leafBefore"]
    assert [s.get("phase") for s in told["stages"]] == (["trust", "leaf", "prune"] if other else [None])
    assert ("authorities" in told) == other
    if other:
        assert told["authorities"].split() == base64.b64decode(before["ca.crt"]).decode().split()
    plan = json.loads(namespace.get("configmaps/px-certrotate")["data"]["plan.json"])
    assert plan.get("phase") == ("trust" if other else None) and plan["turn"] == []


# --- pause and resume

def conditions(namespace, rest, group):
    return {c["type"]: c for c in namespace.get(rest, group).get("status", {}).get("conditions", [])}


def test_a_database_object_is_paused_and_resumed(act, namespace, request_of, database):
    request_of()
    namespace.patch("perconaxtradbs/px/status", {"status": {"phase": "Ready", "conditions": [
        {"type": "Ready", "status": "True"}]}}, KUBEDB)
    act.do(one("pause", request="px-ops"))
    have = conditions(namespace, "perconaxtradbs/px", KUBEDB)
    assert set(have) == {"Ready", "Paused"} and have["Paused"]["status"] == "True"
    assert have["Paused"]["reason"] == "Paused" and "px-ops" in have["Paused"]["message"]
    version = namespace.get("perconaxtradbs/px", KUBEDB)["metadata"]["resourceVersion"]
    act.do(one("pause", request="px-ops"))
    assert namespace.get("perconaxtradbs/px", KUBEDB)["metadata"]["resourceVersion"] == version
    act.do(one("resume"), one("resume"))
    assert set(conditions(namespace, "perconaxtradbs/px", KUBEDB)) == {"Ready"}
    assert namespace.get("perconaxtradbs/px", KUBEDB)["status"]["phase"] == "Ready"


def test_what_others_have_paused_stays_paused(act, namespace, request_of, database):
    request_of()
    namespace.patch("perconaxtradbs/px/status", {"status": {"conditions": [
        {"type": "Paused", "status": "True", "reason": "Paused", "message": "by kubectl dba"}]}}, KUBEDB)
    act.do(one("pause", request="px-ops"), one("resume"))
    assert conditions(namespace, "perconaxtradbs/px", KUBEDB)["Paused"]["message"] == "by kubectl dba"


def test_workloads_are_paused_where_there_is_no_object(act, namespace, request_of):
    request_of()
    for name, labels in (("px", LABELS), ("px-arbiter", LABELS), ("other", {"app.kubernetes.io/instance": "other"})):
        namespace.call("POST", "statefulsets", {
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name, "labels": labels},
            "spec": {"replicas": 0, "serviceName": name, "selector": {"matchLabels": {"x": name}}, "template": {
                "metadata": {"labels": {"x": name}}, "spec": {"containers": [{"name": "c", "image": "none"}]}}}},
            "apps/v1")

    def marks():
        return {s["metadata"]["name"]: s["metadata"].get("annotations", {}).get("certrotate.io/paused")
                for s in namespace.call("GET", "statefulsets", group="apps/v1")["items"]}
    act.do(one("pause", request="px-ops"))
    assert marks() == {"px": "px-ops", "px-arbiter": "px-ops", "other": None}
    act.do(one("resume"))
    assert set(marks().values()) == {None}


def test_the_database_object_says_what_was_brought_about(act, namespace, request_of, database):
    issuer = {"apiGroup": "cert-manager.io", "kind": "Issuer", "name": "issuer"}
    request_of(tls={"issuerRef": issuer, "requireSSL": True, "certificates": [{"alias": "server", "dnsNames": ["x"]}]})
    request_of("px-off", tls={"remove": True})
    act.do(one("database", request="px-ops", true=True))
    spec = namespace.get("perconaxtradbs/px", KUBEDB)["spec"]
    assert spec["tls"]["issuerRef"] == issuer and spec["requireSSL"] is True and spec["version"] == "8.0"
    assert spec["tls"]["certificates"] == [{"alias": "server", "dnsNames": ["x"]}]
    act.do(one("database", request="px-off"))
    assert namespace.get("perconaxtradbs/px", KUBEDB)["spec"] == {"version": "8.0", "requireSSL": False}


# --- what is told

def test_conditions_phases_and_events(act, namespace, request_of):
    request = request_of()
    start = one("phase", request="px-ops", phase="Progressing", type="ReconfigureTLS", reason="ReconfigureTLS",
                text="PerconaXtraDB ops-request has started to reconfigure tls for px nodes", true=True)
    step = one("condition", request="px-ops", type="GetCertificate", text="get certificate; ConditionStatus:True", true=True)
    main = one("condition", request="px-ops", type="CertificateSynced", reason="CertificateSynced", text="all synced", true=True, event=True)
    act.do(start, step, main)
    version = namespace.get(f"{PLURAL}/px-ops", GROUP)["metadata"]["resourceVersion"]
    act.do(start, step, main)  # told already: nothing is written, nobody is told twice
    status = namespace.get(f"{PLURAL}/px-ops", GROUP)
    assert status["metadata"]["resourceVersion"] == version
    assert status["status"]["phase"] == "Progressing" and status["status"]["observedGeneration"] == 1
    assert [(c["type"], c["status"], c.get("reason"), c["message"], c["observedGeneration"])
            for c in status["status"]["conditions"]] == [
        ("ReconfigureTLS", "True", "ReconfigureTLS", start["text"], 1),
        ("GetCertificate", "True", None, step["text"], 1), ("CertificateSynced", "True", "CertificateSynced", main["text"], 1)]
    act.do(one("phase", request="px-ops", phase="Failed", type="ReconfigureTLS", reason="Failed", text="it does not work"))
    act.do(one("condition", request="px-ops", type="Late", text="too late", true=True))  # it has ended
    have = conditions(namespace, f"{PLURAL}/px-ops", GROUP)
    assert set(have) == {"ReconfigureTLS", "GetCertificate", "CertificateSynced"} and have["ReconfigureTLS"]["status"] == "False"
    assert have["ReconfigureTLS"]["reason"] == "Failed" and have["ReconfigureTLS"]["message"] == "it does not work"

    told = sorted((e["type"], e["reason"], e["note"], e["reportingController"], e["regarding"]["uid"])
                  for e in namespace.events())
    by, uid = "certrotate.io/controller", request["metadata"]["uid"]
    assert told == [("Normal", "CertificateSynced", main["text"], by, uid), ("Normal", "ReconfigureTLS", start["text"], by, uid),
                    ("Warning", "ReconfigureTLS", "it does not work", by, uid)]
    shown = namespace.kubectl("describe", PLURAL, "px-ops")
    assert re.search(r"Warning +ReconfigureTLS +\S+ +certrotate.io/controller.* it does not work", shown), shown


def test_a_renewal_becomes_a_request(act, namespace, database):
    namespace.pod("px-0", labels=LABELS, annotations={"certrotate.io/report": "{}"})
    make = one("create", name="px-1-rotate-tls-auto", text=f"{NAME}=4")
    act.do(make, make)
    made = namespace.get(f"{PLURAL}/px-1-rotate-tls-auto", GROUP)
    assert made["spec"]["tls"] == {"rotateCertificates": True} and made["spec"]["databaseRef"] == {"name": "px"}
    assert made["metadata"]["labels"]["certrotate.io/auto"] == "true"
    assert made["metadata"]["annotations"]["certrotate.io/renewal"] == f"{NAME}=4"
    assert made["metadata"]["ownerReferences"][0]["name"] == "px"
    act.do(one("delete", request="px-1-rotate-tls-auto"))
    assert namespace.get(f"{PLURAL}/px-1-rotate-tls-auto", GROUP) is None


def test_configuration_files_and_their_way_back(act, namespace, request_of):
    namespace.call("POST", "secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine"},
                                       "stringData": {"my.cnf": "[mysqld]\nmax_connections = 250\n"}})
    request = request_of(type="Reconfigure", tls=None, configuration={
        "configSecret": {"name": "mine"}, "applyConfig": {"max.cnf": "[mysqld]\nmax_connections = 550\n"}})
    wanted = {"generation": 2, "request": {"name": "px-ops", "kind": KIND, "uid": request["metadata"]["uid"],
                                           "step": "walk"}}
    act.do(one("save", request="px-ops"), remember(request))
    act.do(one("render", request="px-ops", record=wanted))
    files = namespace.secret_files("px-certrotate-files")
    assert files == {"my.cnf": b"[mysqld]\nmax_connections = 250\n", "zz-inline-max.cnf": b"[mysqld]\nmax_connections = 550\n"}
    digest = hashlib.sha256(b"".join(n.encode() + b"\0" + files[n] + b"\0" for n in sorted(files))).hexdigest()
    plan = json.loads(namespace.get("configmaps/px-certrotate")["data"]["plan.json"])
    assert plan["files"] == {"px-certrotate-files": digest}
    version = namespace.get("secrets/px-certrotate-files")["metadata"]["resourceVersion"]
    act.do(one("render", request="px-ops", record=wanted))
    assert namespace.get("secrets/px-certrotate-files")["metadata"]["resourceVersion"] == version
    act.do(one("restore", request="px-ops"))
    assert namespace.secret_files("px-certrotate-files") == {}


def test_two_controllers_do_not_write_over_each_other(act, namespace, request_of):
    request = request_of()
    act.do(remember(request))
    namespace.patch("configmaps/px-certrotate", {"data": {"record.json": json.dumps({"generation": 9})}})
    first = act.once(remember(request), remember(request))  # what it observed may be older, or newer
    assert first["reason"] in ("ChangedWhileReading", None)
    config_map = namespace.get("configmaps/px-certrotate")
    assert config_map["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "certrotate"
    assert record(namespace)["generation"] == (9 if first["reason"] else 1)


def test_what_the_server_refuses_is_told(act, namespace, request_of):
    request_of()
    told = act.once(one("create", name="Not_A_Name", text=""))
    assert told["reason"] == "BundleRefused" and "Not_A_Name" in told["error"] and "422" in told["error"], told
    told = act.once(one("issue", request="px-ops", name="px-server-cert", number=1))
    assert told["reason"] == "ChangedWhileReading", told
