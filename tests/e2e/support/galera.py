# SPDX-License-Identifier: Apache-2.0
"""
Three MariaDB nodes on loopback with TLS on every link: clients, group, incremental state transfer.

Nodes start from one copied data directory, so that joining needs no full transfer. Even then the joiner's
rsync daemon writes one file, as nobody when started by root: hence a folder of our own that lets it.
"""

import shutil
import tempfile
from pathlib import Path

from .mariadb import MariaDB
from .poll import free_ports, wait_for

PROVIDER = "/usr/lib/galera/libgalera_smm.so"


class Galera:
    def __init__(self, template, published, nodes=3, option_files=None):
        """
        published: one folder of files a node, complete before start(). option_files: one a node, which say all
        of TLS; then only `option_provider` of each node's own settings is for the file to repeat.
        """
        self.option_files = option_files
        self._folder = tempfile.TemporaryDirectory(prefix="cr-galera-")
        self.dir = Path(self._folder.name)
        self.dir.chmod(0o755)
        ports = free_ports(4 * nodes)
        self.group_ports = ports[:nodes]
        address = "gcomm://" + ",".join(f"127.0.0.1:{p}" for p in self.group_ports)
        self.nodes = []
        for i in range(nodes):
            client, ist, sst = ports[nodes + 3 * i:nodes + 3 * i + 3]
            self.nodes.append(self._node(i, template, published[i], address, client, ist, sst))

    def _node(self, i, template, files, address, client, ist, sst):
        group = self.group_ports[i]
        plain = [f"gmcast.listen_addr=tcp://127.0.0.1:{group}", f"ist.recv_addr=127.0.0.1:{ist}", "gcache.size=8M",
                 "gcs.fc_limit=64", "evs.suspect_timeout=PT10S", "evs.inactive_timeout=PT30S"]
        options = ";".join(["socket.ssl=yes", f"socket.ssl_ca={files}/ca.crt", f"socket.ssl_cert={files}/tls.crt",
                            f"socket.ssl_key={files}/tls.key", *plain])
        node = MariaDB(self.dir / f"node{i}", template, None if self.option_files else files, port=client, extra=[
            "--wsrep-on=ON", f"--wsrep-provider={PROVIDER}", "--wsrep-cluster-name=e2e",
            f"--wsrep-cluster-address={address}",
            f"--wsrep-node-name=node{i}", f"--wsrep-node-address=127.0.0.1:{group}", "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address=127.0.0.1:{sst}", "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--default-storage-engine=InnoDB"])
        node.provider_options = ";".join(plain)
        if self.option_files:
            node.option_file = self.option_files[i]
        else:
            node.extra.append(f"--wsrep-provider-options={options}")
        return node

    def start(self):
        first = self.nodes[0]
        for node in self.nodes:
            node.with_tls = self.option_files is None
        first.extra.append("--wsrep-new-cluster")
        first.start(deadline=60)
        first.stop()
        for node in self.nodes[1:]:
            shutil.rmtree(node.datadir)
            shutil.copytree(first.datadir, node.datadir,
                            ignore=shutil.ignore_patterns("galera.cache", "gvwstate.dat"))
        for node in self.nodes:
            node.datadir.chmod(0o777)
        first.start(deadline=60)
        first.extra.remove("--wsrep-new-cluster")
        for node in self.nodes[1:]:
            node.start(wait=False)
        for node in self.nodes[1:]:
            node.wait_up(60)
        self.wait_synced()
        return self

    def synced(self):
        wanted = {"wsrep_local_state_comment": "Synced", "wsrep_cluster_status": "Primary",
                  "wsrep_cluster_size": str(len(self.nodes))}
        return all(node.status(name) == value for node in self.nodes for name, value in wanted.items())

    def wait_synced(self, deadline=60):
        wait_for("all nodes synced", self.synced, deadline, 0.2, self.tail)

    def tail(self):
        return "".join(n.tail() for n in self.nodes)

    def cleanup(self):
        for node in reversed(self.nodes):
            node.cleanup()
        self._folder.cleanup()
