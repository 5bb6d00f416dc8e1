# SPDX-License-Identifier: Apache-2.0
"""
The mssqlserver driver on our own SQL Server (tests/peers/sqlserver), which test_sqlserver_clients.py shows to real
clients. What is served is looked at by FreeTDS, which is told to trust one leaf and no other.
"""

import pytest

from support.agent import RELEASE
from support.poll import stays, wait_for
from support.sqlserver import PASSWORD, SQLServerStack


@pytest.fixture
def make(tmp_path, authority, tidy):
    return lambda **more: tidy(SQLServerStack(tmp_path / "stack", authority, **more))


def test_rotates_by_restart(make):
    stack = make().up()
    for _ in range(3):
        old, fresh = stack.bundle, stack.rotate()
        stack.assert_seen(fresh, old)
    assert stack.supervisor.starts == 3
    assert stack.db.logged().count("Server shut down by request from login sa.") == 3
    assert stack.db.logged().count("checkpoint") == 3
    engine = stack.agent.status()["engine"]
    assert engine["version"] == "16.0.4135.4" and engine["role"] == "standalone", engine
