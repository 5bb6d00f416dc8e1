# SPDX-License-Identifier: Apache-2.0
"""
Whole requests on real parts: the controller, cert-manager, three MariaDB servers with an agent each. TLS is added,
rotated, updated, moved to another issuer and removed; and each is made to fail. One database goes through all of it:
each test brings it to where it needs it. What counts is seen by OpenSSL's client on every pod.
"""

import time

import pytest

from support.fleet import ENDED, Fleet
from support.flows import issuer_ref
from support.load import LoadClients
from support.namespace import CERTIFICATES, Namespace
from support.opsrequests import GROUP
from support.poll import STRETCH, stays, wait_for
from support.stage import staged

SUBJECT = {"organizations": ["kubedb:server"]}
SERVER = {"alias": "server", "subject": SUBJECT, "dnsNames": ["localhost"], "ipAddresses": ["127.0.0.1"]}


@pytest.fixture(scope="module")
def stage(cluster, tmp_path_factory, template, requests_defined):
    """One database for all tests of this file, and its controller."""
    namespace = Namespace(cluster, "control-flows")
    fleet = Fleet(namespace, tmp_path_factory.mktemp("flows"), template)
    with staged(fleet, ["issuer", "issuer-2"]) as flows:
        yield flows


@pytest.fixture
def flows(stage):
    """At rest, whatever the test before has left."""
    if not stage.controller.running():
        stage.controller.start()
    yield stage
    for pod in stage.fleet.pods:
        pod.may_start = lambda: True


# --- add


def test_an_issuer_that_is_not_there(flows):
    flows.without_tls()
    before = flows.fleet.starts()
    flows.fail("add", ["Issuer nobody", "does not exist"], issuerRef=issuer_ref("nobody"), certificates=[SERVER])
    flows.fleet.assert_plain()
    assert flows.certificates() == {} and flows.fleet.starts() == before, "nothing was touched"


def test_an_agent_that_refuses(flows):
    """The second pod's settings are no option file: its agent does not write into it."""
    flows.without_tls()
    pod = flows.fleet.pods[1]
    text = pod.fragment.read_text() if pod.fragment.exists() else None
    pod.fragment.write_text("mysqld:\n  ssl: true\n")
    try:
        # At once, and before it is its turn: the time for a step is much longer than the test waits.
        conditions = flows.fail("add", ["pod px-1: ", "stands in no [group]"], "10m", issuerRef=issuer_ref("issuer"))
        assert "on the way back" not in conditions["ReconfigureTLS"]["message"], "nothing was touched"
    finally:
        if text is None:
            pod.fragment.unlink()
        else:
            pod.fragment.write_text(text)
    flows.fleet.assert_plain()
    assert flows.certificates() == {} and flows.fleet.secret_fp() is None


def test_add(flows):
    flows.without_tls()
    conditions = flows.succeed("add", issuerRef=issuer_ref("issuer"), certificates=[SERVER])
    leaf = flows.serve_the_secret()
    assert "O=kubedb:server" in leaf.subject and leaf.issuer == "CN=issuer authority"
    for word in ("ReconfigureTLS", "DatabasePauseSucceeded", "CertificateSynced", "UpdatePetSets", "RestartNodes"):
        assert conditions[word]["status"] == "True", conditions
    for pod in flows.fleet.pods:
        assert conditions[f"CheckServedCertificate--{pod.name}"]["status"] == "True"
    certificates = flows.certificates()
    assert set(certificates) == {"px-server-cert", "px-client-cert"}
    for certificate in certificates.values():
        owner, = certificate["metadata"]["ownerReferences"]
        assert owner["kind"] == "MariaDB" and owner["name"] == "px"
    names = set(certificates["px-server-cert"]["spec"]["dnsNames"])
    assert {"localhost", f"px.{flows.namespace.name}.svc"} <= names and any(name.startswith("*.px-pods.") for name in names)


# --- rotate


def test_rotate(flows):
    before = flows.with_tls()
    revisions, issued, starts = flows.revisions(), flows.issued(), flows.fleet.starts()
    conditions = flows.succeed("rotate", rotateCertificates=True)
    assert flows.serve_the_secret().fingerprint != before.fingerprint
    assert "IssueCertificatesSucceeded" in conditions
    # Exactly one new revision of each, and it stays so.
    once = {name: revision + 1 for name, revision in revisions.items()}
    assert flows.revisions() == once
    stays("nothing is issued any more", lambda: flows.revisions() == once, 2)
    assert flows.issued() == {name: count + 1 for name, count in issued.items()}
    assert flows.fleet.starts() == starts, "a renewed certificate is reloaded"


def test_an_agent_that_does_not_take_it(flows):
    """Clients of the second pod use a name that the certificate does not cover."""
    flows.with_tls()
    before = flows.picture()
    pod = flows.fleet.pods[1]
    pod.reconfigure(names=["not.in.it.test"])
    try:
        flows.fail("rotate", ["pod px-1: ", "not.in.it.test"], "10m", rotateCertificates=True)
    finally:
        pod.reconfigure(names=None)
    flows.same_as(before)


# --- update


def test_update_certificates(flows):
    before = flows.with_tls()
    revisions = flows.revisions()
    flows.succeed("update", certificates=[
        {"alias": "server", "subject": {"organizations": ["kubedb:server", "team:data"]},
         "emailAddresses": ["kubedb@appscode.com"]}])
    leaf = flows.serve_the_secret()
    assert leaf.fingerprint != before.fingerprint and leaf.issuer == before.issuer
    assert "O=team:data" in leaf.subject and leaf.emails == ["kubedb@appscode.com"]
    # One write of the Certificate that it is about, one revision.
    assert flows.revisions()["px-server-cert"] == revisions["px-server-cert"] + 1
    assert flows.revisions()["px-client-cert"] <= revisions["px-client-cert"] + 1


# --- another issuer


def test_an_issuer_that_is_never_ready(flows):
    flows.with_tls()
    flows.namespace.apply("issuers/hollow", {"spec": {"ca": {"secretName": "nobody-has-it"}}}, CERTIFICATES)
    before = flows.picture()
    flows.fail("issuer", ["Issuer hollow", "not ready"], issuerRef=issuer_ref("hollow"))
    flows.same_as(before)


def test_change_issuer(flows):
    """Clients that hold the old authority and the new one notice nothing, on any pod, at any moment."""
    before = flows.with_tls()
    starts = flows.fleet.starts()
    other = "issuer-2" if before.issuer == "CN=issuer authority" else "issuer"
    authorities = [flows.namespace.secret_files(f"{name}-authority")["tls.crt"] for name in ("issuer", "issuer-2")]
    with flows.clients(*authorities) as clients:
        flows.succeed("issuer", issuerRef=issuer_ref(other))
        clients.check()
    leaf = flows.serve_the_secret()
    assert leaf.issuer == f"CN={other} authority" != before.issuer
    for pod in flows.fleet.pods:
        assert (pod.published / "ca.crt").read_text().count("BEGIN CERTIFICATE") == 1, "the old authority has gone"
    assert flows.fleet.starts() == starts


def test_back_from_half_way_to_another_issuer(flows):
    """All trust both authorities, the first serves the new leaf, the second's agent is gone: back, in three phases."""
    before = flows.with_tls()
    other = "issuer-2" if before.issuer == "CN=issuer authority" else "issuer"
    picture, pod = flows.picture(), flows.fleet.pods[1]
    authorities = [flows.namespace.secret_files(f"{name}-authority")["tls.crt"] for name in ("issuer", "issuer-2")]
    with flows.clients(*authorities) as clients:
        name = flows.ask("issuer", "15s", issuerRef=issuer_ref(other))
        wait_for("all trust both", lambda: flows.fleet.plan().get("phase") == "leaf", 60, 0.02, flows.fleet.explain)
        pod.agent.kill()
        wait_for("the first serves the new leaf", lambda: flows.fleet.pods[0].served().issuer != before.issuer, 60, 0.1)
        wait_for("it is given up", lambda: (flows.fleet.record().get("request") or {}).get("failure"), 60, 0.1,
                 flows.fleet.explain)
        pod.agent.start()
        flows.wait_failure(name, "px-1")
        clients.check()
    flows.same_as(picture)


# --- renewed by cert-manager


def replace_authority(namespace, name):
    """Another key for the CA issuer of that name, under the same subject; returns the old certificate and the new."""
    old = namespace.secret_files(f"{name}-authority")["tls.crt"]
    namespace.apply(f"secrets/{name}-authority", namespace.plane.issuer_secret(f"{name} authority"))
    new = namespace.secret_files(f"{name}-authority")["tls.crt"]
    assert new != old
    return old, new


def walk_of_renewal(fleet):
    """(the automatic request that was there, when the plan last said `trust`, when it first said `prune`, the phases)"""
    phases, last_trust, first_prune = [], None, None

    def ended():
        nonlocal last_trust, first_prune
        before = time.monotonic()
        phase = (fleet.plan() or {}).get("phase", "")
        if phase == "trust":
            last_trust = before
        if phase == "prune" and first_prune is None:
            first_prune = time.monotonic()
        if phases[-1:] != [phase]:
            phases.append(phase)
        found = fleet.namespace.call("GET", fleet.requests.plural, group=GROUP)["items"]
        autos = [r for r in found if r["metadata"].get("labels", {}).get("certrotate.io/auto")]
        return next((name for r in autos if fleet.phase(name := r["metadata"]["name"]) in ENDED), None)
    name = wait_for("the renewal has ended", ended, 120, 0.02, fleet.explain)
    return name, last_trust, first_prune, phases


def test_a_renewal_of_another_authority(flows, tmp_path, tidy):
    """
    The CA issuer's own key is replaced, and cert-manager renews the certificate by itself: what every pod trusts is
    known at rest, so it goes by trust, leaf, prune. Nobody is refused who holds the old authority alone before a leaf of
    the new one is shown, nor who holds the new one alone when all show it, nor who holds both.
    """
    fleet, namespace = flows.fleet, flows.namespace
    before, starts = flows.with_tls(), fleet.starts()
    issuer = "issuer" if before.issuer == "CN=issuer authority" else "issuer-2"
    authorities = dict(zip(("old", "new"), replace_authority(namespace, issuer)))
    authorities["both"] = authorities["old"] + authorities["new"]
    clients = {}
    for who, pem in authorities.items():
        (tmp_path / f"{who}.pem").write_bytes(pem)
        clients[who] = [tidy(LoadClients(tmp_path, pod.db.port, tmp_path / f"{who}.pem", clients=1, pause=0.1))
                        for pod in fleet.pods]
    wait_for("clients connect", lambda: all(load.made for who in ("old", "both") for load in clients[who]), 60, 0.1)

    namespace.renew("px-server-cert")
    name, last_trust, first_prune, phases = walk_of_renewal(fleet)
    flows.wait_success(name)
    assert [p for p in phases if p] == ["trust", "leaf", "prune"], phases
    wait_for("new clients connect", lambda: all(load.made > 2 for load in clients["new"]), 60, 0.1)
    assert flows.serve_the_secret().fingerprint != before.fingerprint
    assert fleet.starts() == starts
    for load in (load for loads in clients.values() for load in loads):
        load.stop()
    for load in clients["both"]:
        assert not load.failures, load.failures[:3]
    for load in clients["old"]:
        assert not (early := [x for x in load.lines() if "error" in x and x["end"] < last_trust]), early[:3]
    for load in clients["new"]:
        assert not (late := [x for x in load.lines() if "error" in x and x["t"] > first_prune]), late[:3]
    for pod in fleet.pods:
        assert (pod.published / "ca.crt").read_bytes().strip() == authorities["new"].strip(), "the old one has gone"
    flows.succeed("rotate", rotateCertificates=True)  # the client's certificate comes along: no other test has three phases


# --- several at once, and deleted ones


def test_one_at_a_time_and_the_newest(flows):
    flows.with_tls()
    issued = flows.issued()
    flows.controller.stop()
    names = [flows.ask("rotate", rotateCertificates=True) for _ in range(3)]
    flows.controller.start()
    flows.wait_success(names[-1])
    for name in names[:-1]:
        conditions = flows.fleet.wait_phase(name, "Skipped", 30)
        assert names[-1] in conditions["Skipped"]["message"]
    assert flows.issued() == {name: count + 1 for name, count in issued.items()}


def test_the_next_one_waits(flows):
    flows.with_tls()
    first = flows.ask("rotate", rotateCertificates=True)
    wait_for("it has begun", lambda: flows.fleet.phase(first) == "Progressing", 60, 0.02, flows.fleet.explain)
    second = flows.ask("rotate", rotateCertificates=True)
    running = set()

    def both_ended():
        phases = {name: flows.fleet.phase(name) for name in (first, second)}
        busy = {name for name, phase in phases.items() if phase == "Progressing"}
        running.update(busy)
        assert len(busy) < 2, flows.fleet.explain(second)
        return set(phases.values()) == {"Successful"}
    wait_for("both are successful", both_ended, 120, 0.02, flows.fleet.explain)
    flows.at_rest()
    assert running == {first, second}


def test_deleted_in_the_middle(flows):
    """As soon as the first pod serves the new certificate: all serve the old one in the end, and nothing is paused."""
    before = flows.with_tls()
    picture = flows.picture()
    name = flows.ask("rotate", rotateCertificates=True)
    wait_for("the first has it", lambda: (leaf := flows.fleet.pods[0].served()) and
             leaf.fingerprint != before.fingerprint, 60, 0.02, lambda: flows.fleet.explain(name))
    flows.fleet.delete_request(name)
    wait_for("resumed", lambda: not flows.fleet.is_paused(), 120, 0.1, flows.fleet.explain)
    flows.at_rest()
    now = flows.picture()
    if now["secrets"] != picture["secrets"]:  # it was over before it was deleted
        flows.serve_the_secret()
    else:
        flows.same_as(picture)


# --- killed


def test_killed_every_second(flows):
    """Whatever it is at: the next process goes on from there, and issues nothing twice."""
    before = flows.with_tls()
    issued = flows.issued()
    other = "issuer-2" if before.issuer == "CN=issuer authority" else "issuer"
    for what, tls in (("rotate", {"rotateCertificates": True}), ("issuer", {"issuerRef": issuer_ref(other)})):
        name = flows.ask(what, **tls)
        kills = 0

        def ended():
            return flows.fleet.phase(name) in ("Successful", "Failed")
        while not ended() and kills < 60 * STRETCH:
            try:
                wait_for("it has ended", ended, 1 / STRETCH, 0.05)
            except AssertionError:
                flows.controller.kill()
                flows.controller.start()
                kills += 1
        flows.wait_success(name)
    assert flows.serve_the_secret().issuer == f"CN={other} authority"
    assert flows.issued() == {name: count + 2 for name, count in issued.items()}


# --- remove


def test_a_server_that_does_not_start_without_tls(flows):
    """The second one: it comes back with the settings it had, and so does the first."""
    flows.with_tls()
    before, pod = flows.picture(), flows.fleet.pods[1]
    pod.may_start = lambda: "ssl=OFF" not in pod.fragment.read_text()
    flows.fail("remove", "px-1", "40s", remove=True)
    assert pod.supervisor.refused > 0, "it was tried"
    flows.same_as(before)


def test_a_pod_that_never_comes_back(flows):
    """The others are brought back without it; when it comes at last, it serves what it served."""
    flows.with_tls()
    before, pod = flows.picture(), flows.fleet.pods[1]
    pod.may_start = lambda: False
    flows.fail("remove", "px-1", "15s", away=[pod], remove=True)
    pod.may_start = lambda: True
    wait_for("all serve what was served", lambda: flows.fleet.served() == before["served"], 60, 0.5, flows.fleet.explain)
    flows.same_as(before)


def test_a_pod_left_behind(flows):
    """
    Its agent is gone when the others are brought back: it goes on serving the new certificate, until the agent is there
    again and gets a turn of its own, with no request about.
    """
    flows.with_tls()
    before = flows.picture()
    _, left, last = flows.fleet.pods
    name = flows.ask("rotate", "15s", rotateCertificates=True)

    def wait_turn(pod):
        """Of this request: it may have one to catch up, too."""
        wait_for(f"{pod.name} has its turn", lambda: (plan := flows.fleet.plan()).get("request") == name and
                 plan["turn"] == [pod.name], 60, 0.02, flows.fleet.explain)
    wait_turn(left)
    last.agent.kill()
    wait_turn(last)
    left.agent.kill()
    wait_for("it is given up", lambda: (flows.fleet.record().get("request") or {}).get("failure"), 60, 0.1, flows.fleet.explain)
    last.agent.start()
    flows.wait_failure(name, [f"pod {last.name}", "on the way back", f"pod {left.name}"])
    assert flows.fleet.record()["left"].split() == [left.name]
    assert flows.controller.metrics()["certrotate_controller_pods_left"] == 1
    served = flows.fleet.served()
    assert served[1] not in (None, before["served"][1]) and served[0] == served[2] == before["served"][0]
    left.agent.start()
    wait_for("it has caught up", lambda: "left" not in flows.fleet.record(), 60, 0.1, flows.fleet.explain)
    flows.at_rest()
    flows.same_as(before)
    told = {e["reason"] for e in flows.namespace.events() if e["regarding"]["name"] == left.name}
    assert {"PodLeftBehind", "PodCaughtUp"} <= told, told
    assert flows.controller.metrics()["certrotate_controller_pods_left"] == 0


def test_remove(flows):
    flows.with_tls()
    flows.succeed("remove", remove=True)
    flows.fleet.assert_plain()
    assert flows.certificates() == {}
    for alias in ("server", "client"):
        assert flows.namespace.get(f"secrets/px-{alias}-cert") is None
    # No more than that: the next request adds it again.
    flows.with_tls()
