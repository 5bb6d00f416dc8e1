# SPDX-License-Identifier: Apache-2.0
"""
Turns by a Lease of a real API server: several contenders are killed and stopped at random, the server is too, and
somebody deletes the Lease. Two never act at once, and it always goes on. When this fails: the lines of each contender
(support/contender.py) with CLOCK_BOOTTIME milliseconds, and the audit of the Lease in kube-apiserver.log.
"""

import random
import signal
import time

import pytest

from support.api_proxy import ApiProxy
from support.contender import Contender, turns_of
from support.poll import wait_for

LEASES = "coordination.k8s.io/v1"
DURATION = 3  # seconds, the shortest


@pytest.fixture
def make(tmp_path, cluster, namespace, tidy):
    def make(holder, duration=DURATION, hold_max_ms=4000, kubeconfig=None, watch=False):
        return tidy(Contender(tmp_path, kubeconfig or cluster.admin, namespace.name, "px-turn", holder, duration,
                              hold_max_ms, watch)).start()
    return make


def spec(namespace):
    return (namespace.get("leases/px-turn", LEASES) or {}).get("spec", {})


def ready_made(namespace):
    """As if it had been in use: one that was never taken is looked at for two thirds of the duration first."""
    namespace.apply("leases/px-turn", {"spec": {"leaseTransitions": 1}}, LEASES)


def wait_turns(contenders, more, seconds=60):
    """So many more turns than by now."""
    want = len(turns_of(contenders)) + more
    wait_for(f"{want} turns", lambda: len(turns_of(contenders)) >= want, seconds, 0.3,
             lambda: "\n".join(str(one.lines()[-5:]) for one in contenders))


def test_turns(make, namespace):
    """Nobody is disturbed: each has turns, handed over at once, however long the duration."""
    ready_made(namespace)
    three = [make(f"px-{n}", duration=3600, hold_max_ms=500, watch=True) for n in range(3)]
    wait_turns(three, 12, 60)
    assert {holder for _, _, holder in turns_of(three)} == {"px-0", "px-1", "px-2"}
    for one in three:
        one.end()
    assert spec(namespace)["holderIdentity"] == "" and spec(namespace)["leaseDurationSeconds"] == 1
    assert spec(namespace)["leaseTransitions"] >= 11
    turns_of(three)


def harm(rng, three):
    one = rng.choice(three)
    if rng.random() < 0.5:
        one.kill()
        time.sleep(rng.uniform(0, 0.5))
        one.start()
    else:
        one.stop()
        time.sleep(rng.uniform(0, 2 * DURATION))
        one.go_on()


def test_chaos(make, namespace, long):
    """Killed and stopped at random; ten minutes with --long."""
    seed = random.randrange(2 ** 32)
    print("seed", seed)
    rng, three = random.Random(seed), [make(f"px-{n}", watch=n > 0) for n in range(3)]
    wait_turns(three, 1)
    end = time.monotonic() + (600 if long else 45)
    while time.monotonic() < end:
        harm(rng, three)
        wait_turns(three, 1)  # it goes on
        if rng.random() < 0.2:  # somebody else's label is none of their business
            namespace.patch("leases/px-turn", {"metadata": {"labels": {"seen": str(rng.randrange(1000))}}}, LEASES)
    assert len({holder for _, _, holder in turns_of(three)}) == 3
    print(len(turns_of(three)), "turns")


def test_server_in_trouble(make, cluster, tmp_path, tidy):
    """Cuts, silence, refusals, answers by halves, a server that is killed: at worst a turn is lost."""
    proxy = tidy(ApiProxy(cluster))
    kubeconfig = cluster.kubeconfig(tmp_path / "proxy.conf", token=cluster.token, port=proxy.port)
    three = [make(f"px-{n}", kubeconfig=kubeconfig) for n in range(3)]
    wait_turns(three, 2)
    for kind, more in (("cut", {"after": None}), ("cut", {"after": 30}), ("silence", {"after": None}),
                       ("status", {"code": 500}), ("status", {"code": 429, "retry_after": 1}), ("truncate", {"keep": 0.5}),
                       ("garbage", {}), ("delay", {"seconds": 2.5}), ("status", {"code": 409}),
                       ("status", {"code": 403})):
        fault = proxy.add(kind, "leases", count=6, **more)
        wait_for(f"{kind} {more}", lambda f=fault: f.hits >= 3, 60, 0.1)
        proxy.clear()
        wait_turns(three, 1, 90)
    cluster.restart(signal.SIGKILL)
    wait_turns(three, 2, 90)
    # Three contenders with the shortest duration, who never rest for long, in the worst minute.
    assert proxy.busiest(60, "leases") < 500


def test_deleted_while_held(make, namespace):
    """By somebody who means well, also twice in a row: whoever makes it anew waits until its holder must know."""
    rng, three = random.Random(1), [make(f"px-{n}", watch=n > 0) for n in range(3)]
    wait_turns(three, 4)
    for number in range(8):
        wait_for("a holder", lambda: spec(namespace).get("holderIdentity"), 30, 0.02)
        namespace.delete("leases/px-turn", LEASES)
        if number % 2:
            wait_for("made anew", lambda: namespace.get("leases/px-turn", LEASES), 30, 0.02)
            namespace.delete("leases/px-turn", LEASES)
        if number % 4 == 0:
            one = rng.choice(three)
            one.kill()
            one.start()  # it knows of nothing
        wait_turns(three, 1)
    turns_of(three)


def test_given_back_at_the_end(make, namespace):
    """An agent that ends leaves nobody waiting; one that is killed does so for the duration at most."""
    ready_made(namespace)
    one = make("px-0", duration=3600, hold_max_ms=2000000)
    wait_for("it is held", lambda: one.lines("HELD"), 30)
    assert spec(namespace)["holderIdentity"] == "px-0" and spec(namespace)["leaseDurationSeconds"] == 3600
    one.kill()
    one.start()
    wait_for("its own, from before", lambda: len(one.lines("HELD")) == 2, 30)
    assert spec(namespace)["leaseTransitions"] == 2
    one.end()
    assert spec(namespace)["holderIdentity"] == ""
    other = make("px-1", duration=3600, hold_max_ms=2000000)
    wait_for("the other has it", lambda: other.lines("HELD"), 30)
