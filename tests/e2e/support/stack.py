# SPDX-License-Identifier: Apache-2.0
"""One database, its Secret volume and its agent: what most tests start from."""

import os
import ssl
from pathlib import Path

from . import wire
from .agent import Agent
from .authority import fingerprint
from .kubelet import KubeletVolume
from .load import LoadClients
from .mariadb import MariaDB
from .poll import wait_for

SHORT = 16  # digits of a fingerprint in the log


class Stack:
    """
    secret/     the volume          published/  what the agent writes
    dbfiles  -> published           what the server reads: a test may point it elsewhere, to deceive the agent
    """

    server, driver = MariaDB, "mariadb"

    def __init__(self, folder, template, authority, binary=None, **config):
        self.dir = Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.authority = authority
        self.volume = KubeletVolume(self.dir / "secret")
        self.published = self.dir / "published"
        self.db_files = self.dir / "dbfiles"
        self.db_files.symlink_to(self.published)
        self.db = self.server(self.dir / self.driver, template, self.db_files)
        self.agent = Agent(self.dir / "agent", {**self.settings(), **config}, binary=binary)
        self.loads = []
        self.bundle = None

    def settings(self):
        return {"database": self.driver, "source": str(self.volume.path), "publish": str(self.published),
                "endpoints": [f"mysql://127.0.0.1:{self.db.port}"], "retry-min": "200ms", "retry-max": "2s",
                "admin": {"socket": str(self.db.socket), "user": "root"}}

    def up(self, bundle=None, **env):
        """As in a pod: the agent publishes first, then the database comes, then the agent proves it."""
        self.bundle = bundle or self.authority.issue()
        self.volume.publish(self.bundle)
        self.agent.start(**env)
        self.agent.wait("first publish", lambda: self.published_fp() == self.bundle.fp)
        self.db.start()
        self.wait_proven(self.bundle)
        assert self.served_fp() == self.bundle.fp
        self.agent.forget()
        return self

    def rotate(self, bundle=None, deadline=20):
        """A new bundle, up to the agent's proof; what is served is looked at from outside."""
        bundle = bundle or self.authority.issue()
        self.volume.publish(bundle)
        self.wait_proven(bundle, deadline)
        assert self.served_fp() == bundle.fp, "the agent claims what is not served" + self.tail()
        self.bundle = bundle
        return bundle

    def wait_proven(self, bundle, deadline=30):
        return self.agent.wait_event("rotation_succeeded", deadline, fingerprint=bundle.fp[:SHORT])

    def wait_refused(self, pattern, deadline=20):
        return self.agent.wait_event("bundle_refused", deadline, error=pattern)

    def wait_served(self, bundle, deadline=20):
        wait_for(f"{bundle.fp[:SHORT]} is served", lambda: self.served_fp() == bundle.fp, deadline, 0.02, self.tail)

    def published_fp(self):
        try:
            return fingerprint((self.published / "tls.crt").read_bytes())
        except (OSError, ValueError):
            return None

    def published_pair_fits(self):
        """Key and certificate of the published directory belong together; raises otherwise."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.published / "tls.crt", self.published / "tls.key")
        return True

    def assert_serves(self, bundle):
        assert (self.served_fp(), self.published_fp()) == (bundle.fp, bundle.fp), self.tail()
        self.published_pair_fits()

    def served_fp(self):
        return wire.served_or_none(self.db.port)

    def deceive(self, bundle):
        """From now on the server reads these files, whatever is published; None: the published ones again."""
        target = self.published
        if bundle is not None:
            target = self.dir / f"other-{bundle.fp[:SHORT]}"
            target.mkdir(exist_ok=True)
            for name, data in bundle.files().items():
                (target / name).write_bytes(data)
        fresh = self.dir / "dbfiles.new"
        fresh.symlink_to(target)
        os.rename(fresh, self.db_files)

    def load(self, *others, **more):
        clients = LoadClients(self.dir, self.db.port, self.authority.ca_file(*others), **more)
        self.loads.append(clients)
        wait_for("clients connect", lambda: clients.made > 5, 20, 0.05, self.tail)
        return clients

    def tail(self):
        return self.agent.tail() + self.db.tail()

    def cleanup(self):
        try:
            for clients in self.loads:
                clients.stop()
            self.agent.cleanup()
        finally:
            self.db.cleanup()
