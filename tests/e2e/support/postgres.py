# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL. It refuses to run as root and reads a key only of its own user: hence a folder of its own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import wire
from .poll import end_with_parent, free_port, tail, wait_for
from .supervisor import gated


def _binaries():
    return sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def available():
    return bool(_binaries())


class Postgres:
    def __init__(self, files=None):
        """files: folder with tls.crt and tls.key, read at start and when it is told to reload; None: one of its own."""
        self.dir = Path(tempfile.mkdtemp(prefix="cr-postgres-"))
        self.files = files or self.dir / "files"
        self.log, self.pid_file = self.dir / "log", self.dir / "data/postmaster.pid"
        self.port = free_port()
        self.process = None
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        os.chown(self.dir, self.user.pw_uid, self.user.pw_gid)

    def take(self, bundle):
        self.files.mkdir()
        for name, data in bundle.files().items():
            (self.files / name).write_bytes(data)
        (self.files / "tls.key").chmod(0o600)
        for path in (self.files, *self.files.iterdir()):
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return self

    def _command(self, *words, **more):
        return dict(args=words, user=self.user.pw_uid, group=self.user.pw_gid, extra_groups=[], cwd=self.dir,
                    stdin=subprocess.DEVNULL, **more)

    def start(self, wait=True):
        """It begins when it has a certificate."""
        programs, data = _binaries()[-1], self.dir / "data"
        if not data.exists():
            subprocess.run(**self._command(programs / "initdb", "-D", data, "-A", "trust", "--no-sync", capture_output=True,
                                           check=True))
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.dir,
                    "ssl": "on", "ssl_cert_file": self.files / "tls.crt", "ssl_key_file": self.files / "tls.key",
                    "fsync": "off"}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(**self._command(
                *gated(self.files, programs / "postgres", "-D", data,
                       *(f"--{name}={value}" for name, value in settings.items())),
                stderr=log, preexec_fn=end_with_parent))
        if wait:
            wait_for("PostgreSQL", self.answers, 30, 0.1, self.tail)
        return self

    def answers(self):
        return wire.served_or_none(self.port, wire.served_postgres)

    def tail(self):
        return "--- postgres\n" + tail(self.log)

    def cleanup(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
        shutil.rmtree(self.dir)
