# SPDX-License-Identifier: Apache-2.0
"""
SingleStore nodes of tests/peers/singlestore, as kubelet runs them: one that ended is started again, unless a test has it
stopped. SingleStore itself cannot be had; what stands for it is accepted by real clients (test_peer_singlestore.py).
"""

import json
import os
import signal
import ssl
import subprocess
import tempfile
import threading
from pathlib import Path

from . import wire
from .authority import fingerprint
from .poll import end_with_parent, free_ports, tail, wait_for
from .stack import Stack

SERVER = Path(__file__).resolve().parents[2] / "peers/singlestore/server.py"
PYTHON = "/usr/bin/python3"


def write_files(folder, bundle):
    """A bundle under the names that KubeDB mounts."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in (("ca.crt", bundle.ca), ("server.crt", bundle.cert), ("server.key", bundle.key)):
        (folder / name).write_bytes(data)
    return folder


class SingleStore:
    """
    One node. files: folder with ca.crt, server.crt and server.key that memsql.cnf points to; None: no TLS there.
    conf.d/ beside memsql.cnf is read after it.
    """

    def __init__(self, folder, template=None, files=None, topology=None, node=1, port=None):
        self.dir = Path(folder)
        self.conf_d = self.dir / "conf.d"
        self.conf_d.mkdir(parents=True, exist_ok=True)
        self._short = tempfile.TemporaryDirectory(prefix="cr-")
        self.socket = Path(self._short.name) / "memsql.sock"
        self.config, self.control = self.dir / "memsql.cnf", self.dir / "faults.json"
        self.pid_file, self.log = self.dir / "memsql.pid", self.dir / "memsql.log"
        self.files = Path(files) if files else None
        self.port = port or free_ports(1)[0]
        self.node, self.topology = node, topology or self._alone()
        self.process = None
        self.faults = {}
        self.write_config()

    def _alone(self):
        path = self.dir / "topology.json"
        path.write_text(json.dumps({"redundancy": 1, "nodes": [
            {"id": 1, "role": "master", "host": "127.0.0.1", "port": self.port}]}))
        return path

    def write_config(self, tls="on", **more):
        """tls: on, mixed (no ssl_ca) or off."""
        lines = {"port": self.port, "socket": self.socket, **more}
        if self.files and tls != "off":
            lines.update(ssl_cert=self.files / "server.crt", ssl_key=self.files / "server.key")
            if tls == "on":
                lines["ssl_ca"] = self.files / "ca.crt"
        self.config.write_text("[server]\n" + "".join(f"{k} = {v}\n" for k, v in lines.items()))

    def fault(self, **faults):
        """As tests/peers/singlestore/server.py says; None takes one back."""
        self.faults = {k: v for k, v in {**self.faults, **faults}.items() if v is not None}
        fresh = self.control.with_suffix(".new")
        fresh.write_text(json.dumps(self.faults))
        os.rename(fresh, self.control)

    def write_users(self, **users):
        """user=(password, rights, "SSL" or ""); root has no password and all rights unless named. Before start()."""
        known = {"root": ("", ["ALL"], ""), **users}
        (self.dir / "users.json").write_text(json.dumps(
            {name: {"password": p, "rights": r, "require": q} for name, (p, r, q) in known.items()}))

    # --- life

    def start(self, wait=True, deadline=20):
        assert self.process is None, "already running"
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                [PYTHON, "-B", str(SERVER), "--config", str(self.config), "--topology", str(self.topology),
                 "--node", str(self.node), "--control", str(self.control), "--pid-file", str(self.pid_file)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir, preexec_fn=end_with_parent)
        if wait:
            self.wait_up(deadline)
        return self

    def wait_up(self, deadline=20):
        def answers():
            assert self.process.poll() is None, "the node ended:\n" + tail(self.log)
            return self.client("SELECT 1").returncode == 0
        wait_for("the node answers", answers, deadline, 0.05, lambda: tail(self.log))

    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def _end(self, signo, deadline=15):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signo)
        code = self.process.wait(deadline)
        self.process = None
        return code

    def stop(self):
        return self._end(signal.SIGTERM)

    def kill(self):
        return self._end(signal.SIGKILL)

    def restart(self):
        self.stop()
        return self.start()

    # --- looked at from outside

    def client(self, statement, *options, user="root", password=None, program=("mariadb",), tcp=False):
        where = ["--host=127.0.0.1", f"--port={self.port}", "--protocol=TCP"] if tcp else [f"--socket={self.socket}"]
        return subprocess.run([*program, "--no-defaults", *where, f"--user={user}", "-N", "-B", *map(str, options),
                               "-e", statement], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30,
                              env=dict(os.environ, MYSQL_PWD=password or ""))

    def sql(self, statement, **more):
        done = self.client(statement, **more)
        assert done.returncode == 0, f"{statement}: {done.stderr}{self.tail()}"
        return [line.split("\t") for line in done.stdout.splitlines()]

    def variable(self, name):
        """"" when it is empty, None when there is none."""
        rows = self.sql(f"SHOW VARIABLES LIKE '{name}'")
        return (rows[0] + [""])[1] if rows else None

    def served(self, ca_file=None):
        return wire.served(self.port, ca_file)

    def said(self, text):
        return text in self.log.read_text(errors="replace")

    def tail(self):
        return f"--- node {self.node}\n" + tail(self.log, 20)

    def cleanup(self):
        self.kill()
        self._short.cleanup()


class Kubelet:
    """Starts nodes that ended again, as often as it takes."""

    def __init__(self, *nodes):
        self.nodes, self.starts = nodes, {n.node: 0 for n in nodes}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._end.wait(0.05):
            for node in self.nodes:
                process = node.process
                if process is None or process.poll() is None:
                    continue
                node.process = None
                node.start(wait=False)
                self.starts[node.node] += 1

    def cleanup(self):
        self._end.set()
        self._thread.join()


class Cluster:
    """Master aggregator 1, child aggregator 2, leaves 3 and 4 that are a pair. files: a folder a node, complete."""

    def __init__(self, folder, files, redundancy=2):
        self.dir = Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        ports = free_ports(4)
        roles = [("master", {}), ("aggregator", {}), ("leaf", {"group": 1, "pair": 4}), ("leaf", {"group": 2, "pair": 3})]
        if redundancy == 1:
            roles[2:] = [("leaf", {}), ("leaf", {})]
        topology = self.dir / "topology.json"
        topology.write_text(json.dumps({"redundancy": redundancy, "nodes": [
            {"id": i + 1, "role": role, "host": "127.0.0.1", "port": ports[i], **more}
            for i, (role, more) in enumerate(roles)]}))
        self.nodes = [SingleStore(self.dir / f"node{i + 1}", None, files[i], topology, i + 1, ports[i]) for i in range(4)]
        self.master, self.child, *self.leaves = self.nodes

    def start(self):
        """Leaves first, the master aggregator last, as the vendor says."""
        for node in (*self.leaves, self.child, self.master):
            node.start(wait=False)
        for node in self.nodes:
            node.wait_up()
        return self

    def online(self):
        states = [row[5] for row in self.master.sql("SHOW LEAVES")]
        return states == ["online"] * 2 and {row[5] for row in self.master.sql("SHOW CLUSTER STATUS")} <= {
            "online", "replicating"}

    def tail(self):
        return "".join(n.tail() for n in self.nodes)

    def cleanup(self):
        for node in reversed(self.nodes):
            node.cleanup()


class SingleStoreStack(Stack):
    """One node, its Secret volume and its agent; memsql.cnf points at what the agent publishes."""

    server, driver = SingleStore, "singlestore"

    @property
    def fragment(self):
        """Where the agent switches TLS."""
        return self.db.conf_d / "zz-certrotate.cnf"

    def settings(self):
        return {**super().settings(),
                "process": {"pid-file": str(self.db.pid_file), "executable": os.path.basename(os.path.realpath(PYTHON))}}

    def published_fp(self):
        try:
            return fingerprint((self.published / "server.crt").read_bytes())
        except (OSError, ValueError):
            return None

    def published_pair_fits(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.published / "server.crt", self.published / "server.key")
        return True

    def deceive(self, bundle):
        target = self.published if bundle is None else write_files(self.dir / f"other-{bundle.fp[:16]}", bundle)
        fresh = self.dir / "dbfiles.new"
        fresh.symlink_to(target)
        os.rename(fresh, self.db_files)
