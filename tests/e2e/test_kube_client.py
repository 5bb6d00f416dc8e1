# SPDX-License-Identifier: Apache-2.0
"""
The client of the API server against a real one, HTTP/2 and all: how many connections, tokens that change, a server
that restarts or stands still.
"""

import os
import signal
import time

import pytest

from support.drive_client import DRIVER, DriveClient
from support.poll import wait_for

pytestmark = pytest.mark.skipif(not os.access(DRIVER, os.X_OK), reason="drive_client is not built")


@pytest.fixture
def client(cluster, namespace, tidy):
    return tidy(DriveClient(cluster.admin))


def watch(namespace):
    return namespace.path("configmaps?watch=1&resourceVersion=0&allowWatchBookmarks=true")


def names(n):
    return [f"s{i}" for i in range(n)]


def refused(client, limit_ms=0):
    answer = client.call("GET", "/version", limit_ms)
    return answer if answer["status"] == 0 else None


def all_see(client, streams, text):
    wait_for(f"{len(streams)} streams see {text}", lambda: all(text in client.data(s) for s in streams), 60, 0.2)


def test_watches_and_calls_share_one_connection(cluster, namespace, client):
    streams = names(50)
    client.streams(streams, watch(namespace))
    namespace.config_map("first", a="1")
    all_see(client, streams, '"first"')
    for _ in range(20):
        assert client.call("GET", namespace.path("configmaps/first"))["status"] == 200
    assert client.connections(cluster.port) == 1


def test_more_streams_than_a_connection_takes(cluster, namespace, client):
    """The server allows 100 on one: what is beyond does not wait."""
    streams = names(150)
    client.streams(streams, watch(namespace))
    namespace.config_map("first", a="1")
    all_see(client, streams, '"first"')
    assert client.call("GET", namespace.path("configmaps/first"))["status"] == 200
    assert not any(client.of(s, "done") for s in streams)
    assert 2 <= client.connections(cluster.port) <= 16


def test_cancelled_streams_end_at_the_server(cluster, namespace, client):
    """Beside others with the next bytes, and at once when nobody else is left."""
    before = cluster.api.watches(resource="configmaps", scope="namespace")
    client.streams(names(10), watch(namespace))

    def open_streams():
        return cluster.api.watches(resource="configmaps", scope="namespace") - before
    wait_for("ten are open", lambda: open_streams() == 10)
    client.send(*(f"cancel {name}" for name in names(9)))
    namespace.config_map("first", a="1")
    all_see(client, ["s9"], '"first"')
    wait_for("one is left", lambda: open_streams() == 1)
    assert client.connections(cluster.port) == 1
    client.send("cancel s9")
    wait_for("none is left", lambda: open_streams() == 0)
    assert client.call("GET", "/version")["status"] == 200


def test_bodies_and_answers_arrive_whole(namespace, client):
    text = "x" * 200000
    made = client.call("POST", namespace.path("configmaps"),
                       body='{"metadata":{"name":"big"},"data":{"a":"%s"}}' % text)
    assert made["status"] == 201, made
    changed = client.call("PATCH", namespace.path("configmaps/big"), body='{"data":{"b":"1"}}')
    assert changed["status"] == 200 and text in changed["body"]
    refused = client.call("POST", namespace.path("configmaps"), body='{"metadata":{"name":"Big"}}')
    assert refused["status"] == 422 and '"kind":"Status"' in refused["body"]
    assert client.call("DELETE", namespace.path("configmaps/big"))["status"] == 200
    assert client.call("GET", namespace.path("configmaps/big"))["status"] == 404


def test_a_quiet_client_sleeps(namespace, client):
    """Also after it has written something: no timer, no socket that is always ready."""
    client.streams(names(5), watch(namespace))
    text = "x" * 100000
    assert client.call("POST", namespace.path("configmaps"),
                       body='{"metadata":{"name":"big"},"data":{"a":"%s"}}' % text)["status"] == 201
    all_see(client, names(5), '"big"')
    time.sleep(1)  # for the last frames
    before = client.wakeups()
    time.sleep(5)
    assert client.wakeups() - before <= 10  # a bookmark a minute comes on each stream


def test_a_token_that_is_renewed(cluster, namespace, tmp_path, tidy):
    namespace.account("agent")
    token = tmp_path / "token"
    token.write_text(namespace.token("agent"))
    client = tidy(DriveClient(cluster.kubeconfig(tmp_path / "config", token_file=token)))
    review = ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", 0,
              '{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"}')
    assert f"{namespace.name}:agent" in client.call(*review)["body"]
    token.write_text("expired")
    assert client.call(*review)["status"] == 401
    token.write_text("")
    assert "the token is empty" in client.call(*review)["error"]
    namespace.account("other")
    token.write_text(namespace.token("other"))
    assert f"{namespace.name}:other" in client.call(*review)["body"]
    assert client.connections(cluster.port) == 1


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_restarts(cluster, namespace, client, signo):
    client.streams(names(5), watch(namespace))
    namespace.config_map("first", a="1")
    all_see(client, names(5), '"first"')
    cluster.server.process.send_signal(signo)
    # Told to end, the server waits a minute for its watches; the first call that is refused makes us let go of them.
    away = wait_for("a refused call", lambda: refused(client))
    assert away["reason"] in ("DatabaseNotReady", "ConnectionLost"), away
    for name in names(5):
        client.end_of(name)
    cluster.restart()
    client.streams(["again"], watch(namespace))
    all_see(client, ["again"], '"first"')
    assert client.connections(cluster.port) == 1


def test_a_server_that_stands_still(cluster, namespace, client):
    """Its kernel still acknowledges: only the missing answer tells. One limit ends all of the connection."""
    client.streams(names(5), watch(namespace))
    namespace.config_map("first", a="1")
    all_see(client, names(5), '"first"')
    cluster.server.freeze()
    try:
        late = wait_for("a call without an answer", lambda: refused(client, 1000))
        assert late["reason"] == "Timeout", late
        for name in names(5):
            ended = client.end_of(name)
            assert (ended["status"], ended["reason"]) == (200, "ConnectionLost"), ended
    finally:
        cluster.server.thaw()
    assert client.call("GET", "/version")["status"] == 200
    assert client.connections(cluster.port) == 1
