# SPDX-License-Identifier: Apache-2.0
"""
The singlestore driver without the agent, against nodes of tests/peers/singlestore: a cluster, what it says when it
cannot, servers that misbehave on the wire, and the configuration of KubeDB's Reconfigure.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from support import wire
from support.drive import DRIVER, Drive
from support.poll import end_with_parent, wait_for
from support.singlestore import PYTHON, Cluster, Kubelet, SingleStore, write_files

pytestmark = pytest.mark.skipif(not os.access(DRIVER, os.X_OK), reason="drive_hook is not built")
PROGRAM = os.path.basename(os.path.realpath(PYTHON))


def secret(folder, bundle):
    """A folder as `published` and `check` read it."""
    folder.mkdir(exist_ok=True)
    for name, data in bundle.files().items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def node(tmp_path, authority, tidy):
    node = tidy(SingleStore(tmp_path / "node", files=tmp_path / "certs"))
    write_files(node.files, authority.issue())
    node.fault(time_grain="us")
    return node.start()


@pytest.fixture
def drive(node, tidy):
    return tidy(Drive("singlestore", socket=node.socket, user="root", publish=node.files, limit=10000))


@pytest.fixture
def over_tcp(node, tidy):
    return tidy(Drive("singlestore", host="127.0.0.1", port=node.port, user="root", publish=node.files, limit=3000))


def make_cluster(tmp_path, authority, tidy, **more):
    folders = [write_files(tmp_path / f"certs{i}", authority.issue()) for i in range(4)]
    cluster = tidy(Cluster(tmp_path / "cluster", folders, **more))
    for member in cluster.nodes:
        member.fault(time_grain="us")
    return cluster.start()


@pytest.fixture
def cluster(tmp_path, authority, tidy):
    return make_cluster(tmp_path, authority, tidy)


@pytest.fixture
def drives(cluster, tidy, tmp_path, authority):
    drives = []
    for member in cluster.nodes:
        drives.append(tidy(Drive("singlestore", socket=member.socket, user="root", publish=member.files, limit=10000,
                                 aggregator=f"127.0.0.1:{cluster.child.port}", process_pid_file=member.pid_file,
                                 process_executable=PROGRAM)))
        assert drives[-1](f"published {secret(tmp_path / 'published', authority.issue())}")["ok"]
    return drives


# --- one node


def test_reload_over_one_connection(node, drive, authority):
    for _ in range(3):
        bundle = authority.issue()
        write_files(node.files, bundle)
        answer = drive("reload")
        assert answer["ok"] and node.served() == bundle.fp, answer
    answer = drive("health")
    assert answer["ok"] and answer["role"] == "standalone" and not answer["clustered"], answer
    assert answer["version"] == "8.7.10" and answer["members"] == 0


def test_grain_of_a_second(node, drive, authority):
    """Twice within one second: neither time has moved, so it is asked for once more when that can show."""
    node.fault(time_grain="s")
    for _ in range(3):
        bundle = authority.issue()
        write_files(node.files, bundle)
        assert drive("reload")["ok"] and node.served() == bundle.fp
    (node.files / "server.key").write_bytes(authority.issue().key)
    answer = drive("reload")
    assert answer["reason"] == "DatabaseRefused" and "kept its old certificate" in answer["error"], answer


@pytest.mark.parametrize("fault", ["mismatch", "garbage", "missing", "ca"])
def test_refused_files_leave_the_old_ones_served(node, drive, authority, fault):
    before = node.served()
    write_files(node.files, authority.issue())
    if fault == "mismatch":
        (node.files / "server.key").write_bytes(authority.issue().key)
    elif fault == "garbage":
        (node.files / "server.crt").write_bytes(os.urandom(2000))
    elif fault == "missing":
        (node.files / "server.key").unlink()
    else:
        (node.files / "ca.crt").write_bytes(b"")
    answer = drive("reload")
    assert answer["reason"] == "DatabaseRefused" and "SSL_RELOAD" in answer["error"], answer
    assert node.served() == before and not node.said("FLUSH CONNECTION POOLS")


def test_node_without_tls(tmp_path, tidy):
    plain = tidy(SingleStore(tmp_path / "plain")).start()
    answer = tidy(Drive("singlestore", socket=plain.socket, user="root", publish=tmp_path))("reload")
    assert answer["reason"] == "DatabaseRefused" and "only a restart switches on" in answer["error"], answer
    assert not plain.said("SSL_RELOAD")


@pytest.mark.parametrize("faults,reason,said", [
    ({"tls": "drop"}, "ProtocolError", "no TLS handshake"),
    ({"tls": "stall"}, "ProtocolError", "no TLS handshake"),
    ({"greeting": "garbage"}, "", ""),
    ({"greeting": "http"}, "", ""),
    ({"greeting": "close"}, "DatabaseNotReady", ""),
    ({"greeting": {"error": [1129, "Host 'x' is blocked"]}}, "DatabaseNotReady", "FLUSH HOSTS"),
    ({"login": {"error": [1045, "Access denied"]}}, "LoginRefused", "GRANT SUPER, CLUSTER, SHOW METADATA ON"),
    ({"statements": {"SSL_RELOAD": {"error": [1227, "42000", "Access denied"]}}}, "PrivilegeMissing", "GRANT SUPER ON"),
    ({"statements": {"SHOW AGGREGATORS": {"error": [1227, "42000", "no"]}}}, "PrivilegeMissing", "GRANT SHOW METADATA ON"),
    ({"statements": {"FLUSH CONNECTION": {"error": [1227, "42000", "no"]}}}, "PrivilegeMissing", "GRANT CLUSTER ON"),
    ({"statements": {"SSL_RELOAD": "drop"}}, "ConnectionLost", ""),
    ({"statements": {"SSL_RELOAD": {"wait": 8}}}, "Timeout", "SSL_RELOAD"),
    ({"statements": {"SSL_RELOAD": {"error": [1064, "42000", "You have an error in your SQL syntax"]}}}, "DatabaseRefused",
     "an older server?"),
], ids=lambda x: json.dumps(x)[:40] if isinstance(x, dict) else "")
def test_misbehaving_nodes(node, over_tcp, authority, faults, reason, said):
    """Each has a sentence and ends within its time; the node goes on serving what it had, and the next try works."""
    before = node.served()
    node.fault(**faults)
    answer = over_tcp("reload")
    assert not answer["ok"] and answer["error"] and answer["ms"] < 6000, answer
    assert not reason or answer["reason"] == reason, answer
    assert said in answer["error"], answer
    node.fault(**{name: None for name in faults})
    assert "FLUSH" in str(faults) or node.served() == before
    bundle = authority.issue()
    write_files(node.files, bundle)
    wait_for("the next try works", lambda: over_tcp("reload")["ok"], 30, 0.2, node.tail)
    assert node.served() == bundle.fp


def test_trickle(node, over_tcp):
    node.fault(trickle=1)
    assert over_tcp("reload")["ok"]


# --- a cluster


def test_roles_and_links(cluster, drives, authority, foreign, tmp_path):
    roles = []
    for drive, member in zip(drives, cluster.nodes):
        bundle = authority.issue()
        write_files(member.files, bundle)
        assert drive("reload")["ok"] and member.served() == bundle.fp
        answer = drive("health")
        assert answer["ok"] and answer["clustered"], answer
        roles.append((answer["role"], answer["members"]))
    assert roles == [("master", 4), ("aggregator", 4), ("leaf", 0), ("leaf", 0)]
    assert cluster.online()

    # A leaf of an authority that the others do not have: found before it is loaded ...
    answer = drives[2](f"check {secret(tmp_path / 'foreign', foreign.issue())}")
    assert answer["reason"] == "BundleRefused" and "authority-changed" in answer["error"], answer
    assert drives[2](f"check {secret(tmp_path / 'good', authority.issue())}")["ok"]
    # ... and when it was loaded behind our back, by the next aggregator that is asked.
    write_files(cluster.leaves[0].files, foreign.issue())
    cluster.leaves[0].sql("SSL_RELOAD")
    assert cluster.online()  # pools hide it
    answer = drives[0]("health")
    assert answer["reason"] == "DatabaseUnhealthy" and "do not verify" in answer["error"], answer
    assert f"leaf 127.0.0.1:{cluster.leaves[0].port}" in answer["error"], answer


def test_leaf_that_stops_taking_tls(cluster, drives):
    assert drives[0]("health")["ok"]
    cluster.leaves[1].fault(tls="drop")
    answer = drives[0]("health")
    assert f"leaf 127.0.0.1:{cluster.leaves[1].port} does not take TLS" in answer["error"], answer


def test_nodes_that_are_away(cluster, drives):
    """What was away before is no fault of a reload; what goes away with it is."""
    cluster.leaves[1].stop()
    assert drives[0]("reload")["ok"]
    answer = drives[0]("health")
    assert answer["ok"] and answer["members"] == 4, answer
    cluster.leaves[0].stop()
    answer = drives[0]("health")
    assert answer["reason"] == "DatabaseUnhealthy" and str(cluster.leaves[0].port) in answer["error"], answer


def test_partitions_that_are_not_online(cluster, drives):
    cluster.master.fault(partition_states={"3/replica": "recovering"})
    answer = drives[0]("health")
    assert answer["reason"] == "DatabaseUnhealthy" and "db_1 (replica) is recovering" in answer["error"], answer


def test_nodes_that_are_not_online(cluster, drives):
    cluster.master.fault(leaf_states={"4": "recovering"})
    answer = drives[0]("health")
    assert answer["reason"] == "DatabaseUnhealthy", answer
    assert f"leaf 127.0.0.1:{cluster.leaves[1].port} is recovering, not online" in answer["error"], answer
    cluster.master.fault(leaf_states=None)
    cluster.child.stop()
    answer = drives[0]("health")
    assert f"aggregator 127.0.0.1:{cluster.child.port} is offline" in answer["error"], answer


def restarted(node, drive, tidy):
    """Once a node and test: its kubelet stays, for what a thread has started ends with it."""
    kubelet = tidy(Kubelet(node))
    answer = drive("restart")
    if answer["ok"]:
        wait_for("it is back", lambda: kubelet.starts[node.node] == 1 and wire.served_or_none(node.port), 20, 0.1, node.tail)
        node.wait_up()
    return answer


def test_leaf_is_restarted_only_while_its_pair_is_well(cluster, drives, tidy):
    leaf, pair = cluster.leaves
    for states, said in (({"leaf_states": {"4": "recovering"}}, "is recovering, not online"),
                         ({"partition_states": {"4/master": "pending"}}, "db_0 (master) is pending")):
        cluster.child.fault(**states)
        pid = leaf.pid
        answer = drives[2]("restart")
        assert answer["reason"] == "DatabaseNotReady" and said in answer["error"], answer
        assert leaf.pid == pid and leaf.running()
        cluster.child.fault(leaf_states=None, partition_states=None)
    pair.stop()
    answer = drives[2]("restart")
    assert answer["reason"] == "DatabaseNotReady" and "offline" in answer["error"], answer
    pair.start()
    assert restarted(leaf, drives[2], tidy)["ok"]
    assert restarted(cluster.master, drives[0], tidy)["ok"]  # no question for an aggregator
    wait_for("all online", cluster.online, 20, 0.1, cluster.tail)


def test_leaf_that_cannot_be_told_about_its_pair(cluster, tidy):
    leaf = cluster.leaves[0]

    def drive(**more):
        return tidy(Drive("singlestore", socket=leaf.socket, user="root", publish=leaf.files, limit=5000,
                          process_pid_file=leaf.pid_file, process_executable=PROGRAM, **more))
    answer = drive()("restart")
    assert answer["reason"] == "DatabaseNotReady" and "set singlestore.aggregator" in answer["error"], answer
    answer = drive(aggregator=f"127.0.0.1:{cluster.leaves[1].port}")("restart")
    assert answer["reason"] == "DatabaseNotReady" and "is a leaf" in answer["error"], answer
    answer = drive(aggregator="127.0.0.1:1")("restart")
    assert answer["reason"] == "DatabaseNotReady" and "ask singlestore.aggregator" in answer["error"], answer
    answer = drive(aggregator=f"127.0.0.1:{cluster.child.port}", node="127.0.0.1:1")("restart")
    assert answer["reason"] == "DatabaseNotReady" and "singlestore.node" in answer["error"], answer
    assert leaf.running()
    assert restarted(leaf, drive(may_go_offline="true"), tidy)["ok"]


def test_only_copy_of_the_data(tmp_path, authority, tidy):
    cluster = make_cluster(tmp_path, authority, tidy, redundancy=1)
    leaf = cluster.leaves[0]
    drive = tidy(Drive("singlestore", socket=leaf.socket, user="root", publish=leaf.files, limit=5000,
                       aggregator=f"127.0.0.1:{cluster.child.port}", process_pid_file=leaf.pid_file,
                       process_executable=PROGRAM))
    answer = drive("restart")
    assert answer["reason"] == "DatabaseNotReady" and "only copy" in answer["error"] and leaf.running(), answer


def test_node_that_is_down_is_ended_without_questions(cluster, drives):
    cluster.leaves[0].stop()
    answer = drives[2]("restart")
    assert answer["reason"] == "DatabaseNotReady" and "pid file" in answer["error"], answer


@pytest.mark.parametrize("greeting", [{"error": [1040, "Too many connections"]}, "close", "silence"],
                         ids=["1040", "close", "silence"])
def test_node_that_turns_us_away_is_not_taken_for_one_that_is_down(cluster, drives, greeting):
    """It serves others: without an answer no restart."""
    leaf = cluster.leaves[0]
    leaf.fault(greeting=greeting)
    pid = leaf.pid
    answer = drives[2]("restart")
    assert not answer["ok"] and "pid file" not in answer["error"], answer
    assert leaf.running() and leaf.pid == pid and not leaf.said("ended gracefully")


def test_restart_is_the_way_out_where_nobody_can_log_in(node, tidy):
    """The certificate has ended and TLS is a must for all: a node that is no leaf needs not be asked."""
    drive = tidy(Drive("singlestore", host="127.0.0.1", port=node.port, user="root", publish=node.files, limit=3000,
                       process_pid_file=node.pid_file, process_executable=PROGRAM))
    node.fault(tls="drop")
    assert drive("restart")["reason"] == "ProtocolError" and node.running()  # it might be one
    node.fault(tls=None)
    assert drive("health")["role"] == "standalone"
    tidy(Kubelet(node))
    node.fault(tls="drop", statements={"SELECT": "drop"})
    before = node.pid
    assert drive("restart")["ok"]
    wait_for("another process", lambda: node.running() and node.pid != before)


# --- KubeDB's Reconfigure


class Config:
    def __init__(self, node):
        self.process = subprocess.Popen([Path(DRIVER).parent / "drive_config", node.socket, node.conf_d],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=end_with_parent)

    def __call__(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def cleanup(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0


def test_reconfigure(node, tidy, tmp_path):
    """As in KubeDB's guide: 250 by the Secret, 550 by applyConfig, 100000 after removeCustomConfig."""
    config = tidy(Config(node))

    def files(name, text):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "sdb-apply.cnf").write_text(text)
        return folder

    def request(*commands):
        for command in (*commands, "write"):
            answer = config(command)
            assert answer["ok"], answer

    assert node.variable("max_connections") == "100000"
    request(f"secret {files('secret', '[server]' + chr(10) + 'max_connections = 250' + chr(10))}")
    answer = config("prove")  # not before the node has started with it
    assert answer["reason"] == "DatabaseUnhealthy" and "max_connections is 100000" in answer["error"], answer
    for commands, value in (((), "250"), ((f"inline {files('inline', 'max_connections = 550' + chr(10))}",), "550"),
                            (("remove",), "100000")):
        if commands:
            request(*commands)
        node.restart()
        answer = config("prove")
        assert answer["ok"] and answer["max_connections"] == value == node.variable("max_connections"), answer
    assert not list(node.conf_d.iterdir())
    bad = files("bad", "[server\n")
    config(f"inline {bad}")
    answer = config("write")
    assert answer["reason"] == "Unreadable" or "line 1" in answer["error"], answer
    assert not list(node.conf_d.iterdir())
    request(f"inline {files('unknown', 'no_such_variable = 1' + chr(10))}")
    answer = config("prove")
    assert "no such variable" in answer["error"], answer
