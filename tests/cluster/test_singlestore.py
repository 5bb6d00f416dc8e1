# SPDX-License-Identifier: Apache-2.0
"""
A SingleStore cluster in pods, by the requests of deploy/samples. SingleStore itself cannot be had: the nodes are those of
tests/peers/singlestore, in containers of their own, which the agent beside them ends by signal. They know each other by
names of pods, so all that nodes and agents ask of another node goes over the pods' network.
"""

import pytest

from engines import SingleStore
from mission import SampleMission, running, served_all_the_time
from support.poll import wait_for

DEFAULT = "100000"  # of max_connections


@pytest.fixture(scope="module")
def mission(node, dns, install, engines_image, tmp_path_factory):
    with running(node, install, "singlestore", lambda namespace: SingleStore(
            node, namespace, tmp_path_factory.mktemp("singlestore"), engines_image), (
            "orders-issuer", "orders-issuer-2027"), SampleMission) as mission:
        yield mission


def values(mission, name="max_connections"):
    return [pod.variable(name) for pod in mission.fleet.pods]


def test_deployed_plain_and_injected(mission):
    for pod in mission.fleet.pods:
        assert pod.statuses()["certrotate"]["ready"] and pod.report()["tls"] == "off"
    mission.fleet.assert_plain()
    wait_for("they are a cluster", mission.fleet.is_online, 60, 0.5, mission.fleet.explain)
    mission.fleet.watcher.one_at_a_time()


def test_add(mission):
    mission.done("add")
    assert "O=orders" in mission.serve_the_secret().subject
    assert mission.fleet.is_online() and values(mission, "have_ssl") == ["ON"] * 4
    assert set(mission.fleet.watcher.outages) == {pod.name for pod in mission.fleet.pods}
    mission.fleet.clients(mission.authority("orders-issuer")).check(3)


def test_rotate_and_change_issuer(mission):
    """Clients that trust both authorities notice nothing."""
    before, containers = mission.with_tls(), mission.fleet.containers()
    with served_all_the_time(mission, *map(mission.authority, ("orders-issuer", "orders-issuer-2027"))) as clients:
        mission.done("rotate")
        rotated = mission.serve_the_secret()
        assert rotated.fingerprint != before.fingerprint and rotated.issuer == before.issuer
        mission.done("change-issuer")
        leaf = mission.serve_the_secret()
        assert leaf.issuer == "CN=orders-issuer-2027 authority" != before.issuer
        wait_for("clients see it", lambda: clients.timeline()[-1][1] == leaf.fingerprint, 30, 0.2)
    assert mission.fleet.containers() == containers and mission.fleet.is_online()


def test_reconfigure(mission):
    """Aggregators and leaves have files of their own."""
    mission.with_tls()
    mission.done("reconfigure-apply")
    assert values(mission) == ["550"] * 4 and mission.fleet.is_online()
    leaves = list(mission.fleet.containers().items())[2:]
    mission.done("reconfigure-remove")
    assert values(mission) == [DEFAULT] * 2 + ["550"] * 2
    assert list(mission.fleet.containers().items())[2:] == leaves


def test_remove(mission):
    mission.with_tls()
    mission.done("remove")
    mission.fleet.assert_plain()
    assert mission.certificates() == {} and mission.fleet.secret_fp() is None
    assert mission.fleet.is_online() and values(mission, "have_ssl") == ["OFF"] * 4
