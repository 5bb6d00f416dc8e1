# SPDX-License-Identifier: Apache-2.0
"""
The mariadb driver against a real server: what it does, and what it says when it cannot. When one fails, the
answer (JSON of drive_hook) is in the assertion, the server's log in tmp_path/mariadb/mariadbd.log.
"""

import os
import socket
import time
from pathlib import Path

import pytest

from support.drive import DRIVER, Drive
from support.poll import wait_for

pytestmark = pytest.mark.skipif(not os.access(DRIVER, os.X_OK), reason="drive_hook is not built")


def write(folder, bundle, **changed):
    folder.mkdir(exist_ok=True)
    for name, data in bundle.files(**changed).items():
        (folder / name).write_bytes(data)


@pytest.fixture
def up(mariadb, authority):
    bundle = authority.issue()
    write(mariadb.files, bundle)
    mariadb.start()
    mariadb.bundle = bundle
    return mariadb


@pytest.fixture
def drive(up, tidy):
    """On the unix socket, as root."""
    return tidy(Drive("mariadb", socket=up.socket, user="root", publish=up.files, limit=10000))


@pytest.fixture(params=["socket", "tcp"])
def either(up, tidy, request, tmp_path):
    """With a user of its own and a password, over the socket and over TCP with TLS."""
    up.create_user("agent", "s3cret\u00e4")
    password = tmp_path / "password"
    password.write_text("s3cret\u00e4\n")
    where = {"socket": up.socket} if request.param == "socket" else {"host": "127.0.0.1", "port": up.port}
    return tidy(Drive("mariadb", user="agent", password_file=password, publish=up.files, limit=10000, **where))


def test_reload_makes_the_new_leaf_served_over_one_connection(up, either, authority):
    before = None
    for _ in range(5):
        bundle = authority.issue()
        write(up.files, bundle)
        answer = either("reload")
        assert answer["ok"], answer
        assert up.served() == bundle.fp
        ids = {row[0] for row in up.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE USER='agent'")}
        assert len(ids) == 1 and before in (None, ids)
        before = ids


def test_connection_outlives_the_certificate_and_its_authority(up, either, authority, foreign):
    assert either("reload")["ok"]
    write(up.files, authority.issue(start=-7200, seconds=-3600))  # expired; the server loads it
    assert either("reload")["ok"]
    write(up.files, foreign.issue())
    assert either("reload")["ok"]
    bundle = authority.issue()
    write(up.files, bundle)
    assert either("reload")["ok"] and up.served() == bundle.fp


def test_a_fresh_login_is_not_locked_out_by_an_expired_certificate(up, authority, tidy):
    write(up.files, authority.issue(start=-7200, seconds=-3600))
    up.sql("FLUSH LOCAL SSL")
    up.create_user("agent", "x")
    (up.dir / "password").write_text("x")
    drive = tidy(Drive("mariadb", host="localhost", port=up.port, user="agent", password_file=up.dir / "password"))
    bundle = authority.issue()
    write(up.files, bundle)
    assert drive("reload")["ok"] and up.served() == bundle.fp


@pytest.mark.parametrize("fault", ["mismatch", "garbage", "empty", "missing", "directory"])
def test_refused_files_leave_the_old_ones_served(up, drive, authority, fault):
    other = authority.issue()
    if fault == "mismatch":
        write(up.files, other, key=up.bundle.key)
    elif fault == "garbage":
        write(up.files, other, cert=os.urandom(4096))
    elif fault == "empty":
        write(up.files, other, key=b"")
    elif fault == "missing":
        (up.files / "tls.key").unlink()
    else:
        (up.files / "tls.crt").unlink()
        (up.files / "tls.crt").mkdir()
    answer = drive("reload")
    assert answer["reason"] == "DatabaseRefused" and "Failed to refresh SSL" in answer["error"], answer
    assert up.served() == up.bundle.fp
    if fault == "directory":
        (up.files / "tls.crt").rmdir()
    write(up.files, other)
    assert drive("reload")["ok"] and up.served() == other.fp


def test_login_refused(up, tidy, tmp_path):
    (tmp_path / "password").write_text("wrong")
    drive = tidy(Drive("mariadb", socket=up.socket, user="nobody-here", password_file=tmp_path / "password"))
    answer = drive("reload")
    assert answer["reason"] == "LoginRefused" and "CREATE USER 'nobody-here'" in answer["error"], answer
    up.create_user("nobody-here", "wrong")
    assert drive("reload")["ok"]


def test_password_is_read_at_each_login(up, tidy, tmp_path):
    up.create_user("agent", "one")
    (tmp_path / "password").write_text("one")
    drive = tidy(Drive("mariadb", socket=up.socket, user="agent", password_file=tmp_path / "password"))
    assert drive("reload")["ok"]
    up.create_user("agent", "two")
    (tmp_path / "password").write_text("two\n")
    up.restart()
    assert drive("reload")["ok"]
    (tmp_path / "password").unlink()
    up.restart()
    answer = drive("reload")
    assert answer["reason"] == "LoginRefused" and "admin.password-file" in answer["error"], answer


def test_privilege_missing(up, tidy, tmp_path):
    up.create_user("agent", "x", rights=None)
    (tmp_path / "password").write_text("x")
    drive = tidy(Drive("mariadb", socket=up.socket, user="agent", password_file=tmp_path / "password"))
    answer = drive("reload")
    assert answer["reason"] == "PrivilegeMissing" and "GRANT RELOAD ON *.*" in answer["error"], answer
    answer = drive("restart")
    assert answer["reason"] == "PrivilegeMissing" and "GRANT SHUTDOWN ON *.*" in answer["error"], answer
    assert up.running()


def test_server_down_then_up(up, tidy):
    for where in ({"socket": up.socket}, {"host": "127.0.0.1", "port": up.port}):
        drive = tidy(Drive("mariadb", user="root", **where))
        up.stop()
        answer = drive("reload")
        assert answer["reason"] == "DatabaseNotReady" and "not running" in answer["error"], answer
        assert answer["ms"] < 2000
        up.start()
        assert drive("reload")["ok"]


def test_server_restarted_between_two_reloads(up, either, authority):
    assert either("reload")["ok"]
    for how in (up.stop, up.kill):
        how()
        up.start()
        bundle = authority.issue()
        write(up.files, bundle)
        answer = either("reload")
        assert answer["ok"] and up.served() == bundle.fp, answer


def test_connection_killed_by_an_administrator(up, either):
    assert either("reload")["ok"]
    (row,) = up.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE USER='agent'")
    up.sql(f"KILL CONNECTION {row[0]}")
    assert either("reload")["ok"]


def freeze(db):
    """SIGSTOP reaches the threads one after the other."""
    db.freeze()
    tasks = Path(f"/proc/{db.pid}/task")
    wait_for("all threads stopped",
             lambda: all((t / "stat").read_text().rpartition(")")[2].split()[0] == "T" for t in tasks.iterdir()))


@pytest.mark.parametrize("way", ["socket", "tcp"])
def test_frozen_server_is_a_timeout_and_the_statement_is_not_repeated(up, tidy, authority, way):
    where = {"socket": up.socket} if way == "socket" else {"host": "127.0.0.1", "port": up.port}
    drive = tidy(Drive("mariadb", user="root", limit=700, **where))
    assert drive("reload")["ok"]
    before = int(up.status("Com_flush"))
    freeze(up)
    try:
        for _ in range(3):
            answer = drive("reload")
            assert answer["reason"] == "Timeout" and 600 < answer["ms"] < 1500, answer
    finally:
        up.thaw()
    bundle = authority.issue()
    write(up.files, bundle)
    assert drive("reload")["ok"] and up.served() == bundle.fp
    assert int(up.status("Com_flush")) == before + 2  # the one given up, and the last


def test_server_dies_under_the_statement(up, drive):
    """The kept connection is opened again once: what is told is the state of now, not a broken connection."""
    assert drive("reload")["ok"]
    freeze(up)
    drive.send("reload")
    time.sleep(0.3)  # nothing shows from outside that the statement is under way
    up.kill()
    answer = drive.answer()
    assert answer["reason"] == "DatabaseNotReady", answer
    up.start()
    assert drive("reload")["ok"]


def test_frozen_server_while_connecting(up, tidy):
    for where in ({"socket": up.socket}, {"host": "127.0.0.1", "port": up.port}):
        drive = tidy(Drive("mariadb", user="root", limit=500, **where))
        freeze(up)
        try:
            answer = drive("reload")
        finally:
            up.thaw()
        assert answer["reason"] == "Timeout" and "connect to" in answer["error"] and answer["ms"] < 3000, answer
        assert drive("reload")["ok"]


@pytest.mark.parametrize("late", [0, 0.1])
def test_listener_that_hangs_in_the_tls_handshake(tidy, late):
    greeting = (b"\x0a10.11.0-MariaDB\0" + bytes(4) + b"abcdefgh\0" + b"\xff\xff" + b"\x2d\x02\x00" + b"\xff\x81" +
                b"\x15" + bytes(10) + b"abcdefghijkl\0" + b"mysql_native_password\0")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        drive = tidy(Drive("mariadb", host="127.0.0.1", port=listener.getsockname()[1], user="root", limit=500))
        drive.send("reload")
        peer, _ = listener.accept()
        with peer:
            time.sleep(late)  # before the client reads, or while it waits
            peer.sendall(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
            assert peer.recv(4096)
            answer = drive.answer()
    assert not answer["ok"] and answer["ms"] < 4000, answer
    assert answer["reason"] in ("Timeout", "ProtocolError", "ConnectionLost", "DatabaseNotReady"), answer


def test_given_up_in_the_middle_of_a_login(up, tidy):
    drive = tidy(Drive("mariadb", host="127.0.0.1", port=up.port, user="root"))
    freeze(up)
    try:
        for ms in (1, 20, 100):
            assert drive(f"abandon {ms}")["reason"] == "Timeout"
    finally:
        up.thaw()
    assert drive("reload")["ok"]


def test_all_connections_taken(up, tidy):
    up.sql("SET GLOBAL max_connections=10")
    holders = [tidy(Drive("mariadb", socket=up.socket, user="root")) for _ in range(11)]
    for holder in holders:
        holder("reload")
    drive = tidy(Drive("mariadb", socket=up.socket, user="load"))
    answer = drive("reload")
    assert answer["reason"] == "DatabaseNotReady" and "max_connections" in answer["error"], answer


def test_reload_under_a_connection_storm(up, drive, authority, load):
    clients = load(up.port, authority.ca_file(), clients=3, pause=0.01)
    wait_for("some connections", lambda: clients.made > 20)
    for _ in range(10):
        bundle = authority.issue()
        write(up.files, bundle)
        answer = drive("reload")
        assert answer["ok"] and up.served() == bundle.fp, answer
    clients.check(50)


def test_restart_ends_the_server(up, drive):
    assert drive("reload")["ok"]
    answer = drive("restart")
    assert answer["ok"], answer
    assert up.process.wait(30) == 0
    assert drive("restart")["reason"] == "DatabaseNotReady"


@pytest.mark.parametrize("settings, word", [
    ({"socket": "relative.sock"}, "admin.socket"), ({"socket": "/" + "x" * 120}, "admin.socket"),
    ({"host": "a,b"}, "admin.host"), ({"port": 70000}, "admin.port"), ({"user": "u" * 100}, "admin.user")])
def test_wrong_settings_are_named(settings, word, capfd):
    drive = Drive("mariadb", **settings)
    assert drive.process.wait(10) == 2
    assert word in capfd.readouterr().err
