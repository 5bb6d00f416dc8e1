# SPDX-License-Identifier: Apache-2.0
"""
The druid driver on real Druid nodes. What is served is looked at by OpenSSL's client and by curl, what is published by
Java's own keytool.
"""

import re
import subprocess

import pytest

from support import druid
from support.authority import fingerprint
from support.druid import DruidStack, ZooKeeper

pytestmark = pytest.mark.skipif(not druid.available(), reason="Druid could not be fetched from Maven Central")


@pytest.fixture(scope="module")
def zookeeper(tmp_path_factory):
    server = ZooKeeper(tmp_path_factory.mktemp("zookeeper"))
    yield server
    server.cleanup()


@pytest.fixture
def make(tmp_path, zookeeper, authority, tidy):
    def start(role="router", name="stack", **more):
        return tidy(DruidStack(tmp_path / name, role, zookeeper, authority, **more))
    return start


def seen_by_openssl(port):
    shown = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{port}"], input=b"", capture_output=True,
                           timeout=30).stdout
    return fingerprint(re.search(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", shown, re.S)[0])


def test_rotates_by_reload(make):
    stack = make().up()
    pid = stack.db.pid
    for _ in range(3):
        bundle = stack.rotate()
        assert seen_by_openssl(stack.db.port) == bundle.fp
    assert stack.db.pid == pid and stack.db.running()
    assert stack.agent.status()["engine"]["version"] == "33.0.0"
