# SPDX-License-Identifier: Apache-2.0
"""
Servers that cannot read their certificate again are restarted, without being told so. 8.0.15 is the last MySQL
without ALTER INSTANCE RELOAD TLS (and its OpenSSL 1.0 has no curves: leaves are RSA); 5.7 is not to be had: a MariaDB
that claims to be one stands in, because what the server says of itself is what decides.
"""

import pytest

from support import mysql
from support.stack import Stack
from support.supervisor import Supervisor

needs_old = pytest.mark.skipif(not mysql.old_available(), reason="MySQL 8.0.15 of Maven Central could not be fetched")


class OldStack(Stack):
    server, driver = mysql.OldMySQL, "mysql"


class ClaimingStack(Stack):
    driver = "mysql"


@pytest.fixture(scope="module")
def old_template(tmp_path_factory):
    return mysql.make_template(tmp_path_factory.mktemp("mysql-old") / "template", mysql.OldMySQL)


def is_restarted(stack, tidy, version, kind):
    bundle = stack.authority.issue(kind=kind)
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
        stack.rotate(stack.authority.issue(kind=kind), deadline=60)
        assert supervisor.starts == starts + 1
    assert len(stack.agent.find("database_restarted")) >= 2 and not stack.agent.find("database_reloaded")


@needs_old
def test_8_0_15_is_restarted(tmp_path, old_template, authority, tidy):
    is_restarted(tidy(OldStack(tmp_path / "stack", old_template, authority)), tidy, "8.0.15", "rsa")


def test_5_7_is_restarted(tmp_path, template, authority, tidy):
    stack = tidy(ClaimingStack(tmp_path / "stack", template, authority))
    stack.db.extra.append("--version=5.7.44-log")
    is_restarted(stack, tidy, "5.7.44-log", "ec")


@needs_old
def test_8_0_15_told_to_reload(tmp_path, old_template, authority, tidy):
    """
    As in a pod: the agent is there first, and does not know yet what it will meet. The server has no such statement,
    in its own words too; the sentence says what to do, and what was served still is.
    """
    stack = tidy(OldStack(tmp_path / "stack", old_template, authority))
    supervisor = tidy(Supervisor(stack.db))
    stack.up(authority.issue(kind="rsa"))
    stack.agent.stop()
    stack.agent.config["apply"] = "reload"
    stack.agent.start()
    done = stack.db.run_client("ALTER INSTANCE RELOAD TLS")
    assert "ERROR 1064" in done.stderr, done.stderr
    good, starts = stack.bundle, supervisor.starts
    stack.volume.publish(authority.issue(kind="rsa"))
    said = stack.agent.wait_event("rollback_started", 60)
    assert "8.0.15" in said["error"] and "set apply to restart" in said["error"], said
    stack.agent.wait("the last good one is back", lambda: stack.published_fp() == good.fp)
    stack.assert_serves(good)
    assert supervisor.starts == starts and stack.db.running()
