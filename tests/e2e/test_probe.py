# SPDX-License-Identifier: Apache-2.0
"""
`certrotate probe` against real servers: what it says is held against `openssl s_client` and the files.
When one fails, look at what the probe printed (it is in the assertion) and at the server's log.
"""

import json
import socket
import subprocess
import time
from pathlib import Path

import pytest

from support import postgres
from support.agent import run
from support.authority import Authority, fingerprint, openssl
from support.openssl import OpenSSLServer


def write(folder, files):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "tls.key").chmod(0o600)
    return folder


def probe_json(*args):
    code, out, err = run("probe", "--output", "json", *args)
    return code, json.loads(out), err


def s_client(port, *more):
    """The fingerprint that OpenSSL's own client sees."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *more], input=b"",
                          capture_output=True, timeout=30)
    return fingerprint(done.stdout)


@pytest.fixture
def chained(tmp_path):
    """An authority whose leaves come from an intermediate."""
    return Authority(tmp_path / "chained", intermediate=True)


@pytest.fixture
def s_server(tidy):
    return lambda files, *more: tidy(OpenSSLServer(files, *more))


def test_mariadb(mariadb, chained, tmp_path):
    bundle = chained.issue()
    files = write(tmp_path / "published", bundle.files())
    mariadb.start()
    url = f"mysql://127.0.0.1:{mariadb.port}"
    code, seen, err = probe_json("--ca", files / "ca.crt", "--expect", files, url)
    assert (code, seen["ok"], seen["trusted"], seen["isExpected"], err) == (0, True, True, True, "")
    assert seen["chain"][0]["fingerprint"] == s_client(mariadb.port, "-starttls", "mysql") == bundle.fp
    assert seen["server"].startswith("10.") and "MariaDB" in seen["server"]
    # The same over the socket, and by its other name.
    for other in (f"mysql://{mariadb.socket}", f"mariadb://localhost:{mariadb.port}"):
        code, again, _ = probe_json("--ca", files / "ca.crt", "--expect", files, other)
        assert code == 0 and again["chain"] == seen["chain"]


def test_mariadb_probes_do_not_block_the_prober(mariadb, authority, tmp_path):
    """Guide 0.7: aborted connections count; loopback must stay exempt, or the agent locks itself out."""
    write(tmp_path / "published", authority.issue().files())
    mariadb.extra.append("--max-connect-errors=3")
    mariadb.start()
    for _ in range(12):
        code, _, err = run("probe", f"mysql://127.0.0.1:{mariadb.port}")
        assert code == 0, err


def test_mariadb_without_tls(mariadb):
    mariadb.start(tls=False)
    code, seen, err = probe_json(f"mysql://127.0.0.1:{mariadb.port}")
    assert (code, seen["reason"]) == (1, "ProtocolError")
    assert "does not offer TLS" in err and f"127.0.0.1:{mariadb.port}" in err


def test_mariadb_through_the_wrong_door(mariadb, authority, tmp_path):
    write(tmp_path / "published", authority.issue().files())
    mariadb.start()
    code, _, err = run("probe", f"tls://127.0.0.1:{mariadb.port}")
    assert code == 1 and "is this a TLS port?" in err
    code, _, err = run("probe", "--timeout", "1s", f"postgres://127.0.0.1:{mariadb.port}")
    assert code == 1 and "is this a PostgreSQL port?" in err


def test_mariadb_serves_what_nobody_should(mariadb, authority, foreign, tmp_path):
    """Expired, and from an authority that the client does not hold: shown in full, and judged."""
    expired = authority.issue(start=-86400, seconds=-3600)
    files = write(tmp_path / "published", expired.files())
    mariadb.start()
    url = f"mysql://127.0.0.1:{mariadb.port}"
    code, seen, err = probe_json("--ca", files / "ca.crt", url)
    assert code == 1 and not seen["trusted"] and "expired" in seen["distrust"]
    assert seen["chain"][0]["fingerprint"] == expired.fp
    assert "expired" in err
    code, seen, _ = probe_json("--ca", foreign.ca_file(), url)
    assert code == 1 and not seen["trusted"]
    other = write(tmp_path / "other", authority.issue().files())
    code, seen, _ = probe_json("--expect", other, url)
    assert code == 1 and not seen["isExpected"]
    assert run("probe", url)[0] == 0  # nothing was asked of it


def test_direct_tls(s_server, chained, tmp_path):
    bundle = chained.issue()
    files = write(tmp_path / "files", bundle.files())
    (files / "chain.crt").write_bytes(chained.chain)
    for version in ("-tls1_2", "-tls1_3"):
        server = s_server(files, version, "-cert_chain", files / "chain.crt")
        url = f"tls://localhost:{server.port}"
        code, seen, _ = probe_json("--ca", files / "ca.crt", "--check-name", url)
        assert code == 0 and seen["protocol"] == {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}[version]
        assert seen["chain"][0]["fingerprint"] == s_client(server.port) == bundle.fp
        code, out, _ = run("probe", "--output", "pem", url)
        assert code == 0 and out.encode().split() == bundle.cert.split()
        code, _, err = run("probe", "--ca", files / "ca.crt", "--check-name", "--server-name", "other.test", url)
        assert code == 1 and "other.test" in err


def test_mutual(s_server, authority, foreign, tmp_path):
    files = write(tmp_path / "files", authority.issue().files())
    mine = write(tmp_path / "mine", authority.issue().files())
    theirs = write(tmp_path / "theirs", foreign.issue().files())
    for version in ("-tls1_2", "-tls1_3"):
        server = s_server(files, version, "-Verify", 3, "-verify_return_error", "-CAfile", files / "ca.crt")
        url = f"tls://127.0.0.1:{server.port}"

        def with_identity(folder):
            return probe_json("--cert", folder / "tls.crt", "--key", folder / "tls.key", url)
        code, seen, err = with_identity(mine)
        assert code == 0 and seen["completed"], err
        code, seen, err = with_identity(theirs)
        assert code == 1 and "refused our certificate" in seen["refusal"], err
        assert seen["chain"], "the chain is shown although the server refused us"
        code, seen, _ = probe_json(url)
        assert code == 0 and "given none" in seen["refusal"]


def test_encrypted_key(s_server, authority, tmp_path):
    files = write(tmp_path / "files", authority.issue().files())
    server = s_server(files, "-Verify", 3, "-verify_return_error", "-CAfile", files / "ca.crt")
    (tmp_path / "password").write_text("sesame\n")
    (tmp_path / "key").write_bytes(openssl("pkcs8", "-topk8", "-in", files / "tls.key", "-passout", "pass:sesame"))
    common = ("probe", "--cert", files / "tls.crt", "--key", tmp_path / "key", f"tls://127.0.0.1:{server.port}")
    code, out, err = run(*common, "--key-password-file", tmp_path / "password")
    assert code == 0, out + err
    assert run(*common)[0] == 1
    (tmp_path / "password").write_text("wrong\n")
    code, _, err = run(*common, "--key-password-file", tmp_path / "password")
    assert code == 1 and "sesame" not in err


def test_postgres(authority, tidy):
    """A private server; without one installed there is nothing to prove."""
    if not postgres.available():
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    bundle = authority.issue()
    server = tidy(postgres.Postgres().take(bundle)).start()
    code, seen, _ = probe_json("--ca", server.files / "ca.crt", "--expect", server.files / "tls.crt",
                               f"postgres://127.0.0.1:{server.port}")
    assert code == 0 and seen["chain"][0]["fingerprint"] == s_client(server.port, "-starttls", "postgres") == bundle.fp


def test_text(mariadb, authority, tmp_path):
    """What people see; no colour into a pipe."""
    bundle = authority.issue()
    files = write(tmp_path / "published", bundle.files())
    mariadb.start()
    code, out, _ = run("probe", "--ca", files / "ca.crt", f"mysql://127.0.0.1:{mariadb.port}")
    assert code == 0 and "\033" not in out
    for part in (bundle.fp, "MariaDB", "TLSv1.3", "CN=db.test", "DNS:localhost", "89d", "trusted"):
        assert part in out, out


@pytest.mark.parametrize("args, says", [
    ([], "which endpoint"),
    (["mysql://a", "mysql://b"], "one endpoint"),
    (["http://a"], "is no endpoint"),
    (["mysql://u:geheim@a"], "no user or password"),
    (["tls://a"], "needs a port"),
    (["--cert", "x", "mysql://a"], "belong together"),
    (["--key-password-file", "x", "mysql://a"], "needs --key"),
    (["--check-name", "mysql://a"], "needs --ca"),
    (["--timeout", "0s", "mysql://a"], "--timeout"),
    (["--output", "yaml", "mysql://a"], "output"),
])
def test_usage(args, says):
    code, out, err = run("probe", *args)
    assert (code, out) == (2, "") and says in err and "geheim" not in err


def test_missing_files(tmp_path):
    for option in ("--ca", "--expect"):
        code, _, err = run("probe", option, tmp_path / "none", "mysql://127.0.0.1:1")
        assert code == 1 and "none" in err
    code, _, err = run("probe", "--expect", tmp_path, "mysql://127.0.0.1:1")
    assert code == 1 and "no tls.crt" in err


def test_time_limit(tmp_path):
    """A port that accepts and says nothing: the limit holds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"mysql://127.0.0.1:{listener.getsockname()[1]}"
        began = time.monotonic()
        code, seen, err = probe_json("--timeout", "500ms", url)
        assert (code, seen["reason"]) == (1, "Timeout") and "500 ms" in err
        assert time.monotonic() - began < 5
