# SPDX-License-Identifier: Apache-2.0
"""
Druid 33 in pods: two routers behind a Service, a coordinator, ZooKeeper; by the requests of deploy/samples. The nodes do
not reach each other over TLS, because the extension for that cannot be had; each is a real server all the same.
"""

import pytest

from engines import Druid
from mission import SampleMission, running, served_all_the_time
from support import druid
from support.poll import wait_for


@pytest.fixture(scope="module")
def mission(node, dns, install, engines_image, tmp_path_factory):
    if not druid.available():
        pytest.fail("Druid is not there (tests/stages/druid.sh fetches it)")
    with running(node, install, "druid", lambda namespace: Druid(
            node, namespace, tmp_path_factory.mktemp("druid"), engines_image), ("events-issuer",), SampleMission) as mission:
        mission.namespace.cluster_issuer("events-issuer-2027")
        yield mission


def test_deployed_plain_and_injected(mission):
    for pod in mission.fleet.pods:
        assert pod.statuses()["certrotate"]["ready"] and pod.report()["tls"] == "off"
        wait_for(f"{pod.name} is well", pod.is_plain, 120, 0.5, mission.fleet.explain)
    mission.fleet.watcher.one_at_a_time()


def test_add(mission):
    mission.done("add")
    mission.serve_the_secret()
    for pod in mission.fleet.pods:
        assert pod.get_path("/status/health", True) == "true" and pod.get_path("/status/health", False) is None
        assert pod.in_force("druid.enablePlaintextPort") == "false"
    assert set(mission.fleet.watcher.outages) == {pod.name for pod in mission.fleet.pods}


def test_rotate(mission):
    """Clients of the routers notice nothing."""
    before, containers = mission.with_tls(), mission.fleet.containers()
    with served_all_the_time(mission, mission.authority("events-issuer"), user="") as clients:
        mission.done("rotate")
        fresh = mission.serve_the_secret()
        wait_for("clients see it", lambda: clients.timeline()[-1][1] == fresh.fingerprint, 30, 0.2)
    assert fresh.fingerprint != before.fingerprint and mission.fleet.containers() == containers


def test_reconfigure(mission):
    """What is for routers is for them alone; the words of jvm.config, too."""
    leaf = mission.with_tls()
    mission.done("reconfigure-apply")
    *routers, coordinator = mission.fleet.pods
    assert [pod.in_force("druid.router.http.numConnections") for pod in routers] == ["40"] * 2
    assert coordinator.in_force("druid.router.http.numConnections") is None
    assert mission.serve_the_secret() == leaf


def test_change_issuer(mission):
    """Changed authorities take a restart each time, one pod after the other."""
    before = mission.with_tls()
    mission.done("change-issuer")
    assert mission.serve_the_secret().issuer == "CN=events-issuer-2027 authority" != before.issuer


def test_remove(mission):
    mission.with_tls()
    mission.done("remove")
    mission.fleet.assert_plain()
    assert mission.certificates() == {} and mission.fleet.secret_fp() is None
