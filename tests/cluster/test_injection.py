# SPDX-License-Identifier: Apache-2.0
"""
The installed webhook, called through its Service: pods that ask get the agent, and when no replica is there they are made
all the same, which the controller tells of later.
"""

import urllib.request

from support.poll import wait_for
from support.webhook import is_injected, pod

MISSED = "certrotate_missed_injections"


def make(namespace, name):
    body = pod(name)
    body["spec"]["containers"][0]["imagePullPolicy"] = "Never"  # nothing is to run
    namespace.account("default")
    return namespace.call("POST", "pods", body)


def missed(install):
    """As the replica that acts counts them."""
    leader = next((p for p in install.pods() if p["metadata"]["name"] == install.leader()), None)
    if leader is None or not leader["status"].get("podIP"):
        return None
    try:
        with urllib.request.urlopen(f"http://{leader['status']['podIP']}:9534/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return None
    return next(float(line.split()[1]) for line in lines if line.startswith(MISSED + " "))


def test_pods_are_made_when_the_webhook_is_down(install, namespace):
    install.admit(namespace, "orders")
    assert is_injected(make(namespace, "orders-0"))
    install.scale(0)
    try:
        assert not is_injected(make(namespace, "orders-1"))
    finally:
        install.scale(2)
    wait_for("it is counted", lambda: missed(install) == 1, 60, 0.2, install.explain)
    wait_for("it is told", lambda: namespace.events(reason="InjectionMissed"), 30, 0.2)
    told, = namespace.events(reason="InjectionMissed")
    assert told["regarding"]["name"] == "orders-1" and told["type"] == "Warning"
    namespace.delete("pods/orders-1")
    wait_for("it is gone", lambda: namespace.get("pods/orders-1") is None, 60, 0.2)
    assert is_injected(make(namespace, "orders-1"))
    wait_for("nothing is missed", lambda: missed(install) == 0, 60, 0.2, install.explain)
