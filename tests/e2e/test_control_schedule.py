# SPDX-License-Identifier: Apache-2.0
"""
When requests run, on real parts: a renewal waits for its window, what failed is tried again, what waits together is merged,
nobody is restarted who is not to be, and what is deleted leaves nothing behind. One MariaDB goes through all of it.
"""

import time

import pytest

from support.controller import Controller
from support.custom import ConfiguredMariaDB
from support.fleet import Fleet, databases_group
from support.flows import Flows, issuer_ref
from support.namespace import Namespace
from support.opsrequests import GROUP
from support.pod import MariaDBPod
from support.poll import wait_for

WINDOW = "certrotate.io/maintenance-window"


class ConfiguredPod(MariaDBPod):
    server = ConfiguredMariaDB


@pytest.fixture(scope="module")
def stage(cluster, tmp_path_factory, template, requests_defined):
    namespace = Namespace(cluster, "control-schedule")
    fleet = Fleet(namespace, tmp_path_factory.mktemp("schedule"), template, pods=1, pod=ConfiguredPod, has_files=True)
    controller = Controller(fleet.dir / "controller", cluster, namespace=namespace.name, step_timeout="60s")
    try:
        fleet.up()
        namespace.issuer("issuer")
        controller.start()
        yield Flows(fleet, controller)
    finally:
        try:
            controller.cleanup()
        finally:
            fleet.cleanup()


def value(flows, name="max_connections"):
    return flows.fleet.pods[0].db.run_client(f"SELECT @@GLOBAL.{name}").stdout.strip()


def annotate(flows, window):
    flows.namespace.patch("mariadbs/px", {"metadata": {"annotations": {WINDOW: window}}}, databases_group("mariadb"))


def requests(flows, with_name):
    """Their metadata."""
    found = flows.namespace.call("GET", "mariadbopsrequests", group=GROUP)["items"]
    return [r["metadata"] for r in found if with_name in r["metadata"]["name"]]


def renewals(flows, but=()):
    return [r for r in requests(flows, "-rotate-tls-auto") if r["uid"] not in [old["uid"] for old in but]]


def hours_from_now(first, last):
    """A window that is not open now."""
    return "-".join(time.strftime("%H:00", time.gmtime(time.time() + hours * 3600)) for hours in (first, last))


def test_without_a_restart(stage):
    before, starts = value(stage), stage.fleet.starts()
    files = {"px.cnf": "[mysqld]\nmax_connections = 321\n"}
    conditions = stage.wait_success(stage.reconfigure("spared", applyConfig=files, restart="false"))
    assert value(stage) == before != "321" and stage.fleet.starts() == starts
    assert "max_connections" in conditions["RestartPending--px-0"]["message"], conditions
    assert "RestartDatabase--px-0" not in conditions and "none was restarted" in conditions["RestartPods"]["message"]
    assert "321" in "".join(f.read_text() for f in stage.fleet.pods[0].files_dir.rglob("*px.cnf"))

    conditions = stage.wait_success(stage.reconfigure("needed", applyConfig=files))
    assert value(stage) == "321" and "RestartPending--px-0" not in conditions
    starts = stage.fleet.starts()
    stage.wait_success(stage.reconfigure("nothing", applyConfig=files))
    assert stage.fleet.starts() == starts, "nothing has changed"
    stage.wait_success(stage.reconfigure("forced", applyConfig=files, restart="true"))
    assert stage.fleet.starts() == [n + 1 for n in starts]


def test_merged(stage):
    """They come while nobody acts; together they are one restart."""
    stage.controller.stop()
    starts = stage.fleet.starts()
    first = stage.reconfigure("first", applyConfig={"px.cnf": "max_connections = 400\nmax_user_connections = 40\n"})
    gone = stage.reconfigure("gone", applyConfig={"px.cnf": "no_such_variable_at_all = 1\n"})
    second = stage.reconfigure("second", applyConfig={"px.cnf": "max_connections = 401\n"})
    stage.fleet.delete_request(gone)
    stage.controller.start()
    names = [first, second]
    for name in names:
        skipped = stage.fleet.wait_phase(name, "Skipped")["Skipped"]
        assert skipped["reason"] == "ConfigurationMerged", skipped
    merged, = (r["name"] for r in requests(stage, "px-rcfg-merged-"))
    assert merged in skipped["message"]
    conditions = stage.wait_success(merged)
    assert conditions["MergedFromOps"]["reason"] == "ConfigurationMerged"
    assert sorted(conditions["MergedFromOps"]["message"].split(", ")) == sorted(names)
    assert conditions["OriginalOpsSkipped"]["status"] == "True"
    assert value(stage) == "401" and value(stage, "max_user_connections") == "40"
    assert stage.fleet.starts() == [n + 1 for n in starts]


def test_tried_again(stage):
    stage.with_tls()
    name = stage.name("late")
    stage.fleet.request(name, tls={"issuerRef": issuer_ref("late")}, timeout="8s", maxRetries=2)
    told = stage.fleet.wait_condition(name, "Retrying", deadline=60)
    assert "try 1 of 3" in told["message"] and "Issuer late does not exist" in told["message"], told
    assert not stage.fleet.is_paused(), "in between the database is resumed"
    stage.namespace.issuer("late")
    conditions = stage.wait_success(name)
    assert stage.serve_the_secret().issuer == "CN=late authority"
    assert "RolledBack" not in conditions


def test_deleted_between_two_tries(stage):
    stage.with_tls()
    before = stage.fleet.served()
    name = stage.name("deleted")
    stage.fleet.request(name, tls={"issuerRef": issuer_ref("nobody")}, timeout="1s", maxRetries=9)
    stage.fleet.wait_condition(name, "Retrying", deadline=60)
    stage.fleet.delete_request(name)
    stage.at_rest()
    assert stage.fleet.served() == before


def test_renewal_waits_for_its_window(stage):
    before = stage.with_tls()
    old = renewals(stage)
    annotate(stage, hours_from_now(6, 7))
    stage.namespace.renew("px-server-cert")
    name, = wait_for("the renewal is a request", lambda: [r["name"] for r in renewals(stage, old)], 60)
    told = stage.fleet.wait_condition(name, "Scheduled")
    assert told["reason"] == "Waiting" and hours_from_now(6, 7) in told["message"], told
    assert stage.fleet.phase(name) in ("", "Pending") and not stage.fleet.is_paused()
    assert stage.fleet.served()[0].fingerprint == before.fingerprint != stage.fleet.secret_fp()

    annotate(stage, "at night")
    conditions = stage.wait_success(name)
    assert conditions["Scheduled"]["status"] == "False" and "'at night'" in conditions["Scheduled"]["message"]
    stage.serve_the_secret()


def test_waiting_renewal_is_deleted(stage):
    """Nothing is left of it; it is made anew, since what it was about still is."""
    stage.with_tls()
    old = renewals(stage)
    annotate(stage, hours_from_now(6, 7))
    stage.namespace.renew("px-server-cert")
    first, = wait_for("the renewal is a request", lambda: renewals(stage, old), 60)
    stage.fleet.delete_request(first["name"])
    again, = wait_for("it is made anew", lambda: [r for r in renewals(stage, old) if r["uid"] != first["uid"]], 60)
    assert again["annotations"] == first["annotations"]
    assert not stage.fleet.is_paused()
    # Somebody's own request brings it.
    stage.succeed("rotate", rotateCertificates=True)
    assert stage.fleet.phase(again["name"]) == "Skipped"
    stage.serve_the_secret()
