# SPDX-License-Identifier: Apache-2.0
"""
A new authority through three Galera nodes in three phases, by three agents that share a plan. Nodes and agents go
down in the middle of each phase; handshakes between all of them run all the time, and none is ever refused.
"""

import pytest

from support.authority import Authority
from support.links import Links
from support.members import Member, Plan, first_bundles
from support.poll import wait_for


@pytest.fixture
def members(tmp_path, galera, authority, tidy):
    """Up, with a leaf of the old authority each; the plan says nothing yet."""
    members = [Member(tmp_path, f"m{i}") for i in range(3)]
    cluster = galera([m.published for m in members])
    plan = Plan(tmp_path / "plan", members)
    for member, node, group in zip(members, cluster.nodes, cluster.group_ports):
        member.node, member.group = node, group
        member.make_agent(tidy, "mariadb", plan=str(plan.path), reverify="1s", **{"retry-min": "200ms", "retry-max": "1s", "verify-limit": "10s"})
    first_bundles(members, authority)
    cluster.start()
    for member in members:
        member.agent.wait_event("rotation_succeeded", 60)
    members[0].cluster, members[0].plan = cluster, plan
    return members


def authorities_in(member):
    return (member.published / "ca.crt").read_text().count("BEGIN CERTIFICATE")


def test_three_phases(members, tmp_path, tidy):
    cluster, plan = members[0].cluster, members[0].plan
    first, second, third = members
    fresh = Authority(tmp_path / "fresh", name="Fresh Authority")
    before = {m.name: m.published_fp() for m in members}
    next_bundles = {m.name: fresh.issue() for m in members}
    links = tidy(Links(members))

    # cert-manager hands over leaf and authority in one step, on all members at different times: nobody acts.
    plan.write(turn=[])
    for member in members:
        member.volume.publish(next_bundles[member.name])
    plan.wait("held")
    assert {m.name: m.published_fp() for m in members} == before

    # trust: old and new authorities, the old leaf. One node is down when it begins, one agent is killed in it.
    third.node.stop()
    wait_for("two members", lambda: first.node.status("wsrep_cluster_size") == "2", 30)
    second.agent.kill()
    plan.write(phase="trust")
    plan.wait("done", [first])
    second.agent.start()
    third.node.start(deadline=60)
    plan.wait("done")
    cluster.wait_synced()
    assert {m.name: m.published_fp() for m in members} == before
    assert [authorities_in(m) for m in members] == [2, 2, 2]

    # leaf: one by one. A node goes down with the old leaf and comes back beside the first with the new one.
    plan.write(turn=[first], phase="leaf")
    plan.wait("done", [first])
    assert first.published_fp() == next_bundles[first.name].fp
    assert second.published_fp() == before[second.name]
    second.node.restart()
    cluster.wait_synced()
    plan.write(turn=[second], new=False, phase="leaf")
    second.agent.wait("published", lambda: second.published_fp() == next_bundles[second.name].fp)
    second.agent.kill()
    second.node.restart()
    second.agent.start()
    plan.wait("done", [second])
    cluster.wait_synced()
    plan.write(turn=[third], new=False, phase="leaf")
    plan.wait("done", [third])
    assert {m.name: m.published_fp() for m in members} == {m: b.fp for m, b in next_bundles.items()}
    assert [authorities_in(m) for m in members] == [2, 2, 2]

    # prune: the old authority goes; the links trust it until each node restarts, and that is said.
    first.node.stop()
    plan.write(phase="prune")
    plan.wait("done", [second, third])
    first.node.start(deadline=60)
    plan.wait("done")
    cluster.wait_synced()
    assert [authorities_in(m) for m in members] == [1, 1, 1]
    assert second.agent.status()["prunePending"] and third.agent.status()["prunePending"]
    for member in (second, third):
        member.node.restart()
        cluster.wait_synced()
        member.agent.wait_status("no longer pending", lambda status: not status["prunePending"], 30)

    links.check()
    assert {node.status("wsrep_cluster_size") for node in cluster.nodes} == {"3"}
    for member in members:
        assert not member.agent.find("rotation_rolled_back"), member.agent.tail()
    for node in cluster.nodes:
        assert "certificate verify failed" not in node.log.read_text()


def test_leaf_without_trust_is_refused(members, foreign):
    """The plan skips the first phase: the agent does not."""
    plan, member = members[0].plan, members[1]
    before = member.published_fp()
    plan.write(phase="leaf", turn=[member])
    member.volume.publish(foreign.issue())
    said = member.agent.wait_event("bundle_refused", 30)
    assert "authority-changed" in said["error"]
    assert member.published_fp() == before and members[0].cluster.synced()


def test_trust_is_proven_on_the_wire(members, foreign, tmp_path):
    """A node that does not read the new authorities: its listener refuses the leaf to come, and the phase is not done."""
    plan, member = members[0].plan, members[2]
    frozen = tmp_path / "frozen"
    frozen.mkdir()
    for name in ("ca.crt", "tls.crt", "tls.key"):
        (frozen / name).write_bytes((member.published / name).read_bytes())
    # The group link's files only: the client port reads what is published.
    member.node.stop()
    member.node.extra = [o.replace(f"socket.ssl_ca={member.published}", f"socket.ssl_ca={frozen}")
                         for o in member.node.extra]
    member.node.start(deadline=60)
    members[0].cluster.wait_synced()
    plan.write(phase="trust", turn=[member])
    plan.wait("done", [member])
    member.volume.publish(foreign.issue())
    said = member.agent.wait_event("rotation_rolled_back", 60)
    assert "authority to come" in said["error"], said
    assert not plan.says(member, "done")
    assert authorities_in(member) == 1 and members[0].cluster.synced()
