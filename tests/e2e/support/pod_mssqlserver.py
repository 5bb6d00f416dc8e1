# SPDX-License-Identifier: Apache-2.0
"""
A pod of an availability group of SQL Servers, as KubeDB runs it: mssql.conf beside the data, the first pod primary at
first. Without a certificate of ours a SQL Server shows one that it has signed itself: that is "without TLS" here.
"""

import json
import ssl

from .authority import fingerprint
from .pod import Pod, leaf_of, texts_of
from .poll import free_port
from .sqlserver import PASSWORD, SQLServer, answers, leaf_shown, make_group

SELF_SIGNED = "CN=SSL_Self_Signed_Fallback"
PLAIN = "[language]\nlcid = 1033\n"


class Shown:
    """What the server at host and port of a pod shows."""

    host, port = "127.0.0.1", 1433

    def shown(self):
        try:
            return leaf_of(ssl.DER_cert_to_PEM_cert(leaf_shown(self.port, self.host)).encode())
        except (OSError, ValueError):
            return None

    def served(self):
        leaf = self.shown()
        return None if leaf is None or leaf.subject == SELF_SIGNED else leaf

    def is_plain(self):
        leaf = self.shown()
        return leaf is not None and leaf.subject == SELF_SIGNED


class SQLServerPod(Shown, Pod):
    """conf: what mssql.conf says at first. The group has the pods of the fleet, when there are several."""

    conf = PLAIN

    def __init__(self, fleet, name):
        super().__init__(fleet, name)
        self.port = free_port()

    def prepare(self):
        pods, group = self.fleet.pods, self.fleet.dir / "group"
        if len(pods) == 1:
            group = None
        elif not group.exists():
            make_group(group, [pod.name for pod in pods], [pod.port for pod in pods], catch_up=0.5)
        self.db = SQLServer(self.dir / "mssql", None, port=self.port, name=self.name, group=group, conf=self.conf)
        self.password = self.dir / "password"
        self.password.write_text(PASSWORD)

    def settings(self):
        return {"endpoints": [f"tds://127.0.0.1:{self.port}"], "settings-file": str(self.db.conf),
                "admin": {"port": self.port, "password-file": str(self.password)}, "mssql": {"failover": "auto"}}

    def accepts(self):
        return answers(self.port)

    def reads(self):
        return texts_of([self.db.conf], self.published / "server.crt")

    def lie(self, bundle):
        if bundle is None:
            self.db.faults()
            return
        paths = [self.dir / f"other.{kind}" for kind in ("crt", "key")]
        for path, data in zip(paths, (bundle.cert, bundle.key)):
            path.write_bytes(data)
        self.db.faults(pair=[str(path) for path in paths])

    def insist(self, key, value):
        self.db.faults(**({"memory_mb": int(value)} if value else {}))

    def published_fp(self):
        """Of the leaf that a server which starts now would read."""
        return fingerprint((self.published / "server.crt").read_bytes())

    def memory_mb(self):
        """[memory] memorylimitmb as the server says that it is in force."""
        (kilobytes,), = self.db.sql("SELECT physical_memory_kb FROM sys.dm_os_sys_info")
        return int(kilobytes) // 1024

    def settings_text(self):
        return self.db.conf.read_text() if self.db.conf.exists() else None


def group_state(fleet):
    return json.loads((fleet.dir / "group/group.json").read_text())


def primary(fleet):
    return group_state(fleet)["primary"]


class Turns:
    """What the group has noted since: who ended in which role, with whom in step; who took over."""

    def __init__(self, fleet):
        self.fleet, self._from = fleet, len(group_state(fleet)["log"])

    def seen(self):
        return group_state(self.fleet)["log"][self._from:]

    def check(self, old):
        """
        Every replica ended once, `old` last and as a secondary: before it a synchronized one had taken over; and whoever
        ended left nobody behind who was out.
        """
        log, names = self.seen(), {pod.name for pod in self.fleet.pods}
        ends = [e for e in log if e["event"] == "ended"]
        assert [e["replica"] for e in ends[-1:]] == [old] and {e["replica"] for e in ends} == names, log
        assert len(ends) == len(names), log
        assert all(e["role"] == "SECONDARY" for e in ends), log
        assert all(set(e["others"]) == names - {e["replica"]} for e in ends), log
        takes = [e for e in log if e["event"] == "failed over"]
        assert len(takes) == 1 and takes[0]["old"] == old and takes[0]["replica"] != old, log
        assert log.index(takes[0]) < log.index(ends[-1]), log
