# SPDX-License-Identifier: Apache-2.0
"""
Parts of the cluster go in the middle of a change of issuer, one in each of its phases: agent, controller and API server;
what the node runs; a database's pod. The request ends Successful all the same, each pod serves what is in the Secret, and
never is more than one pod away by our doing.
"""

import signal
from contextlib import contextmanager

from support.fleet import ENDED
from support.flows import issuer_ref
from support.kube_api import ApiError
from support.poll import wait_for

PHASES = ("trust", "leaf", "prune")


# --- who goes

def kill_agent(mission):
    """Of the pod that has the turn: in the middle of its work."""
    pod = next(pod for pod in mission.fleet.pods if pod.name in mission.fleet.plan()["turn"])
    mission.fleet.node.kill(pod.statuses()["certrotate"]["containerID"])


def delete_controller(mission):
    """The one that acts; the other goes on, and a new one comes."""
    leader = mission.install.leader()
    mission.install.plane.api.call("DELETE", f"/api/v1/namespaces/certrotate/pods/{leader}", {"gracePeriodSeconds": 0})


def kill_api(mission):
    mission.fleet.node.plane.restart(signal.SIGKILL)


def kill_containerd(mission):
    mission.fleet.node.restart_containerd()


def kill_kubelet(mission):
    mission.fleet.node.restart_kubelet(signal.SIGKILL)


# --- when

def all_ready(mission):
    return mission.fleet.ready() == {pod.name for pod in mission.fleet.pods}


def wait_phase(mission, name, phase):
    """A pod has the turn in it, and all are there."""
    def is_there():
        try:
            have, plan = mission.fleet.phase(name), mission.fleet.plan() or {}
            assert have not in ENDED, f"{name} is {have} before {phase} was seen\n{mission.fleet.explain(name)}"
            return plan.get("phase") == phase and plan.get("turn") and all_ready(mission)
        except (ApiError, OSError):
            return False  # the API server comes back
    wait_for(f"{name} is in phase {phase}", is_there, 240, 0.02, lambda: mission.fleet.explain(name))


@contextmanager
def change_of_issuer(mission):
    """Name of the request, and clients of the Service that trust both authorities."""
    before = mission.with_tls()
    other = "issuer-2" if before.issuer == "CN=issuer authority" else "issuer"
    clients = mission.fleet.clients(*authorities(mission))
    try:
        name = mission.ask("issuer", issuerRef=issuer_ref(other))
        yield name, clients
        mission.wait_success(name)
        assert mission.serve_the_secret().issuer == f"CN={other} authority"
        wait_for("all are there", lambda: all_ready(mission), 120, 0.2, mission.fleet.explain)
        wait_for("they are a cluster", mission.fleet.is_cluster, 60, 0.5, mission.fleet.explain)
        mission.install.wait()
    finally:
        clients.stop()
        mission.fleet.watcher.looks = True


def authorities(mission):
    return mission.authority("issuer"), mission.authority("issuer-2")


# --- what must be so

def test_agent_controller_and_api_server_go(mission):
    """Clients notice nothing: the database goes on."""
    containers = mission.fleet.containers()
    with change_of_issuer(mission) as (name, clients):
        for phase, disturb in zip(PHASES, (kill_agent, delete_controller, kill_api)):
            wait_phase(mission, name, phase)
            disturb(mission)
    clients.check(10)
    assert mission.fleet.containers() == containers
    assert sum(pod.restarts()["certrotate"] for pod in mission.fleet.pods) >= 1


def test_containerd_and_kubelet_go(mission):
    """A kubelet that starts calls every pod unready until its first probes: that is its own doing, and does not count."""
    containers = mission.fleet.containers()
    with change_of_issuer(mission) as (name, _):
        mission.fleet.watcher.looks = False
        for phase, disturb in zip(PHASES, (kill_containerd, kill_kubelet)):
            wait_phase(mission, name, phase)
            disturb(mission)
    assert mission.fleet.containers() == containers


def test_a_pod_goes(mission):
    """The next one's: it comes back with the agent in it."""
    with change_of_issuer(mission) as (name, _):
        wait_phase(mission, name, "trust")
        mission.namespace.call("DELETE", "pods/px-1", {"gracePeriodSeconds": 0})
