# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one node for all tests, a namespace for each."""

import itertools
import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from node import Node, missing  # noqa: E402
from pods import Pod  # noqa: E402
from support.agent import RELEASE  # noqa: E402
from support.namespace import Namespace  # noqa: E402
from support.poll import STRETCH  # noqa: E402

_number = itertools.count(1)


@pytest.fixture(autouse=True)
def watchdog():
    """A test that stands still ends, and with it no more than itself."""
    def ring(*_):
        raise AssertionError("the test stands still")
    signal.signal(signal.SIGALRM, ring)
    signal.alarm(int(600 * STRETCH))
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
    """The release build, which is what users get."""
    if not os.access(RELEASE, os.X_OK):
        pytest.fail(f"{RELEASE} is not there: cmake --workflow --preset release (or set CERTROTATE_RELEASE)")
    return node.certrotate(RELEASE)


@pytest.fixture(scope="session")
def mariadb_image(node):
    name = node.mariadb()
    if name is None:
        pytest.fail("the image of MariaDB is not there (tests/stages/node.sh builds it)")
    return name


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
