# SPDX-License-Identifier: Apache-2.0
"""The definitions of the OpsRequests on a real API server, by kubectl as people use it: names, samples, life of one."""

import copy
import json
import re

import pytest

from support.kube import now
from support.kube_api import MERGE, ApiError
from support.opsrequests import CRDS, GROUP, ISSUER, KINDS, SAMPLES, configuration, create, tls, verdict
from support.poll import wait_for

pytestmark = pytest.mark.usefixtures("requests_defined")
kinds = pytest.mark.parametrize("kind", KINDS)
samples = sorted(SAMPLES.glob("*/*.yaml"))


def changed(spec, **fields):
    return {**copy.deepcopy(spec), **fields}


def path(kind, request, sub=""):
    return f"{KINDS[kind].plural}/{request['metadata']['name']}{sub}"


def definition(cluster, kind):
    return cluster.api.call(
        "GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{KINDS[kind].plural}.ops.kubedb.com")


# --- what they are called

@kinds
def test_established_and_named(cluster, kind):
    known = KINDS[kind]
    crd = definition(cluster, kind)
    assert {c["type"]: c["status"] for c in crd["status"]["conditions"]} == {
        "NamesAccepted": "True", "Established": "True"}
    assert crd["spec"]["names"] == {
        "kind": known.kind, "listKind": known.kind + "List", "plural": known.plural, "singular": known.singular,
        "shortNames": [known.short], "categories": ["ops", "kubedb", "appscode"]}
    assert crd["spec"]["conversion"]["strategy"] == "None" and crd["spec"]["scope"] == "Namespaced"
    assert [v["name"] for v in crd["spec"]["versions"]] == ["v1alpha1"]
    assert crd["status"]["acceptedNames"]["shortNames"] == [known.short]


def test_names_and_columns_in_kubectl(namespace):
    made = {kind: create(namespace, kind, tls(rotateCertificates=True)) for kind in KINDS}
    for kind, request in made.items():
        namespace.call("PATCH", path(kind, request, "/status"), {"status": {"phase": "Progressing"}}, GROUP, MERGE)
    called = [[getattr(known, how) for known in KINDS.values()] for how in ("short", "plural", "singular")]
    for words in (*called, ["ops"], ["kubedb"], ["appscode"]):
        tables = namespace.kubectl("get", ",".join(words)).strip().split("\n\n")
        assert len(tables) == len(KINDS), words
        for table in tables:
            head, line = table.splitlines()
            assert head.split() == ["NAME", "TYPE", "STATUS", "AGE"]
            assert re.fullmatch(r"\S+\.ops\.kubedb\.com/request-\d+ +ReconfigureTLS +Progressing +\d+s *", line)


@kinds
def test_explain(cluster, kind):
    told = cluster.kubectl("explain", "--recursive", KINDS[kind].plural)
    for field in CERTIFICATE:
        assert re.search(rf"^        {field}\s+<", told, re.M), field
    assert "enum: IfReady, Always" in told and "enum: Pending, Progressing, Successful" in told
    if kind == "singlestore":
        assert "It cannot be changed later." in cluster.kubectl("explain", KINDS[kind].plural + ".spec")


@kinds
def test_every_field_is_described(cluster, kind):
    crd = definition(cluster, kind)
    missing = []

    def walk(schema, where):
        for field, inner in schema.get("properties", {}).items():
            if where or field in ("spec", "status"):
                if not inner.get("description"):
                    missing.append(f"{where}.{field}")
                walk(inner, f"{where}.{field}")
        walk(schema["items"], where + "[]") if "items" in schema else None
    walk(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "")
    assert missing == []


# --- samples

def test_there_is_a_sample_of_everything():
    wanted = {"add", "remove", "change-issuer", "update-certificates", "rotate", "reconfigure-secret",
              "reconfigure-apply", "reconfigure-remove"}
    for kind in ("singlestore", "mssqlserver", "perconaxtradb", "mariadb", "druid"):
        assert wanted <= {file.stem for file in samples if file.parent.name == kind}, kind


def test_samples(namespace):
    """Applied as they stand, again without a change, and deleted; no two share a name."""
    first = namespace.kubectl("apply", "-R", "-f", SAMPLES).strip().splitlines()
    assert all(line.endswith(" created") for line in first), first
    again = namespace.kubectl("apply", "-R", "-f", SAMPLES).strip().splitlines()
    assert [line.replace(" unchanged", " created") for line in again if "opsrequest" in line] == [
        line for line in first if "opsrequest" in line]
    made = json.loads(namespace.kubectl("get", "ops", "-o", "json"))["items"]
    assert len(made) == len(samples)
    for request in made:
        assert request["spec"]["apply"] == "IfReady" and request["spec"]["maxRetries"] == 1
    namespace.kubectl("delete", "-R", "-f", SAMPLES)
    assert json.loads(namespace.kubectl("get", "ops", "-o", "json"))["items"] == []


@pytest.mark.parametrize("sample", samples, ids=lambda s: f"{s.parent.name}-{s.stem}")
def test_a_sample_is_what_its_name_says(sample):
    text = sample.read_text()
    assert f"\nkind: {KINDS[sample.parent.name].kind}\n" in text
    assert ("type: Reconfigure\n" in text) == sample.stem.startswith("reconfigure")
    holds = {"add": "issuerRef:", "remove": "remove: true", "change-issuer": "issuerRef:",
             "rotate": "rotateCertificates: true", "update-certificates": "certificates:",
             "update-subject": "certificates:",
             "reconfigure-secret": "configSecret:", "reconfigure-apply": "applyConfig:",
             "reconfigure-remove": "removeCustomConfig: true",
             "reconfigure-standalone": "node:"}
    assert holds[sample.stem] in text


# --- what is admitted

@kinds
def test_defaults(namespace, kind):
    spec = create(namespace, kind, {"type": "Restart", "databaseRef": {"name": "orders"}})["spec"]
    assert spec == {"type": "Restart", "databaseRef": {"name": "orders"}, "apply": "IfReady", "maxRetries": 1}
    role = {"removeCustomConfig": True}
    asked = configuration(leaf=role, aggregator=role) if kind == "singlestore" else configuration(**role)
    have = create(namespace, kind, asked)["spec"]["configuration"]
    for part in have.values() if kind == "singlestore" else [have]:
        assert part == {"removeCustomConfig": True, "restart": "auto"}


REPLICAS = {"replicas": 3, "deep": {"er": [1, "two", {"three": None}]}}


@pytest.mark.parametrize("spec", [
    {"type": "HorizontalScaling", "horizontalScaling": REPLICAS},
    {"type": "VerticalScaling", "verticalScaling": REPLICAS}, {"type": "Restart", "restart": {}},
    {"type": "UpdateVersion", "updateVersion": {"targetVersion": "8.4.3"}},
    {"type": "VolumeExpansion", "volumeExpansion": {"mode": "Online", "node": "10Gi"}},
    {"type": "StorageMigration", "migration": {"storageClassName": "fast"}}, {"type": "RotateAuth"},
    {"type": "RotateAuth", "authentication": {"secretRef": {"kind": "Secret", "name": "orders-auth"}}}],
    ids=lambda s: s["type"])
def test_operations_of_others_stay_as_they_are(namespace, spec):
    """Stored as sent, whatever is in them, and immutable too."""
    for kind in KINDS:
        made = create(namespace, kind, {"databaseRef": {"name": "orders"}, **spec})
        assert {key: made["spec"][key] for key in spec} == spec
        section = next((key for key in spec if key != "type"), None)
        if section:
            with pytest.raises(ApiError, match="a request cannot be changed"):
                namespace.call("PATCH", path(kind, made), {"spec": {section: {"more": 1}}}, GROUP, MERGE)


CERTIFICATE = {
    "alias": "server", "issuerRef": ISSUER, "secretName": "orders-server-cert", "duration": "2160h0m0s",
    "renewBefore": "360h", "privateKey": {"encoding": "PKCS8"},
    "subject": {"organizations": ["Orders, Inc."], "countries": ["BD"], "organizationalUnits": ["kubedb:server"],
                "localities": ["Köln"], "provinces": ["NW"], "streetAddresses": ["1 Street"], "postalCodes": ["50667"],
                "serialNumber": "7"},
    "dnsNames": ["localhost", "*.orders-pods.demo.svc", "orders_1.example.com", "xn--kln-sna.example"],
    "ipAddresses": ["127.0.0.1", "::1", "fd00::7", "2001:db8:0:1:1:1:1:1", "::", "::1:2:3:4:5:6:7"],
    "uris": ["spiffe://example.com/db", "urn:uuid:1"], "emailAddresses": ["dba@example.com"]}


@kinds
def test_everything_a_certificate_may_hold(namespace, kind):
    spec = tls(issuerRef={"kind": "ClusterIssuer", "name": "a.b-c"}, certificates=[CERTIFICATE])
    for word in ("90s", "5m", "1h30m", "0.5h", "1h0m0s"):
        made = create(namespace, kind, changed(spec, timeout=word, apply="Always", maxRetries=0))
    assert made["spec"] == changed(spec, timeout="1h0m0s", apply="Always", maxRetries=0)


@kinds
def test_every_alias_at_once(namespace, kind):
    create(namespace, kind, tls(certificates=[{"alias": alias} for alias in KINDS[kind].aliases]))


@pytest.mark.parametrize("kind,fields", [
    *((kind, {"requireSSL": value}) for kind in ("perconaxtradb", "mysql", "mariadb") for value in (True, False)),
    ("mssqlserver", {"issuerRef": ISSUER, "clientTLS": True}), ("mssqlserver", {"remove": True, "clientTLS": False}),
    ("mssqlserver", {"rotateCertificates": True, "clientTLS": True}), ("postgres", {"sslMode": "verify-full"}),
    ("postgres", {"remove": True, "clientAuthMode": "md5", "sslMode": "prefer"}),
    ("postgres", {"rotateCertificates": True, "rotateGrpcCertificates": True}),
    ("postgres", {"rotateGrpcCertificates": True}),
    ("redis", {"remove": True, "sentinel": {"ref": {"name": "sentinel"}}}),
    *((kind, {"remove": False, "rotateCertificates": False, "issuerRef": ISSUER}) for kind in KINDS)])
def test_what_a_kind_has_of_its_own(namespace, kind, fields):
    assert create(namespace, kind, tls(**fields))["spec"]["tls"] == fields


DRUID = ["common.runtime.properties", "brokers.jvm.config", *(role + ".properties" for role in (
    "coordinators", "overlords", "historicals", "middleManagers", "brokers", "routers"))]


@pytest.mark.parametrize("kind,fields", [
    ("mssqlserver", {"applyConfig": {"mssql.conf": "[memory]\nmemorylimitmb = 3072"}}),
    ("perconaxtradb", {"applyConfig": {"my.apply_1.cnf": "", "b.cnf": "a=ö"}}),
    ("mysql", {"applyConfig": {"a" * 239 + ".cnf": ""}}), ("druid", {"applyConfig": dict.fromkeys(DRUID, "a=1")}),
    ("mariadb", {"applyConfig": {"x.cnf": ""}, "removeCustomConfig": True, "configSecret": {"name": "settings"}}),
    ("postgres", {"applyConfig": {"user.conf": "a=1"}}), ("postgres", {"tuning": {"profile": "oltp"}}),
    ("redis", {"applyConfig": {"valkey.conf": "a 1"}}), ("redis", {"auth": {"deleteUsers": ["a"]}}),
    ("singlestore", {"node": {"applyConfig": {"sdb-apply.cnf": "max_connections = 550"}, "restart": "false"}}),
    ("singlestore", {"aggregator": {"removeCustomConfig": True}, "leaf": {"configSecret": {"name": "settings"}}})])
def test_configurations(namespace, kind, fields):
    create(namespace, kind, configuration(**fields))


def biggest(kind):
    """Every list full of the longest entries."""
    label = "a" * 63
    dns = ".".join([label, label, label, "a" * 61])
    assert len(dns) == 253
    word = ["o" * 128] * 16
    certificates = [{
        "alias": alias, "issuerRef": {**ISSUER, "name": dns}, "secretName": dns[:-1] + str(i), "duration": "999999h",
        "renewBefore": "999998h59m59.999999999s", "dnsNames": [dns] * 64,
        "ipAddresses": ["2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"] * 64,
        "uris": ["https://" + "u" * 504] * 16, "emailAddresses": ["e" * 242 + "@example.com"] * 16,
        "subject": {part: word for part in CERTIFICATE["subject"] if part != "serialNumber"}}
        for i, alias in enumerate(KINDS[kind].aliases)]
    return tls(certificates=certificates)


@kinds
def test_the_biggest_request(namespace, kind):
    """The rules' cost is within what the API server spends on one request, when it is made and when it is changed."""
    made = create(namespace, kind, biggest(kind))
    namespace.call("PATCH", path(kind, made, "/status"), {"status": {"phase": "Pending"}}, GROUP, MERGE)
    with pytest.raises(ApiError, match="spec: Forbidden: a request cannot be changed: create a new one"):
        namespace.call("PATCH", path(kind, made), {"spec": {"timeout": "5m"}}, GROUP, MERGE)


def test_the_biggest_configuration(namespace):
    files = {"a" * 236 + f"{i:03}.cnf": "x" * 65536 for i in range(16)}
    made = create(namespace, "perconaxtradb", configuration(applyConfig=files))
    namespace.call("PATCH", path("perconaxtradb", made, "/status"), {"status": {"phase": "Pending"}}, GROUP, MERGE)


# --- the life of a request

@kinds
def test_spec_is_immutable(namespace, kind):
    made = create(namespace, kind, tls(issuerRef=ISSUER))
    for patch in ({"timeout": "5m"}, {"databaseRef": {"name": "other"}}, {"tls": {"issuerRef": None, "remove": True}},
                  {"apply": "Always"}, {"tls": {"issuerRef": {"name": "other"}}}):
        with pytest.raises(ApiError) as refused:
            namespace.call("PATCH", path(kind, made), {"spec": patch}, GROUP, MERGE)
        assert (refused.value.causes[0]["field"], refused.value.causes[0]["message"]) == (
            "spec", "Forbidden: a request cannot be changed: create a new one"), patch
    namespace.call("PATCH", path(kind, made), {"metadata": {"labels": {"a": "b"}}}, GROUP, MERGE)
    assert namespace.call("GET", path(kind, made), group=GROUP)["spec"] == made["spec"]


@kinds
def test_status_is_a_subresource(namespace, kind):
    made = create(namespace, kind, tls(rotateCertificates=True))
    generation = made["metadata"]["generation"]
    conditions = [{"type": "ReconfigureTLS", "status": "True", "reason": "ReconfigureTLS", "observedGeneration": 1,
                   "lastTransitionTime": now(), "message": "started"},
                  {"type": "EvictPod--orders-0", "status": "False", "severity": "Error", "lastTransitionTime": now()}]
    paused = [{"apiGroup": "core.kubestash.com", "kind": "BackupConfiguration", "name": "nightly", "namespace": "demo"}]
    for phase in ("Pending", "Progressing", "Successful", "WaitingForApproval", "Failed", "Approved", "Denied",
                  "Skipped"):
        status = {"phase": phase, "observedGeneration": 1, "conditions": conditions, "pausedBackups": paused}
        body = {**namespace.call("GET", path(kind, made), group=GROUP), "status": status}
        assert namespace.call("PUT", path(kind, made, "/status"), body, GROUP)["status"] == status
    # Not by way of the object, and the object not by way of it.
    changed_status = namespace.call("PATCH", path(kind, made), {"status": {"phase": "Pending"}}, GROUP, MERGE)
    assert changed_status["status"]["phase"] == "Skipped"
    after = namespace.call("PATCH", path(kind, made, "/status"), {"spec": {"timeout": "5m"}}, GROUP, MERGE)
    assert after["spec"] == made["spec"] and after["metadata"]["generation"] == generation


@pytest.mark.parametrize("status,field", [
    ({"phase": "Running"}, "status.phase"), ({"observedGeneration": "1"}, "status.observedGeneration"),
    ({"conditions": [{"type": "A", "status": "Yes", "lastTransitionTime": now()}]}, "status.conditions[0].status"),
    ({"conditions": [{"type": "A", "status": "True"}]}, "status.conditions[0].lastTransitionTime"),
    ({"conditions": [{"type": "A", "status": "True", "lastTransitionTime": "today"}]},
     "status.conditions[0].lastTransitionTime"),
    ({"conditions": [{"type": "A", "status": "True", "lastTransitionTime": now()}] * 2}, "status.conditions[1]"),
    ({"pausedBackups": [{"kind": "A"}]}, "status.pausedBackups[0].name")])
def test_wrong_status(namespace, status, field):
    made = create(namespace, "druid", tls(remove=True))
    with pytest.raises(ApiError) as refused:
        namespace.call("PATCH", path("druid", made, "/status"), {"status": status}, GROUP, MERGE)
    assert field in [cause["field"] for cause in refused.value.causes], refused.value


@kinds
def test_deletion_in_any_phase(namespace, kind):
    for phase in (None, "Progressing", "Failed"):
        made = create(namespace, kind, tls(remove=True))
        if phase:
            namespace.call("PATCH", path(kind, made, "/status"), {"status": {"phase": phase}}, GROUP, MERGE)
        namespace.call("DELETE", path(kind, made), group=GROUP)
        assert namespace.get(path(kind, made), GROUP) is None


def test_a_finalizer_can_come_and_go(namespace):
    """Changes of metadata, also of a request that is being deleted."""
    made = create(namespace, "mariadb", tls(remove=True))
    namespace.call("PATCH", path("mariadb", made), {"metadata": {"finalizers": ["certrotate.io/resume"]}}, GROUP, MERGE)
    namespace.call("DELETE", path("mariadb", made), group=GROUP)
    assert namespace.get(path("mariadb", made), GROUP)["metadata"]["deletionTimestamp"]
    namespace.call("PATCH", path("mariadb", made), {"metadata": {"finalizers": None}}, GROUP, MERGE)
    assert namespace.get(path("mariadb", made), GROUP) is None


def test_conditions_are_applied_one_by_one(namespace):
    """Two agents that apply their own condition do not undo each other's."""
    made = create(namespace, "perconaxtradb", tls(rotateCertificates=True))
    for pod in ("orders-0", "orders-1"):
        body = {"apiVersion": GROUP, "kind": made["kind"], "metadata": {"name": made["metadata"]["name"]},
                "status": {"conditions": [{"type": f"Served--{pod}", "status": "True", "lastTransitionTime": now()}]}}
        namespace.call("PATCH", path("perconaxtradb", made, f"/status?fieldManager={pod}"), json.dumps(body), GROUP,
                       "application/apply-patch+yaml")
    have = namespace.get(path("perconaxtradb", made), GROUP)["status"]["conditions"]
    assert {c["type"] for c in have} == {"Served--orders-0", "Served--orders-1"}


def test_kubectl_names_a_field_that_is_not_there(namespace):
    """uriSANs stands in pages of KubeDB; the field is called uris."""
    text = json.dumps({"apiVersion": GROUP, "kind": "SinglestoreOpsRequest", "metadata": {"name": "a"},
                       "spec": tls(certificates=[{"alias": "server", "uriSANs": ["spiffe://a/b"]}])})
    code, said = namespace.kubectl("apply", "-f", "-", stdin=text, check=False)
    assert code == 1 and 'unknown field "spec.tls.certificates[0].uriSANs"' in said


def test_kubectl_prints_the_sentence(namespace):
    text = json.dumps({"apiVersion": GROUP, "kind": "MSSQLServerOpsRequest", "metadata": {"name": "a"},
                       "spec": tls(clientTLS=True)})
    code, said = namespace.kubectl("apply", "-f", "-", stdin=text, check=False)
    assert code == 1 and ("spec.tls: Required value: set issuerRef or certificates, or rotateCertificates: true, or "
                          "remove: true (clientTLS alone changes no certificate)") in said


def test_definitions_may_be_applied_again(cluster, namespace):
    """As an upgrade does; requests stay."""
    made = create(namespace, "redis", tls(remove=True))
    cluster.define_requests()
    assert namespace.get(path("redis", made), GROUP)["spec"] == made["spec"]
    assert verdict(namespace, "redis", tls()) != []


def without_rules(schema):
    """As a definition of somebody else's: the same fields, no rules and no bounds."""
    if isinstance(schema, list):
        return [without_rules(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    gone = ("x-kubernetes-validations", "enum", "maxLength", "maxItems", "minItems", "required")
    return {key: without_rules(value) for key, value in schema.items() if key not in gone}


def test_a_request_from_before_the_rules(cluster, namespace):
    """It breaks many of them, and can still get its status, its finalizer and its end."""
    wrong = {"type": "Rotate", "databaseRef": {"name": "A_B"}, "timeout": "soon", "tls": {
        "remove": True, "rotateCertificates": True, "issuerRef": {"kind": "Secret"},
        "certificates": [{"alias": "nobody", "dnsNames": ["a b"], "renewBefore": "1d"}] * 2}}
    theirs = definition(cluster, "druid")
    fields = theirs["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    fields["spec"] = without_rules(fields["spec"])
    crd = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{KINDS['druid'].plural}.ops.kubedb.com"
    try:
        cluster.api.call("PUT", crd, theirs)
        wait_for("no rules", lambda: not verdict(namespace, "druid", wrong), 30, 0.1)
        made = create(namespace, "druid", wrong)
    finally:
        cluster.kubectl("replace", "-f", CRDS)
    wait_for("rules", lambda: verdict(namespace, "druid", wrong), 30, 0.1)
    status = {"status": {"phase": "Failed", "conditions": [
        {"type": "Failed", "status": "True", "lastTransitionTime": now(), "message": "spec.type is unknown"}]}}
    assert namespace.call("PATCH", path("druid", made, "/status"), status, GROUP, MERGE)["status"] == status["status"]
    for finalizers in (["certrotate.io/resume"], None):
        namespace.call("PATCH", path("druid", made), {"metadata": {"finalizers": finalizers}}, GROUP, MERGE)
    with pytest.raises(ApiError, match="a request cannot be changed"):
        namespace.call("PATCH", path("druid", made), {"spec": {"apply": "Always"}}, GROUP, MERGE)
    namespace.call("DELETE", path("druid", made), group=GROUP)
    assert namespace.get(path("druid", made), GROUP) is None
