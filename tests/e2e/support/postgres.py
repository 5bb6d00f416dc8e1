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


def _binaries():
    return sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def available():
    return bool(_binaries())


class Postgres:
    def __init__(self, bundle):
        self.dir = Path(tempfile.mkdtemp(prefix="cr-postgres-"))
        self.files = self.dir / "files"
        self.files.mkdir()
        for name, data in bundle.files().items():
            (self.files / name).write_bytes(data)
        (self.files / "tls.key").chmod(0o600)
        self.log = self.dir / "log"
        self.port = free_port()
        self.process = None
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        for path in (self.dir, self.files, *self.files.iterdir()):
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def _command(self, name, *args, **more):
        return dict(args=[_binaries()[-1] / name, *args], user=self.user.pw_uid, group=self.user.pw_gid,
                    extra_groups=[], cwd=self.dir, stdin=subprocess.DEVNULL, **more)

    def start(self):
        subprocess.run(**self._command("initdb", "-D", self.dir / "data", "-A", "trust", "--no-sync",
                                       capture_output=True, check=True))
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.dir,
                    "ssl": "on", "ssl_cert_file": self.files / "tls.crt", "ssl_key_file": self.files / "tls.key",
                    "fsync": "off"}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(**self._command(
                "postgres", "-D", self.dir / "data", *(f"--{name}={value}" for name, value in settings.items()),
                stderr=log, preexec_fn=end_with_parent))
        wait_for("PostgreSQL", lambda: wire.served_or_none(self.port, wire.served_postgres), 30, 0.1,
                 lambda: tail(self.log))
        return self

    def cleanup(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
        shutil.rmtree(self.dir)
