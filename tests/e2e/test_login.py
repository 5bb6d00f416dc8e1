# SPDX-License-Identifier: Apache-2.0
"""
How the agent logs in over TCP: with TLS wherever the server offers it; without, on loopback only, and only when the
server offers none. The password never goes over the wire, whatever the server's method: MariaDB's is
mysql_native_password, MySQL 9.7's caching_sha2_password, which without TLS takes an RSA key of the server.
"""

import socket
import struct

import pytest

from support import mysql
from support.drive import Drive
from support.mariadb import MariaDB
from support.poll import stays
from support.relay import relay_to_port
from support.wire import read_packet, send_packet

PASSWORD = "s3cret-of-the-agent"
SERVERS = {"mariadb": MariaDB, "mysql": mysql.MySQL}


@pytest.fixture(scope="module")
def mysql_template(tmp_path_factory):
    return mysql.make_template(tmp_path_factory.mktemp("mysql") / "template")


@pytest.fixture(scope="module")
def own_address():
    """Of this machine, beyond loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return probe.getsockname()[0]


@pytest.fixture(params=["mariadb", "mysql"])
def server(request, tmp_path, tidy, authority, own_address):
    """start(tls) starts it on all addresses, with a user; drive(...) logs in with the password."""
    driver = request.param
    if driver == "mysql" and not mysql.available():
        pytest.skip("MySQL of Debian unstable could not be fetched")
    template = request.getfixturevalue("template" if driver == "mariadb" else "mysql_template")
    files = tmp_path / "files"
    files.mkdir()
    for name, data in authority.issue(san=f"DNS:localhost,IP:127.0.0.1,IP:{own_address}").files().items():
        (files / name).write_bytes(data)
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    database = tidy(SERVERS[driver](tmp_path / driver, template, files))
    database.extra.append("--bind-address=*")

    def start(tls):
        if not tls and driver == "mysql":
            database.extra.append("--tls-version=")  # or it takes the certificates that it made for itself
        database.start(tls=tls)
        database.create_user("agent", PASSWORD)
        return database

    def drive(**where):
        where.setdefault("port", database.port)
        return tidy(Drive(driver, user="agent", password_file=password, publish=files, **where))
    database.begin, database.drive = start, drive
    return database


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_without_tls_on_loopback(server, host):
    server.begin(tls=False)
    answer = server.drive(host=host)("health")
    assert answer["ok"] and answer["role"] == "standalone", answer


@pytest.mark.parametrize("tls", [False, True])
def test_password_is_not_on_the_wire(server, tidy, tls):
    """Also for the very first login since the server's start, which MySQL has nothing cached for."""
    server.begin(tls)
    relay = tidy(relay_to_port(server.port))
    for _ in range(2):
        answer = server.drive(host="127.0.0.1", port=relay.port)("health")
        assert answer["ok"], answer
    assert PASSWORD.encode() not in relay.said
    assert (b"SHOW GLOBAL VARIABLES" in relay.said) is not tls, "TLS where it is offered, and only there"


def test_beyond_loopback(server, own_address):
    """Never without TLS, and then only verified."""
    server.begin(tls=False)
    answer = server.drive(host=own_address)("health")
    assert answer["reason"] == "ProtocolError" and "admin.socket" in answer["error"], answer
    server.stop()
    server.extra = [word for word in server.extra if word != "--tls-version="]
    server.start(tls=True)
    answer = server.drive(host=own_address)("health")
    assert answer["ok"], answer


def test_wrong_password_without_tls(server, tmp_path):
    server.begin(tls=False)
    (tmp_path / "password").write_text("wrong")
    answer = server.drive(host="127.0.0.1")("health")
    rights = "CONNECTION_ADMIN" if answer["error"].count("CONNECTION_ADMIN") else "RELOAD"
    assert answer["reason"] == "LoginRefused" and f"GRANT {rights} ON *.*" in answer["error"], answer
    assert rights == ("RELOAD" if server.__class__ is MariaDB else "CONNECTION_ADMIN")


GREETING = (b"\x0a8.0.36\0" + bytes(4) + b"abcdefgh\0" + b"\xff\xf7" + b"\x2d\x02\x00" + b"\xff\x81" + b"\x15" +
            bytes(10) + b"abcdefghijkl\0mysql_native_password\0")


class Impostor:
    """Listens where the database should, has no TLS, and asks for the password itself."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(20)
        self.port = self.listener.getsockname()[1]

    def meet(self, piece, method):
        """What the client says after the greeting and after the change of method."""
        client, _ = self.listener.accept()
        with client:
            client.settimeout(5)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            packet = struct.pack("<I", len(GREETING)) + GREETING
            said = b""
            try:
                for at in range(0, len(packet), piece):
                    client.sendall(packet[at:at + piece])
                said += read_packet(client)
                send_packet(client, 2, b"\xfe" + method + b"\0" + b"abcdefghabcdefghijkl\0")
                said += read_packet(client)
            except Exception:  # it closed, whatever the reason: that is what it should do
                pass
            return said

    def cleanup(self):
        self.listener.close()


@pytest.mark.parametrize("piece", [1 << 16, 1])
@pytest.mark.parametrize("method", [b"mysql_clear_password", b"dialog"])
def test_impostor_asks_for_the_password(tidy, tmp_path, piece, method):
    (tmp_path / "password").write_text(PASSWORD)
    impostor = tidy(Impostor())
    drive = tidy(Drive("mariadb", host="127.0.0.1", port=impostor.port, user="agent", limit=3000,
                       password_file=tmp_path / "password"))
    drive.send("health")
    said = impostor.meet(piece, method)
    assert b"agent" in said and PASSWORD.encode() not in said
    answer = drive.answer()
    assert answer["reason"] == "LoginRefused" and "a way to log in that the agent refuses" in answer["error"], answer


def test_listener_that_never_greets(tidy, tmp_path):
    """The library is not asked to go on before the greeting is there: the limit ends it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        drive = tidy(Drive("mariadb", host="127.0.0.1", port=silent.getsockname()[1], user="agent", limit=500))
        drive.send("health")
        client, _ = silent.accept()
        with client:
            client.settimeout(0.01)

            def is_silent():
                try:
                    return client.recv(1) is None
                except TimeoutError:
                    return True
            stays("nothing is said before the greeting", is_silent, 0.2)
            answer = drive.answer()
    assert answer["reason"] == "Timeout" and "connect to" in answer["error"], answer
