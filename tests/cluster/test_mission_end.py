# SPDX-License-Identifier: Apache-2.0
"""
The mission's last two: the database's own configuration, and TLS off again. Both restart every pod, one at a time.
"""


def test_reconfigure(mission):
    before = mission.values("max_connections")
    assert before != ["321"] * 3
    mission.wait_success(mission.reconfigure("apply", applyConfig={"my.cnf": "[mysqld]\nmax_connections = 321\n"}))
    assert mission.values("max_connections") == ["321"] * 3 and mission.fleet.is_cluster()
    settings = "[mysqld]\nmax_connections = 322\nmax_user_connections = 22\n"
    mission.namespace.kubectl("create", "secret", "generic", "px-settings", f"--from-literal=my.cnf={settings}")
    mission.wait_success(mission.reconfigure("secret", configSecret={"name": "px-settings"}))
    assert mission.values("max_user_connections") == ["22"] * 3 and mission.fleet.is_cluster()
    assert mission.values("max_connections") == ["321"] * 3, "what was merged goes over the Secret"
    mission.wait_success(mission.reconfigure("remove", removeCustomConfig=True))
    assert mission.values("max_connections") == before and mission.fleet.is_cluster()
    mission.is_read_everywhere(2)


def test_remove(mission):
    mission.with_tls()
    mission.succeed("remove", remove=True)
    mission.fleet.assert_plain()
    assert mission.certificates() == {} and mission.fleet.secret_fp() is None
    assert mission.fleet.is_cluster() and not any(mission.fleet.is_group_tls())
    mission.is_read_everywhere(3)
