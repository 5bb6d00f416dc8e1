# SPDX-License-Identifier: Apache-2.0
"""
A private MySQL, Oracle's own server, from the trees that tests/stages/mysql.sh unpacks: the newest, run by its own
loader with its own libraries, and 8.0.15, which is too old to reload. The class is that of MariaDB with other words
for the same things.
"""

import os
import subprocess
from pathlib import Path

from .mariadb import MariaDB

CACHE = Path(os.environ.get("CERTROTATE_CACHE") or Path.home() / ".cache/certrotate")
TREE = CACHE / "mysql-sid"
LIBRARIES = TREE / "usr/lib/x86_64-linux-gnu"
OLD_TREE = CACHE / "mysql-8.0.15"


def command(program):
    return [str(LIBRARIES / "ld-linux-x86-64.so.2"), "--library-path", f"{LIBRARIES}:{TREE}/usr/lib/mysql/private",
            str(TREE / program)]


def available():
    return os.access(TREE / "usr/sbin/mysqld", os.X_OK)


def old_available():
    return os.access(OLD_TREE / "bin/mysqld", os.X_OK)


class MySQL(MariaDB):
    def program(self):
        return command("usr/sbin/mysqld")

    def common(self):
        share = TREE / "usr/share/mysql"
        args = ["--secure-file-priv=NULL", f"--lc-messages-dir={share}", f"--character-sets-dir={share}/charsets",
                f"--plugin-dir={TREE}/usr/lib/mysql/plugin", "--innodb-buffer-pool-size=16M", "--performance-schema=OFF",
                "--mysqlx=OFF"]
        return args + (["--user=root"] if os.geteuid() == 0 else [])

    def arguments(self, tls=True):
        args = [*self.program(), self.defaults(), *self.common(), f"--datadir={self.datadir}",
                f"--socket={self.socket}", f"--port={self.port}", "--bind-address=127.0.0.1",
                f"--pid-file={self.pid_file}", "--skip-log-bin", f"--log-error={self.log}", f"--tmpdir={self.dir}",
                "--skip-name-resolve"]
        if tls:
            args += [f"--ssl-ca={self.files}/ca.crt", f"--ssl-cert={self.files}/tls.crt",
                     f"--ssl-key={self.files}/tls.key"]
        return args + self.extra

    def client(self):
        return [*command("usr/bin/mysql"), "--no-defaults"]

    def create_user(self, name, password, rights="CONNECTION_ADMIN"):
        self.sql(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'")
        if rights:
            self.sql(f"GRANT {rights} ON *.* TO '{name}'@'%'")


class OldMySQL(MySQL):
    """Its command line client is MariaDB's: that of the jar is not there."""

    def program(self):
        return [str(OLD_TREE / "bin/mysqld")]

    def common(self):
        share = OLD_TREE / "share"
        args = [f"--lc-messages-dir={share}", f"--character-sets-dir={share}/charsets", "--innodb-buffer-pool-size=16M",
                "--performance-schema=OFF", "--mysqlx=OFF"]
        return args + (["--user=root"] if os.geteuid() == 0 else [])

    def client(self):
        return ["mariadb", "--no-defaults"]


def make_template(folder, kind=MySQL):
    """A datadir with an administrator `root`; `probe`, so that strangers get a handshake at all."""
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    database = kind(folder.parent / "template-run", None, None, datadir=folder, initialised=False)
    try:
        subprocess.run([*database.program(), "--no-defaults", *database.common(), "--initialize-insecure",
                        f"--datadir={folder}"], check=True, capture_output=True, stdin=subprocess.DEVNULL)
        database.start(tls=False)
        database.sql("CREATE USER 'probe'@'%' IDENTIFIED BY 'probe'")
        database.stop()
    finally:
        database.cleanup()
    return folder
