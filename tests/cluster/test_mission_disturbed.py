# SPDX-License-Identifier: Apache-2.0
"""
Parts of the cluster go in the middle of a rotation: the controller that acts, the API server, the kubelet, a database's
pod. The request ends Successful all the same, and each pod serves what is in the Secret. While it is the controller or the
API server, clients of the Service notice nothing.
"""

import signal

import pytest
from support.flows import issuer_ref
from support.fleet import ENDED
from support.poll import wait_for


def restart_api(mission):
    mission.fleet.node.plane.restart(signal.SIGKILL)


def kill_kubelet(mission):
    """A kubelet that starts calls every pod unready until its first probes: that is its own doing, and does not count."""
    mission.fleet.watcher.looks = False
    mission.fleet.node.restart_kubelet(signal.SIGKILL)


def delete_controller(mission):
    """The one that acts; the other goes on, and a new one comes."""
    leader = mission.install.leader()
    mission.install.plane.api.call("DELETE", f"/api/v1/namespaces/certrotate/pods/{leader}", {"gracePeriodSeconds": 0})


def delete_pod(mission):
    """The next one's: it comes back with the agent in it, and with what it has served before."""
    mission.namespace.call("DELETE", "pods/px-1", {"gracePeriodSeconds": 0})


def middle_of(mission, name):
    """A pod has the turn."""
    def is_there():
        assert mission.fleet.phase(name) not in ENDED, mission.fleet.explain(name)
        return (mission.fleet.plan() or {}).get("turn")
    return wait_for("a pod has the turn", is_there, 60, 0.02, lambda: mission.fleet.explain(name))


@pytest.mark.parametrize("disturb", [delete_controller, restart_api, kill_kubelet, delete_pod])
def test_in_the_middle_of_a_change_of_issuer(mission, disturb):
    before = mission.with_tls()
    other = "issuer-2" if before.issuer == "CN=issuer authority" else "issuer"
    clients = mission.fleet.clients(mission.authority("issuer"), mission.authority("issuer-2"))
    try:
        name = mission.ask("issuer", issuerRef=issuer_ref(other))
        middle_of(mission, name)
        disturb(mission)
        mission.wait_success(name)
        assert mission.serve_the_secret().issuer == f"CN={other} authority"
        for pod in mission.fleet.pods:
            pod.wait_ready(120)
        wait_for("they are a cluster", mission.fleet.is_cluster, 60, 0.5, mission.fleet.explain)
        if disturb in (delete_controller, restart_api):
            clients.check(10)
    finally:
        clients.stop()
        mission.fleet.watcher.looks = True
    mission.install.wait()
