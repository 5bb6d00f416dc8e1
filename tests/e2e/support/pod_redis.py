# SPDX-License-Identifier: Apache-2.0
"""
A pod of Redis, whose agent is of the driver `generic`: it starts when the agent has published a certificate, and is told of
the next one by its own client.
"""

import shutil
import subprocess

from .pod import Pod, leaf_seen
from .poll import end_with_parent, free_port, tail
from .supervisor import gated


def available():
    return shutil.which("redis-server") is not None


class Redis:
    def __init__(self, folder, files):
        self.dir, self.files, self.port, self.process = folder, files, free_port(), None
        folder.mkdir()
        self.log = folder / "log"
        self.tls = [word for key, name in (("cert", "tls.crt"), ("key", "tls.key"), ("ca-cert", "ca.crt"))
                    for word in (f"tls-{key}-file", str(files / name))]

    def client(self, *words):
        """-e: what it answers with an error it ends with."""
        return ["redis-cli", "-e", "-p", str(self.port), "--tls", "--insecure", *words]

    def start(self, wait=False):
        settings = [*self.tls, "port", "0", "tls-port", self.port, "tls-auth-clients", "no", "bind", "127.0.0.1", "save", ""]
        words = [f"--{word}" if at % 2 == 0 else str(word) for at, word in enumerate(settings)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(gated(self.files, "redis-server", *words), cwd=self.dir, stdout=log,
                                            stdin=subprocess.DEVNULL, preexec_fn=end_with_parent)

    def tail(self):
        return "--- redis-server\n" + tail(self.log)

    def cleanup(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


class RedisPod(Pod):
    tls = None

    def prepare(self):
        self.db = Redis(self.dir / "db", self.published)

    def settings(self):
        return {"database": "generic", "endpoints": [f"tls://127.0.0.1:{self.db.port}"],
                "generic": {"reload": {"command": self.db.client("CONFIG", "SET", *self.db.tls)}}}

    def served(self):
        return leaf_seen(self.db.port)

    def accepts(self):
        return self.served() is not None
