# SPDX-License-Identifier: Apache-2.0
"""
The bench itself, without the agent: if these fail, no other result means anything. Each proves one promise of
a support class against the real server.
"""

import os
import socketserver
import ssl
import threading

import pytest

from support import wire
from support.authority import Authority, fingerprint, openssl
from support.poll import free_ports, wait_for
from support.watcher import Watcher, greets


def ready(volume, mariadb, bundle):
    volume.publish(bundle)
    mariadb.files = volume.path
    mariadb.start()


def test_wire_agrees_with_openssl(volume, mariadb, authority):
    bundle = authority.issue()
    ready(volume, mariadb, bundle)
    assert mariadb.served(authority.ca_file()) == bundle.fp
    shown = openssl("s_client", "-starttls", "mysql", "-connect", f"127.0.0.1:{mariadb.port}", stdin=b"")
    assert fingerprint(shown) == bundle.fp


def test_a_foreign_authority_is_not_trusted(volume, mariadb, authority, foreign):
    ready(volume, mariadb, authority.issue())
    with pytest.raises(ssl.SSLCertVerificationError):
        mariadb.served(foreign.ca_file())


def test_load_sees_a_reload_and_no_failure(volume, mariadb, authority, load):
    old, new = authority.issue(), authority.issue()
    ready(volume, mariadb, old)
    clients = load(mariadb.port, authority.ca_file())
    wait_for("some connections", lambda: clients.made > 20)
    volume.publish(new)
    mariadb.sql("FLUSH LOCAL SSL")
    wait_for("new leaf seen", lambda: new.fp in clients.seen())
    assert clients.check(20) >= 20
    assert [fp for _, fp in clients.timeline()] == [old.fp, new.fp]


def test_load_reports_failures(volume, mariadb, authority, foreign, load):
    """A load generator that cannot fail would prove nothing."""
    ready(volume, mariadb, authority.issue())
    clients = load(mariadb.port, foreign.ca_file())
    wait_for("a failure", lambda: clients.failures)
    clients.stop()
    assert "CERTIFICATE_VERIFY_FAILED" in clients.failures[0]
    with pytest.raises(AssertionError, match="connections failed"):
        clients.check()


def test_kubelet_layout(volume, authority):
    one, two = authority.issue(), authority.issue()
    volume.publish(one)
    first = volume.current()
    assert (volume.path / "tls.crt").read_bytes() == one.cert
    assert os.readlink(volume.path / "tls.crt") == "..data/tls.crt"
    assert volume.publish(one) is None and volume.current() == first
    volume.publish(two, ca=None)
    assert volume.current() != first and not (volume.path / first).exists()
    assert not os.path.lexists(volume.path / "ca.crt") and not os.path.lexists(volume.path / "..data_tmp")


def test_authority_dates_names_chain(tmp_path):
    ca = Authority(tmp_path / "ca", intermediate=True)
    key = ca.issue().key
    same, again = ca.issue(key=key), ca.issue(key=key)
    assert same.key == again.key and same.fp != again.fp
    assert same.cert.count(b"BEGIN CERTIFICATE") == 2
    future = ca.issue(start=3600, days=1)
    text = openssl("x509", "-noout", "-text", stdin=future.cert).decode()
    assert "DNS:db.test" in text and "TLS Web Server Authentication" in text
    leaf, root, chain = tmp_path / "leaf", tmp_path / "root", tmp_path / "chain"
    leaf.write_bytes(same.cert), root.write_bytes(same.ca), chain.write_bytes(ca.chain)
    openssl("verify", "-CAfile", root, "-untrusted", chain, leaf)
    leaf.write_bytes(future.cert)
    with pytest.raises(AssertionError, match="not yet valid"):
        openssl("verify", "-CAfile", root, "-untrusted", chain, leaf)


def test_mariadb_life(volume, mariadb, authority):
    ready(volume, mariadb, authority.issue())
    mariadb.create_user("agent", "secret", rights="RELOAD")
    assert mariadb.sql("SELECT CURRENT_USER()", user="agent", password="secret") == [["agent@%"]]
    before = mariadb.pid
    mariadb.restart()
    assert mariadb.pid != before and mariadb.served()
    mariadb.kill()
    assert wire.served_or_none(mariadb.port) is None


def test_galera_forms_a_cluster(tmp_path, galera, authority):
    bundle = authority.issue()
    folders = []
    for i in range(3):
        folder = tmp_path / f"files{i}"
        folder.mkdir()
        for name, data in bundle.files().items():
            (folder / name).write_bytes(data)
        folders.append(folder)
    (tmp_path / "client.crt").write_bytes(bundle.cert)
    (tmp_path / "client.key").write_bytes(bundle.key)
    cluster = galera(folders).start()
    for node, group in zip(cluster.nodes, cluster.group_ports):
        assert node.served(authority.ca_file()) == bundle.fp
        assert wire.served_direct(group, authority.ca_file(),
                                  client=(tmp_path / "client.crt", tmp_path / "client.key")) == bundle.fp


class Greeter:
    """A listener that greets, and is away on command; it stands for a server, and for the pod's namespace."""

    def __init__(self, port):
        self.port, self.listener = port, None
        self.come()

    def come(self):
        self.listener = socketserver.ThreadingTCPServer(("127.0.0.1", self.port), self._handler(), bind_and_activate=False)
        self.listener.allow_reuse_address = True
        self.listener.server_bind()
        self.listener.server_activate()
        threading.Thread(target=self.listener.serve_forever, args=(0.01,), daemon=True).start()

    def _handler(self):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.sendall(b"x")
        return Handler

    def go(self):
        self.listener.shutdown()
        self.listener.server_close()
        self.listener = None

    def cleanup(self):
        if self.listener:
            self.go()


class Pods:
    def __init__(self):
        self.ready = {}

    def pod_status(self, pod, ready):
        self.ready[pod] = ready


def test_watcher_sees_two_away(tidy):
    greeters = {f"px-{i}": tidy(Greeter(port)) for i, port in enumerate(free_ports(3))}
    pods = Pods()
    watcher = tidy(Watcher(pods, {name: lambda port=greeter.port: greets(port) for name, greeter in greeters.items()}))
    for name, greeter in greeters.items():  # one after the other
        greeter.go()
        wait_for("it is seen", lambda name=name: pods.ready.get(name) is False, 10)
        greeter.come()
        wait_for("it is back", lambda name=name: pods.ready[name], 10)
    watcher.one_at_a_time()
    assert watcher.outages == dict.fromkeys(greeters, 1)
    for name in ("px-0", "px-2"):
        greeters[name].go()
    wait_for("both are seen", lambda: watcher.together, 10)
    assert watcher.together[0][1] == ["px-0", "px-2"]
    with pytest.raises(AssertionError):
        watcher.one_at_a_time(["px-1"])
    wait_for("both are seen again", lambda: watcher.together, 10)
    watcher.one_at_a_time(["px-0"])
