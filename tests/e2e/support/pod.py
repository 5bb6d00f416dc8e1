# SPDX-License-Identifier: Apache-2.0
"""
One pod of a Fleet: what plays its database, what starts that again, and its agent. Pod is what they have in common; a
subclass says how an engine is run without TLS at first, what its agent is told, and what a client sees of it.
"""

import json
import re
import subprocess
from collections import namedtuple

from .agent import Agent
from .authority import fingerprint
from .mariadb import MariaDB
from .openssl import PEM, serves_no_tls
from .poll import STRETCH, free_port
from .supervisor import Supervisor
from .watcher import greets

Leaf = namedtuple("Leaf", "fingerprint issuer subject emails not_after")


def leaf_seen(port, starttls=None, host="127.0.0.1"):
    """What OpenSSL's client gets from the server; None: it speaks without TLS, or nobody listens."""
    done = subprocess.run(["openssl", "s_client", "-showcerts", *(["-starttls", starttls] if starttls else []),
                           "-connect", f"{host}:{port}"], input=b"", capture_output=True, timeout=30)
    chain = PEM.findall(done.stdout.partition(b"---\nServer certificate\n")[0])
    return leaf_of(chain[0]) if chain else None


def leaf_of(pem):
    said = subprocess.run(["openssl", "x509", "-noout", "-nameopt", "RFC2253", "-issuer", "-subject", "-enddate", "-email"],
                          input=pem, capture_output=True, check=True).stdout.decode().splitlines()
    named = dict(re.findall(r"^(issuer|subject|notAfter)=(.*)$", "\n".join(said), re.M))
    return Leaf(fingerprint(pem), named["issuer"], named["subject"], [s for s in said if "@" in s and "=" not in s],
                named["notAfter"])


def texts_of(files, leaf):
    """{name: text} of those that are there, and of the leaf when one of them names its folder."""
    texts = {path.name: path.read_text() for path in files if path.exists()}
    named = any(str(leaf.parent) in text for text in texts.values())
    return {**texts, "leaf": leaf.read_text() if named and leaf.exists() else None}


class Pod:
    tls = "off"  # of its agent at first; None: it is not told to switch

    def __init__(self, fleet, name):
        self.fleet, self.name = fleet, name
        self.dir = fleet.dir / name
        self.dir.mkdir(parents=True)
        self.published = self.dir / "published"
        self.files_dir = self.dir / "custom" if fleet.has_files else None
        self.db = self.supervisor = self.agent = None
        self.may_start = lambda: True  # False: the server stays down once it has ended

    # --- of each engine

    def prepare(self):
        """Sets db: what has process, start(wait), tail() and cleanup()."""
        raise NotImplementedError

    def settings(self):
        """What its agent is told beside `publish` and `kubernetes`."""
        raise NotImplementedError

    def accepts(self):
        """Whether it serves clients now, as the kubelet's probe would find out."""
        raise NotImplementedError

    def served(self):
        """The Leaf that a client gets; None: it speaks without TLS, or nobody answers."""
        raise NotImplementedError

    def is_plain(self):
        """It answers, and says that it is without TLS."""
        raise NotImplementedError

    def reads(self):
        """What a server that starts now would read: texts of settings, and the leaf where they name one."""
        raise NotImplementedError

    # --- made to fail; None: as it should be again

    def lie(self, bundle):
        """When it loads its certificate the next time, it takes this one."""
        raise NotImplementedError

    def insist(self, key, value):
        """That is its value from its next start on, whatever its files say."""
        raise NotImplementedError

    # --- of all

    def start(self):
        self.db.start()

    def supervise(self):
        self.supervisor = Supervisor(self.db, lambda: self.may_start())

    def make_object(self, ready=True):
        namespace, db = self.fleet.namespace, self.fleet.name
        namespace.pod(self.name, account=db, labels=self.fleet.labels())
        namespace.pod_status(self.name, ready=ready)
        namespace.account_volume(self.dir / "account", db, self.name, seconds=7200)

    def make_agent(self, **config):
        fleet = self.fleet
        kubeconfig = fleet.namespace.plane.kubeconfig(self.dir / "kubeconfig", token_file=self.dir / "account" / "token",
                                                      namespace=fleet.namespace.name)
        custom = {"secret": f"{fleet.name}-certrotate-files", "publish": str(self.files_dir)}
        self.agent = Agent(self.dir / "agent", {
            "database": fleet.kind, "publish": str(self.published), **({"tls": self.tls} if self.tls else {}),
            "retry-min": "200ms", "retry-max": "1s", "verify-limit": f"{10 * STRETCH:.0f}s", "restart-limit": f"{10 * STRETCH:.0f}s",
            "kubernetes": {"kubeconfig": str(kubeconfig), "pod": self.name, "secret": f"{fleet.name}-server-cert",
                           "plan": f"{fleet.name}-certrotate"},
            **({"custom": custom} if fleet.has_files else {}), **self.settings(), **config})

    def reconfigure(self, **config):
        """The agent again, with other settings; None takes one away."""
        self.agent.stop()
        for key, value in config.items():
            self.agent.config.pop(key, None) if value is None else self.agent.config.update({key: value})
        self.agent.start()

    def report(self):
        annotations = self.fleet.namespace.get(f"pods/{self.name}")["metadata"].get("annotations", {})
        return json.loads(annotations.get("certrotate.io/report", "{}"))

    def plan(self):
        """What it says of the plan: {} when it knows of none."""
        return self.report().get("plan") or {}

    def tail(self):
        return f"=== {self.name}" + self.agent.tail() + self.db.tail()

    def cleanup(self):
        for thing in (self.supervisor, self.agent, self.db):
            if thing is not None:
                thing.cleanup()


class MariaDBPod(Pod):
    server = MariaDB

    def __init__(self, fleet, name):
        super().__init__(fleet, name)
        self.fragment = self.dir / "conf.d" / "zz-certrotate.cnf"
        self.fragment.parent.mkdir(parents=True)
        self.options = self.dir / "my.cnf"
        self.options.write_text(f"[mysqld]\n!includedir {self.fragment.parent}\n")
        if self.files_dir:
            self.files_dir.mkdir()
            with self.options.open("a") as options:
                options.write(f"!includedir {self.files_dir}\n")

    def join(self, node):
        """It is this member of a Galera cluster. The group's own settings come first: the agent's file is behind them."""
        self.db = node
        self.options.write_text(f'[mysqld]\nwsrep_provider_options="{node.provider_options}"\n' +
                                self.options.read_text().partition("\n")[2])

    def prepare(self):
        self.db = self.db or self.server(self.dir / "db", self.fleet.template, None, port=free_port())
        self.db.with_tls, self.db.option_file = False, self.options
        self.db.extra.append("--log-warnings=1")  # nothing of each look at it

    def settings(self):
        return {"endpoints": [f"mysql://127.0.0.1:{self.db.port}"], "settings-file": str(self.fragment),
                "admin": {"socket": str(self.db.socket), "user": "root"}}

    def accepts(self):
        return greets(self.db.port)

    def served(self):
        return leaf_seen(self.db.port, "mysql")

    def is_plain(self):
        return serves_no_tls(self.db.port)

    def reads(self):
        files = sorted(self.files_dir.glob("*.cnf")) if self.files_dir else []
        return texts_of([self.fragment, *files], self.published / "tls.crt")
