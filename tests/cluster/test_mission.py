# SPDX-License-Identifier: Apache-2.0
"""
The whole mission on a real node: a plain Galera cluster of three whose pods carry no sidecar in their YAML, and then
only OpsRequests; test_mission_end.py goes on with it. What is served is seen by handshakes through each pod's address and
through the Service; never is more than one pod away, and the Service never without one.
"""

from mission import served_all_the_time
from support.flows import issuer_ref
from support.poll import wait_for


def test_deployed_plain_and_injected(mission):
    owner = mission.namespace.get("statefulsets/px", "apps/v1")["spec"]["template"]["spec"]
    assert "initContainers" not in owner and len(owner["containers"]) == 1
    for pod in mission.fleet.pods:
        assert pod.statuses()["certrotate"]["ready"]
        assert pod.report()["tls"] == "off"
    mission.fleet.assert_plain()
    wait_for("they are a cluster", mission.fleet.is_cluster, 60, 0.5)
    mission.fleet.pods[0].sql("CREATE DATABASE d; CREATE TABLE d.t (n INT PRIMARY KEY)")
    mission.is_read_everywhere(0)
    mission.fleet.watcher.one_at_a_time()


def test_add(mission):
    mission.succeed("add", issuerRef=issuer_ref("issuer"), requireSSL=True)
    mission.serve_the_secret()
    assert mission.fleet.is_cluster() and all(mission.fleet.is_group_tls())
    assert set(mission.fleet.watcher.outages) == {"px-0", "px-1", "px-2"}
    mission.is_read_everywhere(1)
    mission.fleet.clients(mission.authority()).check(3)


def test_rotate(mission):
    leaf = mission.with_tls()
    before, revisions = mission.fleet.containers(), mission.revisions()
    with served_all_the_time(mission, mission.authority()) as clients:
        mission.succeed("rotate", rotateCertificates=True)
        fresh = mission.serve_the_secret()
        wait_for("clients see it", lambda: clients.timeline()[-1][1] == fresh.fingerprint, 30, 0.2)
    assert fresh.fingerprint != leaf.fingerprint
    assert mission.revisions() == {name: revision + 1 for name, revision in revisions.items()}
    assert mission.fleet.containers() == before and mission.fleet.is_cluster()


def test_change_issuer(mission):
    """Clients that trust both authorities notice nothing."""
    before = mission.with_tls()
    other = "issuer-2" if before.issuer == "CN=issuer authority" else "issuer"
    containers = mission.fleet.containers()
    with served_all_the_time(mission, mission.authority("issuer"), mission.authority("issuer-2")):
        mission.succeed("issuer", issuerRef=issuer_ref(other))
        assert mission.serve_the_secret().issuer == f"CN={other} authority"
    assert mission.fleet.containers() == containers and mission.fleet.is_cluster()


def test_update_certificates(mission):
    mission.with_tls()
    containers = mission.fleet.containers()
    with served_all_the_time(mission, mission.authority("issuer"), mission.authority("issuer-2")):
        mission.succeed("update", certificates=[
            {"alias": "server", "subject": {"organizations": ["kubedb:server", "team:data"]}}])
        assert "O=team:data" in mission.serve_the_secret().subject
    assert mission.fleet.containers() == containers


def test_cert_manager_renews_on_its_own(mission):
    """A minute after it has issued, because that is how long before the end it is to renew."""
    mission.with_tls()
    containers = mission.fleet.containers()
    with served_all_the_time(mission, mission.authority("issuer"), mission.authority("issuer-2")):
        mission.succeed("short", certificates=[{"alias": "server", "duration": "1h", "renewBefore": "59m"}])
        leaf, had = mission.serve_the_secret(), mission.renewals()
        name, = wait_for("there is a request", lambda: mission.renewals() - had, 150, 0.5)
        mission.succeed("long", certificates=[{"alias": "server", "duration": "1h", "renewBefore": "10m"}])
        assert mission.fleet.phase(name) == "Successful"
        assert mission.serve_the_secret().fingerprint != leaf.fingerprint
    assert mission.fleet.containers() == containers


def test_by_the_volume_alone(mission):
    """
    Agents that may not read the Secret see it when the kubelet brings it, each pod at another moment. A renewal by
    cert-manager and a change of issuer go the same way as ever.
    """
    before = mission.with_tls()
    other = "issuer-2" if before.issuer == "CN=issuer authority" else "issuer"
    containers = mission.fleet.containers()
    with mission.volume_alone(), served_all_the_time(mission, mission.authority("issuer"), mission.authority("issuer-2")):
        had = mission.renewals()
        mission.namespace.renew("px-server-cert")
        name, = wait_for("there is a request", lambda: mission.renewals() - had, 60, 0.2, mission.fleet.explain)
        mission.wait_success(name)
        assert mission.serve_the_secret().fingerprint != before.fingerprint
        mission.succeed("issuer", issuerRef=issuer_ref(other))
        assert mission.serve_the_secret().issuer == f"CN={other} authority"
        assert {pod.report()["via"] for pod in mission.fleet.pods} == {"volume"}
    assert mission.fleet.containers() == containers


def test_agents_are_small(mission, record_property):
    """After all of that; the webhook gives them 64 MiB."""
    for pod in mission.fleet.pods:
        resident, used = mission.fleet.node.cost(pod.statuses()["certrotate"]["containerID"])
        record_property(pod.name, f"{resident} KiB resident, {used:.2f} s of CPU")
        print(f"{pod.name}: {resident} KiB resident, {used:.2f} s of CPU")
        assert resident < 32 << 10
