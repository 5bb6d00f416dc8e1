# SPDX-License-Identifier: Apache-2.0
"""
An availability group: a folder that the instances share. group.json holds who is primary and since when each replica is
there; a lock that a living instance holds says that it lives, so that a killed one is seen as gone.
"""

import fcntl
import json
import time
from contextlib import contextmanager
from pathlib import Path


class Group:
    def __init__(self, folder, replica):
        self.dir, self.me = Path(folder), replica
        self._alive = open(self.dir / f"alive-{replica}", "w")
        fcntl.flock(self._alive, fcntl.LOCK_EX)
        with self.change() as state:
            state["replicas"][replica]["since"] = time.time()
            self._note(state, "started")

    @contextmanager
    def change(self):
        with open(self.dir / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            path = self.dir / "group.json"
            state = json.loads(path.read_text())
            yield state
            fresh = self.dir / "group.json.new"
            fresh.write_text(json.dumps(state, indent=1))
            fresh.rename(path)

    def state(self):
        return json.loads((self.dir / "group.json").read_text())

    def _note(self, state, event, **more):
        others = [r for r in state["replicas"] if r != self.me and self.is_alive(r)]
        state["log"].append({"event": event, "replica": self.me, "role": self.role(state, self.me), "others": others,
                             **more})

    def note_end(self):
        with self.change() as state:
            self._note(state, "ended", synchronized=[r for r in state["replicas"] if r != self.me and
                                                     self.synchronization(state, r) == "SYNCHRONIZED"])

    def introduce(self, shown, known):
        """A link is made anew; a partner refuses whoever shows a certificate that it has not."""
        with self.change() as state:
            state.setdefault("certificates", {})[self.me] = {"shown": shown, "known": known}
            for other in state["replicas"]:
                if other != self.me and self.is_alive(other) and not self.accept(state, self.me, other):
                    self._note(state, "refused", partner=other)

    @staticmethod
    def accept(state, one, other):
        """Do the two know each other's certificate? Those without an endpoint of ours ask nothing."""
        both = [state.get("certificates", {}).get(r) for r in (one, other)]
        if None in both:
            return True
        return all(set(a["shown"]) <= set(b["known"]) for a, b in (both, both[::-1]))

    def is_linked(self, state, one, other):
        return self.is_alive(one) and self.is_alive(other) and self.accept(state, one, other)

    def is_alive(self, replica):
        if replica == self.me:
            return True
        try:
            with open(self.dir / f"alive-{replica}") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return False
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True

    def role(self, state, replica):
        if time.time() - state["replicas"][replica].get("since", 0) < state.get("resolving", 0):
            return "RESOLVING"
        return "PRIMARY" if state["primary"] == replica else "SECONDARY"

    def synchronization(self, state, replica):
        primary = state["primary"]
        if not self.is_linked(state, replica, primary):
            return "NOT SYNCHRONIZING"
        if replica == primary:
            return "SYNCHRONIZED"
        since = max(state["replicas"][r].get("since", 0) for r in (replica, primary))
        if state["replicas"][replica]["mode"] != "SYNCHRONOUS_COMMIT" or time.time() - since < state["catch_up"]:
            return "SYNCHRONIZING"
        return "SYNCHRONIZED"

    def visible(self, state):
        """A secondary knows of itself only."""
        return list(state["replicas"]) if state["primary"] == self.me else [self.me]

    def fail_over(self, name, as_manager):
        """None, or (number, text) of the error."""
        with self.change() as state:
            if name.lower() != state["name"].lower():
                return 15151, (f"Cannot alter the availability group '{name}', because it does not exist or you do not "
                               "have permission.")
            if state.get("cluster_type") == "EXTERNAL" and not as_manager:
                return 47104, (f"This operation cannot be performed on the availability group '{name}' because it has "
                               "EXTERNAL cluster type. Use the cluster management tools to perform the operation.")
            if state["primary"] == self.me:
                return 41122, (f"Cannot failover availability group '{name}' to this instance of SQL Server.  The local "
                               "availability replica is already the primary replica of the availability group.")
            if self.synchronization(state, self.me) != "SYNCHRONIZED":
                return 41142, (f"The availability replica for availability group '{name}' on this instance of SQL Server "
                               "cannot become the primary replica. One or more databases are not synchronized or have "
                               "not joined the availability group.")
            old, state["primary"] = state["primary"], self.me
            state["replicas"][old]["since"] = time.time()
            self._note(state, "failed over", old=old)
        return None

    # --- views

    def availability_groups(self):
        state = self.state()
        return [{"group_id": state["id"], "name": state["name"], "cluster_type_desc": state.get("cluster_type", "WSFC")}]

    def availability_replicas(self):
        state = self.state()
        return [{"replica_id": r["id"], "group_id": state["id"], "replica_server_name": name,
                 "endpoint_url": r["endpoint_url"], "read_only_routing_url": r.get("routing_url"),
                 "availability_mode_desc": r["mode"]} for name, r in state["replicas"].items()]

    def replica_states(self):
        state = self.state()
        health = {"SYNCHRONIZED": "HEALTHY", "SYNCHRONIZING": "PARTIALLY_HEALTHY"}
        return [{"replica_id": state["replicas"][r]["id"], "group_id": state["id"], "is_local": int(r == self.me),
                 "role_desc": self.role(state, r),
                 "connected_state_desc": "CONNECTED" if self.is_linked(state, r, state["primary"])
                 else "DISCONNECTED",
                 "synchronization_health_desc": health.get(self.synchronization(state, r), "NOT_HEALTHY")}
                for r in self.visible(state)]

    def database_states(self):
        state = self.state()
        return [{"database_id": 5 + n, "group_id": state["id"], "replica_id": state["replicas"][r]["id"],
                 "is_local": int(r == self.me), "synchronization_state_desc": self.synchronization(state, r)}
                for r in self.visible(state) for n in range(len(state["databases"]))]
