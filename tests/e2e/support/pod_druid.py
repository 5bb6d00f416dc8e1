# SPDX-License-Identifier: Apache-2.0
"""
A pod of a Druid database: one node of one role, started without TLS, its own files where Druid's distribution has them.
"""

import os
import shlex
import socket
import threading
from pathlib import Path

from . import druid
from .authority import openssl
from .druid import ROLES, Node
from .openssl import PEM
from .pod import Pod, leaf_seen
from .poll import STRETCH

KUBEDB = {role: words[0] for role, words in ROLES.items()}  # Druid's word: KubeDB's
ON = {"druid.enablePlaintextPort": "false", "druid.enableTlsPort": "true", "druid.server.https.certAlias": "druid",
      "druid.server.https.keyStoreType": "jks", "druid.client.https.trustStoreType": "jks",
      "druid.client.https.validateHostnames": "false"}


class ConfiguredNode(Node):
    """With the words of its jvm.config, as Druid's own scripts pass them on."""

    def __init__(self, *args, before_start, **more):
        super().__init__(*args, **more)
        self.before_start = before_start
        self.jvm = self.own.with_name("jvm.config")
        self.jvm.write_text("-Xms64m\n-Xmx256m")
        self.command, self.insisted = [], {}

    def run(self, command, **env):
        """What is said here goes before what its files say."""
        at = command.index("-cp")
        said = {**self.insisted, **self.before_start()}
        words = [*shlex.split(self.jvm.read_text()), *(f"-D{key}={value}" for key, value in said.items())]
        self.command = [*command[:at], *words, *command[at:]]
        super().run(self.command, **env)


class KeyStore:
    """The key store that a node reads: a copy of the published one, or another in its place from its next change on."""

    def __init__(self, published, folder):
        self.published, self.path = published / "keystore.jks", folder / "read-keystore.jks"
        self.other = self._taken = None
        self._lock, self._end = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def take(self):
        """What is published now."""
        with self._lock:
            published = self.published.read_bytes() if self.published.exists() else self._taken
            if published != self._taken:
                fresh = self.path.with_suffix(".new")
                fresh.write_bytes(self.other or published)
                os.rename(fresh, self.path)
                self._taken = published

    def _follow(self):
        while not self._end.wait(0.05):
            self.take()

    def cleanup(self):
        self._end.set()
        self._thread.join()


class DruidPod(Pod):
    def __init__(self, fleet, name, role, zookeeper):
        super().__init__(fleet, name)
        self.role, self.zookeeper = role, zookeeper
        self.password_file = self.dir / "store-password"
        self.password_file.write_text(druid.PASSWORD + "\n")

    def prepare(self):
        self.db = ConfiguredNode(self.dir / "db", self.role, self.zookeeper, self.published, tls=False,
                                 before_start=self._says)
        self.store = KeyStore(self.published, self.dir)

    def _says(self):
        self.store.take()
        is_on = str(self.published) in self.db.settings.read_text()
        return {"druid.server.https.keyStorePath": self.store.path} if is_on else {}

    def cleanup(self):
        super().cleanup()
        self.store.cleanup()

    def start(self):
        """Started side by side; up() waits for each agent's report, which waits for nobody."""
        self.db.start(wait=False)

    def make_object(self):
        super().make_object()
        self.fleet.namespace.patch(f"pods/{self.name}", {"metadata": {"labels": {"kubedb.com/role": KUBEDB[self.role]}}})

    def settings(self):
        return {"endpoints": [f"https://127.0.0.1:{self.db.port}"], "settings-file": str(self.db.settings),
                "store-password-file": str(self.password_file),
                "verify-limit": f"{20 * STRETCH:.0f}s", "restart-limit": f"{60 * STRETCH:.0f}s",
                # The extension is not to be had from Maven Central.
                "druid": {"role": KUBEDB[self.role], "plain-port": self.db.plain, "client-extension": False,
                          "reload-interval": "1s", "directory": str(self.db.own.parent)},
                "process": {"pid-file": str(self.db.pid_file), "executable": "java"}}

    def accepts(self):
        """As a TCP probe does: it is asked all the time."""
        return self._listens(self.db.port) or self._listens(self.db.plain)

    @staticmethod
    def _listens(port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def served(self):
        return leaf_seen(self.db.port)

    def is_plain(self):
        return self.db.alive(tls=False) and not self._listens(self.db.port)

    def reads(self):
        """And its authorities: it has to be restarted for those."""
        files = [self.published / name for name in ("tls.crt", "ca.crt")]
        named = str(self.published) in self.db.settings.read_text()
        return *self.texts(), *(path.read_text() if named and path.exists() else None for path in files)

    def lie(self, bundle):
        """From the next key store on: a node takes that by itself."""
        if bundle is not None:
            files = [self.dir / f"other.{kind}" for kind in ("crt", "key")]
            for path, data in zip(files, (bundle.cert, bundle.key)):
                path.write_bytes(data)
            bundle = openssl("pkcs12", "-export", "-name", druid.ALIAS, "-passout", f"pass:{druid.PASSWORD}",
                             "-in", files[0], "-inkey", files[1])
        self.store.other = bundle

    def insist(self, key, value):
        if value is None:
            self.db.insisted.pop(key, None)
        else:
            self.db.insisted[key] = value

    # --- what is its own

    def texts(self):
        """The files that the node reads, and the words that its Java was started with."""
        return self.db.settings.read_text(), self.db.own.read_text(), self.db.jvm.read_text()

    def in_force(self, *keys):
        told = self.db.properties()
        return [told.get(key) for key in keys]

    def trusted(self):
        """How many authorities it publishes for its clients."""
        return len(PEM.findall(Path(self.published / "ca.crt").read_bytes()))


def pods(zookeeper, names):
    """names: {pod: role}; the argument `pod` of a Fleet."""
    return lambda fleet, name: DruidPod(fleet, name, names[name], zookeeper)
