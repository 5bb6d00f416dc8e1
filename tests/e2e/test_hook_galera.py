# SPDX-License-Identifier: Apache-2.0
"""
Three real Galera nodes: health proves every link by a fresh mutual handshake. An established link survives a
certificate that nobody trusts, so these are the faults that cluster size and state do not show.
"""

import os
import shutil

import pytest

from support import wire
from support.drive import DRIVER, Drive
from support.poll import wait_for

pytestmark = pytest.mark.skipif(not os.access(DRIVER, os.X_OK), reason="drive_hook is not built")


def write(folder, bundle, **changed):
    folder.mkdir(exist_ok=True)
    for name, data in bundle.files(**changed).items():
        (folder / name).write_bytes(data)


@pytest.fixture
def cluster(tmp_path, galera, authority):
    folders = [tmp_path / f"files{i}" for i in range(3)]
    bundles = [authority.issue() for _ in folders]
    for folder, bundle in zip(folders, bundles):
        write(folder, bundle)
    cluster = galera(folders).start()
    cluster.folders = folders
    return cluster


@pytest.fixture
def drives(cluster, tidy):
    drives = [tidy(Drive("mariadb", socket=n.socket, user="root", publish=f, limit=20000))
              for n, f in zip(cluster.nodes, cluster.folders)]
    for drive, folder in zip(drives, cluster.folders):
        assert drive(f"published {folder}")["ok"]
    return drives


def sizes(cluster):
    return [n.status("wsrep_cluster_size") for n in cluster.nodes]


def test_leaf_rotated_on_every_node_and_every_link_proven(cluster, drives, authority, foreign, tmp_path):
    for drive, node, folder, port in zip(drives, cluster.nodes, cluster.folders, cluster.group_ports):
        answer = drive("health")
        assert answer["ok"] and answer["role"] == "member" and answer["clustered"] and answer["members"] == 3, answer
        assert answer["version"].startswith("10.") or answer["version"].startswith("11."), answer
        bundle = authority.issue()
        write(folder, bundle)
        assert drive("reload")["ok"] and drive(f"published {folder}")["ok"]
        answer = drive("health")
        assert answer["ok"], answer
        assert node.served() == bundle.fp
        assert wire.served_or_none(port, lambda p: wire.served_direct(
            p, client=(folder / "tls.crt", folder / "tls.key"))) == bundle.fp
    assert sizes(cluster) == ["3", "3", "3"]

    # A foreign authority is found before it is loaded ...
    write(tmp_path / "other", foreign.issue())
    answer = drives[0](f"check {tmp_path / 'other'}")
    assert answer["reason"] == "BundleRefused" and "authority-changed" in answer["error"], answer
    # ... and so is a leaf that members could not show to each other.
    write(tmp_path / "server-only", authority.issue(usage="serverAuth"))
    answer = drives[0](f"check {tmp_path / 'server-only'}")
    assert "clientAuth" in answer["error"], answer
    write(tmp_path / "good", authority.issue())
    assert drives[0](f"check {tmp_path / 'good'}")["ok"]

    # Behind our back one node gets a leaf nobody trusts: size and state stay right, the links do not.
    good = authority.issue()
    write(cluster.folders[1], foreign.issue())
    cluster.nodes[1].sql("FLUSH SSL")
    assert sizes(cluster) == ["3", "3", "3"]
    for i in (0, 2):
        answer = drives[i]("health")
        assert answer["reason"] == "DatabaseUnhealthy" or answer["reason"] == "Unhealthy" or not answer["ok"], answer
        assert f"127.0.0.1:{cluster.group_ports[1]}" in answer["error"], answer
        assert "do not verify" in answer["error"], answer
    write(cluster.folders[1], good)
    assert drives[1]("reload")["ok"] and drives[1](f"published {cluster.folders[1]}")["ok"]
    assert all(d("health")["ok"] for d in drives)

    # The other way round: our leaf is one that the peers refuse.
    write(cluster.folders[0], authority.issue(usage="serverAuth"))
    assert drives[0]("reload")["ok"] and drives[0](f"published {cluster.folders[0]}")["ok"]
    answer = drives[0]("health")
    assert "refuses the published certificate" in answer["error"], answer
    assert sizes(cluster) == ["3", "3", "3"]
    write(cluster.folders[0], good)
    assert drives[0]("reload")["ok"] and drives[0](f"published {cluster.folders[0]}")["ok"]

    # Published but never loaded: the node's own group listener tells.
    write(cluster.folders[2], authority.issue())
    assert drives[2](f"published {cluster.folders[2]}")["ok"]
    answer = drives[2]("health")
    assert "own group listener" in answer["error"], answer
    assert drives[2]("reload")["ok"] and drives[2]("health")["ok"]


def test_members_that_go_and_hang(cluster, drives):
    hung = cluster.nodes[2]
    hung.freeze()
    try:
        answer = drives[0]("health")
        assert f"127.0.0.1:{cluster.group_ports[2]}" in answer["error"], answer
        assert answer["ms"] < 15000
    finally:
        hung.thaw()
    cluster.wait_synced()
    hung.stop()
    wait_for("two members", lambda: cluster.nodes[0].status("wsrep_cluster_size") == "2")
    answer = drives[0]("health")  # an address that is no member is passed over
    assert answer["ok"] and answer["members"] == 2, answer


def test_a_node_without_quorum_says_so_and_still_reloads(cluster, drives, authority):
    assert drives[0]("reload")["ok"]
    for node in cluster.nodes[1:]:
        node.kill()
    wait_for("no quorum", lambda: cluster.nodes[0].status("wsrep_cluster_status") != "Primary", 60)
    answer = drives[0]("health")
    assert "quorum" in answer["error"] or "wsrep_connected" in answer["error"], answer
    bundle = authority.issue()
    write(cluster.folders[0], bundle)
    answer = drives[0]("reload")
    assert answer["ok"], answer
    assert cluster.nodes[0].served() == bundle.fp


def test_standalone_is_well(mariadb, authority, tidy):
    write(mariadb.files, authority.issue())
    mariadb.start()
    drive = tidy(Drive("mariadb", socket=mariadb.socket, user="root", publish=mariadb.files))
    answer = drive("health")
    assert answer["ok"] and answer["role"] == "standalone" and not answer["clustered"], answer
