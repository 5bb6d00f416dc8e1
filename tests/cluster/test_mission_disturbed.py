# SPDX-License-Identifier: Apache-2.0
"""
Parts of the cluster go in the middle of a change of issuer, one in each of its phases: agent, controller and API server;
what the node runs; a database's pod. The request ends Successful all the same, each pod serves what is in the Secret, and
never is more than one pod away by our doing.
"""

import signal
from contextlib import ExitStack, contextmanager

import pytest
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


def delete(mission, name):
    mission.namespace.call("DELETE", f"pods/{name}", {"gracePeriodSeconds": 0})


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


def is_in(plan, name, phase):
    return (plan.get("request"), plan.get("phase")) == (name, phase)


def stand_still(mission, name):
    """The agent of the first pod, when it has read that nobody acts yet: its turn lasts as long as the pod is there."""
    pod = mission.fleet.pods[0]

    def has_read():
        plan, told = mission.fleet.plan() or {}, pod.plan()
        return is_in(plan, name, None) and (told.get("done") or told.get("held")) and (
            told["request"], told["generation"]) == (name, plan["generation"])
    wait_for(f"{pod.name} has read the plan", has_read, 60, 0.01, lambda: mission.fleet.explain(name))
    mission.fleet.node.kill(pod.statuses()["certrotate"]["containerID"], "SIGSTOP")


def wait_turn(mission, name, phase):
    """The first pod has it."""
    wait_for(f"px-0 has the turn in phase {phase}", lambda: is_in(plan := mission.fleet.plan() or {}, name, phase) and
             plan["turn"] == ["px-0"], 120, 0.01, lambda: mission.fleet.explain(name))


@contextmanager
def change_of_issuer(mission):
    """Name of the request, and clients of the Service that trust both authorities."""
    other = another(mission.with_tls())
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


def another(leaf):
    return "issuer-2" if leaf.issuer == "CN=issuer authority" else "issuer"


def authorities(mission):
    return mission.authority("issuer"), mission.authority("issuer-2")


# --- what must be so

def test_agent_controller_and_api_server_go(mission):
    """Clients notice nothing: the database goes on."""
    mission.with_tls()
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
    mission.with_tls()
    containers = mission.fleet.containers()
    with change_of_issuer(mission) as (name, _):
        mission.fleet.watcher.looks = False
        for phase, disturb in zip(PHASES, (kill_containerd, kill_kubelet)):
            wait_phase(mission, name, phase)
            disturb(mission)
    assert mission.fleet.containers() == containers


@pytest.mark.parametrize("who", ["its-turn", "the-next"])
def test_a_pod_goes_in_each_phase(mission, who):
    """
    It comes back with the new leaf. Of the first pod in phase trust that is one that nobody else trusts yet, whoever is
    asked: they are told to beside its turn.
    """
    with change_of_issuer(mission) as (name, _):
        if who == "its-turn":
            stand_still(mission, name)
        for phase in PHASES:
            wait_turn(mission, name, phase)
            delete(mission, "px-0" if who == "its-turn" else "px-1")


@pytest.mark.parametrize("what", ["rotate", "remove", "add"])
def test_a_pod_goes_in_its_turn(mission, what):
    """What restarts the database lasts; a reload does when its agent stands still."""
    mission.without_tls() if what == "add" else mission.with_tls()
    name = mission.ask(what, **{"rotate": {"rotateCertificates": True}, "remove": {"remove": True},
                                "add": {"issuerRef": issuer_ref("issuer")}}[what])
    if what == "rotate":
        stand_still(mission, name)
    wait_turn(mission, name, None)
    delete(mission, "px-0")
    mission.wait_success(name)
    if what == "remove":
        mission.fleet.assert_plain()
    else:
        mission.serve_the_secret()
    wait_for("they are a cluster", mission.fleet.is_cluster, 60, 0.5, mission.fleet.explain)


# --- a pod without an agent

def make_without_agent(mission, pod):
    uid = pod.get()["metadata"]["uid"]
    delete(mission, pod.name)
    fresh = wait_for(f"{pod.name} is made anew", lambda: (have := mission.namespace.get(f"pods/{pod.name}")) and
                     have["metadata"]["uid"] != uid and have, 60, 0.1, mission.fleet.explain)
    assert "initContainers" not in fresh["spec"], "somebody has answered"
    wait_for("it is told", lambda: pod.events("InjectionMissed"), 60, 0.2, mission.fleet.explain)


def test_no_agent_is_put_into_a_pod(mission):
    """The request goes back, and names it; when it is deleted once more, it is as if nothing had been."""
    before, picture = mission.with_tls(), mission.picture()
    with mission.install.unanswered(mission.namespace):
        name = mission.ask("issuer", "20s", issuerRef=issuer_ref(another(before)))
        wait_turn(mission, name, "trust")
        make_without_agent(mission, mission.fleet.pods[1])
        mission.wait_failure(name, "pod px-1 has no report of an agent: it was made while the webhook did not answer",
                             away=[mission.fleet.pods[1]])
    delete(mission, "px-1")
    wait_for("it is there again", lambda: all_ready(mission), 120, 0.2, mission.fleet.explain)
    wait_for("it is not left behind", lambda: "left" not in mission.fleet.record(), 60, 0.2, mission.fleet.explain)
    mission.same_as(picture)
    wait_for("they are a cluster", mission.fleet.is_cluster, 60, 0.5, mission.fleet.explain)


def test_an_agent_is_put_into_a_pod_later(mission):
    """Deleted once more in time, the request goes on."""
    with ExitStack() as away:
        away.enter_context(mission.install.unanswered(mission.namespace))
        with change_of_issuer(mission) as (name, _):
            wait_turn(mission, name, "trust")
            make_without_agent(mission, mission.fleet.pods[1])
            away.close()
            delete(mission, "px-1")
