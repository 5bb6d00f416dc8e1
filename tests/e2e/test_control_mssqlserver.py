# SPDX-License-Identifier: Apache-2.0
"""
Whole requests for an availability group of three SQL Servers, by the requests of deploy/samples: TLS is added, rotated,
updated, moved to another issuer and removed, and mssql.conf is configured; and each is made to fail. One group goes through
all of it: each test brings it to where it needs it. What is served is seen inside PRELOGIN packets of every pod; the
group's own log says in which order its replicas went.
"""

import re

import pytest

from support.failures import Engine, cells
from support.fleet import Fleet
from support.flows import Flows
from support.namespace import Namespace
from support.pod_mssqlserver import PLAIN, SQLServerPod, Turns, primary
from support.pod import leaf_of
from support.poll import stays
from support.sqlserver import go
from support.stage import failing, staged

NAME, ISSUER, OTHER = "orders-ms", "orders-issuer", "orders-issuer-2027"
NETWORK = {"forceencryption": "1", "tlscert": "P/server.crt", "tlskey": "P/server.key", "tlsprotocols": "1.2,1.1,1.0"}
ENGINE = Engine([ISSUER, OTHER], "mssql.conf", "memorylimitmb", lambda value: f"[memory]\nmemorylimitmb = {value}\n",
                ["3584", "2560"], owned=("[network]\ntlscert = /elsewhere.crt\n", "[network] tlscert is certrotate's"))
STEPS = ("ReconfigureTLS", "DatabasePauseSucceeded", "CertificateSynced", "UpdatePetSets", "RestartNodes")


class GroupFlows(Flows):
    def run(self, file):
        """conditions of the sample's request, which has come to its good end"""
        name = self.sample(file)
        conditions = self.wait_success(name)
        for pod in self.fleet.pods:
            assert any(word.endswith("--" + pod.name) for word in conditions), conditions
        return conditions

    def with_tls(self):
        if not self.fleet.pods[0].served():
            self.run("add")
        return self.serve_the_secret()

    def without_tls(self):
        if self.fleet.pods[0].served():
            self.run("remove")
        self.fleet.assert_plain()

    def network(self):
        """The section [network] of every pod's mssql.conf, which is the same."""
        texts = {pod.settings_text() for pod in self.fleet.pods}
        found = [dict(re.findall(r"^(\w+) = (.*)$", text.partition("[network]")[2].partition("[")[0], re.M)) for text in texts]
        published = [pod.published for pod in self.fleet.pods]
        named = [{key: re.sub("|".join(map(re.escape, map(str, published))), "P", value) for key, value in one.items()}
                 for one in found]
        assert all(one == named[0] for one in named), texts
        return named[0]

    def pod(self, name):
        found, = [pod for pod in self.fleet.pods if pod.name == name]
        return found

    def ca_file(self, issuer=ISSUER):
        path = self.fleet.dir / f"{issuer}.pem"
        path.write_bytes(self.namespace.secret_files(f"{issuer}-authority")["tls.crt"])
        return path

    def subject(self, alias):
        """As the guide looks at a pod's client.crt."""
        return leaf_of(self.namespace.secret_files(f"{NAME}-{alias}-cert")["tls.crt"]).subject

    def client_tls(self):
        return (self.fleet.object()["spec"].get("tls") or {}).get("clientTLS")

    def memory(self):
        return [pod.memory_mb() for pod in self.fleet.pods]

    def settings(self):
        return [pod.settings_text() for pod in self.fleet.pods]

    def picture(self):
        return {**super().picture(), "mssql.conf": self.settings(), "reads": [pod.reads() for pod in self.fleet.pods]}


@pytest.fixture(scope="module")
def stage(cluster, tmp_path_factory, requests_defined, foreign):
    namespace = Namespace(cluster, "control-mssqlserver")
    fleet = Fleet(namespace, tmp_path_factory.mktemp("mssqlserver"), kind="mssqlserver", name=NAME, pod=SQLServerPod,
                  has_files=True)
    with staged(fleet, [ISSUER, OTHER], GroupFlows) as flows, failing(flows, ENGINE, foreign):
        yield flows


@pytest.fixture
def flows(stage):
    yield stage
    for pod in stage.fleet.pods:
        pod.may_start = lambda: True


# --- TLS


@cells("add: issuer certificate start deletion")
def test_tls_that(flows, request_, step):
    flows.failures.check(request_, step)


def test_add(flows):
    """As the guide looks at it: the conditions, mssql.conf, clientTLS; and a client that verifies gets in, and who not."""
    flows.without_tls()
    turns, old = Turns(flows.fleet), primary(flows.fleet)
    conditions = flows.run("add")
    for word in STEPS:
        assert conditions[word]["status"] == "True" and conditions[word]["reason"] == word, conditions
    turns.check(old)
    leaf = flows.serve_the_secret()
    assert leaf.issuer == f"CN={ISSUER} authority" and leaf.subject == "CN=mssql"
    assert flows.network() == NETWORK and flows.client_tls() is True
    certificates = flows.certificates()
    assert set(certificates) == {f"{NAME}-server-cert", f"{NAME}-client-cert"}
    assert "orders.example.com" in certificates[f"{NAME}-server-cert"]["spec"]["dnsNames"]
    assert flows.subject("client") == "CN=mssql,OU=client,O=orders"
    for pod in flows.fleet.pods:
        code, out, err = go(pod.port, "SELECT @@SERVERNAME", ca_file=flows.ca_file())
        assert code == 0 and pod.name in out, err
    code, _, err = go(pod.port, "SELECT 1", ca_file=flows.ca_file(OTHER))
    assert code != 0 and "unknown authority" in err, err


def test_rotate(flows):
    before, revisions, issued = flows.with_tls(), flows.revisions(), flows.issued()
    turns, old, settings = Turns(flows.fleet), primary(flows.fleet), flows.settings()
    conditions = flows.run("rotate")
    for word in (*STEPS, "IssueCertificatesSucceeded"):
        assert conditions[word]["status"] == "True", conditions
    assert flows.serve_the_secret().fingerprint != before.fingerprint
    turns.check(old)
    assert flows.settings() == settings and flows.client_tls() is True
    once = {name: revision + 1 for name, revision in revisions.items()}
    assert flows.revisions() == once
    stays("nothing is issued any more", lambda: flows.revisions() == once, 1)
    assert flows.issued() == {name: count + 1 for name, count in issued.items()}


def test_update_certificates(flows):
    """Names of the server, and the endpoint's for the first time; then the subject of the clients'."""
    before = flows.with_tls()
    flows.run("update-certificates")
    leaf, certificates = flows.serve_the_secret(), flows.certificates()
    assert leaf.fingerprint != before.fingerprint and leaf.issuer == before.issuer
    assert {"orders.example.com", "orders-reports.example.com"} <= set(certificates[f"{NAME}-server-cert"]["spec"]["dnsNames"])
    assert "10.20.0.7" in certificates[f"{NAME}-server-cert"]["spec"]["ipAddresses"]
    assert certificates[f"{NAME}-endpoint-cert"]["spec"]["duration"] == "720h"
    starts, revisions = flows.fleet.starts(), flows.revisions()
    flows.wait_success(flows.sample("update-subject"))
    assert flows.subject("client") == "CN=mssql,OU=client,O=orders-reports"
    assert flows.serve_the_secret() == leaf and flows.fleet.starts() == starts, "nobody serves the client's"
    assert flows.revisions() == {**revisions, f"{NAME}-client-cert": revisions[f"{NAME}-client-cert"] + 1}


def test_change_issuer(flows):
    """In three phases, of which the servers notice one: they read no authorities, so each is restarted once."""
    before, turns, old = flows.with_tls(), Turns(flows.fleet), primary(flows.fleet)
    conditions = flows.run("change-issuer")
    turns.check(old)
    assert not any(word.startswith("ReloadTLS") for word in conditions), "there is no such thing"
    leaf = flows.serve_the_secret()
    assert before.issuer == f"CN={ISSUER} authority" and leaf.issuer == f"CN={OTHER} authority"
    for pod in flows.fleet.pods:
        assert (pod.published / "ca.crt").read_text().count("BEGIN CERTIFICATE") == 1, "the old authority has gone"
        code, out, err = go(pod.port, "SELECT @@SERVERNAME", ca_file=flows.ca_file(OTHER))
        assert code == 0 and pod.name in out, err


@cells("issuer: issuer certificate start", "update: certificate agent proof",
       "rotate: hold certificate agent start proof deletion", "remove: start away deletion",
       long=("issuer: start", "update: proof", "remove: start"))
def test_change_that(flows, request_, step):
    """Of two secondaries the second one fails, so that one has been through; an agent refuses before anybody's turn."""
    flows.failures.check(request_, step)


def test_remove(flows):
    flows.with_tls()
    turns, old = Turns(flows.fleet), primary(flows.fleet)
    conditions = flows.run("remove")
    for word in ("ReconfigureTLS", "DatabasePauseSucceeded", "UpdatePetSets", "RestartNodes"):
        assert conditions[word]["status"] == "True", conditions
    turns.check(old)
    flows.fleet.assert_plain()
    assert flows.settings() == [PLAIN] * 3, "mssql.conf is as before TLS, byte for byte"
    assert flows.certificates() == {} and flows.client_tls() is False
    assert flows.fleet.object()["spec"]["tls"]["issuerRef"]["name"] in (ISSUER, OTHER), "it stays, as the guide says"


# --- its own configuration


@cells("secret: secret key start deletion", "apply: agent value away", "clear: start deletion",
       long=("apply: away", "clear: start"))
def test_configuration_that(flows, request_, step):
    flows.with_tls()
    flows.failures.check(request_, step)


def test_reconfigure(flows):
    """From a Secret, by applyConfig over it, and away with all: each in mssql.conf, beside the keys of TLS, and in force."""
    flows.with_tls()
    flows.failures.without_configuration()
    plain, network, memory = flows.settings(), flows.network(), flows.memory()
    turns, old = Turns(flows.fleet), primary(flows.fleet)
    conditions = flows.run("reconfigure-secret")
    for word in ("Reconfigure", "DatabasePauseSucceeded", "UpdatePetSets", "RestartPods"):
        assert conditions[word]["status"] == "True", conditions
    turns.check(old)
    assert flows.memory() == [3072] * 3 != memory and flows.network() == network
    secret = flows.settings()

    flows.run("reconfigure-apply")
    assert flows.memory() == [4096] * 3 and flows.network() == network
    applied = flows.picture()

    name = flows.reconfigure("refused", "20s", applyConfig={"mssql.conf": "[memory]\nmemorylimitmb = 100\n"})
    flows.wait_failure(name, ["did not come back within"])
    assert flows.memory() == [4096] * 3
    flows.same_as(applied)
    assert applied["mssql.conf"] != secret, "the engine was shown each"

    flows.run("reconfigure-remove")
    assert flows.memory() == memory and flows.settings() == plain
    flows.serve_the_secret()
