# SPDX-License-Identifier: Apache-2.0
"""
The same for a Galera cluster of three under PerconaXtraDBOpsRequests, without a database object: the workload is what
gets paused. What is written on one member is read on all, throughout.
"""

import pytest

from support.controller import Controller
from support.fleet import Fleet
from support.flows import Flows, issuer_ref
from support.namespace import Namespace
from support.poll import wait_for


@pytest.fixture
def flows(namespace, tmp_path, template, tidy, requests_defined):
    fleet = tidy(Fleet(namespace, tmp_path, template, kind="perconaxtradb", galera=True, has_object=False,
                       **{"restart-limit": "60s"}))  # to join again takes its time on a busy machine
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
