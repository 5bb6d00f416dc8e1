# SPDX-License-Identifier: Apache-2.0
"""
The same for a Galera cluster of three under PerconaXtraDBOpsRequests, without a database object: the workload is what
gets paused. What is written on one member is read on all, throughout. One cluster goes through all of it, in this order,
and each request is made to fail, too.
"""

import pytest

from support.failures import Engine, cells
from support.fleet import Fleet
from support.flows import Flows, issuer_ref
from support.namespace import Namespace
from support.pod_galera import GaleraPod
from support.poll import wait_for
from support.stage import failing, staged

# Each restart joins again: who fails in one is the first, and those that only reload go on to the second.
ENGINE = Engine(["issuer", "issuer-2"], "px.cnf", "max_user_connections",
                lambda value: f"[mysqld]\nmax_user_connections = {value}\n", ["77", "88"], restarts=0)


class ClusterFlows(Flows):
    def picture(self):
        return {**super().picture(), "reads": [pod.reads() for pod in self.fleet.pods]}

    def same_as(self, before):
        super().same_as(before)
        self.check_cluster()

    def check_cluster(self):
        """One row more, written on another member each time."""
        self.fleet.cluster.wait_synced()
        self.fleet.pods[self.written % 3].db.sql(f"INSERT INTO d.t VALUES ({self.written})")
        self.written += 1
        for pod in self.fleet.pods:
            wait_for("replicated", lambda pod=pod: len(pod.db.sql("SELECT n FROM d.t")) == self.written, 20, 0.1)

    def values(self):
        return [pod.db.sql("SELECT @@GLOBAL.max_user_connections") for pod in self.fleet.pods]


@pytest.fixture(scope="module")
def stage(cluster, tmp_path_factory, template, requests_defined, foreign):
    fleet = Fleet(Namespace(cluster, "control-galera"), tmp_path_factory.mktemp("galera"), template, kind="perconaxtradb",
                  pod=GaleraPod, galera=True, has_object=False, has_files=True,
                  **{"restart-limit": "60s"})  # to join again takes its time on a busy machine
    with staged(fleet, ["issuer", "issuer-2"], ClusterFlows, step_timeout="2m") as flows, failing(flows, ENGINE, foreign):
        first, flows.written = fleet.pods[0].db, 0
        first.sql("CREATE DATABASE d")
        first.sql("CREATE TABLE d.t (n INT PRIMARY KEY)")
        yield flows


@pytest.fixture
def flows(stage):
    yield stage
    for pod in stage.fleet.pods:
        pod.may_start = lambda: True


def test_add(flows):
    flows.without_tls()
    flows.succeed("add", issuerRef=issuer_ref("issuer"), requireSSL=True)
    flows.serve_the_secret()
    for pod in flows.fleet.pods:
        assert pod.db.sql("SELECT @@require_secure_transport") == [["1"]]
    flows.check_cluster()


def test_rotate(flows):
    leaf, starts, revisions = flows.with_tls(), flows.fleet.starts(), flows.revisions()
    flows.succeed("rotate", rotateCertificates=True)
    assert flows.serve_the_secret().fingerprint != leaf.fingerprint
    assert flows.revisions() == {name: revision + 1 for name, revision in revisions.items()}
    assert flows.fleet.starts() == starts
    flows.check_cluster()


def test_change_issuer(flows):
    flows.with_tls()
    starts = flows.fleet.starts()
    flows.succeed("issuer", issuerRef=issuer_ref("issuer-2"))
    assert flows.serve_the_secret().issuer == "CN=issuer-2 authority"
    assert flows.fleet.starts() == starts
    flows.check_cluster()


@cells("issuer: issuer certificate proof", "update: certificate agent proof",
       "rotate: hold certificate agent proof deletion", "remove: start away deletion",
       long=("update: proof", "remove: start"))
def test_change_that(flows, request_, step):
    flows.failures.check(request_, step)


@cells("secret: secret key start", "apply: start value deletion", "clear: start",
       long=("secret: start", "apply: start", "clear: start"))
def test_configuration_that(flows, request_, step):
    flows.failures.check(request_, step)


def test_configuration(flows):
    """What was applied for those that fail, and away with it."""
    flows.failures.with_configuration()
    assert flows.values() == [[["77"]]] * 3
    flows.failures.without_configuration()
    assert flows.values() == [[["0"]]] * 3
    flows.check_cluster()


def test_remove(flows):
    flows.with_tls()
    flows.succeed("remove", remove=True)
    flows.fleet.assert_plain()
    assert flows.certificates() == {}
    flows.check_cluster()


@cells("add: issuer certificate start deletion", long=("add: start",))
def test_tls_that(flows, request_, step):
    if not flows.fleet.pods[0].fragment.exists():  # with the first Secret an agent lays the settings of `off`, too
        flows.with_tls()
    flows.failures.check(request_, step)
