# SPDX-License-Identifier: Apache-2.0
"""
Pods of a SingleStore database as KubeDB names them: px-aggregator-0 (the master), px-aggregator-1 …, px-leaf-0 and
px-leaf-1 (a pair) …, or px-0 alone. The node is that of tests/peers/singlestore; /etc/memsql/conf.d, with the agent's
settings and the user's files, is conf.d beside its memsql.cnf.
"""

import json
import os
import re
from pathlib import Path

from .openssl import serves_no_tls
from .pod import Pod, leaf_seen, texts_of
from .poll import free_port
from .singlestore import PYTHON, SingleStore, write_files
from .watcher import greets

FILES = ("ssl_ca", "ssl_cert", "ssl_key")


class Node(SingleStore):
    def tail(self):
        """Without the looks at whether it is there."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return f"--- node {self.node}\n" + "\n".join([li for li in lines if "connection" not in li][-15:]) + "\n"


def roles(names):
    """[(role, more)] for the topology."""
    kinds = [re.search(r"-(aggregator|leaf)-(\d+)$", name) for name in names]
    leaves = [i + 1 for i, kind in enumerate(kinds) if kind and kind[1] == "leaf"]
    for i, kind in enumerate(kinds):
        if kind is None or kind[1] == "aggregator":
            yield ("master" if kind is None or kind[2] == "0" else "aggregator"), {}
        else:
            at = leaves.index(i + 1)
            yield "leaf", {"group": at % 2 + 1, "pair": leaves[at ^ 1]}


class SingleStorePod(Pod):
    def __init__(self, fleet, name):
        super().__init__(fleet, name)
        self.port = free_port()
        self.conf_d = self.dir / "db" / "conf.d"
        self.files_dir = self.conf_d if fleet.has_files else None

    @property
    def part(self):
        """Of spec.configuration."""
        kind = re.search(r"-(aggregator|leaf)-\d+$", self.name)
        return kind[1] if kind else "node"

    def prepare(self):
        pods = self.fleet.pods
        topology = self.fleet.dir / "topology.json"
        leaves = [pod for pod in pods if pod.part == "leaf"]
        topology.write_text(json.dumps({"redundancy": 2 if leaves else 1, "nodes": [
            {"id": i + 1, "role": role, "host": "127.0.0.1", "port": pod.port, **more}
            for i, (pod, (role, more)) in enumerate(zip(pods, roles([pod.name for pod in pods])))]}))
        self.db = Node(self.dir / "db", None, None, topology, pods.index(self) + 1, self.port)
        self.db.fault(time_grain="us")
        self.db.write_users(load=("", [], ""))

    def start(self):
        self.db.start(wait=False)
        if self is self.fleet.pods[-1]:
            for pod in self.fleet.pods:
                pod.db.wait_up()

    def settings(self):
        db = self.db
        more = {"singlestore": {"aggregator": f"127.0.0.1:{self.fleet.pods[0].port}"}} if self.part == "leaf" else {}
        if self.files_dir:
            more["custom"] = {"secret": f"{self.fleet.name}-certrotate-files-{self.part}", "publish": str(self.files_dir)}
        return {"endpoints": [f"mysql://127.0.0.1:{db.port}"], "settings-file": str(self.conf_d / "zz-certrotate.cnf"),
                "admin": {"host": "127.0.0.1", "port": db.port, "user": "root"},
                "process": {"pid-file": str(db.pid_file), "executable": os.path.basename(os.path.realpath(PYTHON))}, **more}

    def accepts(self):
        return greets(self.port)

    def served(self):
        return leaf_seen(self.port, "mysql")

    def is_plain(self):
        return serves_no_tls(self.port)

    def reads(self):
        """The settings name a generation, each of which has a number of its own."""
        texts = texts_of(sorted(self.conf_d.glob("*.cnf")), self.published / "server.crt")
        return {name: text and re.sub(r"/\.\.gen-\d+/", "/", text) for name, text in texts.items()}

    def lie(self, bundle):
        files = write_files(self.dir / "other", bundle) if bundle else None
        self.db.fault(reload_lies=[str(files / name) for name in ("server.crt", "server.key", "ca.crt")] if bundle else None)

    def insist(self, key, value):
        self.db.fault(variables=value and {key: value})

    # --- what it says of itself

    def variables(self):
        """SHOW VARIABLES; {} when nobody answers."""
        done = self.db.client("SHOW VARIABLES")
        return dict((line + "\t").split("\t")[:2] for line in done.stdout.splitlines()) if done.returncode == 0 else {}

    def settings_seen(self):
        """What a request must leave as it was, if it fails: values, and the texts of the files that are named."""
        values = self.variables()
        named = {name: Path(values[name]).read_text() if values.get(name) else "" for name in FILES}
        return {**named, **{name: values.get(name) for name in ("have_ssl", "max_connections", "wait_timeout")}}
