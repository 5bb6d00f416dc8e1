# SPDX-License-Identifier: Apache-2.0
"""
The proxy that the fault tests stand on, without the agent: programs that know nothing of it work through it, and each
fault is what it says it is, as a plain Python client sees it.
"""

import asyncio
import http.client
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest

from support.api_proxy import ApiProxy, WireProxy, error_frame
from support.kube_api import Api, ApiError
from support.poll import stays, wait_for

BROKEN = (http.client.HTTPException, ConnectionError, ssl.SSLError)


@pytest.fixture
def proxy(cluster, namespace, tidy):
    return tidy(ApiProxy(cluster))


@pytest.fixture
def wire(cluster, namespace, tidy):
    return tidy(WireProxy(cluster.port))


@pytest.fixture
def through(cluster, proxy):
    return Api(proxy.port, cluster.ca_file, cluster.token)


class Watch:
    """What curl reads of a watch, line by line, until it ends or is ended."""

    def __init__(self, cluster, port, path, *more):
        self.lines, self.end = [], None
        self.process = subprocess.Popen(["curl", "-sSN", *more, "--cacert", cluster.ca_file, "-H",
                                         f"Authorization: Bearer {cluster.token}", f"https://127.0.0.1:{port}{path}"],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)
        self.end = self.process.wait()

    def events(self):
        return [json.loads(line)["type"] for line in self.lines if line.startswith("{")]

    def wait_events(self, *wanted):
        wait_for(f"events {wanted}", lambda: self.events() == list(wanted), explain=lambda: str(self.lines))

    def wait_end(self):
        return wait_for("the end", lambda: self.end is not None, explain=lambda: str(self.lines)) and self.end

    def cleanup(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def watch(cluster, namespace, tidy):
    """watch(port): of the Secret px, seen once already."""
    namespace.apply("secrets/px", {"data": {}})

    def start(port, *more):
        found = tidy(Watch(cluster, port, namespace.path("secrets?watch=1&fieldSelector=metadata.name=px"), *more))
        found.wait_events("ADDED")
        return found
    return start


def change(namespace):
    namespace.apply("secrets/px", {"data": {"n": "AA=="}})


def test_kubectl_and_curl_work_through_it(cluster, namespace, proxy, watch, tmp_path):
    config = cluster.kubeconfig(tmp_path / "proxy.conf", token=cluster.token, port=proxy.port)
    namespace.kubectl("create", "configmap", "plan", "--from-literal=turn=px-0", kubeconfig=config)
    namespace.kubectl("apply", "--server-side", "-f", "-", kubeconfig=config,
                      stdin='{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"plan"},"data":{"more":"x"}}')
    assert namespace.get("configmaps/plan")["data"] == {"turn": "px-0", "more": "x"}
    seen = watch(proxy.port)
    change(namespace)
    seen.wait_events("ADDED", "MODIFIED")
    namespace.delete("secrets/px")
    seen.wait_events("ADDED", "MODIFIED", "DELETED")
    (created,) = proxy.seen("POST .*/configmaps")
    assert created.status == 201 and created.agent.startswith("kubectl") and created.fault is None


def test_a_client_that_leaves_ends_its_watch_at_the_server(cluster, proxy, watch):
    before = cluster.api.watches(resource="secrets")
    seen = watch(proxy.port)
    assert cluster.api.watches(resource="secrets") == before + 1
    seen.cleanup()
    wait_for("no watch", lambda: cluster.api.watches(resource="secrets") == before)
    wait_for("nothing runs", lambda: not proxy.running())


def test_requests_that_come_early_are_not_lost(cluster, namespace, proxy):
    """While the answer to the first is still on its way (trickled), the second is sent on the same connection."""
    proxy.add("trickle", size=64, pause=0.01)
    context = ssl.create_default_context(cafile=cluster.ca_file)
    with socket.create_connection(("127.0.0.1", proxy.port), 30) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as sock:
            for path, more in (("/version", ""), ("/healthz", "Connection: close\r\n")):
                sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {cluster.token}\r\n"
                             f"{more}\r\n".encode())
            text = b"".join(iter(lambda: sock.recv(65536), b""))
    assert text.count(b"HTTP/1.1 200 OK\r\n") == 2 and text.endswith(b"ok")


def test_a_large_body_passes_both_ways(namespace, through):
    text = "x" * 900_000
    through.call("POST", namespace.path("configmaps"), {"metadata": {"name": "big"}, "data": {"text": text}})
    assert through.call("GET", namespace.path("configmaps/big"))["data"]["text"] == text


@pytest.mark.parametrize("code, reason", [(401, "Unauthorized"), (409, "Conflict"), (410, "Expired"),
                                          (429, "TooManyRequests"), (500, "InternalError"),
                                          (503, "ServiceUnavailable")])
def test_status(namespace, proxy, through, code, reason):
    """As often as said, only where it was aimed, and the server does not hear of it."""
    fault = proxy.add("status", "POST .*/configmaps", count=2, code=code, retry_after=7)
    body = {"metadata": {"name": "plan"}}
    assert through.call("GET", namespace.path("configmaps"))["items"] == []
    for _ in range(2):
        status, headers, _ = through.raw("POST", namespace.path("configmaps"), body)
        assert (status, headers["Retry-After"]) == (code, "7")
    assert namespace.get("configmaps/plan") is None
    assert through.call("POST", namespace.path("configmaps"), body) and fault.hits == 2
    proxy.add("status", code=code)
    with pytest.raises(ApiError) as refused:
        through.call("GET", namespace.path("configmaps/plan"))
    assert refused.value.reason == reason


def test_a_write_whose_answer_is_lost(namespace, proxy, through):
    proxy.add("status", "POST", code=500, reach=True)
    assert through.raw("POST", namespace.path("configmaps"), {"metadata": {"name": "a"}})[0] == 500
    assert namespace.get("configmaps/a")
    proxy.add("cut", "POST", after=None)
    with pytest.raises(BROKEN):
        through.raw("POST", namespace.path("configmaps"), {"metadata": {"name": "b"}})
    assert namespace.get("configmaps/b")
    proxy.add("cut", "POST", after=None, reach=False)
    with pytest.raises(BROKEN):
        through.raw("POST", namespace.path("configmaps"), {"metadata": {"name": "c"}})
    assert namespace.get("configmaps/c") is None


def test_cut_after_some_bytes(namespace, proxy, through):
    proxy.add("cut", after=10)
    with pytest.raises(BROKEN) as e:
        through.raw("GET", namespace.path("configmaps"))
    assert isinstance(e.value, http.client.IncompleteRead) and len(e.value.partial) == 10
    assert proxy.log[-1].fault == "cut" and proxy.log[-1].passed == 10


def test_silence_and_delay(namespace, proxy, through):
    for after in (None, 0, 10):
        proxy.add("silence", after=after)
        with pytest.raises(TimeoutError):
            through.raw("GET", namespace.path("configmaps"), timeout=0.5)
    proxy.add("delay", seconds=60)
    with pytest.raises(TimeoutError):
        through.raw("GET", namespace.path("configmaps"), timeout=0.5)
    proxy.add("delay", seconds=0.01)
    assert through.raw("GET", namespace.path("configmaps"))[0] == 200 and proxy.log[-1].fault == "delay"


def test_half_json_and_no_json(namespace, proxy, through):
    proxy.add("truncate")
    status, _, text = through.raw("GET", namespace.path("configmaps"))
    assert status == 200 and text.startswith(b'{"kind"')
    with pytest.raises(ValueError):
        json.loads(text)
    proxy.add("garbage")
    with pytest.raises(ValueError):
        through.call("GET", namespace.path("configmaps"))
    proxy.add("garbage", wire=True)
    with pytest.raises(http.client.BadStatusLine):
        through.raw("GET", namespace.path("configmaps"))


def test_slow_bytes(cluster, namespace, proxy):
    proxy.add("trickle", size=16, pause=0.001)
    connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=30,
                                             context=ssl.create_default_context(cafile=cluster.ca_file))
    connection.request("GET", namespace.path("configmaps"), headers={"Authorization": f"Bearer {cluster.token}"})
    answer, pieces = connection.getresponse(), []
    while piece := answer.read1(65536):
        pieces.append(piece)
    connection.close()
    assert json.loads(b"".join(pieces))["kind"] == "ConfigMapList"
    assert max(map(len, pieces)) == 16


def test_frames_in_a_watch(namespace, proxy, watch):
    seen = watch(proxy.port)
    assert proxy.frame_now() == 1
    seen.wait_events("ADDED", "ERROR")
    assert json.loads(seen.lines[-1])["object"]["code"] == 410
    change(namespace)
    seen.wait_events("ADDED", "ERROR", "MODIFIED")
    proxy.add("frame", "watch=", data=error_frame(500))
    other = Watch(namespace.plane, proxy.port, namespace.path("secrets?watch=1"))
    assert other.wait_end() == 0 and other.events() == ["ERROR"]


def test_a_watch_that_dies_silently(namespace, proxy, watch):
    seen, well = watch(proxy.port), watch(namespace.plane.port)
    assert proxy.mute_now() == 1
    change(namespace)
    well.wait_events("ADDED", "MODIFIED")
    stays("nothing comes", lambda: seen.events() == ["ADDED"] and seen.end is None, 0.5)
    assert proxy.cut_now() == 1
    assert seen.wait_end() != 0


def test_a_watch_that_is_silent_from_a_byte_on(namespace, proxy, watch):
    proxy.add("silence", "watch=", after=1)
    seen, well = Watch(namespace.plane, proxy.port, namespace.path("secrets?watch=1")), watch(namespace.plane.port)
    wait_for("one byte", lambda: [e.passed for e in proxy.running()] == [1])
    change(namespace)
    well.wait_events("ADDED", "MODIFIED")
    assert [e.passed for e in proxy.running()] == [1] and seen.end is None
    seen.cleanup()


def test_a_watch_ends_in_order(proxy, watch, namespace):
    proxy.add("end", "watch=", after=1)
    seen = Watch(namespace.plane, proxy.port, namespace.path("secrets?watch=1"))
    assert seen.wait_end() == 0 and seen.lines == ["{"]


def test_nobody_listens(proxy, through, watch):
    seen = watch(proxy.port)
    proxy.refuse()
    assert seen.wait_end() != 0
    with pytest.raises(ConnectionRefusedError):
        through.raw("GET", "/version")
    proxy.listen()
    assert through.raw("GET", "/version")[0] == 200


def test_requests_are_counted(proxy, through):
    for path in ("/version", "/version", "/healthz"):
        through.raw("GET", path)
    assert [e.path for e in proxy.seen()] == ["/version", "/version", "/healthz"]
    assert proxy.busiest(60) == 3 and proxy.busiest(60, "version") == 2
    assert proxy.busiest(0, "version") == 1
    assert proxy.seen(since=time.monotonic()) == []


# --- bytes, also of HTTP/2


def test_http2_passes_and_is_cut(namespace, wire, watch):
    seen = watch(wire.port, "--http2")
    change(namespace)
    seen.wait_events("ADDED", "MODIFIED")
    assert (len(wire.connections), wire.cut()) == (1, 1)
    assert seen.wait_end() != 0
    wait_for("no connection", lambda: wire.open_count() == 0)


def test_http2_falls_silent(cluster, namespace, wire, watch):
    seen, well = watch(wire.port, "--http2"), watch(cluster.port)
    assert wire.mute() == 1
    change(namespace)
    well.wait_events("ADDED", "MODIFIED")
    stays("nothing comes", lambda: seen.events() == ["ADDED"] and seen.end is None, 0.5)
    assert Api(wire.port, cluster.ca_file, cluster.token).raw("GET", "/version")[0] == 200


def test_bytes_are_held_and_go_on(cluster, namespace, wire, watch):
    seen, well = watch(wire.port, "--http2"), watch(cluster.port)
    wire.hold()
    change(namespace)
    well.wait_events("ADDED", "MODIFIED")
    stays("nothing comes", lambda: seen.events() == ["ADDED"], 0.5)
    wire.go()
    seen.wait_events("ADDED", "MODIFIED")


def test_bytes_come_late_and_one_by_one(cluster, wire):
    through = Api(wire.port, cluster.ca_file, cluster.token)
    wire.delay = 60
    with pytest.raises(TimeoutError):
        through.raw("GET", "/version", timeout=0.5)
    wire.delay = 0.01
    assert through.raw("GET", "/version")[0] == 200
    wire.delay, wire.pace, passed = 0, (1, 60), wire.passed
    with pytest.raises(TimeoutError):
        through.raw("GET", "/version", timeout=0.5)
    assert wire.passed == passed + 1
    wire.pace = (1, 0)
    assert through.raw("GET", "/version")[0] == 200


@pytest.mark.parametrize("kind, flag", [("api", "--http1.1"), ("wire", "--http2")])
def test_nothing_goes_on_behind_its_end(cluster, namespace, watch, kind, flag):
    server = ApiProxy(cluster) if kind == "api" else WireProxy(cluster.port)
    watch(server.port, flag)
    server.cleanup()
    assert asyncio.all_tasks(server._loop) == set()
