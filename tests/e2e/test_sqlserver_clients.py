# SPDX-License-Identifier: Apache-2.0
"""
Our SQL Server (tests/peers/sqlserver) under real clients: FreeTDS, and Microsoft's drivers for ODBC, JDBC and Go. What
they accept, encrypted and strict, is what the tests of the driver stand on.
"""

import subprocess

import pytest

from support.authority import openssl
from support.poll import wait_for
from support.sqlserver import GO, JDBC, ODBC, PASSWORD, SQLServer, bsqldb, freetds, go, jdbc, odbc, pinned, served_or_none

ENCRYPTED = "SELECT encrypt_option FROM sys.dm_exec_connections WHERE session_id = @@SPID"
needs_jdbc = pytest.mark.skipif(not JDBC.exists(), reason="Microsoft's JDBC driver could not be fetched")
needs_odbc = pytest.mark.skipif(not (ODBC.parents[2] / "mssql-python.done").exists(),
                                reason="Microsoft's ODBC driver could not be fetched")
needs_go = pytest.mark.skipif(not GO.exists(), reason="go-mssqldb could not be fetched")


@pytest.fixture
def server(tmp_path, tidy, authority):
    def make(network="", bundle=None, **more):
        bundle = bundle or authority.issue(kind="rsa")
        files = tmp_path / "files"
        files.mkdir()
        (files / "server.crt").write_bytes(bundle.cert)
        (files / "server.key").write_bytes(bundle.key)
        conf = f"[network]\ntlscert = {files}/server.crt\ntlskey = {files}/server.key\n{network}"
        server = tidy(SQLServer(tmp_path / "server", files, conf=conf, **more))
        server.bundle = bundle
        return server.start()
    return make


@pytest.fixture
def pem(tmp_path, authority, foreign):
    """Authorities as files with a name that go-mssqldb takes: good, foreign."""
    paths = tmp_path / "good.pem", tmp_path / "foreign.pem"
    for path, of in zip(paths, (authority, foreign)):
        path.write_bytes(of.root)
    return paths


@pytest.fixture
def stores(tmp_path, pem):
    paths = []
    for path in pem:
        paths.append(path.with_suffix(".p12"))
        subprocess.run(["keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", str(path), "-keystore",
                        str(paths[-1]), "-storetype", "PKCS12", "-storepass", "changeit"], check=True, capture_output=True)
    return paths


def test_freetds(server, tmp_path, pem):
    peer = server()
    good, strange = pem
    code, out, err = bsqldb(peer.port, f"SELECT 1\ngo\nSELECT @@SERVERNAME\ngo\n{ENCRYPTED}", tmp_path, ca_file=good)
    assert code == 0 and out.split() == ["1", "sql-0", "TRUE"], err
    code, _, err = bsqldb(peer.port, "SELECT 1", tmp_path, ca_file=strange)
    assert code != 0 and "20002" in err, err
    code, _, err = bsqldb(peer.port, "SELECT 1", tmp_path, password="wrong")
    assert code != 0 and "18456" in err, err
    code, _, err = bsqldb(peer.port, "SELECT nothing FROM nowhere", tmp_path)
    assert code != 0 and "208" in err, err
    assert bsqldb(peer.port, "SELECT 1", tmp_path, ca_file=good, check_name=True, host="localhost")[0] == 0


def test_freetds_tells_leaves_apart(server, tmp_path, authority):
    """Trusting one leaf and nothing else: what the tests of the driver look with."""
    peer = server()
    other = authority.issue(kind="rsa")
    assert pinned(peer.port, peer.bundle, tmp_path) and not pinned(peer.port, other, tmp_path)
    assert served_or_none(peer.port) == peer.bundle.fp


def test_tsql(server, tmp_path):
    peer = server()
    done = subprocess.run(["tsql", "-S", "peer", "-U", "sa", "-P", PASSWORD], text=True, capture_output=True, timeout=60,
                          input="SELECT name, state_desc FROM sys.databases\ngo\nBEGIN TRAN\ngo\nCOMMIT\ngo\nexit\n",
                          env={"FREETDSCONF": str(freetds(tmp_path, peer.port)), "PATH": "/usr/bin"})
    assert "master\tONLINE" in done.stdout and "(4 rows affected)" in done.stdout, done.stdout + done.stderr
    assert "Msg" not in done.stderr, done.stderr


@needs_jdbc
@pytest.mark.parametrize("encrypt", ["true", "strict"])
def test_jdbc(server, stores, encrypt):
    peer = server()
    code, out, err = jdbc(peer.port, "SELECT 1", ENCRYPTED, encrypt=encrypt, trust_store=stores[0])
    assert code == 0 and out.split() == ["1", "TRUE"], err
    code, _, err = jdbc(peer.port, "SELECT 1", encrypt=encrypt, trust_store=stores[1])
    assert code == 1 and "PKIX path building failed" in err, err
    code, _, err = jdbc(peer.port, "SELECT 1", encrypt=encrypt, trust_store=stores[0], password="wrong")
    assert code == 1 and "Login failed for user 'sa'" in err, err
    assert ("strict client: tds/8.0" in peer.logged()) == (encrypt == "strict")


@needs_odbc
def test_odbc(server):
    peer = server()
    code, out, err = odbc(peer.port, "SELECT 1", ENCRYPTED, "SELECT @@VERSION")
    assert code == 0 and out.startswith("1\nTRUE\nMicrosoft SQL Server 2022"), err
    code, _, err = odbc(peer.port, "SELECT 1", trust=False)
    assert code == 1 and "certificate" in err.lower(), err
    code, _, err = odbc(peer.port, "SELECT 1", password="wrong")
    assert code == 1 and "Login failed" in err, err


@needs_odbc
def test_odbc_strict_takes_the_very_leaf(server, tmp_path, authority):
    peer = server()
    other = tmp_path / "other.crt"
    other.write_bytes(authority.issue(kind="rsa").cert)
    code, out, err = odbc(peer.port, ENCRYPTED, encrypt="strict", server_certificate=peer.files / "server.crt")
    assert code == 0 and out.split() == ["TRUE"], err
    assert "strict client: tds/8.0" in peer.logged()
    code, _, err = odbc(peer.port, "SELECT 1", encrypt="strict", server_certificate=other)
    assert code == 1, err


@needs_go
@pytest.mark.parametrize("encrypt", ["true", "strict"])
def test_go(server, pem, encrypt):
    peer = server()
    code, out, err = go(peer.port, "SELECT 1", ENCRYPTED, encrypt=encrypt, ca_file=pem[0])
    assert code == 0 and out.split() == ["1", "TRUE"], err
    code, _, err = go(peer.port, "SELECT 1", encrypt=encrypt, ca_file=pem[1])
    assert code == 1 and "unknown authority" in err, err
    code, _, err = go(peer.port, "SELECT 1", encrypt=encrypt, ca_file=pem[0], host="127.0.0.2")
    assert code == 1 and "127.0.0.2" in err, err


@needs_go
def test_only_the_login_is_encrypted(server):
    """The client does not ask for more, and the server does not force it."""
    peer = server()
    assert go(peer.port, ENCRYPTED, encrypt="false")[1].split() == ["FALSE"]
    assert go(peer.port, ENCRYPTED, encrypt="disable")[1].split() == ["FALSE"]


@needs_go
def test_encryption_is_forced(server):
    peer = server("forceencryption = 1\n")
    assert go(peer.port, ENCRYPTED, encrypt="false")[1].split() == ["TRUE"]
    assert go(peer.port, ENCRYPTED, encrypt="disable")[0] == 1


@needs_go
def test_forcestrict_refuses_older_clients(server, pem, tmp_path):
    peer = server("forcestrict = 1\n")
    assert go(peer.port, ENCRYPTED, encrypt="strict", ca_file=pem[0])[1].split() == ["TRUE"]
    assert go(peer.port, "SELECT 1", encrypt="true")[0] == 1
    assert bsqldb(peer.port, "SELECT 1", tmp_path)[0] != 0


# --- as the real one

def test_reads_its_files_at_start_only(server, tmp_path, authority):
    peer, fresh = server(), authority.issue(kind="rsa")
    (peer.files / "server.crt").write_bytes(fresh.cert)
    (peer.files / "server.key").write_bytes(fresh.key)
    assert pinned(peer.port, peer.bundle, tmp_path) and not pinned(peer.port, fresh, tmp_path)
    peer.stop()
    peer.start()
    assert pinned(peer.port, fresh, tmp_path)


@pytest.mark.parametrize("spoil", [
    lambda files, other: (files / "server.key").write_bytes(other.key),
    lambda files, other: (files / "server.crt").write_text("nothing"),
    lambda files, other: (files / "server.key").unlink(),
])
def test_does_not_start_with_a_bad_pair(server, authority, spoil):
    peer = server()
    peer.stop()
    spoil(peer.files, authority.issue(kind="rsa"))
    peer.start(wait=False)
    assert peer.process.wait(30) == 1
    assert "TDSSNIClient initialization failed" in peer.logged()


def test_without_certificate_it_signs_one_itself(tmp_path, tidy, pem):
    peer = tidy(SQLServer(tmp_path / "server", tmp_path, conf="")).start()
    code, out, err = bsqldb(peer.port, ENCRYPTED, tmp_path)
    assert code == 0 and out.strip() == "TRUE", err
    assert bsqldb(peer.port, "SELECT 1", tmp_path, ca_file=pem[0])[0] != 0
    first = served_or_none(peer.port)
    peer.stop()
    peer.start()
    assert served_or_none(peer.port) not in (None, first)


def test_shutdown_takes_a_right(server, tmp_path):
    peer = server(user={"app": {"password": PASSWORD, "rights": []}})
    code, _, err = bsqldb(peer.port, "SHUTDOWN", tmp_path, user="app")
    assert code != 0 and "6004" in err and peer.running(), err
    code, _, err = bsqldb(peer.port, "SELECT session_id FROM sys.dm_exec_connections", tmp_path, user="app")
    assert code != 0 and "Msg 300" in err, err
    bsqldb(peer.port, "SHUTDOWN", tmp_path)
    assert peer.process.wait(30) == 0 and peer.logged().endswith("checkpoint\n")


def test_sigterm_is_a_graceful_end(server):
    peer = server()
    process = peer.process
    peer.stop()
    assert process.returncode == 0 and peer.logged().endswith("checkpoint\n")


def test_certificates_are_objects(server, tmp_path, authority):
    """CREATE CERTIFICATE from DER and PVK files, and from a PFX; a key that does not fit is refused."""
    peer = server()
    one, two = authority.issue(kind="rsa", days=40), authority.issue(kind="rsa")
    for name, bundle in (("one", one), ("two", two)):
        (tmp_path / f"{name}.pem").write_bytes(bundle.key + bundle.cert)
        openssl("x509", "-in", tmp_path / f"{name}.pem", "-outform", "DER", "-out", tmp_path / f"{name}.cer")
        openssl("rsa", "-in", tmp_path / f"{name}.pem", "-outform", "PVK", "-pvk-none", "-out", tmp_path / f"{name}.pvk")
    openssl("pkcs12", "-export", "-in", tmp_path / "two.pem", "-out", tmp_path / "two.pfx", "-passout", "pass:x")
    peer.sql(f"CREATE CERTIFICATE one FROM FILE = '{tmp_path}/one.cer' WITH PRIVATE KEY (FILE = '{tmp_path}/one.pvk')")
    peer.sql(f"CREATE CERTIFICATE two FROM FILE = '{tmp_path}/two.pfx' WITH FORMAT = 'PFX', PRIVATE KEY "
             "(DECRYPTION BY PASSWORD = 'x')")
    code, _, err = bsqldb(peer.port, f"CREATE CERTIFICATE torn FROM FILE = '{tmp_path}/one.cer' WITH PRIVATE KEY (FILE = "
                          f"'{tmp_path}/two.pvk')", tmp_path)
    assert code != 0 and "15297" in err, err
    rows = peer.sql("SELECT name, pvt_key_encryption_type_desc, CONVERT(nvarchar(30), expiry_date, 126) FROM sys.certificates")
    assert [r[:2] for r in rows] == [["one", "ENCRYPTED_BY_MASTER_KEY"], ["two", "ENCRYPTED_BY_MASTER_KEY"]], rows
    assert rows[0][2] != rows[1][2]


def test_faults(server, tmp_path):
    peer = server()
    for fault in ({"drop": "prelogin"}, {"drop": "handshake"}, {"drop": "login"}, {"garbage": "00ff"},
                  {"another_protocol": "SSH-2.0-x\r\n"}, {"login_error": 18401}, {"drop": "batch"}):
        peer.faults(**fault)
        assert bsqldb(peer.port, "SELECT 1", tmp_path)[0] != 0, fault
    peer.faults(piece=1)
    assert bsqldb(peer.port, "SELECT 1", tmp_path)[0] == 0
    peer.faults(never_start=True)
    peer.stop()
    peer.start(wait=False)
    wait_for("it does not start", lambda: peer.process.poll() == 1)
