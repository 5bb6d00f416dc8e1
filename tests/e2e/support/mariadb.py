# SPDX-License-Identifier: Apache-2.0
"""A private MariaDB: own folder, socket and port, small, up in about a second. Never the machine's own."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from . import wire
from .poll import end_with_parent, free_port, tail, wait_for

CLIENT_LIMIT = 20
SMALL = ["--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M", "--innodb-log-buffer-size=1M",
         "--innodb-temp-data-file-path=ibtmp1:4M:autoextend", "--innodb-flush-log-at-trx-commit=0",
         "--innodb-doublewrite=0", "--skip-innodb-use-native-aio", "--key-buffer-size=64K",
         "--aria-pagecache-buffer-size=1M", "--performance-schema=OFF", "--max-connections=200", "--thread-cache-size=8", "--skip-name-resolve"]


def make_template(folder):
    """A datadir with an administrator `root` and a client `load`, both without password."""
    folder = Path(folder)
    subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={folder}", "--user=root", "--skip-test-db",
                    "--auth-root-authentication-method=normal", "--innodb-log-file-size=4M",
                    "--innodb-buffer-pool-size=8M"], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    database = MariaDB(folder.parent / "template-run", None, None, datadir=folder)
    try:
        database.start(tls=False)
        database.sql("CREATE USER 'load'@'%'")
        database.stop()
    finally:
        database.cleanup()
    return folder


class MariaDB:
    def __init__(self, folder, template, files, port=None, datadir=None, extra=(), initialised=True):
        """files: folder with ca.crt, tls.crt and tls.key, read at start and at FLUSH SSL."""
        self.dir = Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        # A unix socket's path may have 107 characters only; pytest's folders can be longer.
        self._short = tempfile.TemporaryDirectory(prefix="cr-")
        self.socket = Path(self._short.name) / "db.sock"
        self.datadir = Path(datadir) if datadir else self.dir / "data"
        self.log = self.dir / "mariadbd.log"
        self.pid_file = self.dir / "mariadbd.pid"
        self.files = Path(files) if files else None
        self.port = port or free_port()
        self.extra = list(extra)
        self.option_file = None  # a my.cnf instead of none
        self.with_tls = True  # start() says so on the command line
        self.process = None
        if initialised and not self.datadir.exists():
            subprocess.run(["cp", "-a", "--reflink=auto", str(template), str(self.datadir)], check=True)

    def defaults(self):
        return "--no-defaults" if self.option_file is None else f"--defaults-file={self.option_file}"

    def arguments(self, tls=True):
        args = ["mariadbd", self.defaults(), f"--datadir={self.datadir}", f"--socket={self.socket}",
                f"--port={self.port}", "--bind-address=127.0.0.1", f"--pid-file={self.pid_file}", "--skip-log-bin",
                f"--log-error={self.log}", f"--tmpdir={self.dir}", *SMALL]
        if os.geteuid() == 0:
            args.append("--user=root")
        if tls:
            args += [f"--ssl-ca={self.files}/ca.crt", f"--ssl-cert={self.files}/tls.crt",
                     f"--ssl-key={self.files}/tls.key"]
        return args + self.extra

    def start(self, tls=None, wait=True, deadline=30):
        assert self.process is None, "already running"
        words = self.arguments(self.with_tls if tls is None else tls)
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd=self.dir, preexec_fn=end_with_parent)
        if wait:
            self.wait_up(deadline)
        return self

    def wait_up(self, deadline=30):
        def answers():
            assert self.process.poll() is None, "mariadbd ended:\n" + tail(self.log)
            return self.run_client("SELECT 1").returncode == 0
        wait_for("mariadbd answers", answers, deadline, 0.05, lambda: tail(self.log))

    def client(self):
        return ["mariadb", "--no-defaults"]

    def run_client(self, statement, *options, user="root", password=None):
        """Over the socket, or as options say."""
        where = options or (f"--socket={self.socket}",)
        env = dict(os.environ, MYSQL_PWD=password or "")
        command = [*self.client(), *map(str, where), f"--user={user}", "-N", "-B", "-e", statement]
        try:
            return subprocess.run(command, capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL,
                                  timeout=CLIENT_LIMIT)
        except subprocess.TimeoutExpired:
            # Seen once: a Galera node that was joining took the connection and never said a word.
            return subprocess.CompletedProcess(command, 124, "", f"no answer within {CLIENT_LIMIT} s")

    def sql(self, statement, user="root", password=None):
        """Rows as lists of texts."""
        done = self.run_client(statement, user=user, password=password)
        assert done.returncode == 0, f"{statement}: {done.stderr}"
        return [line.split("\t") for line in done.stdout.splitlines()]

    def status(self, name):
        rows = self.sql(f"SHOW GLOBAL STATUS LIKE '{name}'")
        return rows[0][1] if rows else None

    def create_user(self, name, password, rights="RELOAD"):
        self.sql(f"CREATE OR REPLACE USER '{name}'@'%' IDENTIFIED BY '{password}'")
        if rights:
            self.sql(f"GRANT {rights} ON *.* TO '{name}'@'%'")

    def served(self, ca_file=None):
        return wire.served(self.port, ca_file)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def _end(self, signo, deadline):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signo)
            try:
                self.process.wait(deadline)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("mariadbd did not end:\n" + tail(self.log))
        self.process = None

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        self._end(signal.SIGTERM, 60)

    def kill(self):
        self._end(signal.SIGKILL, 10)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def restart(self):
        self.stop()
        self.start()

    def tail(self):
        return "--- mariadbd\n" + tail(self.log, 20)

    def cleanup(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        self.kill()
        self._short.cleanup()
        if not os.environ.get("E2E_KEEP") and self.datadir.name == "data":
            shutil.rmtree(self.datadir, ignore_errors=True)
