# SPDX-License-Identifier: Apache-2.0
"""
MySQLOpsRequests on two real servers of Oracle's: TLS is added, rotated, moved to another issuer, updated and removed, and
the servers are configured; a request that fails leaves all as it was.
"""

import pytest

from support import mysql
from support.fleet import Fleet
from support.flows import Flows, issuer_ref
from support.namespace import Namespace
from support.pod_mysql import MySQLPod
from support.stage import staged


@pytest.fixture(scope="module")
def flows(cluster, tmp_path_factory, requests_defined):
    if not mysql.available():
        pytest.skip("MySQL of Debian unstable could not be fetched")
    template = mysql.make_template(tmp_path_factory.mktemp("mysql") / "template")
    fleet = Fleet(Namespace(cluster, "control-mysql"), tmp_path_factory.mktemp("fleet"), template, kind="mysql",
                  name="orders", pods=2, pod=MySQLPod, has_files=True)
    with staged(fleet, ["issuer", "issuer-2"], Flows, step_timeout="2m") as flows:
        yield flows


def values(flows, name):
    return [pod.db.sql(f"SELECT @@GLOBAL.{name}")[0][0] for pod in flows.fleet.pods]


def test_add(flows):
    """A fresh MySQL speaks TLS by itself, with a pair that it has made."""
    assert flows.certificates() == {} and None not in flows.fleet.served()
    flows.succeed("add", issuerRef=issuer_ref("issuer"), requireSSL=True)
    flows.serve_the_secret()
    assert values(flows, "require_secure_transport") == ["1", "1"]


def test_reloads(flows):
    flows.reload_each()


def test_reconfigure(flows):
    flows.with_tls()
    before = values(flows, "max_connections")
    flows.wait_success(flows.reconfigure("apply", applyConfig={"my.cnf": "[mysqld]\nmax_connections = 321\n"}))
    assert values(flows, "max_connections") == ["321"] * 2
    flows.wait_success(flows.reconfigure("clear", removeCustomConfig=True))
    assert values(flows, "max_connections") == before


def test_one_that_does_not_start(flows):
    """With TLS taken away from it: the other, which has gone first, gets it back."""
    flows.with_tls()
    before, pod = flows.picture(), flows.fleet.pods[1]
    reads = pod.reads()
    pod.may_start = lambda: pod.reads() == reads
    try:
        flows.wait_failure(flows.ask("remove", remove=True), f"pod {pod.name}: ", deadline=300)
    finally:
        pod.may_start = lambda: True
    flows.same_as(before)


def test_remove(flows):
    flows.with_tls()
    flows.succeed("remove", remove=True)
    flows.fleet.assert_plain()
    assert flows.certificates() == {}
