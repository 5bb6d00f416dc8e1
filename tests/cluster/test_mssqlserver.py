# SPDX-License-Identifier: Apache-2.0
"""
An availability group of three SQL Servers in pods, by the requests of deploy/samples: every one of them restarts each
replica, and the primary hands over first. SQL Server itself cannot be had: the instances are those of
tests/peers/sqlserver, whose group lies in a folder that the pods share; each agent reaches the others by names of pods.
"""

import pytest

from engines import SQLServer
from mission import SampleMission, running
from support.pod_mssqlserver import PLAIN, Turns, primary

ISSUER, OTHER = "orders-issuer", "orders-issuer-2027"


class GroupMission(SampleMission):
    def done(self, what, *changes):
        """Each replica goes once, the primary of before last, and as a secondary."""
        turns, old = Turns(self.fleet), primary(self.fleet)
        conditions = super().done(what, *changes)
        turns.check(old)
        return conditions


@pytest.fixture(scope="module")
def mission(node, dns, install, engines_image, tmp_path_factory):
    with running(node, install, "mssqlserver", lambda namespace: SQLServer(
            node, namespace, tmp_path_factory.mktemp("mssqlserver"), engines_image), (ISSUER, OTHER), GroupMission) as mission:
        yield mission


def test_deployed_plain_and_injected(mission):
    for pod in mission.fleet.pods:
        assert pod.statuses()["certrotate"]["ready"] and pod.report()["tls"] == "off"
        assert pod.settings_text() == PLAIN
    mission.fleet.assert_plain()
    mission.fleet.watcher.one_at_a_time()


def test_add(mission):
    mission.done("add")
    leaf = mission.serve_the_secret()
    assert leaf.issuer == f"CN={ISSUER} authority" and leaf.subject == "CN=mssql"
    assert set(mission.fleet.watcher.outages) == {pod.name for pod in mission.fleet.pods}
    for pod in mission.fleet.pods:
        assert "tlscert = /var/opt/mssql/tls/server.crt" in pod.settings_text()


def test_rotate_and_change_issuer(mission):
    before = mission.with_tls()
    mission.done("rotate")
    rotated = mission.serve_the_secret()
    assert rotated.fingerprint != before.fingerprint and rotated.issuer == before.issuer
    mission.done("change-issuer")
    assert mission.serve_the_secret().issuer == f"CN={OTHER} authority" != before.issuer


def test_reconfigure(mission):
    mission.with_tls()
    before = [pod.settings_text() for pod in mission.fleet.pods]
    mission.done("reconfigure-apply")
    assert [pod.memory_mb() for pod in mission.fleet.pods] == [4096] * 3
    mission.done("reconfigure-remove")
    assert [pod.settings_text() for pod in mission.fleet.pods] == before


def test_remove(mission):
    mission.with_tls()
    mission.done("remove")
    mission.fleet.assert_plain()
    assert mission.certificates() == {} and mission.fleet.secret_fp() is None
    assert [pod.settings_text() for pod in mission.fleet.pods] == [PLAIN] * 3
