# SPDX-License-Identifier: Apache-2.0
"""The statements that a node understands: a table of patterns. Each gives (columns, rows), or None for a plain OK."""

import re

from node import MEMSQL_VERSION, MYSQL_VERSION
from wire import Refused

AGGREGATORS = ["Host", "Port", "State", "Opened_Connections", "Average_Roundtrip_Latency_ms", "Master_Aggregator", "Role",
               "NodeID", "Runtime_State"]
LEAVES = ["Host", "Port", "Availability_Group", "Pair_Host", "Pair_Port", "State", "Opened_Connections",
          "Average_Roundtrip_Latency_ms", "NodeID", "Grace_Period_In_seconds", "Runtime_State"]
PARTITIONS = ["NODE_ID", "HOST", "PORT", "DATABASE_NAME", "ROLE", "STATE", "POSITION", "MASTER_HOST", "MASTER_PORT",
              "METADATA_MASTER_NODE_ID", "METADATA_MASTER_HOST", "METADATA_MASTER_PORT", "METADATA_ROLE", "DETAILS"]


def like(pattern, text):
    parts = {"%": ".*", "_": "."}
    return re.fullmatch("".join(parts.get(c) or re.escape(c) for c in pattern), text, re.I | re.S) is not None


class Statements:
    def __init__(self, node, cluster):
        self.node, self.cluster = node, cluster

    def run(self, sql, user):
        text = re.sub(r"/\*.*?\*/", " ", sql, flags=re.S).strip().rstrip(";").strip()
        for pattern, rights, run in TABLE:
            found = re.fullmatch(pattern, text, re.I | re.S)
            if found:
                self._need(rights, user)
                return run(self, *found.groups())
        raise Refused(1064, "42000", "You have an error in your SQL syntax; check the manual that corresponds to your "
                      f"MySQL server version for the right syntax to use near '{text[:40]}' at line 1")

    def _need(self, rights, user):
        held = self.node.users.get(user, {"rights": ["ALL"]})["rights"]
        if rights and "ALL" not in held and not set(rights) & set(held):
            raise Refused(1227, "42000", "Access denied; you need (at least one of) the "
                          f"{', '.join(rights)} privilege(s) for this operation")

    def _aggregator_only(self, name):
        if not self.node.is_aggregator():
            raise Refused(1706, "HY000", f"Feature '{name}' is not supported by SingleStore on a leaf node")

    # --- each statement

    def variables(self, pattern):
        rows = sorted(self.node.variables().items())
        return ["Variable_name", "Value"], [r for r in rows if pattern is None or like(pattern, r[0])]

    def selected(self, names):
        names = [n.strip() for n in names.split(",")]
        return names, [[self._value(n) for n in names]]

    def _value(self, name):
        known = {"version()": MYSQL_VERSION, "1": 1, "aggregator_id()": self.node.me["id"], "connection_id()": 1,
                 "@@memsql_version": MEMSQL_VERSION, "database()": None, "user()": "root@localhost", "current_user()": "root@%"}
        name = re.split(r"\s+(?:as\s+)?", name.strip(), flags=re.I)[0].lower()
        if name in known:
            return known[name]
        if name.startswith("@@"):
            found = self.node.variables().get(name.rpartition(".")[2].lstrip("@"))
            if found is not None:
                return found
            raise Refused(1193, "HY000", f"Unknown system variable '{name.lstrip('@')}'")
        raise Refused(1054, "42S22", f"Unknown column '{name}' in 'field list'")

    def reload(self):
        self.node.ssl_reload()

    def aggregators(self):
        self._aggregator_only("SHOW AGGREGATORS")
        return AGGREGATORS, list(self.cluster.aggregators())

    def leaves(self):
        self._aggregator_only("SHOW LEAVES")
        return LEAVES, list(self.cluster.leaves())

    def cluster_status(self):
        self._aggregator_only("SHOW CLUSTER STATUS")
        return PARTITIONS, list(self.cluster.partitions())

    def bad_partitions(self, states):
        self._aggregator_only("MV_CLUSTER_STATUS")
        fine = re.findall(r"'(\w+)'", states)
        return ["HOST", "PORT", "DATABASE_NAME", "ROLE", "STATE"], [
            r[1:6] for r in self.cluster.partitions() if r[5] not in fine]

    def partition_states(self):
        """Not SingleStore's: what nodes of this test server ask each other."""
        return ["DATABASE_NAME", "ROLE", "STATE"], list(self.cluster.own_partitions())

    def flush_pools(self):
        self.cluster.pool.flush()

    def nothing(self, *_):
        return None

    def create_user(self, user, password, require):
        self.node.users[user] = {"password": password or "", "rights": [], "require": (require or "").upper()}
        self.node.save_users()

    def alter_user(self, user, require):
        self.node.users[user]["require"] = "" if require.upper() == "NONE" else require.upper()
        self.node.save_users()

    def grant(self, rights, user):
        held = self.node.users[user]["rights"]
        held += ["ALL" if r.strip().upper().startswith("ALL") else r.strip().upper() for r in rights.split(",")]
        self.node.save_users()


USER = r"'?(\w+)'?(?:@'[^']*')?"
# SHOW METADATA is documented; that CLUSTER is what FLUSH CONNECTION POOLS takes is not.
METADATA = ("SHOW METADATA",)
TABLE = [
    (r"SSL_RELOAD", ("SUPER",), Statements.reload),
    (r"SHOW\s+(?:GLOBAL\s+|SESSION\s+)?VARIABLES(?:\s+LIKE\s+'([^']*)')?", (), Statements.variables),
    (r"SELECT HOST, PORT, DATABASE_NAME, ROLE, STATE FROM information_schema\.MV_CLUSTER_STATUS "
     r"WHERE STATE NOT IN \(([^)]*)\) LIMIT 16", METADATA, Statements.bad_partitions),
    (r"SELECT\s+([^;]*?)(?:\s+LIMIT\s+1)?", (), Statements.selected),
    (r"SHOW\s+AGGREGATORS", METADATA, Statements.aggregators),
    (r"SHOW\s+LEAVES", METADATA, Statements.leaves),
    (r"SHOW\s+CLUSTER\s+STATUS", METADATA, Statements.cluster_status),
    (r"SHOW\s+PARTITION\s+STATES", (), Statements.partition_states),
    (r"FLUSH\s+CONNECTION\s+POOLS", ("CLUSTER",), Statements.flush_pools),
    (r"SET\s+(?:SESSION\s+|NAMES\s+)?.*", (), Statements.nothing),
    (rf"CREATE\s+USER\s+{USER}(?:\s+IDENTIFIED\s+BY\s+'([^']*)')?(?:\s+REQUIRE\s+(\w+))?", ("SUPER",),
     Statements.create_user),
    (rf"ALTER\s+USER\s+{USER}\s+REQUIRE\s+(\w+)", ("SUPER",), Statements.alter_user),
    (rf"GRANT\s+(.*?)\s+ON\s+\*\.\*\s+TO\s+{USER}", ("SUPER",), Statements.grant),
]
