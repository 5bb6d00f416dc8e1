# SPDX-License-Identifier: Apache-2.0
"""
Reconfigure on real parts, as the guides do it: from a Secret, by applyConfig over it, and away with all of it; and
what the server refuses is taken back on every pod. Values are asked of each server.
"""

import pytest

from support.custom import ConfiguredMariaDB
from support.fleet import Fleet
from support.namespace import Namespace
from support.pod import MariaDBPod
from support.stage import staged


class ConfiguredPod(MariaDBPod):
    server = ConfiguredMariaDB


@pytest.fixture(scope="module")
def stage(cluster, tmp_path_factory, template, requests_defined):
    namespace = Namespace(cluster, "control-config")
    fleet = Fleet(namespace, tmp_path_factory.mktemp("config"), template, pods=2, pod=ConfiguredPod, has_files=True)
    with staged(fleet) as flows:
        yield flows


def values(flows, name="max_connections"):
    found = [pod.db.run_client(f"SELECT @@GLOBAL.{name}") for pod in flows.fleet.pods]
    return [done.stdout.strip() if done.returncode == 0 else None for done in found]


def configure(flows, what, phase="Successful", timeout="60s", **configuration):
    name = flows.name(what)
    flows.fleet.request(name, type="Reconfigure", configuration=configuration, timeout=timeout)
    conditions = flows.fleet.wait_phase(name, phase, 180)
    flows.at_rest()
    return conditions


def test_whole_story(stage):
    stage.namespace.call("POST", "secrets", {"metadata": {"name": "px-config"}, "stringData": {
        "my.cnf": "[mysqld]\nmax_connections = 250\n"}})
    before = values(stage)
    conditions = configure(stage, "first", "Failed", "15s",
                           applyConfig={"px.cnf": "[mysqld]\nno_such_variable_at_all = 1\n"})
    assert "on the way back" not in conditions["Reconfigure"]["message"], "it came back to no file at all"
    assert values(stage) == before
    conditions = configure(stage, "secret", configSecret={"name": "px-config"})
    assert values(stage) == ["250", "250"]
    assert conditions["Reconfigure"]["status"] == "True"
    assert all(conditions[f"CheckConfiguration--{pod.name}"]["status"] == "True" for pod in stage.fleet.pods)

    configure(stage, "apply", applyConfig={"px.cnf": "max_connections = 550\n"})
    assert values(stage) == ["550", "550"]
    configure(stage, "more", applyConfig={"px.cnf": "max_user_connections = 77\n"})
    assert values(stage) == ["550", "550"], "merged key by key"
    assert values(stage, "max_user_connections") == ["77", "77"]

    conditions = configure(stage, "refused", "Failed", "15s",
                           applyConfig={"px.cnf": "no_such_variable_at_all = 1\n"})
    assert "px-0" in conditions["Reconfigure"]["message"], conditions
    assert values(stage) == ["550", "550"] and values(stage, "max_user_connections") == ["77", "77"]

    configure(stage, "remove", removeCustomConfig=True)
    assert values(stage) == before
