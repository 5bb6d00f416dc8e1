# SPDX-License-Identifier: Apache-2.0
"""
The druid driver on real Druid nodes. What is served is looked at by OpenSSL's client and by curl, what is published by
Java's own keytool.
"""

import os
import shutil
import subprocess

import pytest

from support import druid
from support.agent import RELEASE
from support.authority import fingerprint, openssl
from support.druid import DruidStack, ZooKeeper
from support.openssl import chain_seen
from support.poll import stays, wait_for
from support.supervisor import Supervisor

pytestmark = pytest.mark.skipif(not druid.available(), reason="Druid could not be fetched from Maven Central")
ROLES = ["router", "coordinator", "historical", "middleManager"]


@pytest.fixture(scope="module")
def zookeeper(tmp_path_factory):
    server = ZooKeeper(tmp_path_factory.mktemp("zookeeper"))
    yield server
    server.cleanup()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, zookeeper, authority):
    """A node of every role, each with its agent. Started side by side: that is what takes the time."""
    folder = tmp_path_factory.mktemp("druid")
    stacks = {role: DruidStack(folder / role, role, zookeeper, authority) for role in ROLES}
    try:
        for stack in stacks.values():
            stack.begin()
        for stack in stacks.values():
            stack.finish()
        yield stacks
    finally:
        for stack in stacks.values():
            stack.cleanup()


@pytest.fixture
def router(cluster):
    return cluster["router"]


@pytest.fixture
def make(tmp_path, zookeeper, authority, tidy):
    return lambda **more: tidy(DruidStack(tmp_path / "stack", "router", zookeeper, authority, **more))


def seen_by_openssl(port):
    return fingerprint(chain_seen(port))


def rotate_all(cluster, bundles):
    for role, stack in cluster.items():
        stack.volume.publish(bundles[role])
    for role, stack in cluster.items():
        stack.wait_proven(bundles[role], 60)
        assert seen_by_openssl(stack.db.port) == bundles[role].fp
        stack.bundle = bundles[role]


def test_every_role_rotates_by_reload(cluster, authority):
    pids = {role: stack.db.pid for role, stack in cluster.items()}
    for _ in range(2):
        rotate_all(cluster, {role: authority.issue() for role in cluster})
    for role, stack in cluster.items():
        assert stack.db.pid == pids[role] and stack.db.running()
        engine = stack.agent.status()["engine"]
        assert (engine["version"], engine["role"]) == ("33.0.0", druid.ROLES[role][0])


def test_hundred_rotations(cluster):
    """Twenty-five of each role, side by side: the scanner of each takes a second or two for one."""
    pids = {role: stack.db.pid for role, stack in cluster.items()}
    for stack in cluster.values():
        stack.restart_agent(binary=RELEASE)
    for _ in range(25):
        rotate_all(cluster, {role: stack.authority.issue(key=stack.bundle.key) for role, stack in cluster.items()})
    for role, stack in cluster.items():
        assert not stack.agent.find(level="error") and not stack.agent.find("rollback_started")
        assert stack.db.pid == pids[role] and stack.db.running()
        stack.restart_agent(binary=None)


def test_documented_checks(router, authority):
    """KubeDB's own: the end date at the router's TLS port, and what its settings say; then curl and keytool."""
    bundle = router.rotate(authority.issue(days=77))
    served = openssl("x509", "-noout", "-enddate", "-issuer", stdin=chain_seen(router.db.port))
    assert served == openssl("x509", "-noout", "-enddate", "-issuer", stdin=bundle.cert)
    done = subprocess.run(["curl", "-sS", "--cacert", router.published / "ca.crt",
                           f"https://localhost:{router.db.port}/status/health"], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("true", "")
    keys, trust = router.keytool("keystore.jks"), router.keytool("truststore.jks")
    assert "Alias name: druid" in keys and "Entry type: PrivateKeyEntry" in keys, keys
    assert bundle.fp in keys.replace(":", "").lower()
    assert "Entry type: trustedCertEntry" in trust and "contains 1 entry" in trust, trust
    assert fingerprint(authority.root) in trust.replace(":", "").lower()
    for name in ("keystore.jks", "truststore.jks"):
        assert not os.path.islink(router.published / name)


def test_refused_before_the_node_hears_of_it(router, authority):
    before = (router.published / "keystore.jks").read_bytes()
    router.volume.publish(authority.issue(), key=authority.issue().key)
    router.wait_refused("key-mismatch")
    assert (router.published / "keystore.jks").read_bytes() == before
    assert seen_by_openssl(router.db.port) == router.bundle.fp
    router.rotate()


def test_store_password_that_druid_does_not_have(router, authority):
    """Druid would open no store with it, and serve nothing at all: nothing is written."""
    before = (router.published / "keystore.jks").read_bytes()
    router.password_file.write_text("something-else\n")
    router.volume.publish(authority.issue())
    said = router.wait_refused("^engine: .*password")
    assert str(router.password_file) in said["error"] and "only when it starts" in said["error"], said
    assert (router.published / "keystore.jks").read_bytes() == before
    assert seen_by_openssl(router.db.port) == router.bundle.fp
    router.password_file.write_text(druid.PASSWORD + "\n")
    router.rotate()


def test_new_authority_takes_a_restart(router, foreign, tidy):
    supervisor = tidy(Supervisor(router.db))
    bundle = router.rotate(foreign.issue(), deadline=120)
    assert supervisor.starts == 1 and router.agent.find("database_restarted")
    assert seen_by_openssl(router.db.port) == bundle.fp
    assert "contains 2 entries" in router.keytool("truststore.jks")
    done = subprocess.run(["curl", "-sS", "--cacert", foreign.ca_file(),
                           f"https://localhost:{router.db.port}/status/health"], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("true", "")
    router.rotate(foreign.issue())
    assert supervisor.starts == 1


def test_restart_that_never_comes_back(router, foreign, tidy):
    """The node does not start with the new store: the old one is put back, and with it the node."""
    # Time enough for the node to end, which comes first; coming back takes as long as the test lets it.
    patience = {"restart-limit": "20s", "retry-min": "5m", "retry-max": "5m"}
    router.restart_agent(apply="restart", **patience)
    good, bad = router.bundle, foreign.issue()
    supervisor = tidy(Supervisor(router.db, lambda: router.published_fp() != bad.fp))
    router.volume.publish(bad)
    router.agent.wait_event("rotation_rolled_back", 90)
    assert supervisor.refused > 0
    wait_for("the node is back", lambda: router.served_fp() == good.fp, 90, 0.2, router.tail)
    assert seen_by_openssl(router.db.port) == good.fp == router.published_fp()
    assert good.fp in router.keytool("keystore.jks").replace(":", "").lower()
    router.restart_agent(apply="auto", **{"restart-limit": "5m", "retry-min": "200ms", "retry-max": "2s"})
    router.rotate(foreign.issue())


def test_middle_manager_is_drained_first(cluster, tidy):
    """The command that ends it sees a worker that takes no tasks any more; started again it does."""
    stack = cluster["middleManager"]
    end = stack.dir / "end"
    end.write_text(f"""#!/bin/sh
curl -ks https://localhost:{stack.db.port}/druid/worker/v1/enabled >{stack.dir}/enabled
kill {stack.db.pid}
""")
    end.chmod(0o755)
    stack.restart_agent(apply="restart", process={"command": [str(end)]})
    supervisor = tidy(Supervisor(stack.db))
    stack.rotate(deadline=120)
    assert supervisor.starts == 1
    assert (stack.dir / "enabled").read_text().endswith(":false}")
    assert stack.db.get("/druid/worker/v1/enabled").endswith(":true}")


def test_reload_that_lies(make, tmp_path, authority):
    """The node looks at files that nobody publishes."""
    theirs = tmp_path / "theirs"
    stack = make(read=theirs, **{"verify-limit": "2s"})
    stack.bundle = good = authority.issue()
    stack.publish_first()
    shutil.copytree(stack.published, theirs, symlinks=True)
    stack.db.start()
    stack.finish()
    stack.volume.publish(authority.issue())
    said = stack.agent.wait_event("rotation_rolled_back", 60)
    assert "not" in said["error"] and "published" in said["error"], said
    assert seen_by_openssl(stack.db.port) == good.fp == stack.published_fp()
    assert good.fp in stack.keytool("keystore.jks").replace(":", "").lower()


def test_node_that_never_looks_is_restarted(make, tidy):
    stack = make()
    stack.db.settings.write_text(stack.db.settings.read_text().replace("reloadSslContext=true", "reloadSslContext=false"))
    stack.up()
    supervisor = tidy(Supervisor(stack.db))
    bundle = stack.rotate(deadline=120)
    assert supervisor.starts == 1
    assert seen_by_openssl(stack.db.port) == bundle.fp


def test_tls_on_and_off(make, tidy):
    """off, mixed, required, off: KubeDB's keys come and go, and what nobody asked about stays."""
    stack = make(starts_with_tls=False, tls="off")
    stack.agent.config["settings-file"] = str(stack.db.settings)
    plain = stack.db.settings.read_text()
    stack.bundle = stack.authority.issue()
    stack.publish_first()
    assert stack.db.settings.read_text() == plain
    stack.db.start()
    stack.wait_proven(stack.bundle, 60)
    assert stack.db.alive(tls=False) and not stack.db.alive(tls=True)
    supervisor = tidy(Supervisor(stack.db))
    for n, mode in enumerate(("mixed", "required"), 1):
        stack.restart_agent(tls=mode)
        stack.wait_proven(stack.bundle, 120)
        assert supervisor.starts == n
        assert seen_by_openssl(stack.db.port) == stack.bundle.fp
        assert stack.db.alive(tls=True) and stack.db.alive(tls=False) == (mode == "mixed")
        text = stack.db.settings.read_text()
        assert text.startswith(plain)
        for line in (f"druid.enablePlaintextPort={'true' if mode == 'mixed' else 'false'}",
                     "druid.enableTlsPort=true", "druid.server.https.certAlias=druid",
                     f"druid.server.https.keyStorePath={stack.published}/keystore.jks",
                     "druid.server.https.keyStoreType=jks",
                     'druid.server.https.keyStorePassword={"type": "environment", '
                     '"variable": "DRUID_KEY_STORE_PASSWORD"}',
                     f"druid.client.https.trustStorePath={stack.published}/truststore.jks",
                     "druid.client.https.validateHostnames=false"):
            assert line in text.splitlines(), text
    stack.rotate()
    assert supervisor.starts == 2
    stack.restart_agent(tls="off")
    stack.wait_proven(stack.bundle, 120)
    assert supervisor.starts == 3
    assert stack.db.settings.read_text() == plain
    assert stack.db.alive(tls=False) and stack.served_fp() is None
    stays("closed", lambda: stack.served_fp() is None, 0.5)


def test_tls_on_for_a_druid_without_the_password(make, tidy):
    """It cannot open the key store and does not start: its settings are put back as they were, and with them the node."""
    stack = make(starts_with_tls=False, tls="off")
    stack.agent.config["settings-file"] = str(stack.db.settings)
    stack.db.password = "not-that-one"
    plain = stack.db.settings.read_text()
    stack.publish_first()
    stack.db.start()
    stack.wait_proven(stack.bundle, 60)
    tidy(Supervisor(stack.db))
    stack.restart_agent(tls="mixed", **{"restart-limit": "20s", "retry-min": "5m", "retry-max": "5m"})
    stack.agent.wait_event("rotation_rolled_back", 120)
    assert stack.db.settings.read_text() == plain
    wait_for("the node is back", lambda: stack.db.alive(tls=False), 120, 0.2, stack.tail)
    assert stack.served_fp() is None
