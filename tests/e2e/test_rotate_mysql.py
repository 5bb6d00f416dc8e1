# SPDX-License-Identifier: Apache-2.0
"""
The drivers mysql and perconaxtradb on Oracle's own server. What is served is looked at by OpenSSL's client, which
shares nothing with the agent.
"""

import pytest

from support import mysql
from support.agent import RELEASE
from support.openssl import seen_by_openssl
from support.poll import stays, wait_for
from support.stack import Stack
from support.supervisor import Supervisor

pytestmark = pytest.mark.skipif(not mysql.available(), reason="MySQL of Debian unstable could not be fetched")


class MySQLStack(Stack):
    server, driver = mysql.MySQL, "mysql"


class PerconaStack(MySQLStack):
    """What Percona's server has in common with Oracle's; its group is test_galera.py's."""

    driver = "perconaxtradb"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return mysql.make_template(tmp_path_factory.mktemp("mysql") / "template")


@pytest.fixture(params=[MySQLStack, PerconaStack], ids=lambda stack: stack.driver)
def make(request, tmp_path, template, authority, tidy):
    return lambda **config: tidy(request.param(tmp_path / "stack", template, authority, **config))


def test_rotates_by_reload(make):
    stack = make().up()
    pid = stack.db.pid
    for _ in range(3):
        bundle = stack.rotate()
        assert seen_by_openssl(stack.db.port) == bundle.fp
    assert stack.db.pid == pid and stack.db.running()
    assert stack.agent.status()["engine"]["version"].startswith("9.")


def test_hundred_rotations(make, authority, long):
    stack = make().up()
    stack.agent.stop()
    stack.agent.binary = RELEASE
    stack.agent.start()
    for _ in range(100):
        stack.rotate(authority.issue(key=stack.bundle.key))
    assert seen_by_openssl(stack.db.port) == stack.bundle.fp
    assert not stack.agent.find(level="error")


def test_new_authority_on_one_server(make, foreign):
    stack = make().up()
    bundle = stack.rotate(foreign.issue())
    published = (stack.published / "ca.crt").read_bytes()
    assert foreign.root.strip() in published and stack.authority.root.strip() in published
    assert seen_by_openssl(stack.db.port) == bundle.fp


def test_refused_before_the_server_hears_of_it(make, authority):
    stack = make().up()
    before = seen_by_openssl(stack.db.port)
    stack.volume.publish(authority.issue(), key=authority.issue().key)
    stack.wait_refused("key-mismatch")
    assert seen_by_openssl(stack.db.port) == before == stack.published_fp()


def test_leaf_named_like_its_authority(make, authority):
    """The chain verifies, and yet MySQL's clients would take it for a self-signed one: the driver's own rule."""
    stack = make().up()
    stack.volume.publish(authority.issue(cn="Test Authority"))
    stack.wait_refused("^engine: .*same subject")
    assert seen_by_openssl(stack.db.port) == stack.bundle.fp


def test_server_refuses_the_files(make, authority):
    """ERROR 3888: the server keeps what it has, the last good bundle is put back."""
    stack = make().up()
    good = stack.bundle
    torn = authority.issue()
    torn.key = authority.issue().key
    stack.deceive(torn)
    stack.volume.publish(authority.issue())
    said = stack.agent.wait_event("rotation_rolled_back", 30)
    assert "3888" in said["error"] and "ALTER INSTANCE RELOAD TLS" in said["error"], said
    assert seen_by_openssl(stack.db.port) == good.fp == stack.published_fp()


def test_reload_that_lies(make):
    stack = make(**{"verify-limit": "2s"}).up()
    good = stack.bundle
    stack.deceive(good)  # reads the old files, and says OK
    stack.volume.publish(stack.authority.issue())
    said = stack.agent.wait_event("rotation_rolled_back", 30)
    assert "not" in said["error"] and "published" in said["error"], said
    assert seen_by_openssl(stack.db.port) == good.fp == stack.published_fp()


def test_restart_that_never_comes_back(make, tidy):
    """The restarted server does not start with the new pair: the old one is put back, and with it the server."""
    stack = make(apply="restart", **{"restart-limit": "4s"}).up()
    good = stack.bundle
    bad = stack.authority.issue()
    supervisor = tidy(Supervisor(stack.db, lambda: stack.published_fp() != bad.fp))
    stack.volume.publish(bad)
    stack.agent.wait_event("rotation_rolled_back", 60)
    assert supervisor.refused > 0
    wait_for("the server is back", lambda: stack.served_fp() == good.fp, 30, 0.1, stack.tail)
    starts = supervisor.starts
    stays("not restarted again for a bundle that failed", lambda: supervisor.starts == starts and
          len(stack.agent.find("rollback_started")) == 1, 3, explain=stack.tail)
    assert seen_by_openssl(stack.db.port) == good.fp == stack.published_fp()
    stack.rotate(stack.authority.issue(), deadline=60)
    assert supervisor.starts >= 2


def test_right_is_missing(make):
    """The new files stay; the sentence names the right; once it is granted the agent goes on by itself."""
    stack = make()
    stack.agent.config["admin"] = {"socket": str(stack.db.socket), "user": "agent",
                                   "password-file": str(stack.dir / "password")}
    (stack.dir / "password").write_text("secret")
    bundle = stack.authority.issue()
    stack.volume.publish(bundle)
    stack.agent.start()
    stack.agent.wait("published", lambda: stack.published_fp() == bundle.fp)
    stack.db.start()
    stack.db.create_user("agent", "secret", rights=None)
    said = stack.agent.wait_event("database_waited_for", 30, reason="PrivilegeMissing")
    assert "GRANT CONNECTION_ADMIN" in said["error"], said
    stays("still waiting", lambda: not stack.agent.find("rotation_succeeded"), 1, explain=stack.tail)
    stack.db.sql("GRANT CONNECTION_ADMIN ON *.* TO 'agent'@'%'")
    stack.wait_proven(bundle)
    stack.rotate()
    assert seen_by_openssl(stack.db.port) == stack.bundle.fp
