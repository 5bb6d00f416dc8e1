# SPDX-License-Identifier: Apache-2.0
"""
`certrotate probe` of SQL Server, both modes, against a server of ours that FreeTDS and OpenSSL accept as well; what
is printed is what they see.
"""

import json
import os
import re
import subprocess

import pytest

from support.agent import run
from support.authority import Authority, fingerprint
from support.sqlserver import NOT_SUPPORTED, REPLY, REQUIRED, SQLServer


@pytest.fixture
def chained(tmp_path):
    return Authority(tmp_path / "chained", intermediate=True)


@pytest.fixture
def server(tmp_path, tidy, chained):
    def make(strict=False, **faults):
        bundle = chained.issue()
        files = tmp_path / "files"
        files.mkdir()
        (files / "server.crt").write_bytes(bundle.cert)
        (files / "server.key").write_bytes(bundle.key)
        conf = f"[network]\ntlscert = {files}/server.crt\ntlskey = {files}/server.key\nforcestrict = {int(strict)}\n"
        server = tidy(SQLServer(tmp_path / "server", files, conf=conf))
        server.faults(**faults)
        server.bundle = bundle
        return server.start()
    return make


def chain_of(pem):
    return [fingerprint(c) for c in re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", pem, re.S)]


def probe(url, *more):
    code, out, err = run("probe", "--output", "json", *more, url)
    seen = json.loads(out) if out else {}
    return code, [c["fingerprint"] for c in seen.get("chain", [])], seen, err


def tsql(port, ca_file, tmp_path):
    """FreeTDS logs in, or says why not."""
    conf = tmp_path / "freetds.conf"
    conf.write_text(f"[peer]\nhost = 127.0.0.1\nport = {port}\ntds version = 7.4\nencryption = require\n"
                    f"ca file = {ca_file}\ncheck certificate hostname = no\n")
    done = subprocess.run(["tsql", "-S", "peer", "-U", "sa", "-P", "x"], input="", text=True, capture_output=True,
                          timeout=30, env=dict(os.environ, FREETDSCONF=str(conf)))
    return done.stdout + done.stderr


@pytest.mark.parametrize("how", [{}, {"kind": REPLY}, {"encryption": REQUIRED}, {"piece": 1}, {"piece": 7}])
def test_inside_prelogin(server, chained, how):
    peer = server(**how)
    code, chain, seen, err = probe(f"tds://127.0.0.1:{peer.port}", "--ca", chained.ca_file())
    assert code == 0 and seen["trusted"] and seen["completed"], (seen, err)
    assert chain == chain_of(peer.bundle.cert) and len(chain) == 2, "leaf, then intermediate, byte for byte"
    assert seen["protocol"] == "TLSv1.2" and seen["server"] == "16.0.4135", seen


def test_freetds_accepts_the_same_server(server, chained, foreign, tmp_path):
    peer = server()
    assert "18456" in tsql(peer.port, chained.ca_file(), tmp_path)
    said = tsql(peer.port, foreign.ca_file(), tmp_path)
    assert "18456" not in said and "20002" in said, said


def test_strict(server, chained):
    peer = server(strict=True)
    code, chain, seen, err = probe(f"tds8://127.0.0.1:{peer.port}", "--ca", chained.ca_file())
    assert code == 0 and seen["trusted"], (seen, err)
    assert peer.logged().splitlines()[-1] == "strict client: tds/8.0"
    shown = subprocess.run(["openssl", "s_client", "-showcerts", "-alpn", "tds/8.0", "-connect",
                            f"127.0.0.1:{peer.port}"], input=b"", capture_output=True, timeout=30).stdout
    assert b"ALPN protocol: tds/8.0" in shown
    assert chain == chain_of(shown) == chain_of(peer.bundle.cert)


def test_strict_server_asked_the_old_way(server):
    code, _, _, err = probe(f"tds://127.0.0.1:{server(strict=True).port}")
    assert code == 1 and len(err.splitlines()) == 1, err
    assert "tds8://" in err or "closed" in err, err


def test_without_encryption(server):
    code, _, _, err = probe(f"tds://127.0.0.1:{server(encryption=NOT_SUPPORTED).port}")
    assert code == 1 and "does not offer TLS" in err and "tlscert" in err, err


@pytest.mark.parametrize("garbage, said", [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "no part of TLS"),
                                           (b"\x12\x01\x00\x03\x00\x00\x00\x00", "no part of TLS"),
                                           (b"\x12\x01\x00\x0c\x00\x00\x00\x00abcd", "")])
def test_garbage_instead_of_tls(server, garbage, said):
    code, _, _, err = probe(f"tds://127.0.0.1:{server(garbage=garbage.hex()).port}")
    assert code == 1 and said in err and len(err.splitlines()) == 1, err


def test_another_protocol(mariadb):
    mariadb.start(tls=False)
    code, _, _, err = probe(f"tds://127.0.0.1:{mariadb.port}")
    assert code == 1 and "is this a SQL Server port?" in err, err
