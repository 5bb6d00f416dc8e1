# SPDX-License-Identifier: Apache-2.0
"""
Whole SinglestoreOpsRequests on real parts: the controller, cert-manager, and a cluster of two aggregators and a pair of
leaves with an agent each. The requests are those of deploy/samples, and what is looked at is what KubeDB's guides look
at; the leaf that each pod serves is seen by OpenSSL's client. SingleStore itself cannot be had: the nodes are those of
tests/peers/singlestore. Each request is made to fail, too.
"""

import subprocess
from pathlib import Path

import pytest

from support.controller import Controller
from support.failures import Engine, cells
from support.fleet import Fleet
from support.flows import SampleFlows
from support.namespace import Namespace
from support.pod_singlestore import SingleStorePod
from support.poll import stays
from support.stage import failing

NAMES = [f"orders-sdb-{name}" for name in ("aggregator-0", "aggregator-1", "leaf-0", "leaf-1")]
DEFAULT = "100000"  # of max_connections
ENGINE = Engine(["orders-issuer", "orders-issuer-2027"], "sdb-apply.cnf", "max_connections",
                lambda value: f"max_connections = {value}\n", ["320", "340"], reloads=3,
                section=lambda spec: {"aggregator": spec})


class ClusterFlows(SampleFlows):
    def picture(self):
        return {**super().picture(), "settings": [(pod.reads(), pod.settings_seen()) for pod in self.fleet.pods]}

    def values(self, name="max_connections"):
        """In the order of the pods."""
        return [pod.variables().get(name) for pod in self.fleet.pods]


@pytest.fixture(scope="module")
def place(cluster, tmp_path_factory, requests_defined):
    """A namespace and its controller, and who wants to be cleaned up."""
    namespace = Namespace(cluster, "demo")
    folder = tmp_path_factory.mktemp("singlestore")
    controller = Controller(folder / "controller", cluster, namespace=namespace.name, step_timeout="60s")
    fleets = []

    def up(name, names):
        fleet = Fleet(namespace, folder / name, kind="singlestore", name=name, names=names, pod=SingleStorePod,
                      has_files=True)
        fleets.append(fleet)
        fleet.up()
        if not controller.running():
            controller.start()
        return ClusterFlows(fleet, controller)
    try:
        namespace.issuer("orders-issuer")
        namespace.issuer("orders-issuer-2027")
        yield up
    finally:
        try:
            controller.cleanup()
        finally:
            for fleet in fleets:
                fleet.cleanup()


@pytest.fixture(scope="module")
def stage(place, foreign):
    with failing(place("orders-sdb", NAMES), ENGINE, foreign) as flows:
        yield flows


@pytest.fixture
def flows(stage):
    """At rest, whatever the test before has left."""
    yield stage
    for pod in stage.fleet.pods:
        pod.may_start = lambda: True


def ssl_variables(pod):
    """As the guide looks: show variables like '%ssl%'"""
    rows = {row[0]: (row + [""])[1] for row in pod.db.sql("show variables like '%ssl%'")}
    assert len(rows) == 21
    return rows


def x509(pod, *what):
    """openssl x509 over the server.crt that the node names"""
    return subprocess.run(["openssl", "x509", "-in", ssl_variables(pod)["ssl_cert"], "-inform", "PEM", *what, "-nameopt",
                           "RFC2253", "-noout"], capture_output=True, text=True, check=True).stdout


# --- TLS


def test_add(flows):
    flows.without_tls()
    assert all(ssl_variables(pod)["have_ssl"] == "OFF" for pod in flows.fleet.pods)
    conditions = flows.done("add")
    leaf = flows.serve_the_secret()
    assert "O=orders" in leaf.subject and leaf.issuer == "CN=orders-issuer authority"
    for word in ("ReconfigureTLS", "DatabasePauseSucceeded", "CertificateSynced", "UpdatePetSets", "RestartNodes"):
        assert conditions[word]["status"] == "True", conditions
    for pod in flows.fleet.pods:
        assert conditions[f"RestartDatabase--{pod.name}"]["status"] == "True"
        assert conditions[f"CheckServedCertificate--{pod.name}"]["status"] == "True"
        variables = ssl_variables(pod)
        assert variables["have_ssl"] == variables["have_openssl"] == "ON"
        names = {name: Path(variables[name]).name for name in ("ssl_ca", "ssl_cert", "ssl_key")}
        assert names == {"ssl_ca": "ca.crt", "ssl_cert": "server.crt", "ssl_key": "server.key"}
        assert {p.name for p in pod.published.iterdir() if not p.name.startswith(".")} == {
            "ca.crt", "client.crt", "client.key", "server.crt", "server.key"}
    certificates = flows.certificates()
    assert set(certificates) == {"orders-sdb-server-cert", "orders-sdb-client-cert"}
    owner, = certificates["orders-sdb-server-cert"]["metadata"]["ownerReferences"]
    assert owner["kind"] == "Singlestore" and owner["name"] == "orders-sdb"
    assert "orders.example.com" in certificates["orders-sdb-server-cert"]["spec"]["dnsNames"]
    assert {row[5] for row in flows.fleet.pods[0].db.sql("SHOW LEAVES")} == {"online"}


def test_user_that_must_use_tls(flows):
    flows.with_tls()
    pod = flows.fleet.pods[0]
    pod.db.sql("CREATE USER 'tls'@'%' IDENTIFIED BY 'x' REQUIRE SSL")
    files = [f"--ssl-ca={pod.published}/ca.crt", f"--ssl-cert={pod.published}/client.crt",
             f"--ssl-key={pod.published}/client.key", "--ssl-verify-server-cert"]
    done = pod.db.client("SELECT 1", *files, user="tls", password="x", tcp=True)
    assert done.stdout == "1\n", done.stderr
    assert "1045" in pod.db.client("SELECT 1", "--skip-ssl", user="tls", password="x", tcp=True).stderr


def test_rotate(flows):
    before = flows.with_tls()
    revisions, issued, starts = flows.revisions(), flows.issued(), flows.fleet.starts()
    ends = [x509(pod, "-enddate") for pod in flows.fleet.pods]
    conditions = flows.done("rotate")
    assert flows.serve_the_secret().fingerprint != before.fingerprint
    assert "IssueCertificatesSucceeded" in conditions
    assert all(x509(pod, "-enddate") != end for pod, end in zip(flows.fleet.pods, ends))
    # Exactly one new revision of each, and it stays so.
    once = {name: revision + 1 for name, revision in revisions.items()}
    assert flows.revisions() == once
    stays("nothing is issued any more", lambda: flows.revisions() == once, 2)
    assert flows.issued() == {name: count + 1 for name, count in issued.items()}
    assert flows.fleet.starts() == starts, "a renewed certificate is reloaded"
    for pod in flows.fleet.pods:
        assert conditions[f"ReloadTLS--{pod.name}"]["status"] == "True"


def test_update_certificates(flows):
    before = flows.with_tls()
    revisions = flows.revisions()
    flows.done("update-certificates")
    leaf = flows.serve_the_secret()
    assert leaf.fingerprint != before.fingerprint and leaf.issuer == before.issuer
    for pod in flows.fleet.pods:
        said = x509(pod, "-subject", "-email")
        assert "O=orders" in said and "O=team:data" in said and "CN=orders-sdb" in said and "dba@example.com" in said
    assert flows.revisions()["orders-sdb-server-cert"] == revisions["orders-sdb-server-cert"] + 1
    spec = flows.certificates()["orders-sdb-server-cert"]["spec"]
    assert (spec["duration"], spec["renewBefore"]) == ("720h", "240h")


def test_change_issuer(flows):
    """Clients that hold the old authority and the new one notice nothing, on any pod, at any moment."""
    before = flows.with_tls()
    starts = flows.fleet.starts()
    authorities = [flows.namespace.secret_files(f"{name}-authority")["tls.crt"] for name in
                   ("orders-issuer", "orders-issuer-2027")]
    with flows.clients(*authorities) as clients:
        flows.done("change-issuer")
        clients.check()
    leaf = flows.serve_the_secret()
    assert leaf.issuer == "CN=orders-issuer-2027 authority" != before.issuer
    for pod in flows.fleet.pods:
        assert Path(ssl_variables(pod)["ssl_ca"]).read_text().count("BEGIN CERTIFICATE") == 1, "the old one has gone"
    assert flows.fleet.starts() == starts
    assert {row[5] for row in flows.fleet.pods[0].db.sql("SHOW LEAVES")} == {"online"}


def test_a_reload_that_lies(flows):
    """The second leaf says that it has reloaded, and serves the old one."""
    before = flows.with_tls()
    picture, pod = flows.picture(), flows.fleet.pods[3]
    pod.db.fault(reload_lies="keeps")
    try:
        flows.wait_failure(flows.sample("rotate"), [pod.name, "published"])
    finally:
        pod.db.fault(reload_lies=None)
    flows.same_as(picture)
    assert flows.serve_the_secret() == before


@cells("issuer: issuer certificate proof", "update: certificate agent proof",
       "rotate: hold certificate agent proof deletion", "remove: start away deletion", long=("update: proof",))
def test_change_that(flows, request_, step):
    flows.failures.check(request_, step)


def test_remove(flows):
    flows.with_tls()
    flows.done("remove")
    flows.fleet.assert_plain()
    for pod in flows.fleet.pods:
        variables = ssl_variables(pod)
        assert {variables[name] for name in ("have_ssl", "have_openssl")} == {"OFF"}
        assert {variables[name] for name in ("ssl_ca", "ssl_cert", "ssl_key")} == {""}
    assert flows.certificates() == {}
    for alias in ("server", "client"):
        assert flows.namespace.get(f"secrets/orders-sdb-{alias}-cert") is None


@cells("add: issuer certificate start deletion")
def test_tls_that(flows, request_, step):
    flows.failures.check(request_, step)


# --- configuration


@cells("secret: secret key start deletion", "apply: value away", "clear: start deletion",
       long=("apply: away", "clear: start"))
def test_configuration_that(flows, request_, step):
    flows.failures.check(request_, step)


def test_reconfigure(flows):
    """From a Secret, by applyConfig over it, and away with it: of the aggregators alone, then of the leaves."""
    flows.failures.without_configuration()
    restarted = flows.fleet.starts()
    assert flows.values() == [DEFAULT] * 4
    conditions = flows.done("reconfigure-secret")
    assert flows.values() == ["250"] * 4
    for word in ("Reconfigure", "DatabasePauseSucceeded", "UpdatePetSets", "RestartPods"):
        assert conditions[word]["status"] == "True", conditions
    for pod in flows.fleet.pods:
        assert conditions[f"CheckConfiguration--{pod.name}"]["status"] == "True"
    flows.done("reconfigure-apply")
    assert flows.values() == ["550"] * 4, "it goes before the Secret"
    assert [now - before for now, before in zip(flows.fleet.starts(), restarted)] == [2] * 4, "once each time"
    restarted = flows.fleet.starts()
    flows.done("reconfigure-apply", ("max_connections = 550", "wait_timeout = 77"))
    assert flows.values() == ["550"] * 4 and flows.values("wait_timeout") == ["77"] * 4, "merged key by key"
    restarted = flows.fleet.starts()
    flows.done("reconfigure-remove")
    assert flows.values() == [DEFAULT] * 2 + ["550"] * 2
    assert flows.fleet.starts() == [restarted[0] + 1, restarted[1] + 1, *restarted[2:]], "the leaves are left alone"
    flows.done("reconfigure-remove", ("    aggregator:", "    leaf:"))
    assert flows.values() == [DEFAULT] * 4


def test_reconfigure_that_is_refused(flows):
    """The leaves have taken theirs when the aggregator refuses: all go back."""
    flows.done("reconfigure-apply", ("max_connections = 550", "max_connections = 300"))
    before, pod = flows.picture(), flows.fleet.pods[1]
    name = flows.reconfigure("refused", "30s", leaf={"applyConfig": {"sdb-apply.cnf": "max_connections = 400\n"}},
                             aggregator={"applyConfig": {"sdb-apply.cnf": "max_connections = many\n"}})
    conditions = flows.wait_failure(name, [pod.name])
    assert "on the way back" not in conditions["Reconfigure"]["message"], conditions
    flows.same_as(before)


def test_standalone(place):
    flows = place("orders-sdb-alone", ["orders-sdb-alone-0"])
    as_node = ("    aggregator:", "    node:"), ("    name: orders-sdb\n", "    name: orders-sdb-alone\n")
    pod, = flows.fleet.pods
    pod.db.fault(statements={"@@memsql_version": {"wait": 2}})  # the turn comes while the agent still asks who is there
    conditions = flows.done("reconfigure-standalone")
    pod.db.fault(statements=None)
    assert flows.values() == ["550"]
    assert conditions["CheckConfiguration--orders-sdb-alone-0"]["status"] == "True"
    flows.done("reconfigure-remove", *as_node)
    assert flows.values() == [DEFAULT]
    before = flows.picture()
    name = flows.reconfigure("refused", "30s", node={"applyConfig": {"sdb-apply.cnf": "max_connections = many\n"}})
    flows.wait_failure(name, ["orders-sdb-alone-0"])
    flows.same_as(before)
    flows.done("add", as_node[1])
    flows.serve_the_secret()
