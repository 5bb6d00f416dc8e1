# SPDX-License-Identifier: Apache-2.0
"""
Servers that cannot read their certificate again are restarted, without being told so. MySQL 5.7 and 8.0.15 are not in
Debian: a MariaDB that claims to be one of them stands in, because what the server says of itself is what decides.
"""

import pytest

from support.stack import Stack
from support.supervisor import Supervisor


class OldStack(Stack):
    driver = "mysql"


@pytest.mark.parametrize("version", ["8.0.15", "5.7.44-log"])
def test_is_restarted(tmp_path, template, authority, tidy, version):
    stack = tidy(OldStack(tmp_path / "stack", template, authority))
    stack.db.extra.append(f"--version={version}")
    bundle = authority.issue()
    stack.volume.publish(bundle)
    stack.deceive(bundle)  # the server is there before the agent has published anything
    stack.db.start()
    stack.deceive(None)
    supervisor = tidy(Supervisor(stack.db))
    stack.agent.start()
    stack.wait_proven(bundle, 60)
    assert stack.agent.status()["engine"]["version"] == version
    for _ in range(2):
        starts = supervisor.starts
        stack.rotate(deadline=60)
        assert supervisor.starts == starts + 1
    assert len(stack.agent.find("database_restarted")) >= 2 and not stack.agent.find("database_reloaded")
