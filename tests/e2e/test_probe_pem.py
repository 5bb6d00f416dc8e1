# SPDX-License-Identifier: Apache-2.0
"""
`certrotate probe --output pem`, byte for byte what OpenSSL's client sees of the same listener: every certificate of
the chain, in the order in which the server sends them.
"""

import pytest

from support import mysql, postgres
from support.agent import run
from support.authority import Authority
from support.mariadb import MariaDB
from support.openssl import OpenSSLServer, chain_seen


@pytest.fixture(scope="module")
def chained(tmp_path_factory):
    """Leaves come from an intermediate, so that a chain is served."""
    return Authority(tmp_path_factory.mktemp("chained"), intermediate=True)


@pytest.fixture(scope="module")
def mysql_template(tmp_path_factory):
    return mysql.make_template(tmp_path_factory.mktemp("mysql") / "template")


@pytest.fixture
def files(tmp_path, chained):
    folder = tmp_path / "files"
    folder.mkdir()
    bundle = chained.issue()
    for name, data in bundle.files().items():
        (folder / name).write_bytes(data)
    (folder / "chain.crt").write_bytes(chained.chain)
    return folder


def compare(url, bundle, port, *starttls):
    """What the probe prints, what openssl prints, and what is in the file that the server was given."""
    code, out, err = run("probe", "--output", "pem", url)
    assert (code, err) == (0, "")
    assert out.encode() == chain_seen(port, *starttls) == bundle
    assert out.count("BEGIN CERTIFICATE") == 2


def test_mariadb(tmp_path, template, files, tidy):
    server = tidy(MariaDB(tmp_path / "mariadb", template, files)).start()
    compare(f"mysql://127.0.0.1:{server.port}", (files / "tls.crt").read_bytes(), server.port, "-starttls", "mysql")


@pytest.mark.skipif(not mysql.available(), reason="MySQL of Debian unstable could not be fetched")
def test_mysql(tmp_path, mysql_template, files, tidy):
    server = tidy(mysql.MySQL(tmp_path / "mysql", mysql_template, files)).start()
    compare(f"mysql://127.0.0.1:{server.port}", (files / "tls.crt").read_bytes(), server.port, "-starttls", "mysql")


@pytest.mark.skipif(not postgres.available(), reason="PostgreSQL is not installed (apt-get install postgresql)")
def test_postgres(chained, tidy):
    bundle = chained.issue()
    server = tidy(postgres.Postgres().take(bundle)).start()
    compare(f"postgres://127.0.0.1:{server.port}", bundle.cert, server.port, "-starttls", "postgres")


@pytest.mark.parametrize("scheme, more", [("tls", []), ("https", ["-www"])])
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_direct_tls(files, tidy, scheme, more, version):
    server = tidy(OpenSSLServer(files, version, "-cert_chain", files / "chain.crt", *more))
    compare(f"{scheme}://127.0.0.1:{server.port}", (files / "tls.crt").read_bytes(), server.port)


def test_only_what_is_sent(files, tidy):
    """A server that forgets its intermediate: the probe adds nothing of its own."""
    server = tidy(OpenSSLServer(files))
    code, out, _ = run("probe", "--output", "pem", f"tls://127.0.0.1:{server.port}")
    assert code == 0 and out.encode() == chain_seen(server.port)
    assert out.count("BEGIN CERTIFICATE") == 1
