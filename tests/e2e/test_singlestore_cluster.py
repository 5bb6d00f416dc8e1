# SPDX-License-Identifier: Apache-2.0
"""
A SingleStore cluster with an agent at each node: leaves rotated one by one, links among nodes proven by fresh
handshakes; TLS switched on by way of `mixed`, where nobody asks for it yet, and off again, a node at a time, while the
others go on serving. The nodes are those of tests/peers/singlestore.
"""

import os
import re
import subprocess

import pytest

from support import wire
from support.agent import Agent
from support.authority import fingerprint
from support.kubelet import KubeletVolume
from support.poll import stays, wait_for
from support.singlestore import PYTHON, Cluster, Kubelet

SHORT = 16


def seen_by_openssl(port):
    shown = subprocess.run(["openssl", "s_client", "-starttls", "mysql", "-connect", f"127.0.0.1:{port}"],
                           input=b"", capture_output=True, timeout=30).stdout
    return fingerprint(re.search(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", shown, re.S)[0])


class Member:
    """One node's agent, told by its configuration file what TLS mode to bring about."""

    def __init__(self, folder, node, cluster, authority):
        self.node, self.volume = node, KubeletVolume(folder / "secret")
        self.agent = Agent(folder / "agent", {
            "database": "singlestore", "source": str(self.volume.path), "publish": str(folder / "published"),
            "settings-file": str(node.conf_d / "zz-certrotate.cnf"), "endpoints": [f"mysql://127.0.0.1:{node.port}"],
            "retry-min": "200ms", "retry-max": "1s", "verify-limit": "3s",
            "admin": {"host": "127.0.0.1", "port": node.port, "user": "root"},
            "process": {"pid-file": str(node.pid_file), "executable": os.path.basename(os.path.realpath(PYTHON))},
            "singlestore": {"aggregator": f"127.0.0.1:{cluster.child.port}"}})
        self.bundle = authority.issue()
        self.volume.publish(self.bundle)

    def begin(self, mode):
        self.agent.stop()
        self.agent.config["tls"] = mode
        self.agent.start()

    def proven(self, bundle=None, deadline=60):
        return self.agent.wait_event("rotation_succeeded", deadline, fingerprint=(bundle or self.bundle).fp[:SHORT])

    def switch(self, mode):
        """To the agent's proof."""
        self.begin(mode)
        self.proven()
        assert wire.served_or_none(self.node.port) == (None if mode == "off" else self.bundle.fp), self.agent.tail()

    def rotate(self, bundle):
        self.bundle = bundle
        self.volume.publish(bundle)
        self.proven()
        assert seen_by_openssl(self.node.port) == bundle.fp


@pytest.fixture
def cluster(tmp_path, authority, tidy):
    """Plain, as it starts; kubelet at hand."""
    cluster = tidy(Cluster(tmp_path / "cluster", [None] * 4))
    for node in cluster.nodes:
        node.fault(time_grain="us")
    cluster.start()
    tidy(Kubelet(*cluster.nodes))
    cluster.members = [Member(tmp_path / f"m{n.node}", n, cluster, authority) for n in cluster.nodes]
    for member in cluster.members:
        tidy(member.agent)
    return cluster


def in_order(cluster):
    """Leaves, child aggregator, master aggregator: the driver's order of roles."""
    master, child, *leaves = cluster.members
    return (*leaves, child, master)


def switch_all(cluster, mode):
    for member in in_order(cluster):
        member.switch(mode)
        wait_for("the cluster is well", cluster.online, 20, 0.1, cluster.tail)


def test_tls_on_and_off_without_a_stop(cluster, authority, foreign):
    for mode in ("mixed", "on"):
        switch_all(cluster, mode)
    assert [n.variable("have_ssl") for n in cluster.nodes] == ["ON"] * 4
    assert all(n.variable("ssl_ca") for n in cluster.nodes)
    pids = [n.pid for n in cluster.nodes]
    for member in in_order(cluster):
        member.rotate(authority.issue())
        assert cluster.online(), cluster.tail()
    assert [n.pid for n in cluster.nodes] == pids
    roles = [m.agent.status()["engine"]["role"] for m in cluster.members]
    assert roles == ["master", "aggregator", "leaf", "leaf"]

    # One node's certificate that the others would not verify never reaches that node.
    leaf = cluster.members[2]
    attempt = leaf.node.variable("ssl_last_reload_attempt_time")
    leaf.volume.publish(foreign.issue())
    leaf.agent.wait_event("bundle_refused", 20, error="authority-changed")
    assert leaf.node.variable("ssl_last_reload_attempt_time") == attempt and cluster.online()
    leaf.volume.publish(leaf.bundle)

    for mode in ("mixed", "off"):
        switch_all(cluster, mode)
    assert [n.variable("have_ssl") for n in cluster.nodes] == ["OFF"] * 4


def test_leaf_waits_for_its_pair(cluster):
    """Its files are there, its settings too; the restart is put off until the other copy of the data is online."""
    for node in (cluster.child, cluster.master):
        node.fault(time_grain="us", leaf_states={"4": "recovering"})
    leaf = cluster.members[2]
    pid = leaf.node.pid
    leaf.begin("mixed")
    said = leaf.agent.wait_event("database_waited_for", 20, error="is recovering, not online")
    assert said["reason"] == "DatabaseNotReady"
    stays("not restarted", lambda: leaf.node.pid == pid and leaf.node.running(), 1)
    for node in (cluster.child, cluster.master):
        node.fault(leaf_states=None)
    leaf.proven()
    assert leaf.node.pid != pid and seen_by_openssl(leaf.node.port) == leaf.bundle.fp


def test_aggregator_finds_a_leaf_that_it_would_not_trust(cluster, authority, foreign, tmp_path):
    """A leaf loaded behind everybody's back: pools hide it, the reload of an aggregator does not, and goes back."""
    for mode in ("mixed", "on"):
        switch_all(cluster, mode)
    leaf, master = cluster.members[2], cluster.members[0]
    leaf.agent.stop()
    bad = foreign.issue()
    for name, data in (("b.crt", bad.cert), ("b.key", bad.key), ("b.ca", bad.ca)):
        (tmp_path / name).write_bytes(data)
    leaf.node.fault(reload_lies=[str(tmp_path / n) for n in ("b.crt", "b.key", "b.ca")])
    leaf.node.sql("SSL_RELOAD")
    assert cluster.online()
    good = master.bundle
    master.volume.publish(authority.issue())
    said = master.agent.wait_event(None, 60, level="error")
    assert f"leaf 127.0.0.1:{leaf.node.port}" in said["error"] and "do not verify" in said["error"], said
    wait_for("the old one is back", lambda: wire.served_or_none(master.node.port) == good.fp, 30, 0.1, master.agent.tail)
