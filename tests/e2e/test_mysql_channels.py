# SPDX-License-Identifier: Apache-2.0
"""
ALTER INSTANCE RELOAD TLS on Oracle's own server, beyond the client port: the administration port, which shares the
client port's files until it has its own, the X protocol, which is not reached, and warnings behind an OK.
"""

import socket

import pytest

from support import mysql
from support.agent import run
from support.authority import openssl
from support.openssl import seen_by_openssl
from support.poll import free_port
from support.relay import Relay
from support.stack import Stack
from support.wire import WireError, read_packet, served_x

pytestmark = pytest.mark.skipif(not mysql.available(), reason="MySQL of Debian unstable could not be fetched")


class AdminStack(Stack):
    """With an administration port, which the agent is told to prove as well."""

    server, driver = mysql.MySQL, "mysql"

    def __init__(self, *args, **config):
        super().__init__(*args, **config)
        self.admin_port = free_port()
        self.db.extra += ["--admin-address=127.0.0.1", f"--admin-port={self.admin_port}", "--performance-schema=ON"]
        self.agent.config["endpoints"].append(f"mysql://127.0.0.1:{self.admin_port}")

    def admin_files(self, folder, key="tls.key"):
        """The server checks its own certificate against its authorities, so they belong to it."""
        self.db.extra += [f"--admin-ssl-ca={folder}/ca.crt", f"--admin-ssl-cert={folder}/tls.crt",
                          f"--admin-ssl-key={folder}/{key}"]

    def seen(self):
        return seen_by_openssl(self.db.port), seen_by_openssl(self.admin_port)

    def channels(self, name):
        return dict(self.db.sql("SELECT CHANNEL, VALUE FROM performance_schema.tls_channel_status "
                                f"WHERE PROPERTY='{name}'"))


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return mysql.make_template(tmp_path_factory.mktemp("mysql") / "template")


@pytest.fixture
def stack(tmp_path, template, authority, tidy):
    return tidy(AdminStack(tmp_path / "stack", template, authority))


def end_date(bundle):
    """As MySQL prints it."""
    return openssl("x509", "-noout", "-enddate", stdin=bundle.cert).decode().strip().partition("=")[2]


def test_admin_port_with_the_files_of_the_client_port(stack):
    stack.up()
    assert stack.channels("Enabled") == {"mysql_main": "Yes", "mysql_admin": "No"}
    for days in (40, 50):
        bundle = stack.rotate(stack.authority.issue(days=days))
        assert stack.seen() == (bundle.fp, bundle.fp)
    # What the agent does not say here would be an error: there is nothing to reload for this channel alone.
    done = stack.db.run_client("ALTER INSTANCE RELOAD TLS FOR CHANNEL mysql_admin")
    assert "ERROR 3888" in done.stderr, done.stderr


def test_admin_port_with_files_of_its_own(stack):
    stack.admin_files(stack.db_files)
    stack.up()
    for days in (40, 50):
        bundle = stack.rotate(stack.authority.issue(days=days))
        assert stack.seen() == (bundle.fp, bundle.fp)
        assert stack.channels("Ssl_server_not_after") == dict.fromkeys(("mysql_main", "mysql_admin"), end_date(bundle))
    assert stack.channels("Current_tls_cert") == dict.fromkeys(("mysql_main", "mysql_admin"),
                                                               str(stack.db_files / "tls.crt"))
    # The plain statement is not enough, which is why there is a second one.
    stack.agent.stop()
    other = stack.authority.issue()
    stack.deceive(other)
    stack.db.sql("ALTER INSTANCE RELOAD TLS")
    assert stack.seen() == (other.fp, bundle.fp)


def test_admin_port_refuses_the_files(stack, authority):
    """Its key is not renewed: the client port has the new leaf already and gets the last good one back."""
    good = authority.issue()
    key = stack.db_files / "fixed.key"
    stack.published.mkdir()
    key.write_bytes(good.key)
    stack.admin_files(stack.db_files, key.name)
    stack.up(good)
    stack.volume.publish(authority.issue())
    said = stack.agent.wait_event("rotation_rolled_back", 30)
    assert "FOR CHANNEL mysql_admin" in said["error"] and "3888" in said["error"], said
    assert stack.seen() == (good.fp, good.fp) and stack.published_fp() == good.fp


def test_admin_port_with_files_of_somebody_else(stack, authority):
    """They lie in another directory and have gone bad: not ours to load, and no reason to stop."""
    other = authority.issue()
    theirs = stack.dir / "theirs"
    theirs.mkdir()
    for name, data in other.files().items():
        (theirs / name).write_bytes(data)
    stack.admin_files(theirs)
    stack.agent.config["endpoints"].pop()
    stack.up()
    (theirs / "tls.key").write_bytes(authority.issue().key)
    bundle = stack.rotate()
    assert stack.seen() == (bundle.fp, other.fp)
    assert not stack.agent.find("rollback_started")


def test_x_protocol_keeps_its_certificate(stack, authority):
    """The statement says OK and warns of nothing; a restart is what it takes. So the drivers' table says."""
    port = free_port()
    stack.db.extra += ["--mysqlx=ON", f"--mysqlx-port={port}", "--mysqlx-bind-address=127.0.0.1",
                       f"--mysqlx-socket={stack.db.socket.parent / 'x.sock'}"]
    first = stack.up().bundle
    assert served_x(port) == first.fp
    second = stack.rotate()
    assert seen_by_openssl(stack.db.port) == second.fp and served_x(port) == first.fp
    stack.db.restart()
    assert served_x(port) == second.fp
    assert "the X protocol (port 33060)" in run("engines", "mysql")[1]


class Rewriter(Relay):
    """What the client says may become something else: change(statement) returns what the server gets to see."""

    def __init__(self, path, server, change):
        self.change = change
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        super().__init__(listener, lambda: self.reach(server))

    @staticmethod
    def reach(path):
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(path))
        return server

    def read(self, source, from_client):
        if not from_client:
            return super().read(source, from_client)
        try:
            seq, payload = read_packet(source, with_number=True)
        except WireError:
            return b""
        if payload[:1] == b"\x03":
            payload = b"\x03" + self.change(payload[1:])
        return len(payload).to_bytes(3, "little") + bytes([seq]) + payload


def test_warning_behind_an_ok(tmp_path, template, authority, tidy):
    """
    A server that says OK, and in SHOW WARNINGS that its TLS is gone. Oracle's does so only when it is told not to
    roll back: a relay adds these words to what the agent says.
    """
    stack = tidy(AdminStack(tmp_path / "stack", template, authority))
    reload = b"ALTER INSTANCE RELOAD TLS"
    armed = []

    def change(statement):
        if statement != reload:
            return statement
        stack.deceive(armed.pop() if armed else None)
        return statement + b" NO ROLLBACK ON ERROR"

    path = stack.db.socket.parent / "relay.sock"
    tidy(Rewriter(path, stack.db.socket, change))
    stack.agent.config["admin"]["socket"] = str(path)
    good = stack.up().rotate()
    torn = authority.issue()
    torn.key = authority.issue().key
    armed.append(torn)
    stack.volume.publish(authority.issue())
    said = stack.agent.wait_event("rotation_rolled_back", 30)
    assert "the server warns: Failed to set up SSL" in said["error"], said
    assert stack.seen() == (good.fp, good.fp) and stack.published_fp() == good.fp
