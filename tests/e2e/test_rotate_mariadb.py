# SPDX-License-Identifier: Apache-2.0
"""
The promise itself on a real server: every new certificate served, none missed, no client disturbed, nothing
grows. If one fails, look at the agent's log below it, then at the timeline of the load clients.
"""

import random
import time

import pytest

from support.agent import BINARY, RELEASE
from support.poll import wait_for


def test_published_before_the_database_is_there(stack):
    """SH1: the first bundle is published at once, and proven when the server comes up."""
    bundle = stack.authority.issue()
    stack.volume.publish(bundle)
    stack.agent.start()
    stack.agent.wait_event("database_waited_for", reason="DatabaseNotReady")
    stack.db.start()
    stack.wait_proven(bundle)
    stack.assert_serves(bundle)


def test_first_second_third_under_load(stack):
    """EX2: the second and third rotation are where others stopped. Clients see the leaves in order, no failure."""
    stack.up()
    clients = stack.load()
    order = [stack.bundle.fp] + [stack.rotate().fp for _ in range(5)]
    wait_for("last leaf seen", lambda: order[-1] in clients.seen())
    clients.check(20)
    assert [fp for _, fp in clients.timeline()] == order


def test_same_pid_and_open_sessions_survive(stack):
    """GT1: a reload is no restart."""
    stack.up()
    before = (stack.db.pid, stack.db.status("Uptime"))
    stack.rotate()
    assert stack.db.pid == before[0] and int(stack.db.status("Uptime")) >= int(before[1])


@pytest.mark.parametrize("kinds", [("ec", "rsa"), ("rsa", "ec"), ("ec", "ed25519")])
def test_other_kind_of_key(stack, authority, kinds):
    """HT2: the kind of key may change."""
    stack.up(authority.issue(kind=kinds[0]))
    stack.rotate(authority.issue(kind=kinds[1]))


def test_same_key_renewal(stack, authority):
    stack.up()
    stack.rotate(authority.issue(key=stack.bundle.key))
    assert stack.agent.find("bundle_accepted", change="^same-key$")


def test_through_an_intermediate(stack, tmp_path):
    """SH7: leaf with intermediate, then a new intermediate; clients know the root only."""
    from support.authority import Authority
    ca = Authority(tmp_path / "ca", name="Chained", intermediate=True)
    stack.authority = ca
    stack.up(ca.issue())
    clients = stack.load()
    ca.renew_intermediate()
    stack.rotate(ca.issue())
    clients.check()
    assert stack.agent.find("bundle_accepted", change="^new-intermediate$")


def test_metadata_is_no_change(stack):
    """EX10: times and names of generations are not content: no reload."""
    stack.up()
    before = int(stack.db.status("Com_flush"))
    for _ in range(3):
        stack.volume.touch()
        stack.volume.current_swapped_again()
    stack.rotate()
    assert int(stack.db.status("Com_flush")) == before + 1, "more than the one reload of the real change"
    assert len(stack.agent.find("source_changed")) == 1


def test_burst_coalesces(stack, authority):
    """EX13, EX14: what arrives during a rotation is remembered; a burst needs few reloads."""
    stack.up()
    before = int(stack.db.status("Com_flush"))
    bundles = [authority.issue(key=stack.bundle.key) for _ in range(20)]
    for bundle in bundles:
        stack.volume.publish(bundle)
    stack.wait_proven(bundles[-1])
    stack.assert_serves(bundles[-1])
    assert int(stack.db.status("Com_flush")) - before <= 20


def test_new_authority_keeps_the_old_one(stack, foreign):
    """EX22 for one server: old and new clients are both served, because both authorities are published."""
    stack.up()
    clients = stack.load(foreign)
    stack.rotate(foreign.issue())
    clients.check()
    published = (stack.published / "ca.crt").read_bytes()
    assert foreign.root.strip() in published and stack.authority.root.strip() in published


def bursts(n, rng):
    while n > 0:
        size = min(n, rng.randint(1, 4))
        n -= size
        yield size


@pytest.mark.parametrize("binary", [pytest.param(BINARY, id="asan"), pytest.param(RELEASE, id="release")])
def test_random_intervals(make_stack, authority, long, binary):
    """
    EX1: kubelet-style swaps at random intervals (0 to 300 ms) under constant new connections. A generation that
    stays is final and must be served; nothing may fail, be refused or grow. Memory is a matter of the release
    build; the sanitizers' build does fewer.
    """
    total = (1000 if long else 200) if binary == RELEASE else (200 if long else 60)
    stack = make_stack(binary=binary).up()
    clients = stack.load()
    agent, rng = stack.agent, random.Random(20261123)
    key, level, finals, done = stack.bundle.key, None, [], 0
    for size in bursts(total, rng):
        for i in range(size):
            bundle = authority.issue(key=None if rng.random() < 0.2 else key)
            key = bundle.key
            stack.volume.publish(bundle)
            if i + 1 < size:
                time.sleep(rng.uniform(0, 0.3))  # this is the scenario, no waiting for something
        stack.wait_proven(bundle)
        stack.wait_served(bundle, 1)
        finals.append(bundle.fp)
        done += size
        if level is None and done >= total // 4:
            level = (agent.fds(), agent.rss_kib())
    stack.assert_serves(bundle)
    wait_for(f"no more than {level[0]} descriptors", lambda: agent.fds() <= level[0], 30, 0.1, agent.descriptors)
    if binary == RELEASE:
        assert agent.rss_kib() - level[1] <= 256, f"memory grew from {level[1]} to {agent.rss_kib()} KiB"
    wait_for("last leaf seen", lambda: finals[-1] in clients.seen())
    made = clients.check(total)
    bad = [e for e in agent.events if e["level"] in ("warn", "error")]
    assert not bad, bad[:5]
    print(f"{total} rotations, {len(finals)} final ones, {made} connections, none failed")
    agent.stop()
