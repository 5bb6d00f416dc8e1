# SPDX-License-Identifier: Apache-2.0
"""Databases of the MySQL family that the agent's fragment alone tells about TLS."""

from pathlib import Path

from . import mysql, wire
from .mariadb import MariaDB
from .openssl import seen_by_openssl, serves_no_tls
from .stack import Stack

PASSWORD = "s3cret"
# name: driver, class, kind of key, how its client goes without TLS and with it
SERVERS = {
    "mariadb": ("mariadb", MariaDB, "ec", ["--skip-ssl"], ["--ssl-verify-server-cert"]),
    "mysql": ("mysql", mysql.MySQL, "ec", ["--ssl-mode=DISABLED", "--get-server-public-key"], ["--ssl-mode=VERIFY_IDENTITY"]),
    "mysql-old": ("mysql", mysql.OldMySQL, "rsa", ["--skip-ssl"], ["--ssl-verify-server-cert"]),
    "percona-mysql": ("perconaxtradb", mysql.MySQL, "ec", ["--ssl-mode=DISABLED", "--get-server-public-key"],
                      ["--ssl-mode=VERIFY_IDENTITY"]),
    "percona-mariadb": ("perconaxtradb", MariaDB, "ec", ["--skip-ssl"], ["--ssl-verify-server-cert"]),
}


class PlainStack(Stack):
    """The server's my.cnf says nothing of TLS and includes what the agent writes."""

    def __init__(self, folder, name, template, authority, **config):
        self.driver, self.server, self.kind, self.without, with_tls = SERVERS[name]
        self.with_tls = [f"--ssl-ca={authority.ca_file()}", *with_tls]
        self.fragment = Path(folder) / "conf.d" / "zz-certrotate.cnf"
        self.fragment.parent.mkdir(parents=True)
        super().__init__(folder, template, authority, **{"settings-file": str(self.fragment), **config})
        self.db.with_tls = False
        self.db.option_file = self.dir / "my.cnf"
        self.say("[mysqld]\n")

    def say(self, text):
        self.db.option_file.write_text(f"{text}!includedir {self.fragment.parent}\n")

    def issue(self):
        return self.authority.issue(kind=self.kind)

    def switch(self, mode):
        """As a user does it: another word in the configuration, the agent started again."""
        self.agent.stop()
        self.agent.config["tls"] = mode
        self.agent.start()
        written = self.agent.wait_event("settings_written", 60, tls=mode)
        self.agent.wait(f"{mode} is proven", lambda: [e for e in self.agent.find("rotation_succeeded")
                                                      if e["_at"] > written["_at"]], 90)

    def client(self, *how, user="client"):
        """Over TCP, as a user with a password."""
        return self.db.run_client("SELECT 1", "--host=127.0.0.1", f"--port={self.db.port}", *how, user=user,
                                  password=PASSWORD)

    def served_fp(self):
        """None: without TLS, or not there."""
        return wire.served_or_none(self.db.port, seen_by_openssl)

    def assert_off(self):
        assert serves_no_tls(self.db.port), self.tail()
        done = self.client(*self.without)
        assert done.returncode == 0, done.stderr
        assert self.client(*self.with_tls).returncode != 0

    def assert_on(self, required):
        assert seen_by_openssl(self.db.port) == self.bundle.fp
        assert self.client(*self.with_tls).returncode == 0
        done = self.client(*self.without)
        assert (done.returncode != 0) is required, done.stderr
