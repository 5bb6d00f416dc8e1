# SPDX-License-Identifier: Apache-2.0
"""
Whole requests of kind DruidOpsRequest on real parts: the controller, cert-manager, a coordinator and a router of Druid
with an agent each. The requests are those of deploy/samples. One database goes through all of it, in
the order of the tests; what fails is asked for in between, and must leave everything as it was.
"""

import re

import pytest

from support import druid
from support.authority import Authority, openssl
from support.controller import Controller
from support.druid import ZooKeeper
from support.failures import Engine, cells
from support.fleet import Fleet
from support.flows import Flows, issuer_ref
from support.namespace import CERTIFICATES, Namespace
from support.pod import leaf_seen
from support.pod_druid import ON, pods
from support.poll import STRETCH, stays, wait_for
from support.stage import failing

pytestmark = pytest.mark.skipif(not druid.available(), reason="Druid could not be fetched from Maven Central")
NAME = "events-druid"
ROUTER, COORDINATOR = f"{NAME}-routers-0", f"{NAME}-coordinators-0"  # restarted in this order
ENGINE = Engine(["events-issuer", "events-other"], "common.runtime.properties", "druid.server.http.maxIdleTime",
                lambda value: f"druid.server.http.maxIdleTime={value}\n", ["PT3m", "PT4m"],
                owned=("druid.enableTlsPort=false\n", "druid.enableTlsPort is certrotate's"), reloads=0)
BLOCK = re.compile(r"\n\n# certrotate lays .*# certrotate ends here\n", re.S)


class DruidFlows(Flows):
    def wait_success(self, name, deadline=300):
        return super().wait_success(name, deadline)

    @property
    def router(self):
        return next(pod for pod in self.fleet.pods if pod.name == ROUTER)

    @property
    def coordinator(self):
        return next(pod for pod in self.fleet.pods if pod.name == COORDINATOR)

    def texts(self):
        return [pod.texts() for pod in self.fleet.pods]

    def picture(self):
        return {**super().picture(), "reads": [pod.reads() for pod in self.fleet.pods]}

    def assert_tls(self):
        """The keys of KubeDB's guide, in the file and in force; each node answers by TLS and no other way."""
        leaf = self.serve_the_secret()
        for pod in self.fleet.pods:
            shown = [key for key in ON if "key" not in key.lower()]  # Druid hides what may be one
            assert pod.in_force(*shown) == [ON[key] for key in shown], pod.tail()
            lines = pod.texts()[0].splitlines()
            assert [line for line in (f"{key}={value}" for key, value in ON.items()) if line not in lines] == []
            assert f"druid.server.https.keyStorePath={pod.published}/keystore.jks" in lines
            assert pod.db.alive(tls=True) and not pod.db.alive(tls=False)
        return leaf


@pytest.fixture(scope="module")
def stage(cluster, tmp_path_factory, requests_defined, foreign):
    folder = tmp_path_factory.mktemp("control-druid")
    namespace = Namespace(cluster, "control-druid")
    zookeeper = ZooKeeper(folder / "zookeeper")
    roles = {COORDINATOR: "coordinator", ROUTER: "router"}
    fleet = Fleet(namespace, folder / "fleet", kind="druid", name=NAME, names=list(roles), has_files=True,
                  pod=pods(zookeeper, roles))
    controller = Controller(folder / "controller", cluster, namespace=namespace.name, step_timeout="4m")
    try:
        fleet.up()
        for name in ENGINE.issuers:
            namespace.issuer(name)
        cluster_issuer(namespace, folder / "authority")
        for pod in fleet.pods:
            pod.db.wait_up()
        fleet.watcher.one_at_a_time([pod.name for pod in fleet.pods])  # they have started side by side
        controller.start()
        flows = DruidFlows(fleet, controller)
        flows.plain = flows.texts()
        with failing(flows, ENGINE, foreign):
            yield flows
    finally:
        for thing in (controller, fleet, zookeeper):
            thing.cleanup()


def cluster_issuer(namespace, folder):
    """events-issuer-2027 of the samples, of an authority of its own."""
    authority = Authority(folder, name="events 2027")
    api, name = namespace.plane.api, "events-issuer-2027"
    api.call("POST", "/api/v1/namespaces/kube-system/secrets", {
        "metadata": {"name": name}, "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": authority.root.decode(), "tls.key": (authority.dir / "root.key").read_text()}})
    api.call("POST", f"/apis/{CERTIFICATES}/clusterissuers", {
        "apiVersion": CERTIFICATES, "kind": "ClusterIssuer", "metadata": {"name": name},
        "spec": {"ca": {"secretName": name}}})


@pytest.fixture
def flows(stage):
    yield stage
    for pod in stage.fleet.pods:
        pod.may_start = lambda: True


@cells("add: issuer certificate deletion")
def test_tls_that(flows, request_, step):
    flows.failures.check(request_, step)


def test_add_that_fails(flows):
    """A node that cannot open its store does not start, and all go back."""
    starts = flows.fleet.starts()
    pod = flows.coordinator
    pod.reconfigure(**{"restart-limit": f"{15 * STRETCH:.0f}s"})
    pod.db.password = "not-that-one"
    pod.may_start = lambda: pod.supervisor.starts == starts[0] or "enableTlsPort" not in pod.texts()[0]
    flows.fail("add", COORDINATOR, "4m", issuerRef=issuer_ref("events-issuer"))
    assert flows.fleet.starts()[0] == starts[0] + 2, "it was tried"
    assert flows.texts() == flows.plain and flows.certificates() == {} and flows.fleet.secret_fp() is None
    pod.db.password = druid.PASSWORD
    for one in flows.fleet.pods:
        one.db.wait_up()
    flows.fleet.assert_plain()
    pod.reconfigure(**pod.settings())


def test_add(flows):
    starts = flows.fleet.starts()
    conditions = flows.done("add")
    flows.assert_tls()
    assert flows.fleet.starts() == [n + 1 for n in starts]
    for word in ("ReconfigureTLS", "CertificateSynced", "GetCertificate", "CheckReadyCondition", "IssuingCondition",
                 "UpdatePetSets", "RestartNodes", "Successful"):
        assert conditions[word]["status"] == "True", conditions
    ended = [conditions[f"RestartDatabase--{name}"]["lastTransitionTime"] for name in (ROUTER, COORDINATOR)]
    assert ended[0] < ended[1], "routers go before coordinators"
    assert set(flows.certificates()) == {f"{NAME}-server-cert", f"{NAME}-client-cert"}
    client = openssl("x509", "-noout", "-subject", "-nameopt", "RFC2253",
                     stdin=flows.namespace.secret_files(f"{NAME}-client-cert")["tls.crt"]).decode()
    assert "O=events" in client and "OU=client" in client
    spec = flows.fleet.object()["spec"]
    assert spec["enableSSL"] is True and spec["tls"]["issuerRef"]["name"] == "events-issuer"


def test_rotate(flows):
    leaf, revisions, issued, starts = flows.assert_tls(), flows.revisions(), flows.issued(), flows.fleet.starts()
    flows.done("rotate")
    after = flows.assert_tls()
    assert after.fingerprint != leaf.fingerprint and after.issuer == leaf.issuer
    once = {name: revision + 1 for name, revision in revisions.items()}
    assert flows.revisions() == once
    stays("nothing is issued any more", lambda: flows.revisions() == once, 2)
    assert flows.issued() == {name: count + 1 for name, count in issued.items()}
    assert flows.fleet.starts() == starts, "a renewed certificate is reloaded"


def test_update_certificates(flows):
    before, starts = flows.assert_tls(), flows.fleet.starts()
    flows.done("update-certificates")
    assert flows.assert_tls().fingerprint != before.fingerprint
    names = openssl("x509", "-noout", "-ext", "subjectAltName", stdin=(flows.router.published / "tls.crt").read_bytes())
    assert b"DNS:*.events.example.com" in names and b"URI:spiffe://example.com/events" in names
    assert flows.fleet.starts() == starts


def test_change_issuer(flows):
    """To a ClusterIssuer of another authority: no node shows what another one does not know yet."""
    before, starts = flows.assert_tls(), flows.fleet.starts()
    name = flows.sample("change-issuer")
    phases = {}

    def ended():
        phase = (flows.fleet.plan() or {}).get("phase")
        if phase and phase not in phases:
            phases[phase] = [(pod.trusted(), leaf_seen(pod.db.port)) for pod in flows.fleet.pods]
        return flows.fleet.phase(name) in ("Successful", "Failed")
    wait_for(f"{name} has ended", ended, 400, 0.1, lambda: flows.fleet.explain(name))
    flows.wait_success(name)
    assert list(phases) == ["trust", "leaf", "prune"]
    assert [n for n, _ in phases["leaf"]] == [2, 2], "all trust both before the first shows the new one"
    assert all(leaf is None or leaf.issuer == before.issuer for _, leaf in phases["leaf"])
    assert flows.assert_tls().issuer == "CN=events 2027" != before.issuer
    assert [pod.trusted() for pod in flows.fleet.pods] == [1, 1]
    assert flows.fleet.starts() == [n + 2 for n in starts], "for each change of what they trust"


@cells("issuer: issuer certificate start proof", "update: certificate agent proof",
       "rotate: hold certificate agent proof deletion", "remove: start deletion",
       long=("issuer: start", "issuer: proof", "update: proof", "remove: start"))
def test_change_that(flows, request_, step):
    flows.failures.check(request_, step)


IDLE, OWN = "druid.server.http.maxIdleTime", "druid.router.http.numConnections"


def test_configuration(flows):
    """From a Secret, and inline over it: in the files that nodes read, beside the keys of TLS."""
    idle, own = IDLE, OWN
    leaf, flows.unconfigured = flows.assert_tls(), flows.texts()
    conditions = flows.done("reconfigure-secret")
    assert all(conditions[word]["status"] == "True" for word in (
        "Reconfigure", "UpdatePetSets", "RestartNodes", f"CheckConfiguration--{ROUTER}", f"CheckConfiguration--{COORDINATOR}"))
    assert flows.router.in_force(idle, own) == ["PT3m", "20"]
    assert flows.coordinator.in_force(idle, own) == ["PT3m", None], "what is for another role is not for this one"

    flows.done("reconfigure-apply")
    assert flows.router.in_force(idle, own) == ["PT3m", "40"], "over the Secret's, key by key"
    assert "-Xmx320m" in flows.router.db.command
    assert flows.assert_tls() == leaf


@cells("secret: secret key start deletion", "apply: agent value deletion", "clear: start deletion",
       long=("secret: start", "clear: start"))
def test_configuration_that(flows, request_, step):
    flows.failures.check(request_, step)


def test_a_value_that_keeps_it_from_starting(flows):
    starts, before, pod = flows.fleet.starts(), flows.picture(), flows.router
    pod.reconfigure(**{"restart-limit": f"{45 * STRETCH:.0f}s"})
    pod.may_start = lambda: pod.supervisor.starts == starts[1] or "=many" not in pod.texts()[1]  # as a kubelet backs off
    name = flows.reconfigure("refused", "4m", applyConfig={"routers.properties": f"{OWN}=many\n"})
    flows.wait_failure(name, [ROUTER, "did not come back"], deadline=300)
    flows.same_as(before)
    assert flows.fleet.starts() == [starts[0], starts[1] + 2], "the coordinator was never asked"
    assert pod.in_force(OWN) == ["40"]
    pod.reconfigure(**pod.settings())


def test_on_a_clean_base(flows):
    idle, own, leaf, before = IDLE, OWN, flows.assert_tls(), flows.unconfigured
    flows.done("reconfigure-remove")
    assert flows.router.in_force(idle, own) == [None, "5"]
    assert flows.assert_tls() == leaf and "-Xmx320m" not in flows.router.db.command
    for texts, was in zip(flows.texts(), before):
        assert "druid.startup.logging.logProperties=false" in BLOCK.search(texts[0])[0]
        assert (BLOCK.sub("", texts[0]), *texts[1:]) == was, "all else is as it was, byte for byte"


def test_remove(flows):
    """First with a router that ends and does not come back in time; when it comes, it serves what it served."""
    before, pod = flows.picture(), flows.router
    pod.may_start = lambda: False
    flows.fail("remove", ROUTER, "15s", away=[pod], remove=True)
    assert pod.supervisor.refused > 0, "it was asked to end"
    pod.may_start = lambda: True
    wait_for("all serve what was served", lambda: flows.fleet.served() == before["served"], 200, 0.5, flows.fleet.explain)
    flows.same_as(before)
    flows.done("remove")
    flows.fleet.assert_plain()
    assert flows.certificates() == {} and flows.fleet.secret_fp() is None
    assert [BLOCK.sub("", texts[0]) for texts in flows.texts()] == [texts[0] for texts in flows.plain]
    spec = flows.fleet.object()["spec"]
    assert spec["enableSSL"] is False and not spec.get("tls")
