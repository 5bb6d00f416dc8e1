# SPDX-License-Identifier: Apache-2.0
"""
What a node knows of the others: it looks at them through connections of its own, which it keeps in a pool. A pooled
connection outlives every change of certificates; FLUSH CONNECTION POOLS is what makes the next look a new handshake.

With ssl_ca a node reaches the others by TLS only, and verifies them; without it in the clear.
"""

import socket
import threading

from wire import Gone, Refused, ask, connect

INTERNAL_USER = "distributed"
LIMIT_S = 5


class Pool:
    def __init__(self, node):
        self._node, self._kept, self._lock = node, {}, threading.Lock()
        self.opened = 0

    def flush(self):
        with self._lock:
            kept, self._kept = list(self._kept.values()), {}
        for channel in kept:
            channel.sock.close()
        return len(kept)

    def _open(self, other):
        sock = socket.create_connection((other["host"], other["port"]), timeout=LIMIT_S)
        try:
            channel = connect(sock, INTERNAL_USER, self._node.tls.connects)
        except BaseException:
            sock.close()
            raise
        self.opened += 1
        return channel

    def ask(self, other, sql):
        """Rows, or an OSError, Gone or Refused that tells why not. A kept connection that died is opened once more."""
        with self._lock:
            kept = self._kept.pop(other["id"], None)
            if kept is not None:
                try:
                    return self._ask_and_keep(other, kept, sql)
                except (OSError, Gone):
                    kept.sock.close()
            channel = self._open(other)
            return self._ask_and_keep(other, channel, sql)

    def _ask_and_keep(self, other, channel, sql):
        rows = ask(channel, sql)
        self._kept[other["id"]] = channel
        return rows


class Cluster:
    def __init__(self, node, log):
        self.node, self.pool, self._log = node, Pool(node), log

    def state(self, other):
        if other["id"] == self.node.me["id"]:
            return "online"
        try:
            self.pool.ask(other, "SELECT 1")
            return "online"
        except (OSError, Gone, Refused, ValueError) as e:
            self._log(f"node {other['id']} cannot be reached: {e}")
            return "offline"

    def aggregators(self):
        for n in self.node.nodes("master", "aggregator"):
            yield [n["host"], n["port"], self.state(n), 1, None if n is self.node.me else "0.200",
                   int(n["role"] == "master"), "leader" if n["role"] == "master" else "follower", n["id"], "online"]

    def leaves(self):
        by_id = {n["id"]: n for n in self.node.nodes("leaf")}
        for n in by_id.values():
            pair = by_id.get(n.get("pair"), {})
            state = self.node.fault("leaf_states", {}).get(str(n["id"])) or self.state(n)
            yield [n["host"], n["port"], n.get("group", 1), pair.get("host"), pair.get("port"), state, 1, "0.300",
                   n["id"], None, "online"]

    def own_partitions(self):
        """On a leaf: its master partition, and the replica of its pair's, which it follows through a connection."""
        yield ["db_0", "master", "online"]
        pair = next((n for n in self.node.nodes("leaf") if n["id"] == self.node.me.get("pair")), None)
        if pair is not None:
            yield ["db_1", "replica", "replicating" if self.state(pair) == "online" else "recovering"]

    def partitions(self):
        """SHOW CLUSTER STATUS: every leaf is asked."""
        for n in self.node.nodes("leaf"):
            try:
                rows = self.pool.ask(n, "SHOW PARTITION STATES")
            except (OSError, Gone, Refused, ValueError) as e:
                self._log(f"leaf {n['id']} cannot be asked: {e}")
                rows = [["db_0", "master", "offline"]]
            for name, role, state in rows:
                state = self.node.fault("partition_states", {}).get(f"{n['id']}/{role}") or state
                yield [n["id"], n["host"], n["port"], name, role, state, "0:8832", n["host"], n["port"], n["id"],
                       n["host"], n["port"], role, ""]
