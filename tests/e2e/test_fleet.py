# SPDX-License-Identifier: Apache-2.0
"""
The stage on which the controller is proven, by itself: three servers without TLS and without a Secret, their agents,
and a plan written by hand. TLS is added, renewed and removed pod after pod.
"""

import json

import pytest

from support.fleet import Fleet
from support.poll import wait_for


class Hand:
    """The controller's part."""

    def __init__(self, fleet):
        self.fleet, self.generation = fleet, 0

    def write(self, turn=(), new=True, **more):
        self.generation += new
        self.fleet.namespace.config_map(f"{self.fleet.name}-certrotate", **{"plan.json": json.dumps(
            {"request": "", "generation": self.generation, "turn": list(turn), **more})})

    def wait(self, what, pods=None, deadline=60):
        """what: "done", "held", or "generation" alone: it was read."""
        def says(pod):
            plan = pod.plan()
            return plan.get("generation") == self.generation and (what == "generation" or plan.get(what))
        for pod in pods or self.fleet.pods:
            wait_for(f"{pod.name} says {what} of generation {self.generation}", lambda pod=pod: says(pod), deadline, 0.1,
                     self.fleet.explain)

    def walk(self, **more):
        """All read that nobody acts; then pod after pod."""
        self.write(**more)
        self.wait("generation")
        for pod in self.fleet.pods:
            self.write([pod.name], new=False, **more)
            self.wait("done", [pod])
        self.wait("done")


@pytest.fixture
def fleet(namespace, tmp_path, template, tidy, requests_defined):
    return tidy(Fleet(namespace, tmp_path, template)).up()


def test_on_renewed_and_off(fleet, namespace):
    hand = Hand(fleet)
    fleet.assert_plain()
    hand.write(tls="off")
    hand.wait("done")  # nothing is asked for that is not so
    assert all(pod.report()["error"] is None for pod in fleet.pods)

    namespace.issuer()
    namespace.certificate("px-server-cert")
    hand.walk(tls="on")
    assert [leaf.fingerprint for leaf in fleet.served()] == [fleet.secret_fp()] * 3
    assert fleet.starts() == [1, 1, 1]

    before = fleet.secret_fp()
    hand.write(tls="on")
    hand.wait("generation")
    namespace.renew("px-server-cert")
    hand.wait("held")
    assert [leaf.fingerprint for leaf in fleet.served()] == [before] * 3
    hand.walk(tls="on")
    assert [leaf.fingerprint for leaf in fleet.served()] == [fleet.secret_fp()] * 3 != [before] * 3
    assert fleet.starts() == [1, 1, 1], "a renewed certificate is reloaded"

    hand.walk(tls="off")
    fleet.assert_plain()
    namespace.delete("certificates/px-server-cert", "cert-manager.io/v1")
    namespace.delete("secrets/px-server-cert")
    hand.write(tls="off")
    hand.wait("done")
    wait_for("no errors", lambda: all(pod.report()["error"] is None for pod in fleet.pods), 30, 0.1, fleet.explain)
    assert fleet.starts() == [2, 2, 2]
    fleet.watcher.one_at_a_time()
    assert fleet.watcher.outages == {pod.name: 2 for pod in fleet.pods}
