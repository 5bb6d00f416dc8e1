# SPDX-License-Identifier: Apache-2.0
"""
The mssqlserver driver without the agent: what it says when it cannot, and what becomes of an operation that is given up
in the middle. When one fails, the answer (JSON of drive_hook) is in the assertion.
"""

import json
import os
import socket
import subprocess
import threading

import pytest

from support.drive import DRIVER, Drive
from support.poll import free_port, free_ports, stays, wait_for
from support.sqlserver import PASSWORD, SQLServer, make_group

pytestmark = pytest.mark.skipif(not os.access(DRIVER, os.X_OK), reason="drive_hook is not built")


def own_address():
    words = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
    return next((w for w in words if ":" not in w and not w.startswith("127.")), None)


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    return path


@pytest.fixture
def server(tmp_path, tidy, authority):
    def make(bundle=None, **more):
        files = tmp_path / "files"
        files.mkdir()
        bundle = bundle or authority.issue(kind="rsa")
        for name, data in (("ca.crt", bundle.ca), ("server.crt", bundle.cert), ("server.key", bundle.key)):
            (files / name).write_bytes(data)
        return tidy(SQLServer(tmp_path / "server", files, **more)).start()
    return make


@pytest.fixture
def drive(tidy, password):
    def make(server, **more):
        return tidy(Drive("mssqlserver", **{"port": server.port, "password_file": password, "publish": server.files,
                                            "limit": 10000, **more}))
    return make


def test_health(server, drive):
    peer = server()
    answer = drive(peer)("health")
    assert answer["ok"] and answer["version"] == "16.0.4135.4" and answer["role"] == "standalone", answer
    peer.faults(states={"msdb": "RECOVERING"})
    answer = drive(peer)("health")
    assert answer["reason"] == "DatabaseUnhealthy" and "'msdb' is RECOVERING" in answer["error"], answer


def test_restart_ends_with_the_server(server, drive):
    peer = server()
    answer = drive(peer)("restart")
    assert answer["ok"], answer
    assert peer.process.wait(10) == 0 and "checkpoint" in peer.logged()
    answer = drive(peer)("restart")
    assert answer["reason"] == "DatabaseNotReady" and "not running" in answer["error"], answer


def test_logs_in_whatever_the_certificate_is(server, drive, authority):
    """On loopback: an expired one is what it has to repair."""
    peer = server(authority.issue(kind="rsa", start=-7200, seconds=-3600))
    assert drive(peer)("health")["ok"]


@pytest.mark.skipif(own_address() is None, reason="this machine has no address beyond loopback")
def test_verifies_beyond_loopback(server, drive, authority, foreign):
    peer = server(authority.issue(kind="rsa", san=f"IP:{own_address()}"), address="0.0.0.0")
    far = {"host": own_address()}
    answer = drive(peer, **far)("health")
    assert answer["ok"], answer
    (peer.files / "ca.crt").write_bytes(foreign.root)
    answer = drive(peer, **far)("health")
    assert answer["reason"] == "DatabaseNotReady" and "verifies against ca.crt" in answer["error"], answer
    (peer.files / "ca.crt").unlink()
    assert not drive(peer, **far)("health")["ok"], "no authorities are no leave to trust everybody"
    assert "batch sa" in peer.logged() and peer.logged().count("ProductVersion") == 1


@pytest.mark.skipif(own_address() is None, reason="this machine has no address beyond loopback")
def test_name_must_fit_beyond_loopback(server, drive, authority):
    peer = server(authority.issue(kind="rsa", san="IP:192.0.2.77"), address="0.0.0.0")
    answer = drive(peer, host=own_address())("health")
    assert answer["reason"] == "DatabaseNotReady" and "names admin.host" in answer["error"], answer


@pytest.mark.skipif(own_address() is None, reason="this machine has no address beyond loopback")
@pytest.mark.parametrize("mode", ["on", "off"])
def test_who_takes_over_is_verified_while_there_is_tls(tidy, tmp_path, password, drive, mode):
    """Without it replicas show what they have signed themselves, and a primary could be restarted by nobody."""
    names, ports = ["sql-0", "sql-1"], free_ports(2)
    group = make_group(tmp_path / "group", names, ports, [own_address()] * 2, catch_up=0)
    primary, _ = [tidy(SQLServer(tmp_path / name, tmp_path, port=port, name=name, group=group, conf="", address="0.0.0.0"))
                  .start() for name, port in zip(names, ports)]
    answer = drive(primary, failover="auto", tls=mode)("restart")
    assert answer["ok"] is (mode == "off"), answer
    taken = json.loads((group / "group.json").read_text())["primary"]
    assert taken == ("sql-1" if mode == "off" else "sql-0")
    if mode == "on":
        assert "fail over to 'sql-1'" in answer["error"] and "verifies against ca.crt" in answer["error"], answer
        assert primary.running()


def test_environment_has_no_say(server, drive, monkeypatch, tmp_path):
    peer = server()
    for name, value in (("TDSPORT", "1"), ("TDSHOST", "192.0.2.1"), ("TDSDUMP", str(tmp_path / "dump")), ("TDSVER", "4.2"),
                        ("FREETDSCONF", "/nonexistent")):
        monkeypatch.setenv(name, value)
    answer = drive(peer)("health")
    assert answer["ok"], answer
    assert not (tmp_path / "dump").exists(), "it would hold statements and whatever else goes over the wire"


def test_login_is_refused(server, drive, password, tmp_path):
    peer = server()
    password.write_text("wrong\n")
    answer = drive(peer)("health")
    assert answer["reason"] == "LoginRefused" and "18456" in answer["error"] and "wrong" not in answer["error"], answer
    answer = drive(peer, password_file=tmp_path / "none")("health")
    assert answer["reason"] == "LoginRefused" and "admin.password-file" in answer["error"], answer
    password.write_text(PASSWORD)
    peer.faults(login_error=18401)
    answer = drive(peer)("health")
    assert answer["reason"] == "DatabaseNotReady" and "coming up" in answer["error"], answer


def test_shutdown_is_refused(server, drive):
    peer = server()
    peer.faults(statements={"SHUTDOWN": {"number": 6007, "text": "not now"}})
    answer = drive(peer)("restart")
    assert answer["reason"] == "DatabaseNotReady" and "not now (6007)" in answer["error"], answer
    assert peer.running()


def test_shutdown_that_does_nothing(server, drive):
    peer = server()
    peer.faults(shutdown="ignored")
    answer = drive(peer, limit=2000)("restart")
    assert answer["reason"] == "Timeout" and "did not" in answer["error"], answer


@pytest.mark.parametrize("faults, reason", [
    ({"another_protocol": "220 mail ESMTP\r\n"}, "DatabaseNotReady"),
    ({"garbage": "00"}, "DatabaseNotReady|Timeout"),
    ({"garbage": "12010008000000001603"}, "DatabaseNotReady|Timeout"),
    ({"drop": "prelogin"}, "DatabaseNotReady"),
    ({"drop": "handshake"}, "DatabaseNotReady"),
    ({"drop": "login"}, "DatabaseNotReady"),
    ({"drop": "batch"}, "ConnectionLost"),
    ({"encryption": 2}, "DatabaseNotReady"),
    ({"silent": True}, "Timeout"),
    ({"statements": {"SELECT": {"number": 50000, "text": "odd"}}}, "DatabaseUnhealthy"),
])
def test_hostile_server(server, drive, faults, reason):
    peer = server()
    one = drive(peer, limit=4000)
    peer.faults(**faults)
    answer = one("health")
    assert answer["reason"] in reason.split("|"), answer
    peer.faults()
    wait_for("the same session works again", lambda: one("health")["ok"], 30)


def test_trickle(server, drive):
    peer = server()
    peer.faults(piece=1)
    assert drive(peer)("health")["ok"]
    peer.faults(piece=1, pause=0.05)
    answer = drive(peer, limit=3000)("health")
    assert answer["reason"] == "Timeout", answer


def test_password_is_not_sent_without_tls(drive, tmp_path, tidy, password):
    """A server that says it has no encryption gets no LOGIN7."""
    heard = []

    def serve(listener):
        client, _ = listener.accept()
        client.settimeout(5)
        heard.append(client.recv(4096))
        client.sendall(bytes.fromhex("0401001a00000100" "00000b0006" "0100110001" "ff" "100010270000" "02"))
        try:
            heard.append(client.recv(4096))
        except OSError:
            heard.append(b"")
        client.close()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        one = tidy(Drive("mssqlserver", port=listener.getsockname()[1], password_file=password, publish=tmp_path,
                         limit=5000))
        assert not one("health")["ok"]
        thread.join(20)
    assert heard[0][0] == 0x12 and (len(heard) < 2 or heard[1][:1] != b"\x10"), heard


def test_given_up_in_the_middle_ends_nothing(server, drive):
    """The thread left behind in a slow statement does not go on to SHUTDOWN."""
    peer = server()
    peer.faults(slow=1)
    one = drive(peer)
    answer = one("abandon 500")
    assert answer["reason"] == "Timeout", answer
    wait_for("the statement came to its end", lambda: "ProductVersion" in peer.logged(), 10)
    stays("it is not ended", peer.running, 3, explain=peer.tail)
    assert "SHUTDOWN" not in peer.logged()
    peer.faults()
    answer = one("restart")
    assert answer["ok"] and peer.process.wait(10) == 0, answer


def test_next_one_waits_for_the_one_left_behind(server, drive):
    """However often it is given up: one thread beside the first."""
    peer = server()
    one = drive(peer, limit=5000)
    peer.faults(silent=True)
    for _ in range(5):
        assert one("abandon 100")["reason"] == "Timeout"
    assert len(os.listdir(f"/proc/{one.process.pid}/task")) == 2
    peer.faults()
    wait_for("it works again", lambda: one("health")["ok"], 30)


def test_bad_settings(tmp_path):
    for word, said in (("socket=/run/x.sock", "admin.socket"), ("host=a b", "admin.host"), ("port=99999", "admin.port")):
        done = subprocess.run([DRIVER, "mssqlserver", word], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 2 and said in done.stderr, done.stderr


def test_nobody_listens(tidy, tmp_path, password):
    one = tidy(Drive("mssqlserver", port=free_port(), password_file=password, publish=tmp_path, limit=5000))
    answer = one("health")
    assert answer["reason"] == "DatabaseNotReady" and "not running" in answer["error"], answer
