# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one of everything a test needs, taken down in reverse order whatever happened."""

import itertools
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support.agent import BINARY, ROOT, Agent  # noqa: E402
from support.authority import Authority  # noqa: E402
from support.galera import PROVIDER, Galera  # noqa: E402
from support.kube import ControlPlane, missing  # noqa: E402
from support.kubelet import KubeletVolume  # noqa: E402
from support.load import LoadClients  # noqa: E402
from support.mariadb import MariaDB, make_template  # noqa: E402
from support.namespace import Namespace  # noqa: E402
from support.poll import STRETCH  # noqa: E402
from support.stack import Stack  # noqa: E402

ENGINES = ("_druid", "_galera", "_mssqlserver", "_singlestore")  # of the controller's modules, one engine each

_numbers = itertools.count(1)


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="1,000 rotations and longer soaks")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.get_closest_marker("long") and not config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason="only with --long"))
    # What needs a control plane goes to three workers, each with one of its own, and first: it is the longest of all. The
    # rest is shared by module.
    planes = {item.module for item in items if "cluster" in item.fixturenames}
    items.sort(key=lambda item: item.module not in planes)
    for item in items:
        group = item.module.__name__
        if item.module in planes:
            group = "engines" if group.endswith(ENGINES) else "controller" if group.startswith("test_control") else "kubernetes"
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def long(request):
    return request.config.getoption("--long")


@pytest.fixture(autouse=True)
def watchdog(long):
    """A test that stands still ends, and with it no more than itself."""
    def ring(*_):
        raise AssertionError("the test stands still")
    signal.signal(signal.SIGALRM, ring)
    signal.alarm(int((3600 if long else 600) * STRETCH))
    yield
    signal.alarm(0)


@pytest.fixture(scope="session", autouse=True)
def binary():
    if not os.access(BINARY, os.X_OK):
        pytest.exit(f"{BINARY} is not there: ./tests/run builds it (or set CERTROTATE)", returncode=2)


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    if shutil.which("mariadbd") is None:
        pytest.fail("mariadbd is not installed: apt-get install mariadb-server mariadb-client")
    return make_template(tmp_path_factory.mktemp("mariadb") / "template")


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def foreign(tmp_path_factory):
    """An authority that nobody trusts."""
    return Authority(tmp_path_factory.mktemp("foreign"), name="Foreign Authority")


@pytest.fixture
def volume(tmp_path):
    return KubeletVolume(tmp_path / "secret")


@pytest.fixture
def tidy():
    """tidy(x) calls x.cleanup() at the end, last one first; all of them, even when one fails."""
    things = []

    def add(thing):
        things.append(thing)
        return thing
    yield add
    errors = []
    for thing in reversed(things):
        try:
            thing.cleanup()
        except Exception as e:  # every thing has to go, and the first fault is told
            errors.append(e)
    if errors:
        raise errors[0]


@pytest.fixture
def mariadb(tmp_path, template, tidy):
    """A server over tmp_path/published; not started."""
    return tidy(MariaDB(tmp_path / "mariadb", template, tmp_path / "published"))


@pytest.fixture
def make_agent(tmp_path, tidy):
    def make(config, name="agent", **more):
        return tidy(Agent(tmp_path / name, config, **more))
    return make


@pytest.fixture
def stack(tmp_path, template, authority, tidy):
    """Volume, agent and server of one database, not started: stack.up() does."""
    return tidy(Stack(tmp_path, template, authority))


@pytest.fixture
def make_stack(tmp_path, template, authority, tidy):
    """make_stack(verify="1s"): the same with other settings."""
    def make(name="stack", **config):
        return tidy(Stack(tmp_path / name, template, authority, **config))
    return make


@pytest.fixture
def galera(template, tidy):
    if not os.path.exists(PROVIDER):
        pytest.fail("the Galera provider is not installed: apt-get install galera-4")
    return lambda published, **more: tidy(Galera(template, published, **more))


@pytest.fixture
def load(tmp_path, tidy):
    def start(port, ca_file, **more):
        return tidy(LoadClients(tmp_path, port, ca_file, **more))
    return start


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """One control plane for the whole run; `namespace` is what a test works in. Who stops it starts it again."""
    if missing():
        pytest.skip(missing())
    plane = ControlPlane(tmp_path_factory.mktemp("kubernetes") / "plane")
    try:
        yield plane.up()
    finally:
        plane.cleanup()


@pytest.fixture
def namespace(cluster, request):
    """A namespace of this test alone; the control plane is up."""
    cluster.up()
    word = re.sub("[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_")).strip("-")[:40].strip("-")
    return Namespace(cluster, f"{word}-{next(_numbers)}")


@pytest.fixture
def rights(namespace):
    """Rights and policies of an agent, as they stand in deploy/kubernetes/agent, for a database called px."""
    folder = ROOT / "deploy/kubernetes/agent"
    namespace.plane.kubectl("apply", "-f", folder / "policy.yaml")
    namespace.kubectl("apply", "-f", folder / "role.yaml")


@pytest.fixture(scope="session")
def requests_defined(cluster):
    """The OpsRequests of deploy/crds can be made."""
    cluster.up()
    cluster.define_requests()
