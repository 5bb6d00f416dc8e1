# SPDX-License-Identifier: Apache-2.0
"""
PostgresOpsRequests and RedisOpsRequests on real servers, by the driver `generic`: the first certificate, a rotation, another
issuer, other names; each by a reload. Who is to take TLS off hears that the agent does not switch it.
"""

import pytest

from support import pod_redis, postgres
from support.failures import NOT_COVERED
from support.fleet import Fleet
from support.flows import Flows, issuer_ref
from support.namespace import Namespace
from support.pod_postgres import PostgresPod
from support.pod_redis import RedisPod
from support.stage import staged


KINDS = {"postgres": (PostgresPod, postgres), "redis": (RedisPod, pod_redis)}


@pytest.fixture(scope="module", params=KINDS)
def flows(request, cluster, tmp_path_factory, requests_defined):
    pod, server = KINDS[request.param]
    if not server.available():
        pytest.skip(f"{request.param} is not installed")
    fleet = Fleet(Namespace(cluster, f"control-{request.param}"), tmp_path_factory.mktemp("fleet"), kind=request.param,
                  name="orders", pods=1, pod=pod)
    with staged(fleet, ["issuer", "issuer-2"], Flows) as flows:
        yield flows


def test_add(flows):
    """It waits for its certificate to start at all."""
    assert flows.certificates() == {} and flows.fleet.served() == [None]
    flows.succeed("add", issuerRef=issuer_ref("issuer"))
    assert flows.serve_the_secret().issuer == "CN=issuer authority"


def test_reloads(flows):
    flows.reload_each()


def test_refused(flows):
    flows.with_tls()
    before, (pod,) = flows.picture(), flows.fleet.pods
    pod.reconfigure(names=[NOT_COVERED])
    try:
        flows.fail("rotate", [f"pod {pod.name}: ", NOT_COVERED], "10m", rotateCertificates=True)
    finally:
        pod.reconfigure(names=None)
    flows.same_as(before)


def test_remove(flows):
    flows.with_tls()
    before = flows.picture()
    flows.fail("remove", "the agents are not to switch TLS", "10m", remove=True)
    flows.same_as(before)
