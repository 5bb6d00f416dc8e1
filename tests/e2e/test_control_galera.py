# SPDX-License-Identifier: Apache-2.0
"""
The same for a Galera cluster of three under PerconaXtraDBOpsRequests, without a database object: the workload is what
gets paused. What is written on one member is read on all, throughout.
"""

import time
from types import SimpleNamespace

import pytest

from support.controller import Controller
from support.fleet import ENDED, Fleet
from support.flows import Flows, issuer_ref
from support.links import Links
from support.load import LoadClients
from support.namespace import CERTIFICATES
from support.opsrequests import GROUP
from support.pod import MariaDBPod
from support.poll import wait_for


class Encrypted(MariaDBPod):
    """Its link to the other members gets TLS, too."""

    def settings(self):
        return {**super().settings(), "galera": {"encrypt": True, "provider-options": self.db.provider_options}}


@pytest.fixture
def flows(request, namespace, tmp_path, template, tidy, requests_defined):
    fleet = tidy(Fleet(namespace, tmp_path, template, kind="perconaxtradb", galera=True, has_object=False,
                       pod=getattr(request, "param", MariaDBPod), **{"restart-limit": "60s"}))  # a member that joins again takes its time on a busy machine
    controller = tidy(Controller(tmp_path / "controller", namespace.plane, namespace=namespace.name, step_timeout="2m"))
    fleet.up()
    namespace.issuer("issuer")
    namespace.issuer("issuer-2")
    controller.start()
    return Flows(fleet, controller)


def check_cluster(flows, written):
    flows.fleet.cluster.wait_synced()
    flows.fleet.pods[written % 3].db.sql(f"INSERT INTO d.t VALUES ({written})")
    for pod in flows.fleet.pods:
        wait_for("replicated", lambda pod=pod: len(pod.db.sql("SELECT n FROM d.t")) == written + 1, 20, 0.1)


def test_add_rotate_another_issuer_remove(flows):
    first = flows.fleet.pods[0].db
    first.sql("CREATE DATABASE d")
    first.sql("CREATE TABLE d.t (n INT PRIMARY KEY)")

    flows.succeed("add", issuerRef=issuer_ref("issuer"), requireSSL=True)
    leaf = flows.serve_the_secret()
    for pod in flows.fleet.pods:
        assert pod.db.sql("SELECT @@require_secure_transport") == [["1"]]
    check_cluster(flows, 0)

    starts, revisions = flows.fleet.starts(), flows.revisions()
    flows.succeed("rotate", rotateCertificates=True)
    assert flows.serve_the_secret().fingerprint != leaf.fingerprint
    assert flows.revisions() == {name: revision + 1 for name, revision in revisions.items()}
    check_cluster(flows, 1)

    flows.succeed("issuer", issuerRef=issuer_ref("issuer-2"))
    assert flows.serve_the_secret().issuer == "CN=issuer-2 authority"
    assert flows.fleet.starts() == starts
    check_cluster(flows, 2)

    flows.succeed("remove", remove=True)
    flows.fleet.assert_plain()
    assert flows.certificates() == {}
    check_cluster(flows, 3)


def replace_authority(namespace, name):
    """Another key for the CA issuer of that name, under the same subject; returns the old certificate and the new."""
    old = namespace.secret_files(f"{name}-authority")["tls.crt"]
    namespace.patch(f"certificates/{name}-authority", {"spec": {"privateKey": {"rotationPolicy": "Always"}}}, CERTIFICATES)
    namespace.renew(f"{name}-authority")
    new = wait_for("another authority", lambda: (now := namespace.secret_files(f"{name}-authority")["tls.crt"]) != old and now,
                   30, 0.1)
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
        return autos and autos[0]["metadata"]["name"] if autos and fleet.phase(autos[0]["metadata"]["name"]) in ENDED else None
    name = wait_for("the renewal has ended", ended, 120, 0.02, fleet.explain)
    return name, last_trust, first_prune, phases


@pytest.mark.parametrize("flows", [Encrypted], indirect=True)
def test_a_renewal_of_another_authority(flows, tmp_path, tidy):
    """
    The CA issuer's own key is replaced, and cert-manager renews the certificate by itself: what every pod trusts is
    known at rest, so it goes by trust, leaf, prune. Members are never refused by each other; nor is who holds the old
    authority alone before a leaf of the new one is shown, who holds the new one alone when all show it, who holds both.
    """
    fleet, namespace = flows.fleet, flows.namespace
    flows.succeed("add", issuerRef=issuer_ref("issuer"))
    before, starts = flows.serve_the_secret(), fleet.starts()
    links = tidy(Links([SimpleNamespace(name=pod.name, published=pod.published, group=group)
                        for pod, group in zip(fleet.pods, fleet.cluster.group_ports)]))
    authorities = dict(zip(("old", "new"), replace_authority(namespace, "issuer")))
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
    links.check()
    fleet.cluster.wait_synced()
    for pod in fleet.pods:
        assert (pod.published / "ca.crt").read_bytes().strip() == authorities["new"].strip(), "the old one has gone"
