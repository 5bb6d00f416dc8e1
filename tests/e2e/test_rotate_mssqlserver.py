# SPDX-License-Identifier: Apache-2.0
"""
The mssqlserver driver on our own SQL Server (tests/peers/sqlserver), which test_sqlserver_clients.py shows to real
clients. What is served is looked at by FreeTDS, which is told to trust one leaf and no other.
"""

import hashlib
import json
import os
import re
import socket

import pytest

from support import wire
from support.agent import RELEASE
from support.authority import openssl
from support.poll import free_ports, stays, wait_for
from support.sqlserver import ODBC, PASSWORD, SQLServerStack, bsqldb, make_group, odbc


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


def test_hundred_rotations(make):
    stack = make().up()
    stack.agent.stop()
    stack.agent.binary = RELEASE
    stack.agent.start()
    for _ in range(100):
        old, fresh = stack.bundle, stack.rotate()
    stack.assert_seen(fresh, old)
    assert stack.supervisor.starts == 100 and stack.db.logged().count("Server shut down by request") == 100
    assert not stack.agent.find(level="error")


def test_new_authority(make, foreign):
    """Clients of the old authority and of the new one find each other in ca.crt; the leaf is of the new."""
    stack = make().up()
    old, fresh = stack.bundle, stack.rotate(foreign.issue(kind="rsa"))
    published = (stack.published / "ca.crt").read_bytes()
    assert foreign.root.strip() in published and stack.authority.root.strip() in published
    stack.assert_seen(fresh, old)
    assert bsqldb(stack.db.port, "SELECT 1", stack.dir, ca_file=foreign.ca_file())[0] == 0
    code, _, said = bsqldb(stack.db.port, "SELECT 1", stack.dir, ca_file=stack.authority.ca_file())
    assert code != 0 and "20002" in said, said


@pytest.mark.parametrize("bad, said", [
    (lambda stack: {"kind": "ec"}, "^engine: .*no RSA key.*would not start"),
    (lambda stack: {"start": -7200, "seconds": -3600}, "^expired: "),
    (lambda stack: {"usage": "serverAuth\nkeyUsage=critical,digitalSignature"}, "^engine: .*key encipherment"),
    (lambda stack: {"kind": "rsa1024"}, "1024"),
])
def test_refused_before_the_server_hears_of_it(make, bad, said):
    stack = make().up()
    good = stack.bundle
    stack.volume.publish(stack.issue(**bad(stack)))
    stack.wait_refused(said)
    stack.assert_seen(good)
    assert stack.published_fp() == good.fp and stack.supervisor.starts == 0


def test_pair_that_does_not_fit(make):
    stack = make().up()
    stack.volume.publish(stack.issue(), key=stack.issue().key)
    stack.wait_refused("key-mismatch")
    stack.assert_seen(stack.bundle)
    assert stack.supervisor.starts == 0


def test_restart_that_never_comes_back(make):
    """The server does not start with the new pair: the old one is put back, and with it the server."""
    stack = make(**{"restart-limit": "4s"}).up()
    good, bad = stack.bundle, stack.issue()
    stack.may_start = lambda: stack.published_fp() != bad.fp
    stack.volume.publish(bad)
    stack.agent.wait_event("rotation_rolled_back", 60)
    assert stack.supervisor.refused > 0
    wait_for("the server is back", lambda: stack.served_fp() == good.fp, 30, 0.1, stack.tail)
    stack.assert_seen(good)
    assert stack.published_fp() == good.fp
    stack.rotate(deadline=60)


def test_wrong_leaf_after_the_restart(make):
    stack = make(**{"restart-limit": "3s"}).up()
    good = stack.bundle
    stack.deceive(good)
    stack.volume.publish(stack.issue())
    said = stack.agent.wait_event("rotation_rolled_back", 60)
    assert "which was published" in said["error"], said
    wait_for("the server is back", lambda: stack.served_fp() == good.fp, 30, 0.1, stack.tail)
    stack.assert_seen(good)
    assert stack.published_fp() == good.fp


def test_database_that_does_not_recover(make):
    stack = make(**{"restart-limit": "3s"}).up()
    good, bad = stack.bundle, stack.issue()

    def may_start():
        well = stack.published_fp() != bad.fp
        stack.db.faults(**({} if well else {"states": {"msdb": "RECOVERY_PENDING"}}))
        return True
    stack.may_start = may_start
    stack.volume.publish(bad)
    said = stack.agent.wait_event("rotation_rolled_back", 60)
    assert "'msdb' is RECOVERY_PENDING" in said["error"], said
    wait_for("the server is back", lambda: stack.served_fp() == good.fp, 30, 0.1, stack.tail)
    stack.assert_seen(good)


def test_database_that_was_lost_before(make):
    """It is no reason to put the old certificate back, nor to restart for ever."""
    stack = make().up()
    stack.db.faults(states={"msdb": "SUSPECT", "model": "OFFLINE"})
    old, fresh = stack.bundle, stack.rotate()
    stack.assert_seen(fresh, old)
    assert stack.supervisor.starts == 1


def test_right_is_missing(make):
    """The new files stay; the sentence names the right; once it is granted the agent goes on by itself."""
    stack = make(user={"agent": {"password": PASSWORD, "rights": []}})
    stack.agent.config["admin"]["user"] = "agent"
    old = stack.up().bundle
    bundle = stack.issue()
    stack.volume.publish(bundle)
    said = stack.agent.wait_event("database_waited_for", 30, reason="PrivilegeMissing")
    assert "GRANT SHUTDOWN TO [agent]" in said["error"] and "6004" in said["error"], said
    stays("still waiting", lambda: not stack.agent.find("rotation_succeeded"), 1, explain=stack.tail)
    stack.assert_seen(old)
    assert stack.published_fp() == bundle.fp
    stack.db.sql("GRANT SHUTDOWN TO agent")
    stack.wait_proven(bundle)
    stack.assert_seen(bundle, old)


def test_wrong_password(make):
    stack = make().up()
    (stack.dir / "password").write_text("not it")
    bundle = stack.issue()
    stack.volume.publish(bundle)
    said = stack.agent.wait_event("database_waited_for", 30, reason="LoginRefused")
    assert "18456" in said["error"] and "admin.password-file" in said["error"], said
    assert "not it" not in "".join(stack.agent.raw)
    (stack.dir / "password").write_text(PASSWORD)
    stack.wait_proven(bundle)
    stack.assert_seen(bundle)


@pytest.mark.parametrize("faults", [{"another_protocol": "HTTP/1.1 400 Bad Request\r\n\r\n"}, {"garbage": "160301000102"},
                                    {"drop": "handshake"}, {"drop": "login"}])
def test_another_protocol_on_the_port(make, faults):
    stack = make().up()
    old = stack.bundle
    stack.db.faults(**faults)
    bundle = stack.issue()
    stack.volume.publish(bundle)
    said = stack.agent.wait_event("database_waited_for", 60)
    assert re.search("is this a SQL Server port|connection broke|does not speak TDS|says nothing in time", said["error"]), said
    stack.db.faults()
    stack.wait_proven(bundle, 60)
    stack.assert_seen(bundle, old)


def test_silent_server_blocks_nothing(make):
    """Logins hang for as long as they may: the agent answers all the time, and ends when asked."""
    stack = make(grace="1s").up()
    stack.db.faults(silent=True)
    stack.volume.publish(stack.issue())
    stack.agent.wait_status("waits", lambda s: s["rotation"]["step"] == "apply")
    stays("it answers", lambda: stack.agent.get("/livez")[0] == 200, 2, explain=stack.tail)
    stack.agent.stop()


def ended_by_signal(stack):
    return {"pid-file": str(stack.db.dir / "server.pid"), "executable": os.path.realpath("/usr/bin/python3")}


def test_ended_by_a_signal(make):
    stack = make()
    stack.agent.config["process"] = ended_by_signal(stack)
    stack.up()
    old, fresh = stack.bundle, stack.rotate()
    stack.assert_seen(fresh, old)
    assert "because of a system shutdown" in stack.db.logged() and "by request" not in stack.db.logged()
    assert stack.agent.status()["engine"]["version"] == "16.0.4135.4"


def served_strict(port):
    context = wire.trusting()
    context.set_alpn_protocols(["tds/8.0"])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock, context.wrap_socket(sock) as tls:
        return hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest()


def test_strict_server(make, tmp_path):
    """It takes TDS 8.0 only, which FreeTDS does not speak: ended by a signal, proven by its handshake."""
    stack = make()
    stack.db.conf.write_text(stack.db.conf.read_text() + "forcestrict = 1\n")
    stack.served_fp = lambda: wire.served_or_none(stack.db.port, served_strict)
    stack.agent.config.update(endpoints=[f"tds8://127.0.0.1:{stack.db.port}"], process=ended_by_signal(stack))
    del stack.agent.config["admin"]
    stack.up()
    old, fresh = stack.bundle, stack.rotate()
    if ODBC.exists():
        for bundle, code in ((fresh, 0), (old, 1)):
            leaf = tmp_path / "leaf.crt"
            leaf.write_bytes(bundle.cert)
            assert odbc(stack.db.port, "SELECT 1", encrypt="strict", server_certificate=leaf)[0] == code
    assert "strict client: tds/8.0" in stack.db.logged()


@pytest.mark.skipif(not ODBC.exists(), reason="Microsoft's ODBC driver could not be fetched")
def test_microsofts_driver_sees_the_new_leaf(make, tmp_path):
    """Strict, where it compares the leaf byte for byte."""
    stack = make().up()
    old, fresh = stack.bundle, stack.rotate()
    for bundle, code in ((fresh, 0), (old, 1)):
        leaf = tmp_path / "leaf.crt"
        leaf.write_bytes(bundle.cert)
        assert odbc(stack.db.port, "SELECT 1", encrypt="strict", server_certificate=leaf)[0] == code


# --- TLS on and off

def managed(make, tmp_path, tls, conf="[language]\nlcid = 1033\n", **more):
    file = tmp_path / "stack/mssqlserver/mssql.conf"
    return make(conf=conf, tls=tls, **{"settings-file": str(file)}, **more)


def ours(stack, force):
    return (f"[network]\nforceencryption = {force}\ntlscert = {stack.published}/server.crt\n"
            f"tlskey = {stack.published}/server.key\ntlsprotocols = 1.2,1.1,1.0\n")


def switch(stack, tls, bundle=None):
    stack.agent.stop()
    stack.agent.config["tls"] = tls
    stack.agent.start()
    stack.wait_proven(bundle or stack.bundle, 60)


def self_signed(stack):
    code, _, said = bsqldb(stack.db.port, "SELECT 1", stack.dir, ca_file=stack.authority.ca_file())
    return code != 0 and "20002" in said and bsqldb(stack.db.port, "SELECT 1", stack.dir)[0] == 0


def encrypted(stack, **how):
    query = "SELECT encrypt_option FROM sys.dm_exec_connections WHERE session_id = @@SPID"
    code, out, err = bsqldb(stack.db.port, query, stack.dir, **how)
    assert code == 0, err
    return out.strip()


def test_tls_off_then_required_then_off(make, tmp_path):
    stack = managed(make, tmp_path, "off")
    bundle = stack.issue()
    stack.bundle = bundle
    stack.volume.publish(bundle)
    stack.db.start()
    stack.supervised()
    stack.agent.start()
    stack.wait_proven(bundle)
    assert stack.db.conf.read_text() == "[language]\nlcid = 1033\n"
    assert self_signed(stack) and encrypted(stack, encryption="off") == "FALSE"
    switch(stack, "required")
    assert stack.db.conf.read_text() == "[language]\nlcid = 1033\n\n" + ours(stack, 1)
    stack.assert_seen(bundle)
    assert encrypted(stack, encryption="request") == "TRUE", "forced by the server"
    assert bsqldb(stack.db.port, "SELECT 1", stack.dir, encryption="off")[0] != 0, "a client that cannot is refused"
    fresh = stack.rotate()
    stack.assert_seen(fresh, bundle)
    switch(stack, "on")
    assert "forceencryption = 0" in stack.db.conf.read_text()
    assert encrypted(stack, encryption="request") == "FALSE"
    stack.assert_seen(fresh)
    switch(stack, "off")
    assert stack.db.conf.read_text() == "[language]\nlcid = 1033\n"
    assert self_signed(stack)


def test_restart_into_tls_that_never_comes_back(make, tmp_path):
    """The settings go back with the files, byte for byte."""
    before = "# mine\r\n[network]\r\ntcpport = 1433\r\n[language]\r\nlcid = 1033"
    stack = managed(make, tmp_path, "off", before, **{"restart-limit": "4s"})
    stack.bundle = stack.issue()
    stack.volume.publish(stack.bundle)
    stack.db.start()
    stack.supervised()
    stack.agent.start()
    stack.wait_proven(stack.bundle)
    stack.may_start = lambda: "tlscert" not in stack.db.conf.read_text()
    stack.agent.stop()
    stack.agent.config["tls"] = "required"
    stack.agent.start()
    stack.agent.wait_event("rotation_rolled_back", 60)
    assert stack.db.conf.read_bytes() == before.encode()
    wait_for("the server is back", lambda: self_signed(stack), 30, 0.1, stack.tail)


def test_settings_that_are_no_ini_file(make, tmp_path):
    text = "[network]\ntcpport = 1433\nthis is no entry\n"
    stack = managed(make, tmp_path, "required", "")
    stack.db.conf.write_text(text)
    stack.volume.publish(stack.issue())
    stack.agent.start()
    said = stack.agent.wait("told", lambda: stack.agent.find(error="line 3: 'this is no entry'"))[-1]
    assert "mssql.conf" in said["error"], said
    stays("nothing is published", lambda: stack.published_fp() is None, 1)
    assert stack.db.conf.read_text() == text
    assert [p.name for p in stack.db.dir.iterdir() if "certrotate" in p.name] == []


def test_checks_of_the_docs(make, tmp_path, foreign):
    """KubeDB's page on MSSQLServer: cat mssql.conf, ls tls, a client that verifies, -enddate, -subject, the new issuer."""
    names = [("ca.crt", "ca"), ("server.crt", "chain"), ("server.key", "key"), ("client.crt", "chain"),
             ("client.key", "key")]
    stack = managed(make, tmp_path, "off", files=[{"name": n, "content": c} for n, c in names])
    stack.bundle = stack.issue(days=30)
    stack.volume.publish(stack.bundle)
    stack.db.start()
    stack.supervised()
    stack.agent.start()
    stack.wait_proven(stack.bundle)
    assert "[network]" not in stack.db.conf.read_text()
    assert self_signed(stack), "sqlcmd -N fails, with -C it works"
    switch(stack, "required")
    assert "[network]" in stack.db.conf.read_text()
    assert sorted(p.name for p in stack.published.iterdir() if not p.name.startswith("..")) == sorted(n for n, _ in names)
    trusting = {"ca_file": stack.authority.ca_file(), "check_name": True, "host": "localhost"}
    assert bsqldb(stack.db.port, "SELECT 1", stack.dir, **trusting)[0] == 0
    ends = openssl("x509", "-in", stack.published / "client.crt", "-noout", "-enddate")
    fresh = stack.rotate(stack.issue(days=60))
    assert openssl("x509", "-in", stack.published / "client.crt", "-noout", "-enddate") != ends
    subject = openssl("x509", "-in", stack.published / "client.crt", "-noout", "-subject", "-nameopt", "RFC2253").decode()
    assert subject.strip() == "subject=CN=db.test"
    stack.rotate(foreign.issue(kind="rsa", key=fresh.key))
    assert b"Foreign Authority" in openssl("x509", "-in", stack.published / "ca.crt", "-noout", "-subject")


# --- availability group

class Trio:
    """Three instances, each with its agent and supervisor; the first is the primary."""

    def __init__(self, folder, authority, tidy, **config):
        self.names, self.ports = ["sql-0", "sql-1", "sql-2"], free_ports(3)
        self.folder = make_group(folder / "group", self.names, self.ports)
        self.stacks = {}
        for name in self.names:
            if "tls" in config:
                config.update({"conf": "[language]\nlcid = 1033\n",
                               "settings-file": str(folder / name / "mssqlserver/mssql.conf")})
            stack = tidy(SQLServerStack(folder / name, authority, name=name, group=self.folder, **config))
            stack.db.port = self.ports[self.names.index(name)]
            stack.agent.config.update(stack.settings())
            self.stacks[name] = stack
        for stack in self.stacks.values():
            bundle = stack.bundle = stack.issue()
            stack.volume.publish(bundle)
            stack.agent.start()
            stack.agent.wait("first publish", lambda s=stack, b=bundle: s.published_fp() == b.fp)
            stack.db.start()
            stack.supervised()
        for stack in self.stacks.values():
            stack.wait_proven(stack.bundle, 60)
            stack.agent.forget()
        wait_for("all are synchronized", self.synchronized, 60, 0.2)

    def state(self):
        return json.loads((self.folder / "group.json").read_text())

    def synchronized(self):
        rows = self.primary.db.sql("SELECT synchronization_state_desc FROM sys.dm_hadr_database_replica_states")
        return rows == [["SYNCHRONIZED"]] * 6

    @property
    def primary(self):
        return self.stacks[self.state()["primary"]]

    def ends(self):
        return [event for event in self.state()["log"] if event["event"] == "ended"]


@pytest.fixture
def trio(tmp_path, authority, tidy):
    return lambda **config: Trio(tmp_path, authority, tidy, **{"restart-limit": "60s", **config})


def test_availability_group_in_the_safe_order(trio):
    group = trio(mssql={"failover": "auto"})
    for name in ("sql-1", "sql-2", "sql-0"):
        stack = group.stacks[name]
        assert stack.agent.status()["engine"]["role"] == ("primary" if name == "sql-0" else "secondary")
        old, fresh = stack.bundle, stack.rotate(deadline=60)
        stack.assert_seen(fresh, old)
    log = group.state()["log"]
    assert [e["replica"] for e in group.ends()] == ["sql-1", "sql-2", "sql-0"]
    assert all(e["role"] == "SECONDARY" for e in group.ends()), log
    assert len([e for e in log if e["event"] == "failed over"]) == 1
    assert group.state()["primary"] in ("sql-1", "sql-2")
    assert group.stacks["sql-0"].agent.status()["engine"]["role"] == "secondary"


def test_availability_group_all_at_once(trio):
    """Three Secrets at the same moment: whoever is primary waits until another could take over."""
    group = trio(mssql={"failover": "auto"})
    fresh = {name: stack.issue() for name, stack in group.stacks.items()}
    for name, stack in group.stacks.items():
        stack.volume.publish(fresh[name])
    for name, stack in group.stacks.items():
        stack.wait_proven(fresh[name], 120)
        stack.assert_seen(fresh[name])
    assert all(e["role"] != "PRIMARY" for e in group.ends()), group.state()["log"]


def test_handed_over_to_while_it_is_to_end(trio):
    """Between the look at its role and SHUTDOWN: it goes on, and hands over itself first."""
    group = trio(mssql={"failover": "auto"})
    stack = group.stacks["sql-1"]
    bundle = stack.issue()
    stack.db.faults(promoted=True)
    stack.volume.publish(bundle)
    stack.agent.wait_event("database_waited_for", reason="DatabaseNotReady")
    stack.db.faults()
    stack.wait_proven(bundle, 60)
    assert [(e["replica"], e["role"]) for e in group.ends()] == [("sql-1", "SECONDARY")]
    assert "became the primary" in stack.agent.find("database_waited_for")[0]["error"]


def test_tls_is_switched_on_in_a_group(trio):
    group = trio(mssql={"failover": "auto"}, tls="off")
    for name in ("sql-1", "sql-2", "sql-0"):
        stack = group.stacks[name]
        assert self_signed(stack)
        switch(stack, "required")
        assert stack.db.conf.read_text() == "[language]\nlcid = 1033\n\n" + ours(stack, 1)
        stack.assert_seen(stack.bundle)
        assert encrypted(stack, encryption="request") == "TRUE"
    assert [(e["replica"], e["role"]) for e in group.ends()] == [(n, "SECONDARY") for n in ("sql-1", "sql-2", "sql-0")]


def test_agent_is_killed_between_failover_and_shutdown(trio):
    group = trio(mssql={"failover": "auto"})
    primary = group.stacks["sql-0"]
    old, bundle = primary.bundle, primary.issue()
    primary.db.faults(slow=0.5)
    primary.volume.publish(bundle)
    primary.agent.wait("it failed over", lambda: any(e["event"] == "failed over" for e in group.state()["log"]), 60)
    primary.agent.kill()
    assert group.ends() == []
    primary.db.faults()
    primary.agent.start()
    primary.wait_proven(bundle, 60)
    primary.assert_seen(bundle, old)
    assert [(e["replica"], e["role"]) for e in group.ends()] == [("sql-0", "SECONDARY")]


def test_primary_is_not_restarted(trio):
    group = trio()
    primary = group.stacks["sql-0"]
    old, bundle = primary.bundle, primary.issue()
    primary.volume.publish(bundle)
    said = primary.agent.wait_event("database_waited_for", 30)
    assert "ALTER AVAILABILITY GROUP [ag1] FAILOVER on 'sql-" in said["error"], said
    stays("it waits", lambda: not primary.agent.find("rotation_succeeded"), 1, explain=primary.tail)
    primary.assert_seen(old)
    group.stacks["sql-1"].db.sql("ALTER AVAILABILITY GROUP [ag1] FAILOVER")
    primary.wait_proven(bundle, 60)
    primary.assert_seen(bundle, old)
    assert all(e["role"] == "SECONDARY" for e in group.ends())


def test_primary_without_a_synchronized_secondary(trio):
    group = trio(mssql={"failover": "auto"})
    for name in ("sql-1", "sql-2"):
        group.stacks[name].may_start = lambda: False
        group.stacks[name].db.process.kill()
    primary = group.stacks["sql-0"]
    bundle = primary.issue()
    primary.volume.publish(bundle)
    said = primary.agent.wait_event("database_waited_for", 30)
    assert "none of its 2 synchronous secondaries is synchronized" in said["error"], said
    group.stacks["sql-2"].may_start = lambda: True
    primary.wait_proven(bundle, 90)
    assert group.state()["primary"] == "sql-2"
    assert [e["role"] for e in group.ends()] == ["SECONDARY"]


def test_primary_ended_by_a_signal_hands_over_first(trio):
    group = trio(mssql={"failover": "auto"})
    primary = group.stacks["sql-0"]
    primary.agent.stop()
    primary.agent.config["process"] = ended_by_signal(primary)
    primary.agent.start()
    old, fresh = primary.bundle, primary.rotate(deadline=60)
    primary.assert_seen(fresh, old)
    assert [(e["replica"], e["role"]) for e in group.ends()] == [("sql-0", "SECONDARY")]
    assert "because of a system shutdown" in primary.db.logged()


def test_failover_is_refused(trio):
    """Cluster type EXTERNAL: Pacemaker decides. The primary stays up, the sentence has the server's words."""
    group = trio(mssql={"failover": "auto"})
    state = group.state()
    (group.folder / "group.json").write_text(json.dumps({**state, "cluster_type": "EXTERNAL"}))
    primary = group.stacks["sql-0"]
    old = primary.bundle
    primary.volume.publish(primary.issue())
    said = primary.agent.wait_event("database_waited_for", 30)
    assert "47104" in said["error"] and "cluster management tools" in said["error"], said
    primary.assert_seen(old)
    assert group.ends() == []


def test_in_the_place_of_the_cluster_manager(trio):
    group = trio(mssql={"failover": "external"})
    (group.folder / "group.json").write_text(json.dumps({**group.state(), "cluster_type": "EXTERNAL"}))
    primary = group.stacks["sql-0"]
    old, fresh = primary.bundle, primary.rotate(deadline=60)
    primary.assert_seen(fresh, old)
    assert [(e["replica"], e["role"]) for e in group.ends()] == [("sql-0", "SECONDARY")]
