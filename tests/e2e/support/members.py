# SPDX-License-Identifier: Apache-2.0
"""
Agents that are members of one cluster, and the controller's part played by a file: the plan that all of them read.
A barrier is passed when every agent says so itself.
"""

import json
import os

from .agent import Agent
from .authority import fingerprint
from .kubelet import KubeletVolume
from .poll import wait_for

SHORT = 16


class Member:
    def __init__(self, folder, name):
        self.name, self.dir = name, folder / name
        self.volume = KubeletVolume(self.dir / "secret")
        self.published = self.dir / "published"
        self.node = self.agent = None

    def make_agent(self, tidy, database, **config):
        self.agent = tidy(Agent(self.dir / "agent", {
            "database": database, "instance": self.name, "source": str(self.volume.path),
            "publish": str(self.published), "endpoints": [f"mysql://127.0.0.1:{self.node.port}"],
            "admin": {"socket": str(self.node.socket), "user": "root"}, **config}))

    def published_fp(self):
        try:
            return fingerprint((self.published / "tls.crt").read_bytes())
        except OSError:
            return None

    def pair(self):
        return (self.published / "tls.crt", self.published / "tls.key")


def first_bundles(members, authority):
    """One for each, published before its database is there."""
    for member in members:
        member.volume.publish(authority.issue())
        member.agent.start()
    for member in members:
        member.agent.wait("published", lambda m=member: m.published_fp())


class Plan:
    def __init__(self, folder, members):
        folder.mkdir()
        self.path, self.members, self.generation = folder / "plan.json", members, 0

    def write(self, turn=None, new=True, **more):
        """turn: members that may act, None for all. new=False: the same wish, another turn."""
        self.generation += new
        if turn is not None:
            more["turn"] = [member.name for member in turn]
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"request": "test", "generation": self.generation, **more}))
        os.rename(fresh, self.path)

    def says(self, member, what):
        plan = member.agent.status().get("plan") or {}
        return plan.get("generation") == self.generation and plan.get(what)

    def wait(self, what, members=None, deadline=90):
        """what: "done" or "held"."""
        members = self.members if members is None else members
        wait_for(f"{[m.name for m in members]} {what} in generation {self.generation}",
                 lambda: all(self.says(member, what) for member in members), deadline, 0.1, self.tail)

    def one_by_one(self, between=lambda member: None, **more):
        """Everybody does what needs no turn; then each has its turn."""
        self.write(turn=[], **more)
        wait_for("all held", lambda: all(self.says(m, "held") or self.says(m, "done") for m in self.members), 90, 0.1,
                 self.tail)
        for member in self.members:
            self.write(turn=[member], new=False, **more)
            self.wait("done", [member])
            between(member)
        self.wait("done")

    def tail(self):
        return "".join(member.agent.tail() for member in self.members)
