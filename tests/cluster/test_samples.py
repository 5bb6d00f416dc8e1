# SPDX-License-Identifier: Apache-2.0
"""
deploy/samples as they stand, by the commands of its README: authorities, a database, and one request after the other. What
is seen of a request is whether it did what its file says; how it goes about it is the mission's.
"""

import base64

import pytest
from engines import SQLServerMember
from mission import Database, Workload, stage
from support.agent import ROOT
from support.namespace import Namespace
from support.opsrequests import SAMPLES
from support.readme import commands, shell

README = ROOT / "deploy/samples/README.md"


class Sample(Workload):
    heading = None

    def lay(self):
        for command in commands(README, self.heading):
            shell(self.node.plane, self.dir, command)
        secret = self.namespace.call("GET", f"secrets/{self.name}-auth")
        self.password = base64.b64decode(secret["data"]["password"]).decode()


class Galera(Sample, Database):
    heading = "A database"


class SQLServer(Sample):
    """By one of tests/peers under the name of the vendor's image."""

    heading, kind, container, port, member = "A SQL Server", "mssqlserver", "mssql", 1433, SQLServerMember

    def __init__(self, node, namespace, folder):
        super().__init__(node, namespace, folder, None, "orders-ms", ["orders-ms-0"])

    def objects(self):
        return self.local_volumes()

    def apply(self):
        super().apply()
        self.lay()


@pytest.fixture(scope="module")
def orders(node, dns, install, mariadb_image, tmp_path_factory):
    namespace = Namespace(node.plane, "demo", make=False)
    with stage(Galera(node, namespace, tmp_path_factory.mktemp("orders")), install) as mission:
        yield mission


@pytest.fixture(scope="module")
def sqlserver(orders, install, sqlserver_image, tmp_path_factory):
    """Beside the other: in its namespace, with its issuers."""
    fleet = orders.fleet
    with stage(SQLServer(fleet.node, fleet.namespace, tmp_path_factory.mktemp("sqlserver")), install) as mission:
        yield mission


def carry_out(mission, what):
    path = SAMPLES / mission.fleet.kind / f"{what}.yaml"
    made = mission.namespace.kubectl("apply", "-f", path, "-o", "name").splitlines()
    mission.wait_success(made[-1].rpartition("/")[2])


def test_first_request(orders, tmp_path):
    orders.fleet.assert_plain()
    for command in commands(README, "Requests"):
        said = shell(orders.fleet.node.plane, tmp_path, command)
    assert "Successfully completed reconfigureTLS for orders" in said
    leaf = orders.serve_the_secret()
    assert leaf.issuer == "CN=orders authority" and "O=orders" in leaf.subject


def test_requests_of_tls(orders):
    leaf = orders.with_tls()
    containers = orders.fleet.containers()
    carry_out(orders, "rotate")
    assert orders.serve_the_secret().fingerprint != leaf.fingerprint
    carry_out(orders, "update-certificates")
    assert "O=team:data" in orders.serve_the_secret().subject
    carry_out(orders, "change-issuer")
    assert orders.serve_the_secret().issuer == "CN=orders authority 2027"
    assert orders.fleet.containers() == containers, "a reload each"
    carry_out(orders, "remove")
    orders.fleet.assert_plain()


def test_requests_of_configuration(orders):
    before = orders.values("max_connections")
    carry_out(orders, "reconfigure-secret")
    assert orders.values("max_connections") == ["250"] * 3
    carry_out(orders, "reconfigure-apply")
    assert orders.values("max_connections") == ["300"] * 3
    carry_out(orders, "reconfigure-remove")
    assert orders.values("max_connections") == before and orders.fleet.is_cluster()


def test_requests_to_a_sql_server(sqlserver):
    """Each but one restarts it: what clients show is no business of the server's."""
    (pod,) = sqlserver.fleet.pods
    sqlserver.fleet.assert_plain()
    carry_out(sqlserver, "add")
    leaf = sqlserver.serve_the_secret()
    assert leaf.issuer == "CN=orders authority"
    carry_out(sqlserver, "rotate")
    fresh, containers = sqlserver.serve_the_secret(), sqlserver.fleet.containers()
    assert fresh.fingerprint != leaf.fingerprint
    carry_out(sqlserver, "update-subject")
    assert sqlserver.fleet.containers() == containers and pod.served() == fresh
    for what, memory in (("secret", 3072), ("apply", 4096)):
        carry_out(sqlserver, f"reconfigure-{what}")
        assert pod.memory_mb() == memory
    carry_out(sqlserver, "change-issuer")
    assert sqlserver.serve_the_secret().issuer == "CN=orders authority 2027"
    carry_out(sqlserver, "remove")
    sqlserver.fleet.assert_plain()
