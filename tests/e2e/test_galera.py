# SPDX-License-Identifier: Apache-2.0
"""
Three Galera nodes, each with its own agent: leaf rotated on every node, every link proven by fresh handshakes,
size stays 3. A leaf that the others would refuse is refused before it is loaded: the server itself would take it,
and the cluster would fall apart at the next reconnect.
"""

import pytest

from support import wire
from support.members import SHORT, Member, first_bundles
from support.poll import stays, wait_for

@pytest.fixture(params=["mariadb", "perconaxtradb"])
def cluster(request, tmp_path, galera, authority, tidy):
    """Up, with a proven first bundle on each node. Percona's own server cannot be had: its driver meets these nodes."""
    members = [Member(tmp_path, f"m{i}") for i in range(3)]
    cluster = galera([m.published for m in members])
    cluster.members = members
    for member, node, group in zip(members, cluster.nodes, cluster.group_ports):
        member.node, member.group = node, group
        member.make_agent(tidy, request.param)
    first_bundles(members, authority)
    cluster.start()
    for member in members:
        member.agent.wait_event("rotation_succeeded", 60)
        member.agent.forget()
    return cluster


def on_both_ports(member):
    return {wire.served(member.node.port), wire.served_direct(member.group, client=member.pair())}


def test_leaf_on_each_node_under_load(cluster, authority, load):
    clients = [load(m.node.port, authority.ca_file(), clients=2, pause=0.05) for m in cluster.members]
    for _ in range(2):
        for member in cluster.members:
            bundle = authority.issue()
            member.volume.publish(bundle)
            member.agent.wait_event("rotation_succeeded", 60, fingerprint=bundle.fp[:SHORT])
            assert on_both_ports(member) == {bundle.fp}
            assert cluster.synced(), cluster.tail()
    for member in cluster.members:
        assert member.agent.status()["engine"]["members"] == 3
    # Every link anew: each pair of nodes must accept each other's present leaf.
    for member in cluster.members:
        for peer in cluster.members:
            wire.served_direct(peer.group, authority.ca_file(), client=member.pair())
    for c in clients:
        c.check()


def test_foreign_leaf_is_refused_before_it_is_loaded(cluster, foreign):
    member = cluster.members[1]
    before, flushes = on_both_ports(member), member.node.status("Com_flush")
    member.volume.publish(foreign.issue())
    said = member.agent.wait_event("bundle_refused", 30)
    assert "authority-changed" in said["error"] or "untrusted" in said["error"], said
    stays("nothing changed", lambda: on_both_ports(member) == before, 1, explain=member.agent.tail)
    assert member.node.status("Com_flush") == flushes and cluster.synced()


def test_member_down_and_back(cluster, authority):
    """A rotation while another member is away: proven where it can be, said where it cannot."""
    away, here = cluster.members[2], cluster.members[0]
    away.node.stop()
    wait_for("two members", lambda: here.node.status("wsrep_cluster_size") == "2", 30)
    bundle = authority.issue()
    here.volume.publish(bundle)
    here.agent.wait_event("rotation_succeeded", 60, fingerprint=bundle.fp[:SHORT])
    fresh = authority.issue()
    away.volume.publish(fresh)
    away.agent.wait("published", lambda: away.published_fp() == fresh.fp)
    away.node.start(deadline=60)
    away.agent.wait_event("rotation_succeeded", 60, fingerprint=fresh.fp[:SHORT])
    cluster.wait_synced()
