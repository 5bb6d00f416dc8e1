# SPDX-License-Identifier: Apache-2.0
"""
The mssqlserver-endpoint driver on our own SQL Server (tests/peers/sqlserver): certificates as objects in master, bound to
the mirroring endpoint. Partners there refuse a certificate that they do not know, whenever one of them changes.
"""

import hashlib
import json
import ssl

import pytest

from support.agent import Agent, run
from support.authority import openssl
from support.kubelet import KubeletVolume
from support.members import Plan
from support.poll import free_ports, stays, wait_for
from support.sqlserver import PASSWORD, SQLServer, make_group

BOUND = "SELECT certificate_id FROM sys.database_mirroring_endpoints"
OBJECTS = "SELECT certificate_id, name, CONVERT(nvarchar(80), thumbprint, 2), principal_id FROM sys.certificates"
END = b"-----END CERTIFICATE-----\n"


def sha1(bundle):
    leaf = bundle.cert[:bundle.cert.index(END) + len(END)].decode()
    return hashlib.sha1(ssl.PEM_cert_to_DER_cert(leaf)).hexdigest().upper()


def ours(bundle):
    return "certrotate_" + bundle.fp[:16]


class Replica:
    """An instance as somebody has set it up: its endpoint shows the certificate dbm, which the Secret has, too."""

    def __init__(self, folder, name, authority, tidy, port=None, group=None, user=None, **config):
        self.dir, self.name, self.authority = folder / name, name, authority
        self.dir.mkdir(parents=True)
        self.volume = KubeletVolume(self.dir / "secret")
        self.published = self.dir / "published"
        self.db = tidy(SQLServer(self.dir / "mssql", None, port=port, name=name, group=group, conf="", user=user))
        (self.dir / "password").write_text(PASSWORD)
        self.agent = tidy(Agent(self.dir / "agent", {
            "database": "mssqlserver-endpoint", "instance": name, "source": str(self.volume.path),
            "publish": str(self.published), "retry-min": "100ms", "retry-max": "1s",
            "admin": {"port": self.db.port, "password-file": str(self.dir / "password")}, **config}))

    def prepare(self, bundle, endpoint="hadr]x", owner="dbm_user"):
        """An odd name, to be quoted."""
        self.bundle = bundle
        master = self.db.dir / "data/master.json"
        state = json.loads(master.read_text())
        state["endpoints"] = {endpoint: {"state": "STARTED", "certificate": ""}} if endpoint else {}
        master.write_text(json.dumps(state))
        self.db.start()
        (self.dir / "key.pem").write_bytes(bundle.key)
        (self.dir / "crt.pem").write_bytes(bundle.cert)
        openssl("rsa", "-in", self.dir / "key.pem", "-outform", "PVK", "-pvk-none", "-out", self.dir / "dbm.pvk")
        openssl("x509", "-in", self.dir / "crt.pem", "-outform", "DER", "-out", self.dir / "dbm.cer")
        self.db.sql(f"CREATE CERTIFICATE dbm AUTHORIZATION {owner} FROM FILE = '{self.dir}/dbm.cer' "
                    f"WITH PRIVATE KEY (FILE = '{self.dir}/dbm.pvk')")
        return self

    def bind(self, certificate="dbm", endpoint="hadr]x"):
        state = json.loads((self.db.dir / "data/master.json").read_text())
        if endpoint in state["endpoints"]:
            self.db.sql(f'ALTER ENDPOINT "{endpoint}" FOR DATABASE_MIRRORING (AUTHENTICATION = CERTIFICATE {certificate})')

    def begin(self):
        self.volume.publish(self.bundle)
        self.agent.start()
        self.proven(self.bundle)
        self.agent.forget()
        return self

    def proven(self, bundle, deadline=30):
        return self.agent.wait_event("rotation_succeeded", deadline, fingerprint=bundle.fp[:16])

    def objects(self):
        return {row[1]: row[2] for row in self.db.sql(OBJECTS)}

    def shown(self):
        """SHA-1 of what the endpoint shows."""
        (bound,), = self.db.sql(BOUND)
        return {row[0]: row[2] for row in self.db.sql(OBJECTS)}.get(bound)

    def rotate(self, bundle):
        self.volume.publish(bundle)
        self.proven(bundle)
        assert self.shown() == sha1(bundle), self.tail()
        return bundle

    def tail(self):
        return self.agent.tail() + self.db.tail()


def issue(authority, **more):
    return authority.issue(kind="rsa", **more)


@pytest.fixture
def alone(tmp_path, authority, tidy):
    def make(user=None, begin=True, endpoint="hadr]x", **config):
        replica = Replica(tmp_path, "sql-0", authority, tidy, user=user, **config)
        replica.prepare(issue(authority), endpoint=endpoint).bind()
        return replica.begin() if begin else replica
    return make


def secrets_of(bundle):
    """What of a key could be seen: its primes as the statement has them, and as PEM."""
    text = openssl("rsa", "-noout", "-text", stdin=bundle.key).decode()
    prime = text[text.index("prime1:") + 7:text.index("prime2:")].replace(":", "").split()
    little = bytes.fromhex("".join(prime)).lstrip(b"\0")[::-1].hex()
    return [little[:24], little[24:48], bundle.key.decode().splitlines()[3]]


def assert_nothing_told(replica, *bundles):
    said = "\n".join(replica.agent.raw)
    for bundle in bundles:
        for secret in secrets_of(bundle):
            assert secret not in said.lower() and secret not in said
            assert secret not in json.dumps(replica.agent.status())


def test_rotate(alone, authority):
    """The one that is there is taken as it is; the next is made beside it, with the same owner."""
    replica = alone()
    old = replica.bundle
    assert replica.objects() == {"dbm": sha1(old)}
    fresh = replica.rotate(issue(authority))
    assert replica.objects() == {"dbm": sha1(old), ours(fresh): sha1(fresh)}
    owners = {row[1]: row[3] for row in replica.db.sql(OBJECTS)}
    assert owners[ours(fresh)] == owners["dbm"]
    third = replica.rotate(issue(authority))
    fourth = replica.rotate(issue(authority))
    assert replica.objects() == {"dbm": sha1(old), ours(third): sha1(third), ours(fourth): sha1(fourth)}, \
        "what somebody else made stays, of ours the last one"
    status = replica.agent.status()
    assert status["stages"]["served"]["fingerprint"] == fourth.fp
    assert sorted(p.name for p in replica.published.iterdir() if not p.name.startswith("..")) == \
        ["ca.crt", "endpoint.crt", "endpoint.key"]
    assert_nothing_told(replica, old, fresh, third, fourth)


def test_agent_comes_back(alone, authority):
    """Killed, and the certificate dropped meanwhile: it is made again from what was published."""
    replica = alone(reverify="1s")
    fresh = replica.rotate(issue(authority))
    replica.agent.kill()
    replica.bind("dbm")
    replica.db.sql(f"DROP CERTIFICATE {ours(fresh)}")
    replica.agent.start()
    wait_for("it is shown again", lambda: replica.shown() == sha1(fresh), 30, 0.1, replica.tail)


def agent_user(*rights):
    return {"agent": {"password": PASSWORD, "rights": ["VIEW SERVER STATE", *rights]}}


@pytest.mark.parametrize("rights, missing, number", [
    (["VIEW ANY DEFINITION", "ALTER ANY ENDPOINT"], "GRANT CREATE CERTIFICATE TO [agent]", "15247"),
    (["VIEW ANY DEFINITION", "CREATE CERTIFICATE"], "GRANT ALTER ANY ENDPOINT TO [agent]", "15151"),
    (["CREATE CERTIFICATE", "ALTER ANY ENDPOINT"], "GRANT VIEW ANY DEFINITION", None)])
def test_right_that_is_missing(alone, authority, rights, missing, number):
    """Waited for; with it the rotation goes on."""
    replica = alone(user=agent_user(*rights), begin=False)
    replica.agent.config["admin"]["user"] = "agent"
    fresh = issue(authority)
    replica.volume.publish(fresh)
    replica.agent.start()
    said = replica.agent.wait_event("database_waited_for", 30)
    assert missing in said["error"] and (number is None or number in said["error"]), said
    replica.db.sql("GRANT CONTROL SERVER TO agent")
    replica.proven(fresh)
    assert replica.shown() == sha1(fresh)
    assert_nothing_told(replica, fresh)


def test_no_endpoint(alone, authority):
    replica = alone(begin=False, endpoint=None)
    replica.volume.publish(issue(authority))
    replica.agent.start()
    said = replica.agent.wait_event("database_waited_for", 30)
    assert "there is no mirroring endpoint" in said["error"] and "CREATE ENDPOINT" in said["error"], said


@pytest.mark.parametrize("statement", ["CREATE", "ALTER"])
def test_statement_that_fails(alone, authority, statement):
    """Rolled back; the server quotes the statement, which holds the key, and nobody hears of it."""
    replica = alone()
    old, fresh = replica.bundle, issue(authority)
    quoted = "Incorrect syntax near '0x" + secrets_of(fresh)[0].upper() + "'."
    replica.db.faults(statements={statement: {"number": 102, "text": quoted}})
    replica.volume.publish(fresh)
    said = replica.agent.wait_event("rotation_rolled_back", 60)
    assert "Incorrect syntax near '0x...'" in json.dumps(replica.agent.find()), said
    assert replica.shown() == sha1(old)
    assert_nothing_told(replica, fresh)
    replica.db.faults()
    replica.rotate(issue(authority))


def test_no_master_key(alone, authority):
    replica = alone()
    state = json.loads((replica.db.dir / "data/master.json").read_text())
    replica.db.stop()
    (replica.db.dir / "data/master.json").write_text(json.dumps({**state, "master_key": False}))
    replica.db.start()
    fresh = issue(authority)
    replica.volume.publish(fresh)
    said = replica.agent.wait_event("database_waited_for", 30)
    assert "CREATE MASTER KEY" in said["error"], said


def test_key_that_is_not_rsa(alone, authority):
    replica = alone()
    replica.volume.publish(authority.issue())
    said = replica.agent.wait_event("bundle_refused", 20)
    assert "privateKey.algorithm: RSA" in said["error"], said
    assert replica.shown() == sha1(replica.bundle)


def test_endpoint_that_is_stopped(alone, authority):
    replica = alone(**{"verify-limit": "2s"})
    replica.db.stop()
    master = replica.db.dir / "data/master.json"
    master.write_text(master.read_text().replace('"STARTED"', '"STOPPED"'))
    replica.db.start()
    replica.volume.publish(issue(authority))
    replica.agent.wait("told", lambda: "is STOPPED" in json.dumps(replica.agent.find()), 60)


def test_listeners_are_nothing_for_it(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("database: mssqlserver-endpoint\nsource: /s\npublish: /p\nendpoints: [tls://127.0.0.1:5022]\n")
    code, _, err = run("run", "--config", str(config), "--print-config")
    assert code == 2 and "endpoints" in err and "asks the server" in err, err
    config.write_text("database: mssqlserver-endpoint\nsource: /s\npublish: /p\n")
    assert run("run", "--config", str(config), "--print-config")[0] == 0


# --- availability group

class Trio:
    def __init__(self, folder, authority, tidy, **config):
        names, ports = ["sql-0", "sql-1", "sql-2"], free_ports(3)
        self.folder = make_group(folder / "group", names, ports)
        self.bundle = issue(authority)
        self.replicas = [Replica(folder, name, authority, tidy, port=port, group=self.folder, **config)
                         for name, port in zip(names, ports)]
        for replica in self.replicas:
            replica.prepare(self.bundle)
        for replica in self.replicas:
            replica.bind()
        wait_for("all are connected", self.connected, 30, 0.1)

    def state(self):
        return json.loads((self.folder / "group.json").read_text())

    def refusals(self):
        return [(e["replica"], e["partner"]) for e in self.state()["log"] if e["event"] == "refused"]

    def connected(self):
        rows = self.replicas[0].db.sql("SELECT connected_state_desc FROM sys.dm_hadr_availability_replica_states")
        return rows == [["CONNECTED"]] * 3

    def publish(self, bundle):
        for replica in self.replicas:
            replica.volume.publish(bundle)

    def begin(self):
        self.publish(self.bundle)
        for replica in self.replicas:
            replica.agent.start()
        for replica in self.replicas:
            replica.proven(self.bundle)
            replica.agent.forget()
        return self


@pytest.fixture
def planned(tmp_path, authority, tidy):
    plan = Plan(tmp_path / "plan", [])
    trio = Trio(tmp_path, authority, tidy, plan=str(plan.path))
    plan.members = trio.replicas
    trio.plan = plan
    return trio.begin()


@pytest.mark.parametrize("issuer", ["authority", "foreign"])
def test_group_through_the_phases(planned, request, issuer):
    """Whether the authority changes or not: it is the leaf that partners know."""
    old, fresh = planned.bundle, issue(request.getfixturevalue(issuer))
    before = len(planned.refusals())
    assert all(r.objects() == {"dbm": sha1(old)} for r in planned.replicas)
    planned.plan.write(phase="trust", turn=[])
    planned.publish(fresh)
    planned.plan.one_by_one(phase="trust")
    for replica in planned.replicas:
        assert replica.objects() == {"dbm": sha1(old), ours(fresh): sha1(fresh)}, replica.tail()
        assert replica.shown() == sha1(old)
    planned.plan.one_by_one(phase="leaf")
    assert [r.shown() for r in planned.replicas] == [sha1(fresh)] * 3
    last = issue(request.getfixturevalue(issuer))
    planned.plan.write(phase="trust", turn=[])
    planned.publish(last)
    planned.plan.one_by_one(phase="trust")
    planned.plan.one_by_one(phase="leaf")
    assert all(set(r.objects()) == {"dbm", ours(fresh), ours(last)} for r in planned.replicas), "nothing is dropped yet"
    planned.plan.one_by_one(phase="prune")
    assert all(set(r.objects()) == {"dbm", ours(last)} for r in planned.replicas)
    assert [r.shown() for r in planned.replicas] == [sha1(last)] * 3
    assert len(planned.refusals()) == before and planned.connected(), planned.state()["log"]
    for replica in planned.replicas:
        assert_nothing_told(replica, old, fresh, last)


def test_killed_in_phase_trust(planned, authority):
    """Before it has made the certificate; it does not say done before it has."""
    fresh, first = issue(authority), planned.replicas[0]
    planned.plan.write(phase="trust", turn=[])
    planned.publish(fresh)
    first.db.faults(statements={"CREATE": {"number": 6005, "text": "SHUTDOWN is in progress."}})
    planned.plan.write(phase="trust", turn=[first], new=False)
    first.agent.wait_event("database_waited_for", 30)
    first.agent.kill()
    first.db.faults()
    first.agent.start()
    planned.plan.wait("done", [first])
    assert ours(fresh) in first.objects() and first.shown() == sha1(planned.bundle)


def test_group_without_a_plan(tmp_path, authority, tidy):
    trio = Trio(tmp_path, authority, tidy).begin()
    before = len(trio.refusals())
    replica, fresh = trio.replicas[1], issue(authority)
    replica.volume.publish(fresh)
    said = replica.agent.wait_event("bundle_refused", 20)
    assert "phase trust" in said["error"], said
    stays("nothing changes", lambda: replica.shown() == sha1(trio.bundle) and "dbm" in replica.objects(), 1)
    assert len(trio.refusals()) == before


def test_group_that_was_not_known_yet(tmp_path, authority, tidy):
    """Nothing is known of the server when the bundle is judged: then it is asked before the endpoint is bound."""
    trio = Trio(tmp_path, authority, tidy).begin()
    before = len(trio.refusals())
    replica, fresh = trio.replicas[1], issue(authority)
    replica.agent.stop()
    replica.db.faults(drop="login")
    replica.volume.publish(fresh)
    replica.agent.start()
    replica.agent.wait_event("database_waited_for", 30)
    replica.db.faults()
    replica.agent.wait_event("rotation_rolled_back", 60)
    assert "other replicas would not know" in json.dumps(replica.agent.find())
    assert replica.shown() == sha1(trio.bundle) and len(trio.refusals()) == before


def test_partner_that_does_not_know_it(planned, authority):
    """Somebody drops it on a partner after phase trust: the link breaks, is seen, and the old one comes back."""
    fresh, (first, second, _) = issue(authority), planned.replicas
    planned.plan.write(phase="trust", turn=[])
    planned.publish(fresh)
    planned.plan.one_by_one(phase="trust")
    second.db.sql(f"DROP CERTIFICATE {ours(fresh)}")
    first.agent.stop()
    first.agent.config["verify-limit"] = "3s"
    first.agent.start()
    planned.plan.wait("done", [first])
    planned.plan.write(phase="leaf", turn=[first])
    said = first.agent.wait_event("rotation_rolled_back", 60)
    assert "was connected and is not any more" in json.dumps(first.agent.find()), said
    wait_for("it is connected again", planned.connected, 30, 0.1, first.tail)
    stays("it is not tried again", planned.connected, 3, explain=first.tail)
    assert first.shown() == sha1(planned.bundle)
