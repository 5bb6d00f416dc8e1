# SPDX-License-Identifier: Apache-2.0
"""
TLS switched on and off by the agent in real servers that include its fragment: MariaDB 10.11, MySQL 9.7 and 8.0.15,
and both newer ones in the place of Percona's, which cannot be had. What is on is looked at from outside: OpenSSL's
client, and the server's own client with and without TLS.
"""

import subprocess

import pytest

from support import mysql
from support.mariadb import MariaDB
from support.openssl import seen_by_openssl, serves_no_tls
from support.plain import PASSWORD, SERVERS, PlainStack
from support.poll import wait_for
from support.supervisor import Supervisor


def template_of(name, request):
    """One for each kind of server."""
    kind = SERVERS[name][1]
    if kind is mysql.OldMySQL and not mysql.old_available():
        pytest.skip("MySQL 8.0.15 of Maven Central could not be fetched")
    if kind is mysql.MySQL and not mysql.available():
        pytest.skip("MySQL of Debian unstable could not be fetched")
    return request.getfixturevalue({MariaDB: "template", mysql.MySQL: "mysql_template",
                                    mysql.OldMySQL: "old_template"}[kind])


@pytest.fixture(scope="module")
def mysql_template(tmp_path_factory):
    return mysql.make_template(tmp_path_factory.mktemp("mysql") / "template")


@pytest.fixture(scope="module")
def old_template(tmp_path_factory):
    return mysql.make_template(tmp_path_factory.mktemp("mysql-old") / "template", mysql.OldMySQL)


@pytest.fixture
def make(tmp_path, authority, tidy, request):
    def make_one(name, **config):
        return tidy(PlainStack(tmp_path / "stack", name, template_of(name, request), authority, **config))
    return make_one


def up(stack, tidy):
    """A server without TLS, and that is proven."""
    supervisor = tidy(Supervisor(stack.db))
    stack.bundle = stack.issue()
    stack.volume.publish(stack.bundle)
    stack.agent.start()
    stack.agent.wait_event("settings_written", tls="off")
    stack.db.start(wait=False)  # the agent may restart it at once: it cannot tell how it was started
    stack.agent.wait_event("rotation_succeeded", 60)
    stack.db.create_user("client", PASSWORD, rights=None)
    return supervisor


@pytest.mark.parametrize("name", SERVERS)
def test_on_and_off(make, tidy, name):
    stack = make(name, tls="off")
    supervisor = up(stack, tidy)
    stack.assert_off()
    # A renewed certificate is of no use yet, and no trouble.
    starts = supervisor.starts
    stack.bundle = stack.issue()
    stack.volume.publish(stack.bundle)
    stack.agent.wait("the next one is accepted", lambda: len(stack.agent.find("rotation_succeeded")) == 2, 60)
    stack.assert_off()
    assert supervisor.starts == starts
    for mode in ("required", "on", "mixed"):
        stack.switch(mode)
        stack.assert_on(required=mode == "required")
    # In a mode that stays a new certificate takes a restart only where the server cannot reload.
    starts = supervisor.starts
    stack.bundle = stack.issue()
    stack.volume.publish(stack.bundle)
    stack.wait_proven(stack.bundle, 60)
    stack.assert_on(required=False)
    assert (supervisor.starts > starts) is (stack.server is mysql.OldMySQL)
    stack.switch("off")
    stack.assert_off()
    assert stack.fragment.read_text().startswith("# certrotate: begin")


@pytest.mark.parametrize("name", ["mariadb", "mysql"])
def test_admin_over_tcp(make, tidy, name, tmp_path):
    """The agent has no socket to log in through: it follows the server into TLS and out of it again."""
    stack = make(name, tls="off")
    (tmp_path / "password").write_text(PASSWORD)
    stack.agent.config["admin"] = {"host": "127.0.0.1", "port": stack.db.port, "user": "agent",
                                   "password-file": str(tmp_path / "password")}
    tidy(Supervisor(stack.db))
    stack.bundle = stack.issue()
    stack.volume.publish(stack.bundle)
    stack.agent.start()
    stack.agent.wait_event("settings_written", tls="off")
    stack.db.start()
    stack.db.create_user("client", PASSWORD, rights=None)
    stack.db.create_user("agent", PASSWORD, "RELOAD, SHUTDOWN" if name == "mariadb" else "CONNECTION_ADMIN, SHUTDOWN")
    stack.agent.wait_event("rotation_succeeded", 60)
    stack.assert_off()
    for mode in ("required", "off"):
        stack.switch(mode)
        stack.assert_on(required=True) if mode == "required" else stack.assert_off()


def test_settings_of_the_user_are_overruled_and_kept(make, tidy):
    """A my.cnf with TLS of its own, and a fragment that somebody has written into, too."""
    stack = make("mariadb", tls="off")
    stack.say("[mysqld]\nskip-ssl\nrequire_secure_transport=ON\n")
    own = "# of the user\n[mysqld]\nwait_timeout = 4321  # for a reason\n"
    stack.fragment.write_text(own)
    up(stack, tidy)
    stack.assert_off()
    stack.switch("required")
    stack.assert_on(required=True)
    assert stack.db.sql("SELECT @@global.wait_timeout") == [["4321"]] and stack.fragment.read_text().startswith(own)


def test_server_refuses_the_fragment(make, tidy):
    """MySQL 9.7 does not know what the driver of MariaDB writes, and does not start: all is put back."""
    stack = make("mysql", database="mariadb", apply="restart", **{"restart-limit": "8s"})
    files = stack.db_files
    del stack.agent.config["settings-file"]
    stack.say(f"[mysqld]\nssl_ca={files}/ca.crt\nssl_cert={files}/tls.crt\nssl_key={files}/tls.key\n")
    supervisor = tidy(Supervisor(stack.db))
    stack.up()
    stack.agent.stop()
    stack.agent.config.update({"settings-file": str(stack.fragment), "tls": "required"})
    stack.agent.start()
    stack.agent.wait_event("rotation_rolled_back", 90)
    assert supervisor.starts > 1, "it was tried"
    wait_for("the server is back", lambda: stack.served_fp() == stack.bundle.fp, 30, 0.2, stack.tail)
    assert not stack.fragment.exists()


def test_off_is_not_claimed_while_it_speaks_tls(make, tidy, foreign):
    """Somebody's option on the command line is stronger than the fragment, and serves a certificate of its own."""
    stack = make("mariadb", tls="off", **{"restart-limit": "2s"})
    other = stack.dir / "other"
    other.mkdir()
    bundle = foreign.issue()
    for name, data in bundle.files().items():
        (other / name).write_bytes(data)
    stack.db.files, stack.db.with_tls = other, True
    stack.db.extra.append("--ssl=ON")
    tidy(Supervisor(stack.db))
    stack.volume.publish(stack.issue())
    stack.agent.start()
    stack.agent.wait_event("settings_written", tls="off")
    stack.db.start(wait=False)
    said = stack.agent.wait_event("rollback_started", 60)
    assert "still speaks TLS" in said["error"], said
    wait_for("it is back as it was", lambda: stack.served_fp() == bundle.fp, 30, 0.2, stack.tail)
    assert not stack.agent.find("rotation_succeeded")


def test_fragment_that_is_no_option_file(make, tidy):
    stack = make("mariadb", tls="off")
    up(stack, tidy)
    text = "mysqld:\n  ssl: true\n"
    stack.fragment.write_text(text)
    stack.agent.stop()
    stack.agent.config["tls"] = "on"
    stack.agent.start()
    stack.agent.wait("it is told", lambda: [e for e in stack.agent.events if "line 1: 'mysqld:' stands in no [group]"
                                            in str(e.get("error"))], 30)
    assert stack.fragment.read_text() == text and serves_no_tls(stack.db.port)


def variables(stack, like):
    return dict(row if len(row) == 2 else [row[0], ""] for row in stack.db.sql(f"SHOW VARIABLES LIKE '{like}'"))


def x509(path, *what):
    done = subprocess.run(["openssl", "x509", "-in", str(path), "-inform", "PEM", "-nameopt", "RFC2253", "-noout", *what],
                          capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("name", ["percona-mysql", "percona-mariadb"])
def test_what_kubedbs_documents_look_at(make, tidy, name, tmp_path):
    """
    KubeDB's own checks of PerconaXtraDB: SHOW VARIABLES before and after, dates and subject of the files, a user
    who must use TLS. Its `have_ssl` is of 8.0: MySQL 9.7 has it no more.
    """
    stack = make(name, tls="off")
    up(stack, tidy)
    before = variables(stack, "%ssl%")
    assert before.get("have_ssl", "DISABLED") == "DISABLED"
    assert variables(stack, "%require_secure_transport%") == {"require_secure_transport": "OFF"}
    assert not str(stack.published) in str(before)

    stack.switch("required")
    after = variables(stack, "%ssl%")
    assert after.get("have_ssl", "YES") == "YES"
    assert {after[key] for key in ("ssl_ca", "ssl_cert", "ssl_key")} == {
        str(stack.published / file) for file in ("ca.crt", "tls.crt", "tls.key")}
    assert variables(stack, "%require_secure_transport%") == {"require_secure_transport": "ON"}

    stack.db.sql(f"CREATE USER 'certified'@'%' IDENTIFIED BY '{PASSWORD}' REQUIRE X509")
    stack.db.sql(f"CREATE USER 'encrypted'@'%' IDENTIFIED BY '{PASSWORD}' REQUIRE SSL")
    identity = [f"--ssl-cert={stack.published / 'tls.crt'}", f"--ssl-key={stack.published / 'tls.key'}"]
    for user, how, welcome in (("certified", stack.with_tls, False), ("certified", [*stack.with_tls, *identity], True),
                               ("encrypted", stack.without, False), ("encrypted", stack.with_tls, True)):
        done = stack.client(*how, user=user)
        assert (done.returncode == 0) is welcome, (user, how, done.stderr)
        assert welcome or "ERROR 1045" in done.stderr or "ERROR 3159" in done.stderr, done.stderr

    leaf = stack.published / "tls.crt"
    date = x509(leaf, "-enddate")
    stack.bundle = stack.authority.issue(days=200, cn="sample-pxc.demo.svc")
    stack.volume.publish(stack.bundle)
    stack.wait_proven(stack.bundle, 60)
    assert x509(leaf, "-enddate") != date
    assert x509(leaf, "-subject") == "subject=CN=sample-pxc.demo.svc\n"
    stack.assert_on(required=True)

    stack.switch("off")
    assert variables(stack, "%require_secure_transport%") == {"require_secure_transport": "OFF"}
    assert not str(stack.published) in str(variables(stack, "%ssl%"))
