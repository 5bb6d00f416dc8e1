# SPDX-License-Identifier: Apache-2.0
"""
TLS switched on for a running plain Galera cluster without a full stop, and off again: two rolling restarts each way,
one member at a time, through a mode in which members speak both.
"""

import pytest

from support import wire
from support.members import Member, Plan, first_bundles
from support.poll import wait_for
from support.supervisor import Supervisor


@pytest.fixture
def members(tmp_path, galera, authority, tidy):
    members = [Member(tmp_path, f"m{i}") for i in range(3)]
    plan = Plan(tmp_path / "plan", members)
    for member in members:
        member.fragment = member.dir / "conf.d" / "certrotate.cnf"
        member.fragment.parent.mkdir(parents=True)
        (member.dir / "my.cnf").write_text(f"[mysqld]\n# theirs\n!includedir {member.fragment.parent}\n")
    cluster = galera([m.published for m in members], option_files=[m.dir / "my.cnf" for m in members])
    for member, node, group in zip(members, cluster.nodes, cluster.group_ports):
        member.node, member.group = node, group
        # The provider's options are one string: the user's own stand in the agent's configuration.
        member.make_agent(tidy, "mariadb", plan=str(plan.path), tls="off", **{
            "settings-file": str(member.fragment), "retry-min": "200ms", "retry-max": "1s", "restart-limit": "60s",
            "galera": {"encrypt": True, "provider-options": node.provider_options}})
    first_bundles(members, authority)
    cluster.start()
    for member in members:
        tidy(Supervisor(member.node))
    for member in members:
        member.agent.wait_event("rotation_succeeded", 60)
    members[0].cluster, members[0].plan = cluster, plan
    return members


def speaks_tls(member):
    """(client port, group port), each by a client that shares nothing with the agent."""
    group = wire.served_or_none(member.group, lambda port: wire.served_direct(port, client=member.pair()))
    return wire.served_or_none(member.node.port), group


def is_group_tls(member):
    """In the server's own words."""
    return "gmcast.listen_addr = ssl://" in member.node.sql("SHOW GLOBAL VARIABLES LIKE 'wsrep_provider_options'")[0][1]


def test_on_and_off_without_a_full_stop(members):
    cluster, plan = members[0].cluster, members[0].plan
    first = members[0]
    assert [speaks_tls(m) for m in members] == [(None, None)] * 3
    first.node.sql("CREATE DATABASE d")
    first.node.sql("CREATE TABLE d.t (n INT PRIMARY KEY)")
    sizes, written = set(), 0

    def between(member):
        """After each restart: nobody else was away, and what is written on one is read on all."""
        nonlocal written
        cluster.wait_synced()
        sizes.add(member.node.status("wsrep_cluster_size"))
        member.node.sql(f"INSERT INTO d.t VALUES ({written})")
        written += 1
        for other in members:
            wait_for("replicated", lambda o=other: len(o.node.sql("SELECT n FROM d.t")) == written, 20)

    plan.one_by_one(between, tls="mixed")
    plan.one_by_one(between, tls="on")
    for member in members:
        assert speaks_tls(member) == (member.published_fp(), member.published_fp())
        assert is_group_tls(member) and "socket.dynamic=true" not in member.fragment.read_text()
    plan.one_by_one(between, tls="mixed")
    plan.one_by_one(between, tls="off")
    assert [speaks_tls(m) for m in members] == [(None, None)] * 3
    assert not any(is_group_tls(m) for m in members)
    assert sizes == {"3"} and written == 12
    for member in members:
        assert not member.agent.find("rotation_rolled_back"), member.agent.tail()
        assert (member.dir / "my.cnf").read_text().startswith("[mysqld]\n# theirs\n")
