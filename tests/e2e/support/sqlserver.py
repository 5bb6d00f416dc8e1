# SPDX-License-Identifier: Apache-2.0
"""
A private SQL Server: tests/peers/sqlserver as a process of its own. And the real clients that look at it: FreeTDS,
Microsoft's drivers for ODBC, JDBC and Go.
"""

import hashlib
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import uuid
from pathlib import Path

from .agent import ROOT
from .authority import fingerprint
from .poll import end_with_parent, free_port, tail, wait_for
from .stack import Stack
from .supervisor import Supervisor

PASSWORD = "Secret.123"
PEER = ROOT / "tests/peers/sqlserver"
CACHE = Path(os.environ.get("CERTROTATE_CACHE") or Path.home() / ".cache/certrotate")
JDBC = CACHE / "clients/mssql-jdbc-12.8.1.jre11.jar"
ODBC = CACHE / "clients/mssql-python/bin/python"
GO = CACHE / "clients/gomssql"
NOT_SUPPORTED, ON, REQUIRED, REPLY = 2, 1, 3, 4


def master(password, users=None):
    """What an instance starts from."""
    return json.dumps({"logins": {"sa": {"password": password, "rights": ["CONTROL SERVER"]}, **(users or {})},
                       "certificates": {}, "endpoints": {}, "master_key": True})


class SQLServer:
    def __init__(self, folder, files, port=None, name="sql-0", group=None, conf=None, user=None, address="127.0.0.1"):
        """files: folder with server.crt and server.key, read at start. conf: text of mssql.conf; "" for none."""
        self.dir = Path(folder)
        for part in ("data", "log"):
            (self.dir / part).mkdir(parents=True, exist_ok=True)
        self.files, self.name, self.group, self.address = files, name, group, address
        self.port = port or free_port()
        self.log = self.dir / "log/errorlog"
        self.conf = self.dir / "mssql.conf"
        if conf is None:
            conf = f"[network]\ntlscert = {files}/server.crt\ntlskey = {files}/server.key\n"
        if conf:
            self.conf.write_text(conf)
        self.faults_path = self.dir / "faults.json"
        (self.dir / "data/master.json").write_text(master(PASSWORD, user))
        self.process = None

    def faults(self, **faults):
        """What goes wrong from now on; without a word nothing does."""
        fresh = self.faults_path.with_suffix(".new")
        fresh.write_text(json.dumps(faults))
        fresh.rename(self.faults_path)

    def start(self, wait=True, deadline=30):
        assert self.process is None, "already running"
        more = ["--group", str(self.group)] if self.group else []
        self.process = subprocess.Popen(["/usr/bin/python3", "-B", str(PEER / "server.py"), "--home", str(self.dir),
                                         "--port", str(self.port), "--name", self.name, "--address", self.address,
                                         *more],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=open(self.dir / "log/stderr", "a"), preexec_fn=end_with_parent)
        (self.dir / "server.pid").write_text(f"{self.process.pid}\n")
        if wait:
            self.wait_up(deadline)
        return self

    def wait_up(self, deadline=30):
        def answers():
            assert self.process.poll() is None, "the server ended:\n" + self.tail()
            try:
                socket.create_connection((self.address, self.port), 1).close()
                return True
            except OSError:
                return False
        wait_for("the server answers", answers, deadline, 0.02, self.tail)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, signo=signal.SIGTERM):
        if self.running():
            self.process.send_signal(signo)
            self.process.wait(30)
        self.process = None

    def sql(self, statement, user="sa", password=PASSWORD):
        """Rows by FreeTDS; whom it talks to is not verified."""
        code, out, err = bsqldb(self.port, statement, user=user, password=password)
        assert code == 0, f"{statement}: {out}{err}"
        return [line.split("|") for line in out.splitlines()]

    def logged(self):
        return self.log.read_text() if self.log.exists() else ""

    def tail(self):
        return "--- SQL Server\n" + tail(self.log, 20) + tail(self.dir / "log/stderr", 20)

    def cleanup(self):
        self.stop(signal.SIGKILL)


class SQLServerStack(Stack):
    """Volume, agent and server, whose supervisor starts it again as a pod's does."""

    driver = "mssqlserver"

    def __init__(self, folder, authority, conf=None, name="sql-0", group=None, user=None, **config):
        self.conf, self.name, self.group, self.users = conf, name, group, user
        self.server = self._server
        self.supervisor = None
        self.may_start = lambda: True
        super().__init__(folder, None, authority, **config)
        (self.dir / "password").write_text(PASSWORD)

    def _server(self, folder, _, files):
        return SQLServer(folder, files, name=self.name, group=self.group, conf=self.conf, user=self.users)

    def settings(self):
        return {"database": self.driver, "source": str(self.volume.path), "publish": str(self.published),
                "endpoints": [f"tds://127.0.0.1:{self.db.port}"], "retry-min": "100ms", "retry-max": "1s",
                "admin": {"port": self.db.port, "password-file": str(self.dir / "password")}}

    def issue(self, **more):
        return self.authority.issue(**{"kind": "rsa", **more})

    def up(self, bundle=None, **env):
        super().up(bundle or self.issue(), **env)
        return self.supervised()

    def supervised(self):
        self.supervisor = Supervisor(self.db, lambda: self.may_start())
        return self

    def rotate(self, bundle=None, deadline=30):
        return super().rotate(bundle or self.issue(key=self.bundle.key), deadline)

    def published_fp(self):
        try:
            return fingerprint((self.published / "server.crt").read_bytes())
        except (OSError, ValueError):
            return None

    def published_pair_fits(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.published / "server.crt", self.published / "server.key")
        return True

    def served_fp(self):
        return served_or_none(self.db.port)

    def deceive(self, bundle):
        super().deceive(bundle)
        if bundle is not None:
            for name in ("crt", "key"):
                (self.db_files / f"server.{name}").write_bytes((self.db_files / f"tls.{name}").read_bytes())

    def assert_seen(self, bundle, *not_seen):
        """By FreeTDS, which trusts this very leaf and no other."""
        assert pinned(self.db.port, bundle, self.dir), self.tail()
        for other in not_seen:
            assert not pinned(self.db.port, other, self.dir), self.tail()

    def cleanup(self):
        if self.supervisor:
            self.supervisor.cleanup()
        super().cleanup()


# --- FreeTDS

def freetds(folder, port, ca_file=None, encryption="require", host="127.0.0.1", check_name=False):
    """A configuration file with the server `peer`."""
    conf = Path(folder) / f"freetds-{os.urandom(4).hex()}.conf"
    conf.write_text(f"[peer]\nhost = {host}\nport = {port}\ntds version = 7.4\nencryption = {encryption}\n"
                    f"client charset = UTF-8\nconnect timeout = 20\ntimeout = 30\n" +
                    (f"ca file = {ca_file}\ncheck certificate hostname = {'yes' if check_name else 'no'}\n" if ca_file else ""))
    return conf


def bsqldb(port, statement, folder="/tmp", user="sa", password=PASSWORD, ca_file=None, **more):
    conf = freetds(folder, port, ca_file, **more)
    try:
        done = subprocess.run(["bsqldb", "-q", "-t", "|", "-S", "peer", "-U", user, "-P", password], text=True,
                              input=statement + "\ngo\n", capture_output=True, timeout=60,
                              env=dict(os.environ, FREETDSCONF=str(conf)))
    finally:
        conf.unlink()
    failed = done.returncode != 0 or "Msg " in done.stderr or "Error " in done.stderr
    return (done.returncode or 1) if failed else 0, done.stdout, done.stderr


def pinned(port, bundle, folder):
    """FreeTDS logs in although it trusts only the leaf of the bundle."""
    end = b"-----END CERTIFICATE-----\n"
    leaf = Path(folder) / f"leaf-{bundle.fp[:16]}.crt"
    leaf.write_bytes(bundle.cert[:bundle.cert.index(end) + len(end)])
    code, out, _ = bsqldb(port, "SELECT 1", folder, ca_file=leaf)
    return code == 0 and out.strip() == "1"


# --- Microsoft's drivers

def _client(*command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def jdbc(port, *statements, encrypt="true", trust_store=None, host="localhost", password=PASSWORD, more=""):
    """encrypt: false, true, strict. trust_store: PKCS#12 without password; None: the server is not verified."""
    trust = f"trustStore={trust_store};trustStoreType=PKCS12;trustStorePassword=changeit" if trust_store else \
        "trustServerCertificate=true"
    return _client("java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", JDBC, ROOT / "tests/peers/clients/jdbc/Query.java",
                   f"jdbc:sqlserver://{host}:{port};user=sa;password={password};loginTimeout=20;encrypt={encrypt};{trust};"
                   f"{more}", *statements)


def odbc(port, *statements, encrypt="yes", server_certificate=None, host="localhost", password=PASSWORD, trust=True):
    """encrypt: no, yes, strict. server_certificate: file with the very leaf."""
    pin = f"ServerCertificate={server_certificate};" if server_certificate else ""
    trusting = f"TrustServerCertificate={'yes' if trust else 'no'};" if encrypt != "strict" else ""
    return _client(ODBC, ROOT / "tests/peers/clients/odbc/query.py",
                   f"Server={host},{port};UID=sa;PWD={password};Encrypt={encrypt};{trusting}{pin}", *statements)


def go(port, *statements, encrypt="true", ca_file=None, host="localhost", password=PASSWORD):
    """encrypt: disable, false, true, strict. ca_file: *.pem; None: the server is not verified."""
    trust = f"certificate={ca_file}" if ca_file else "TrustServerCertificate=true"
    return _client(GO, f"sqlserver://sa:{password}@{host}:{port}?encrypt={encrypt}&dial+timeout=20&{trust}", *statements)


# --- what is served, for tests that look often: shares nothing with the agent

# VERSION and ENCRYPTION (on): token, offset, length each; then their values.
PRELOGIN = b"\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff" + b"\x0b\x00\x00\x00\x00\x00" + b"\x01"


def _packet_of(payload):
    return struct.pack(">BBHHBB", 0x12, 1, 8 + len(payload), 0, 1, 0) + payload


def _exactly(sock, n):
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def _packet(sock):
    _, _, length = struct.unpack(">BBHxxxx", _exactly(sock, 8))
    return _exactly(sock, length - 8)


def served(port):
    """Fingerprint of the leaf shown inside PRELOGIN packets."""
    return hashlib.sha256(leaf_shown(port)).hexdigest()


def leaf_shown(port, host="127.0.0.1"):
    """That leaf in DER."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(into, out)
    with socket.create_connection((host, port), timeout=10) as sock:
        sock.sendall(_packet_of(PRELOGIN))
        _packet(sock)
        while True:
            try:
                tls.do_handshake()
                return tls.getpeercert(binary_form=True)
            except ssl.SSLWantReadError:
                sock.sendall(_packet_of(out.read()))
                into.write(_packet(sock))


def answers(port):
    """It takes part in the protocol, before any login."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            sock.sendall(_packet_of(PRELOGIN))
            return len(_packet(sock)) > 0
    except (OSError, struct.error):
        return False


def served_or_none(port):
    try:
        return served(port)
    except (OSError, ValueError, struct.error):
        return None


def make_group(folder, names, ports, hosts=None, **more):
    """A shared folder of an availability group, the first name its primary."""
    hosts = hosts or ["127.0.0.1"] * len(names)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = {"name": "ag1", "id": str(uuid.uuid4()), "databases": ["orders", "customers"], "catch_up": 1.0,
             "primary": names[0], "log": [],
             "replicas": {name: {"id": str(uuid.uuid4()), "endpoint_url": f"tcp://{host}:{port + 1}",
                                 "routing_url": f"tcp://{host}:{port}", "mode": "SYNCHRONOUS_COMMIT"}
                          for name, host, port in zip(names, hosts, ports)}, **more}
    (folder / "group.json").write_text(json.dumps(state))
    return folder
