# SPDX-License-Identifier: Apache-2.0
"""
deploy/samples as they stand, by the commands of its README: authorities, a database, and one request after the other. What
is seen of a request is whether it did what its file says; how it goes about it is the mission's.
"""

import base64

import pytest
from mission import Database, stage
from support.agent import ROOT
from support.namespace import Namespace
from support.opsrequests import SAMPLES
from support.readme import commands, shell

README = ROOT / "deploy/samples/README.md"


class Sample(Database):
    def lay(self):
        for command in commands(README, "A database"):
            shell(self.node.plane, self.dir, command)
        secret = self.namespace.call("GET", "secrets/orders-auth")
        self.password = base64.b64decode(secret["data"]["password"]).decode()


@pytest.fixture(scope="module")
def orders(node, dns, install, mariadb_image, tmp_path_factory):
    namespace = Namespace(node.plane, "demo", make=False)
    with stage(Sample(node, namespace, tmp_path_factory.mktemp("orders")), install) as mission:
        yield mission


def carry_out(mission, what):
    made = mission.namespace.kubectl("apply", "-f", SAMPLES / f"mariadb/{what}.yaml", "-o", "name").splitlines()
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
