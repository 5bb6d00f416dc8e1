# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one node for all tests, a namespace for each."""

import itertools
import signal
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "e2e")]

from install import Install  # noqa: E402
from mission import SOON, Database, running  # noqa: E402
from node import Node, missing  # noqa: E402
from pods import Pod  # noqa: E402
from support import helm  # noqa: E402
from support.namespace import Namespace  # noqa: E402
from support.poll import STRETCH  # noqa: E402

_number = itertools.count(1)


# What one worker has with its node, the longest first; who is through takes the next. Some share a database.
GROUPS = (("test_mission", "test_mission_end", "test_uninstall"), ("test_samples",), ("test_mission_disturbed",),
          ("test_node", "test_injection"), ("test_druid",), ("test_sidecar",), ("test_singlestore",), ("test_mssqlserver",))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    place = {module: number for number, modules in enumerate(GROUPS) for module in modules}
    items.sort(key=lambda item: place[item.module.__name__])
    for item in items:
        item.add_marker(pytest.mark.xdist_group(GROUPS[place[item.module.__name__]][0]))


@pytest.fixture(autouse=True)
def watchdog():
    """A test that stands still ends, and with it no more than itself."""
    def ring(*_):
        raise AssertionError("the test stands still")
    signal.signal(signal.SIGALRM, ring)
    signal.alarm(int(1500 * STRETCH))
    yield
    signal.alarm(0)


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    why = missing()
    if why:
        pytest.fail(why)
    node = Node(tmp_path_factory.mktemp("node") / "node1")
    try:
        yield node.up()
    finally:
        node.cleanup()


@pytest.fixture(scope="session")
def agent_image(node):
    """What users get."""
    return node.certrotate()


def tree(node, what):
    name = node.tree(what)
    if name is None:
        pytest.fail(f"the image {what} is not there (tests/stages/node.sh builds it)")
    return name


@pytest.fixture(scope="session")
def mariadb_image(node):
    return tree(node, "mariadb")


@pytest.fixture(scope="session")
def engines_image(node):
    """Python, OpenSSL and Java, for what is no MariaDB."""
    return tree(node, "engines")


@pytest.fixture(scope="session")
def sqlserver_image(node):
    """One instance, under the name of the vendor's image."""
    return tree(node, "sqlserver")


@pytest.fixture(scope="session")
def dns(node):
    """Names of Services and pods resolve in pods."""
    if node.coredns() is None:
        pytest.fail("CoreDNS is not there (tests/stages/node.sh builds it)")
    text = (Path(__file__).parent / "dns.yaml").read_text().replace("ADDRESS", f"{node.services}.10")
    node.plane.kubectl("apply", "-f", "-", stdin=text)
    node.plane.kubectl("rollout", "status", "deployment/coredns", "--timeout=90s", namespace="kube-system")
    return node


@pytest.fixture(scope="session")
def install(node, agent_image):
    """Controller and webhook, as a cluster has them."""
    if helm.missing():
        pytest.fail(helm.missing())
    return Install(node).up()


@pytest.fixture
def namespace(node, request):
    """A namespace of this test's own; its pods are gone afterwards."""
    namespace = Namespace(node.plane, f"test-{next(_number)}")
    failed = request.session.testsfailed
    try:
        yield namespace
    finally:
        if request.session.testsfailed > failed:
            print(node.tail())
        namespace.call("DELETE", "pods?gracePeriodSeconds=0")


@pytest.fixture
def make_pod(namespace):
    """make_pod(name, spec): created, not waited for."""
    return lambda name, spec, **more: Pod(namespace, name).create(spec, **more)


@pytest.fixture(scope="session")
def deployed(node, dns, install, mariadb_image, tmp_path_factory):
    """Under the name and the kind of Percona XtraDB Cluster, which cannot be had."""
    with running(node, install, "mission", lambda namespace: Database(
            node, namespace, tmp_path_factory.mktemp("mission"), "px", "perconaxtradb")) as mission:
        yield mission


@pytest.fixture
def mission(node, deployed):
    node.configure(**SOON)
    return deployed
