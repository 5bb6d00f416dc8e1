# SPDX-License-Identifier: Apache-2.0
"""
The test server for SingleStore, held against real clients and against what its vendor documents: a test of the agent
proves nothing when the server it met is not one that a client would take for it.
"""

import re
import subprocess
import threading

import pytest

from support import mysql, wire
from support.authority import fingerprint
from support.poll import wait_for
from support.singlestore import Cluster, Kubelet, SingleStore, write_files
from support.watcher import greets

ROWS = """default_user_require_ssl exporter_ssl_ca exporter_ssl_capath exporter_ssl_cert exporter_ssl_key
exporter_ssl_key_passphrase have_openssl have_ssl jwks_ssl_ca_certificate node_replication_ssl_only openssl_version
processlist_rpc_json_max_size ssl_ca ssl_capath ssl_cert ssl_cipher ssl_fips_mode ssl_key ssl_key_passphrase
ssl_last_reload_attempt_time ssl_last_successful_reload_time""".split()


@pytest.fixture
def node(tmp_path, authority, tidy):
    node = tidy(SingleStore(tmp_path / "node", files=tmp_path / "certs"))
    node.bundle = authority.issue()
    write_files(node.files, node.bundle)
    return node.start()


@pytest.fixture
def cluster(tmp_path, authority, tidy):
    folders = [write_files(tmp_path / f"certs{i}", authority.issue()) for i in range(4)]
    return tidy(Cluster(tmp_path / "cluster", folders)).start()


@pytest.fixture
def plain(tmp_path, tidy):
    return tidy(SingleStore(tmp_path / "plain")).start()


def mysql_cli():
    if not mysql.available():
        pytest.skip("MySQL of Debian unstable could not be fetched")
    return [*mysql.command("usr/bin/mysql")]


# Debian's mariadb names the verification otherwise than Oracle's mysql.
CLIENTS = [(lambda: ["mariadb"], ["--skip-ssl"], ["--ssl", "--ssl-verify-server-cert"]),
           (mysql_cli, ["--ssl-mode=DISABLED"], ["--ssl-mode=VERIFY_CA"])]


@pytest.mark.parametrize("client", CLIENTS, ids=["mariadb", "mysql"])
@pytest.mark.parametrize("password", ["", "s3cret"])
def test_command_line_clients(node, authority, foreign, client, password):
    program, plain, verified = client[0](), client[1], client[2]
    if program != ["mariadb"]:
        plugins = mysql.TREE / "usr/lib/mysql/plugin"
        plain, verified = [*plain, f"--plugin-dir={plugins}"], [*verified, f"--plugin-dir={plugins}"]
    node.sql(f"CREATE USER 'u'@'%' IDENTIFIED BY '{password}'")
    more = {"user": "u", "password": password, "program": program, "tcp": True}

    for options in (plain, [*verified, f"--ssl-ca={authority.ca_file()}"]):
        done = node.client("SELECT VERSION(), @@memsql_version", *options, **more)
        assert done.stdout == "5.7.32\t8.7.10\n", done.stderr
    refused = node.client("SELECT 1", *verified, f"--ssl-ca={foreign.ca_file()}", **more)
    assert refused.returncode != 0 and "certificate" in refused.stderr.lower(), refused.stderr
    wrong = node.client("SELECT 1", *plain, **{**more, "password": "wrong"})
    assert "1045" in wrong.stderr, wrong.stderr
    syntax = node.client("FROBNICATE", *plain, **more)
    assert "1064" in syntax.stderr


def test_openssl_and_unix_socket(node):
    shown = subprocess.run(["openssl", "s_client", "-starttls", "mysql", "-connect", f"127.0.0.1:{node.port}"],
                           input=b"", capture_output=True, timeout=30).stdout
    pem = re.search(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", shown, re.S)[0]
    assert fingerprint(pem) == node.bundle.fp == node.served()
    assert node.sql("SELECT 1") == [["1"]]


def test_variables_as_the_documentation_of_kubedb_shows_them(node, plain):
    for server, on in ((node, True), (plain, False)):
        rows = {r[0]: (r + [""])[1] for r in server.sql("show variables like '%ssl%'")}
        assert sorted(rows) == sorted(ROWS) and len(rows) == 21
        assert rows["have_ssl"] == rows["have_openssl"] == ("ON" if on else "OFF")
        assert rows["ssl_cert"] == (str(server.files / "server.crt") if on else "")
        assert rows["ssl_ca"] == (str(server.files / "ca.crt") if on else "")
        assert rows["ssl_last_reload_attempt_time"] == rows["ssl_last_successful_reload_time"] == ""
    assert wire.served_or_none(plain.port) is None


def test_reload(node, authority):
    """New files under new names; connections stay; a bad pair changes nothing but the time of the attempt."""
    node.fault(time_grain="us")
    fresh = write_files(node.dir / "certs2", authority.issue())
    node.files = fresh
    node.write_config()
    assert node.served() == node.bundle.fp
    node.sql("SSL_RELOAD")
    served = node.served()
    assert served == fingerprint((fresh / "server.crt").read_bytes())
    attempt, success = node.variable("ssl_last_reload_attempt_time"), node.variable("ssl_last_successful_reload_time")
    assert attempt and success >= attempt
    assert node.variable("ssl_cert") == str(fresh / "server.crt")

    (fresh / "server.key").write_bytes(authority.issue().key)
    node.sql("SSL_RELOAD")
    assert node.served() == served
    assert node.variable("ssl_last_reload_attempt_time") > attempt
    assert node.variable("ssl_last_successful_reload_time") == success
    node.fault(reload_says_error=True)
    assert "2474" in node.client("SSL_RELOAD").stderr


@pytest.mark.parametrize("before,after", [("on", "mixed"), ("mixed", "on"), ("on", "off"), ("off", "on"),
                                          ("mixed", "off"), ("off", "mixed")])
def test_what_takes_a_restart(node, before, after):
    node.write_config(tls=before)
    node.restart()
    node.write_config(tls=after)
    was = (node.variable("have_ssl"), node.variable("ssl_ca"))
    node.sql("SSL_RELOAD")
    assert (node.variable("have_ssl"), node.variable("ssl_ca")) == was
    assert node.variable("ssl_last_reload_attempt_time") and not node.variable("ssl_last_successful_reload_time")
    node.restart()
    assert (node.variable("have_ssl"), node.variable("ssl_ca")) == (
        "OFF" if after == "off" else "ON", str(node.files / "ca.crt") if after == "on" else "")


def test_rights(node):
    node.sql("CREATE USER 'agent'@'%'")
    assert "1227" in node.client("SSL_RELOAD", user="agent").stderr
    assert "1227" in node.client("SHOW LEAVES", user="agent").stderr
    node.sql("GRANT SUPER ON *.* TO 'agent'@'%'")
    assert node.sql("SSL_RELOAD", user="agent") == []


def test_does_not_start_with_a_bad_pair_and_ends_gracefully(node, authority):
    assert node.stop() == 0 and node.said("ended gracefully")
    (node.files / "server.key").write_bytes(authority.issue().key)
    node.start(wait=False)
    assert node.process.wait(20) == 1 and node.said("cannot start")


def test_configuration_files(node):
    """The order of names decides, and only [server] counts."""
    assert node.variable("max_connections") == "100000"
    (node.conf_d / "a.cnf").write_text("[server]\nmax_connections = 250\n[other]\nmax_connections = 1\n")
    node.restart()
    assert node.variable("max_connections") == "250"
    (node.conf_d / "zz-inline-sdb-apply.cnf").write_text("[server]\nmax-connections=550\n")
    node.restart()
    assert node.variable("max_connections") == "550"


def test_require_ssl(node, authority):
    """The check of KubeDB's documentation."""
    node.sql("CREATE USER 'tls'@'%' IDENTIFIED BY 'x' REQUIRE SSL")
    refused = node.client("SELECT 1", "--skip-ssl", user="tls", password="x", tcp=True)
    assert "1045" in refused.stderr
    client = authority.issue()
    (node.dir / "client.crt").write_bytes(client.cert)
    (node.dir / "client.key").write_bytes(client.key)
    done = node.client("SELECT 1", f"--ssl-ca={authority.ca_file()}", f"--ssl-cert={node.dir}/client.crt",
                       f"--ssl-key={node.dir}/client.key", user="tls", password="x", tcp=True)
    assert done.stdout == "1\n", done.stderr


def test_cluster(cluster, authority, foreign):
    """Roles, and links between nodes that a flushed pool shows as they are."""
    assert [(r[5], r[6]) for r in cluster.child.sql("SHOW AGGREGATORS")] == [("1", "leader"), ("0", "follower")]
    assert "1706" in cluster.leaves[0].client("SHOW LEAVES").stderr
    assert cluster.online()
    rows = cluster.master.sql("SHOW CLUSTER STATUS")
    assert [(r[0], r[4], r[5]) for r in rows] == [("3", "master", "online"), ("3", "replica", "replicating"),
                                                 ("4", "master", "online"), ("4", "replica", "replicating")]
    # A leaf that nobody trusts: not seen before the pools are flushed.
    leaf = cluster.leaves[0]
    write_files(leaf.files, foreign.issue())
    leaf.sql("SSL_RELOAD")
    assert cluster.online()
    cluster.master.sql("FLUSH CONNECTION POOLS")
    assert [r[5] for r in cluster.master.sql("SHOW LEAVES")] == ["offline", "online"]
    write_files(leaf.files, authority.issue())
    leaf.sql("SSL_RELOAD")
    assert cluster.online()


def test_faults(node):
    node.fault(greeting={"error": [1129, "Host '127.0.0.1' is blocked"]})
    assert "1129" in node.client("SELECT 1", tcp=True).stderr
    for greeting in ("garbage", "http", "close"):
        node.fault(greeting=greeting)
        assert node.client("SELECT 1", tcp=True).returncode != 0
    node.fault(greeting=None, tls="drop")
    assert wire.served_or_none(node.port) is None
    node.fault(tls=None, trickle=1)
    assert node.served() == node.bundle.fp
    node.fault(trickle=None, statements={"SSL_RELOAD": {"error": [1227, "42000", "Access denied"]}})
    assert "1227" in node.client("SSL_RELOAD").stderr
    node.fault(statements={"SSL_RELOAD": "drop"})
    assert node.client("SSL_RELOAD").returncode != 0


def test_kubelet_starts_it_again(node, tidy):
    kubelet = tidy(Kubelet(node))
    before = node.pid
    node.process.terminate()
    wait_for("another process", lambda: node.running() and node.pid != before)
    node.wait_up()
    assert kubelet.starts[1] == 1


def test_it_ends_when_it_is_told_to(plain):
    """While clients come and go: a thread that has just begun must not take the signal for itself."""
    came, end = [], threading.Event()

    def come_and_go():
        while not end.is_set():
            came.append(greets(plain.port))
    threads = [threading.Thread(target=come_and_go, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(8):
            came.clear()
            wait_for("clients come", lambda: came.count(True) > 200, 60)
            plain.stop()
            plain.start()
    finally:
        end.set()
        for thread in threads:
            thread.join()
