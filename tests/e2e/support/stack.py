# SPDX-License-Identifier: Apache-2.0
"""One database, its Secret volume and its agent: what most tests start from."""

from pathlib import Path

from . import wire
from .agent import Agent
from .authority import fingerprint
from .kubelet import KubeletVolume
from .load import LoadClients
from .mariadb import MariaDB
from .poll import wait_for


class Stack:
    def __init__(self, folder, template, authority, binary=None, **config):
        self.dir = Path(folder)
        self.authority = authority
        self.volume = KubeletVolume(self.dir / "secret")
        self.published = self.dir / "published"
        self.db = MariaDB(self.dir / "mariadb", template, self.published)
        self.agent = Agent(self.dir / "agent", {**self.settings(), **config}, binary=binary)
        self.loads = []
        self.bundle = None

    def settings(self):
        return {"database": "mariadb", "source": str(self.volume.path), "publish": str(self.published),
                "endpoints": [f"mysql://127.0.0.1:{self.db.port}"],
                "mariadb": {"socket": str(self.db.socket), "user": "root"}}

    def up(self, bundle=None, **env):
        """As in a pod: the agent publishes first, then the database comes, then the agent proves it."""
        self.bundle = bundle or self.authority.issue()
        self.volume.publish(self.bundle)
        self.agent.start(**env)
        self.agent.wait("first publish", lambda: self.published_fp() == self.bundle.fp)
        self.db.start()
        self.wait_served(self.bundle)
        self.wait_proven(self.bundle)
        return self

    def rotate(self, bundle=None, deadline=20):
        bundle = bundle or self.authority.issue()
        self.volume.publish(bundle)
        self.wait_served(bundle, deadline)
        self.bundle = bundle
        return bundle

    def published_fp(self):
        try:
            return fingerprint((self.published / "tls.crt").read_bytes())
        except (OSError, ValueError):
            return None

    def published_pair_fits(self):
        """Key and certificate of the published directory belong together, checked with OpenSSL in Python."""
        import ssl
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.published / "tls.crt", self.published / "tls.key")
        return True

    def served_fp(self):
        return wire.served_or_none(self.db.port)

    def wait_served(self, bundle, deadline=20):
        wait_for(f"{bundle.fp[:16]} is served", lambda: self.served_fp() == bundle.fp, deadline, 0.02, self.tail)

    def wait_proven(self, bundle, deadline=20):
        """The agent itself says that it saw this leaf served, and rests."""
        return self.agent.wait_status(f"{bundle.fp[:16]} proven", lambda s: self.proven(s, bundle), deadline)

    @staticmethod
    def proven(status, bundle):
        return (stage(status, "served") == bundle.fp and stage(status, "published") == bundle.fp and
                status.get("step") == "idle")

    def load(self, *others, **more):
        clients = LoadClients(self.dir, self.db.port, self.authority.ca_file(*others), **more)
        self.loads.append(clients)
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


def stage(status, name):
    """Fingerprint of a stage on the status page, plain hex, or None."""
    fp = (status.get("stages") or {}).get(name) or {}
    return (fp.get("fingerprint") or "").replace(":", "").lower() or None
