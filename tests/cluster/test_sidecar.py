# SPDX-License-Identifier: Apache-2.0
"""
A MariaDB pod with the agent as native sidecar; cert-manager writes the Secret, on its own and renewed. What the
database serves is looked at from outside the pod. The database is never restarted.
"""

import pytest
from database import VOLUME, Database
from support.authority import Authority, fingerprint
from support.poll import stays, wait_for

SECRET = "db-tls"
NEVER = "1h"  # a kubelet that is not told anything looks that seldom


@pytest.fixture
def make_database(namespace, agent_image, mariadb_image):
    """make_database(name): certificate, then the pod, up to Ready: the agent has proven what is served."""
    def make(name="db", grant=None, **more):
        namespace.issuer()
        namespace.certificate("db", secret=SECRET, names=("localhost", f"{name}.test"))
        database = Database(namespace, name, agent_image, mariadb_image, SECRET, **more)
        if grant is not None:
            database.grant(*grant)
        database.up()
        database.wait_served(leaf(namespace))
        return database
    return make


def leaf(namespace):
    return fingerprint(namespace.secret_files(SECRET)["tls.crt"])


def renew_and_wait(namespace, database):
    """cert-manager renews it, the database serves it, and nothing was restarted."""
    before, containers = leaf(namespace), database.containers()
    namespace.renew("db")
    wait_for("the Secret is new", lambda: leaf(namespace) != before, 60, 0.1)
    database.wait_served(leaf(namespace))
    assert database.containers() == containers


def test_renewal_by_the_volume_alone(node, make_database, namespace, tmp_path):
    node.configure(syncFrequency="5s")
    database = make_database()
    assert "kubernetes.io/serviceaccount" not in str(database.pod.get()["spec"]), "no token, no API"
    database.pod.wait_still()
    renew_and_wait(namespace, database)
    renew_and_wait(namespace, database)
    (tmp_path / "ca.crt").write_bytes(namespace.secret_files(SECRET)["ca.crt"])
    assert database.served(tmp_path / "ca.crt") == leaf(namespace)


def test_database_waits_for_its_certificate(node, namespace, agent_image, mariadb_image):
    """No Secret, no start: the pod begins when cert-manager has issued."""
    node.configure(syncFrequency="5s")
    namespace.issuer()
    database = Database(namespace, "db", agent_image, mariadb_image, SECRET).up(wait=False)
    wait_for("the kubelet waits for the Secret", lambda: any(
        f'secret "{SECRET}" not found' in text for text in database.pod.events("FailedMount")), 60, 0.2)
    assert not [name for name, status in database.pod.statuses().items() if status.get("started")]
    namespace.certificate("db", secret=SECRET, names=("localhost", "db.test"))
    database.wait().wait_served(leaf(namespace))


@pytest.mark.parametrize("volume", [True, False], ids=["with-volume", "without-volume"])
def test_renewal_through_the_api(node, make_database, namespace, volume):
    """The kubelet has no part in it: it would take an hour, or there is no volume."""
    node.configure(syncFrequency=NEVER)
    config = "kubernetes:\n  pod: db\n  secret: db-tls\n"
    database = make_database(grant=[SECRET], api=True, volume=volume, config=(VOLUME if volume else "") + config)
    database.pod.wait_still()
    renew_and_wait(namespace, database)
    renew_and_wait(namespace, database)


@pytest.fixture
def due(tmp_path):
    """due(): bundles of an hour whose last ten minutes have come, so that a renewal is due and the agent nudges."""
    authority = Authority(tmp_path / "authority")
    return lambda: authority.issue(start=-3000, seconds=600)


def nudge_database(namespace, agent_image, mariadb_image, bundle, nudge):
    """May patch its pod, but read no Secret."""
    namespace.secret(SECRET, bundle)
    config = f"{VOLUME}kubernetes:\n  pod: db\n  nudge: {nudge}\n"
    database = Database(namespace, "db", agent_image, mariadb_image, SECRET, config=config, api=True)
    database.grant().up().wait_served(bundle.fp)
    database.pod.wait_still("certrotate.io/nudge")
    return database


def nudges(namespace):
    return namespace.call("GET", "pods/db")["metadata"].get("annotations", {}).get("certrotate.io/nudge")


def test_renewal_with_a_nudge(node, namespace, agent_image, mariadb_image, due):
    node.configure(syncFrequency=NEVER)
    first, second = due(), due()
    database = nudge_database(namespace, agent_image, mariadb_image, first, "true")
    containers = database.containers()
    before = wait_for("it nudges", lambda: nudges(namespace), 30, 0.1, database.pod.explain)
    namespace.secret(SECRET, second)
    database.wait_served(second.fp, deadline=120)  # the one after the first may take a minute
    assert nudges(namespace) != before
    assert database.containers() == containers


def test_without_a_nudge_nothing_comes(node, namespace, agent_image, mariadb_image, due):
    """What the test before rests upon: this kubelet does not look on its own."""
    node.configure(syncFrequency=NEVER)
    first, second = due(), due()
    database = nudge_database(namespace, agent_image, mariadb_image, first, "false")
    namespace.secret(SECRET, second)
    stays("the old certificate is served", lambda: database.served() == first.fp, 25, 0.5)
    assert nudges(namespace) is None
