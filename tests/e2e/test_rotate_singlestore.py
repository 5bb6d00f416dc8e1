# SPDX-License-Identifier: Apache-2.0
"""
The singlestore driver on one node. SingleStore cannot be had: its place takes the node of tests/peers/singlestore, which
real clients take for one (test_peer_singlestore.py). What is served is looked at by OpenSSL's client.
"""

import json
import re
import subprocess

import pytest

from support.agent import RELEASE
from support.authority import fingerprint
from support.poll import wait_for
from support.singlestore import SingleStoreStack
from support.supervisor import Supervisor


@pytest.fixture
def make(tmp_path, authority, tidy):
    return lambda **config: tidy(SingleStoreStack(tmp_path / "stack", None, authority, **config))


def seen_by_openssl(port):
    shown = subprocess.run(["openssl", "s_client", "-starttls", "mysql", "-connect", f"127.0.0.1:{port}"],
                           input=b"", capture_output=True, timeout=30).stdout
    return fingerprint(re.search(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", shown, re.S)[0])


def with_login(stack, user="agent", password="secret", tcp=False):
    admin = {"host": "127.0.0.1", "port": stack.db.port} if tcp else {"socket": str(stack.db.socket)}
    if password:
        (stack.dir / "password").write_text(password)
        admin["password-file"] = str(stack.dir / "password")
    stack.agent.config["admin"] = {**admin, "user": user}
    return stack


def published_then_started(stack):
    """The agent has published and waits for a node, which then comes."""
    bundle = stack.authority.issue()
    stack.volume.publish(bundle)
    stack.agent.start()
    stack.agent.wait("published", lambda: stack.published_fp() == bundle.fp)
    stack.db.start()
    return bundle


def test_rotates_by_reload(make):
    """Three in a row: the times that tell success have a grain of a second."""
    stack = make().up()
    pid = stack.db.pid
    for _ in range(3):
        bundle = stack.rotate()
        assert seen_by_openssl(stack.db.port) == bundle.fp
    assert stack.db.pid == pid and stack.db.running()
    engine = stack.agent.status()["engine"]
    assert (engine["version"], engine["role"]) == ("8.7.10", "standalone"), engine
    assert stack.db.said("FLUSH CONNECTION POOLS")


def test_hundred_rotations(make, authority):
    stack = make().up()
    stack.db.fault(time_grain="us")
    stack.agent.stop()
    stack.agent.binary = RELEASE
    stack.agent.start()
    for _ in range(100):
        stack.rotate(authority.issue(key=stack.bundle.key))
    assert seen_by_openssl(stack.db.port) == stack.bundle.fp
    assert not stack.agent.find(level="error") and not stack.agent.find("rotation_rolled_back")


def test_checks_of_the_documentation(make, authority):
    """What KubeDB's pages look at: the files, '%ssl%', end and subject of server.crt, a user that must use TLS."""
    stack = make().up(authority.issue(days=10))
    names = {p.name for p in stack.published.iterdir() if not p.name.startswith(".")}
    assert names == {"ca.crt", "client.crt", "client.key", "server.crt", "server.key"}
    rows = {r[0]: (r + [""])[1] for r in stack.db.sql("show variables like '%ssl%'")}
    assert len(rows) == 21 and rows["have_ssl"] == "ON" and rows["ssl_cert"] == str(stack.db_files / "server.crt")

    def x509(*what):
        return subprocess.run(["openssl", "x509", "-in", stack.published / "server.crt", "-inform", "PEM", *what,
                               "-nameopt", "RFC2253", "-noout"], capture_output=True, text=True).stdout
    before = x509("-enddate")
    stack.rotate(authority.issue(days=80, cn="sample-sdb"))
    assert x509("-enddate") != before and x509("-subject") == "subject=CN=sample-sdb\n"
    stack.db.sql("CREATE USER 'tls'@'%' IDENTIFIED BY 'x' REQUIRE SSL")
    files = [f"--ssl-ca={stack.published}/ca.crt", f"--ssl-cert={stack.published}/client.crt",
             f"--ssl-key={stack.published}/client.key", "--ssl-verify-server-cert"]
    done = stack.db.client("SELECT 1", *files, user="tls", password="x", tcp=True)
    assert done.stdout == "1\n", done.stderr
    assert "1045" in stack.db.client("SELECT 1", "--skip-ssl", user="tls", password="x", tcp=True).stderr


def test_new_authority_on_one_node(make, foreign):
    stack = make().up()
    bundle = stack.rotate(foreign.issue())
    published = (stack.published / "ca.crt").read_bytes()
    assert foreign.root.strip() in published and stack.authority.root.strip() in published
    assert seen_by_openssl(stack.db.port) == bundle.fp


@pytest.mark.parametrize("fault,said", [("key", "key-mismatch"), ("name", "^engine: .*same subject"),
                                        ("authorities", "^engine: .*no authorities")])
def test_refused_before_the_node_hears_of_it(make, authority, fault, said):
    stack = make(authorities="replace").up()
    attempt = stack.db.variable("ssl_last_reload_attempt_time")
    bundle = authority.issue(cn="Test Authority") if fault == "name" else authority.issue()
    changed = {"key": authority.issue().key} if fault == "key" else {"ca": None} if fault == "authorities" else {}
    stack.volume.publish(bundle, **changed)
    stack.wait_refused(said)
    assert seen_by_openssl(stack.db.port) == stack.bundle.fp == stack.published_fp()
    assert stack.db.variable("ssl_last_reload_attempt_time") == attempt


@pytest.mark.parametrize("says_error", [False, True])
def test_node_refuses_the_files(make, authority, says_error):
    """Whether a reload that fails is an SQL error too is not documented: both are understood."""
    stack = make().up()
    good = stack.bundle
    torn = authority.issue()
    torn.key = authority.issue().key
    stack.deceive(torn)
    stack.db.fault(reload_says_error=says_error)
    stack.volume.publish(authority.issue())
    said = stack.agent.wait_event("rotation_rolled_back", 30)
    assert "SSL_RELOAD" in said["error"] and ("2474" if says_error else "kept its old") in said["error"], said
    assert seen_by_openssl(stack.db.port) == good.fp == stack.published_fp()


@pytest.mark.parametrize("lie", ["keeps", "other"])
def test_reload_that_lies(make, authority, lie):
    """Both times move, and what is served is the old one, or one that nobody has published."""
    stack = make(**{"verify-limit": "2s"}).up()
    good = stack.bundle
    other = authority.issue()
    files = [str(stack.dir / name) for name in ("o.crt", "o.key", "o.ca")]
    for path, data in zip(files, (other.cert, other.key, other.ca)):
        open(path, "wb").write(data)
    stack.db.fault(reload_lies="keeps" if lie == "keeps" else files)
    bad = authority.issue()
    stack.volume.publish(bad)
    stack.agent.wait("published", lambda: stack.published_fp() == bad.fp)
    stack.agent.wait("it has been told", lambda: stack.agent.find("database_reloaded"))
    if lie == "other":
        stack.db.fault(reload_lies=None)  # only this once: the rollback is taken
    said = stack.agent.wait_event("rotation_rolled_back", 30)
    assert "published" in said["error"], said
    assert seen_by_openssl(stack.db.port) == good.fp == stack.published_fp()


def test_reload_whose_times_do_not_move(make, authority):
    stack = make().up()
    stack.db.fault(reload_unseen=True)
    stack.volume.publish(authority.issue())
    said = stack.agent.wait_event("rotation_rolled_back", 30)
    assert "ssl_last_reload_attempt_time" in said["error"], said
    stack.db.fault(reload_unseen=None)
    stack.rotate()


def test_restart_that_never_comes_back(make, tidy):
    """The restarted node does not start with the new pair: the old one is put back, and with it the node."""
    stack = make(apply="restart", **{"restart-limit": "4s"}).up()
    good = stack.bundle
    bad = stack.authority.issue()
    supervisor = tidy(Supervisor(stack.db, lambda: stack.published_fp() != bad.fp))
    stack.volume.publish(bad)
    stack.agent.wait_event("rotation_rolled_back", 60)
    assert supervisor.refused > 0 and stack.db.said("ended gracefully")
    wait_for("the node is back", lambda: stack.served_fp() == good.fp, 30, 0.1, stack.tail)
    assert seen_by_openssl(stack.db.port) == good.fp == stack.published_fp()
    stack.rotate(deadline=60)
    assert supervisor.starts >= 2 and not stack.db.said("SSL_RELOAD")


def test_right_is_missing(make):
    """The new files stay; the sentence names the right; once it is granted the agent goes on by itself."""
    stack = with_login(make())
    stack.db.write_users(agent=("secret", [], ""))
    bundle = published_then_started(stack)
    for right in ("SHOW METADATA", "SUPER", "CLUSTER"):
        said = stack.agent.wait_status(f"{right} is named", lambda s: f"GRANT {right} ON" in json.dumps(s), 30)
        assert "PrivilegeMissing" in json.dumps(said) and "1227" in json.dumps(said), said
        assert stack.published_fp() == bundle.fp and not stack.agent.find("rotation_succeeded")
        stack.db.sql(f"GRANT {right} ON *.* TO 'agent'@'%'")
    stack.wait_proven(bundle)
    stack.rotate()
    assert seen_by_openssl(stack.db.port) == stack.bundle.fp


def test_wrong_password(make):
    stack = with_login(make(), password="wrong", tcp=True)
    stack.db.write_users(agent=("secret", ["ALL"], ""))
    bundle = published_then_started(stack)
    said = stack.agent.wait_event("database_waited_for", 30, reason="LoginRefused")
    assert "1045" in said["error"] and "admin.password-file" in said["error"] and "SHOW METADATA ON" in said["error"]
    assert stack.published_fp() == bundle.fp
    (stack.dir / "password").write_text("secret")
    stack.wait_proven(bundle)


@pytest.mark.parametrize("code,text,said", [(1129, "Host '127.0.0.1' is blocked because of many connection errors",
                                             "FLUSH HOSTS"), (1040, "Too many connections", "max_connections")])
def test_turned_away_at_the_door(make, code, text, said):
    stack = with_login(make(), "root", "", tcp=True)
    bundle = stack.authority.issue()
    stack.volume.publish(bundle)
    stack.agent.start()
    stack.agent.wait("published", lambda: stack.published_fp() == bundle.fp)
    stack.db.fault(greeting={"error": [code, text]})
    stack.db.start(wait=False)
    status = stack.agent.wait_status("its words", lambda s: f"({code})" in json.dumps(s), 30)
    assert said in json.dumps(status) and "DatabaseNotReady" in json.dumps(status), status
    assert stack.published_fp() == bundle.fp
    stack.db.fault(greeting=None)
    stack.wait_proven(bundle, 60)


@pytest.mark.parametrize("greeting", ["http", "garbage", "close", "silence"])
def test_another_protocol_on_the_port(make, greeting):
    """Something else listens there: nothing is undone, and the agent goes on when the node is back."""
    stack = with_login(make(**{"verify-limit": "3s"}), "root", "", tcp=True).up()
    good = stack.bundle
    stack.agent.stop()  # and with it the connection it has kept
    stack.db.fault(greeting=greeting)
    bundle = stack.authority.issue()
    stack.agent.start()
    stack.volume.publish(bundle)
    stack.agent.wait("an answer", lambda: stack.agent.find("database_waited_for") or
                     stack.agent.find("rotation_rolled_back"), 60)
    stack.db.fault(greeting=None)
    if stack.agent.find("rotation_rolled_back"):
        assert stack.published_fp() == good.fp and stack.served_fp() == good.fp
        bundle = stack.authority.issue()
        stack.volume.publish(bundle)
    stack.wait_proven(bundle, 60)
    assert seen_by_openssl(stack.db.port) == bundle.fp


def test_certificate_that_ended_does_not_lock_the_agent_out(make, authority):
    """
    All who may reload must use TLS, and the node shakes no hands with a certificate that has ended: the vendor's own
    trap. The connection from before goes on.
    """
    stack = with_login(make(), tcp=True)
    stack.db.write_users(root=("", ["ALL"], "SSL"), agent=("secret", ["ALL"], "SSL"))
    stack.db.fault(ended_is_refused=True)
    short = authority.issue(seconds=20)
    stack.volume.publish(short)
    stack.agent.start()
    stack.agent.wait("published", lambda: stack.published_fp() == short.fp)
    stack.db.start(wait=False)
    stack.wait_proven(short)
    wait_for("it has ended", lambda: stack.served_fp() is None, 60, 0.2)
    connections = stack.db.said("connection")
    stack.agent.forget()
    bundle = authority.issue()
    stack.volume.publish(bundle)
    stack.wait_proven(bundle)
    assert seen_by_openssl(stack.db.port) == bundle.fp
    assert connections and not stack.agent.find("database_waited_for")


# --- TLS on and off


def switched(stack, mode):
    """The agent's word for it from its next start on."""
    stack.agent.config.update({"tls": mode, "settings-file": str(stack.fragment)})
    return stack


def proven(stack, bundle, deadline=60):
    stack.agent.wait_event("rotation_succeeded", deadline, fingerprint=bundle.fp[:16])


def test_tls_on_and_off(make, tidy):
    """From a node without TLS to one with, reloads in between, and back. A reload reads one generation's own paths."""
    stack = switched(make(), "on")
    stack.db.write_config(tls="off")
    stack.db.start()
    kubelet = tidy(Supervisor(stack.db))
    bundle = stack.authority.issue()
    stack.volume.publish(bundle)
    stack.agent.start()
    proven(stack, bundle)
    assert seen_by_openssl(stack.db.port) == bundle.fp and kubelet.starts == 1
    assert stack.db.variable("have_ssl") == "ON" and stack.db.variable("ssl_ca").endswith("/..gen-000001/ca.crt")
    pid = stack.db.pid
    for generation in (2, 3):
        bundle = stack.rotate()
        assert stack.db.variable("ssl_cert") == f"{stack.published}/..gen-{generation:06d}/server.crt"
    assert stack.db.pid == pid and stack.db.said("SSL_RELOAD")

    for mode, starts in (("off", 2), ("mixed", 3), ("on", 4), ("off", 5)):
        stack.agent.stop()
        switched(stack, mode).agent.start()
        proven(stack, bundle)
        assert kubelet.starts == starts
        assert stack.db.variable("have_ssl") == ("OFF" if mode == "off" else "ON")
        assert bool(stack.db.variable("ssl_ca")) == (mode == "on")
        assert stack.served_fp() == (None if mode == "off" else bundle.fp)
    assert "ssl_cert" not in stack.fragment.read_text()


def test_tls_that_cannot_be_switched_on_is_taken_back(make, tidy):
    """The node does not start with TLS: it comes back as it was, the fragment too."""
    stack = switched(make(**{"restart-limit": "4s"}), "on")
    stack.db.write_config(tls="off")
    stack.fragment.write_text("[server]\nmax_connections = 250\n")
    stack.db.start()
    kubelet = tidy(Supervisor(stack.db, lambda: "ssl_cert" not in stack.fragment.read_text()))
    stack.volume.publish(stack.authority.issue())
    stack.agent.start()
    stack.agent.wait_event("rotation_rolled_back", 60)
    assert kubelet.refused > 0
    stack.db.wait_up()
    assert stack.db.variable("have_ssl") == "OFF" and stack.db.variable("max_connections") == "250"
    assert stack.fragment.read_text() == "[server]\nmax_connections = 250\n"


def test_rollback_of_a_reload_takes_the_paths_back(make, tidy, authority):
    stack = switched(make(**{"verify-limit": "2s"}), "on")
    stack.db.write_config(tls="off")
    kubelet = tidy(Supervisor(stack.db))
    stack.up()
    good, text = stack.bundle, stack.fragment.read_text()
    stack.db.fault(reload_lies="keeps")
    stack.volume.publish(authority.issue())
    stack.agent.wait_event("rotation_rolled_back", 30)
    assert stack.fragment.read_text() == text and seen_by_openssl(stack.db.port) == good.fp
    stack.db.fault(reload_lies=None)
    stack.rotate()
    assert kubelet.starts == 0


def test_fragments_that_are_none_and_modes_that_it_has_not(make):
    stack = switched(make(), "on")
    stack.db.write_config(tls="off")
    stack.fragment.write_text("max_connections = 250\n")
    stack.db.start(wait=False)
    stack.volume.publish(stack.authority.issue())
    stack.agent.start()
    stack.wait_refused("line 1: 'max_connections = 250'")
    assert stack.fragment.read_text() == "max_connections = 250\n" and not list(stack.published.glob("..gen*"))
    stack.agent.stop()
    stack.fragment.unlink()
    switched(stack, "required").agent.start()
    stack.wait_refused("no setting that refuses clients without TLS")
