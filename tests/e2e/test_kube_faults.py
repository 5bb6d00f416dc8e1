# SPDX-License-Identifier: Apache-2.0
"""
The agent's watch of the API server under everything that networks, proxies and servers do to it. Three promises each
time: no change is missed, it goes on by itself, and meanwhile it does not ask over and over. Each fault has a lane of
its own (a proxy, a Secret, a watch), and all lanes run side by side.
"""

import os
import signal

import pytest

from support.api_proxy import ApiProxy, WireProxy, error_frame
from support.drive_kube import DRIVER, KubeWatch
from support.poll import stays, wait_for

pytestmark = pytest.mark.skipif(not os.access(DRIVER, os.X_OK), reason="drive_kube is not built: there is no watch yet")

# With pauses of 0.1 to 1 s a lane asks at most 10 times in 4 s, and each time may be a list and a watch.
QUICK = {"pause": 200, "pause_max": 1000, "refused_max": 1000}
WINDOW, MOST = 4.0, 22
LIST, WATCH, ANY = r"GET (?!.*watch=)", "GET .*watch=", "GET"

# What the server seems to do all the time, until it is well again.
FAULTS = {
    "list-cut": ("cut", LIST, {"after": 100}),
    "list-unanswered": ("cut", LIST, {"after": None}),
    "list-half": ("truncate", LIST, {}),
    "list-garbage": ("garbage", LIST, {}),
    "list-endless": ("end", LIST, {"after": 50}),
    "watch-cut": ("cut", WATCH, {"after": 30}),
    "watch-cut-at-once": ("cut", WATCH, {"after": 0}),
    "watch-unanswered": ("cut", WATCH, {"after": None}),
    "watch-ends-at-once": ("end", WATCH, {"after": 0}),
    "watch-ends-in-a-frame": ("end", WATCH, {"after": 40}),
    "watch-garbage": ("garbage", WATCH, {}),
    "watch-gone": ("frame", WATCH, {}),
    "watch-frame-500": ("frame", WATCH, {"data": error_frame(500)}),
    "watch-frame-half": ("frame", WATCH, {"data": error_frame()[:20]}),
    "watch-frame-empty": ("frame", WATCH, {"data": b"{}\n"}),
    "watch-frame-blank": ("frame", WATCH, {"data": b"\n\n\n"}),
    "wire-garbage": ("garbage", ANY, {"wire": True}),
    "status-401": ("status", ANY, {"code": 401}),
    "status-403": ("status", ANY, {"code": 403}),
    "status-404": ("status", ANY, {"code": 404}),
    "status-409": ("status", ANY, {"code": 409}),
    "status-410": ("status", ANY, {"code": 410}),
    "status-429": ("status", ANY, {"code": 429, "retry_after": 1}),
    "status-429-now": ("status", ANY, {"code": 429, "retry_after": 0}),
    "status-500": ("status", ANY, {"code": 500}),
    "status-503": ("status", ANY, {"code": 503, "body": b"<html>Service Unavailable</html>"}),
    "status-200-empty": ("status", ANY, {"code": 200, "body": b""}),
}
# What only makes it slow: it has to work all the same.
SLOW = {"trickle": ("trickle", ANY, {"size": 7, "pause": 0.001}), "delay": ("delay", ANY, {"seconds": 0.3})}


class Lane:
    def __init__(self, namespace, folder, tidy, name, fault):
        self.name, self.namespace = name, namespace
        self.kind, self.pattern, self.settings = fault
        self.proxy = tidy(ApiProxy(namespace.plane))
        self.config = namespace.plane.kubeconfig(folder / f"{name}.conf", token=namespace.plane.token,
                                                 port=self.proxy.port)
        self.tidy, self.watch, self.number = tidy, None, 0
        self.change()

    def change(self):
        self.number += 1
        self.version = self.namespace.config_map(self.name, n=str(self.number))["metadata"]["resourceVersion"]

    def start(self):
        self.watch = self.tidy(KubeWatch(self.config, self.namespace.path("configmaps"), self.name, **QUICK))

    def spoil(self):
        self.proxy.add(self.kind, self.pattern, count=None, **self.settings)

    def is_told(self):
        return self.watch.last(self.name) == self.version


@pytest.fixture
def lanes(namespace, tmp_path, tidy):
    return lambda faults: [Lane(namespace, tmp_path, tidy, name, fault) for name, fault in faults.items()]


def check(lanes):
    """Well again: each lane hears of its last change, of no older one afterwards, and has not asked too often."""
    for lane in lanes:
        lane.change()
        lane.proxy.clear()
    wait_for("all lanes are told", lambda: all(lane.is_told() for lane in lanes), 60, 0.1, lambda: "\n".join(
        lane.name + lane.watch.tail() for lane in lanes if not lane.is_told()))
    for lane in lanes:
        lane.change()
    wait_for("and told again", lambda: all(lane.is_told() for lane in lanes), 60, 0.1, lambda: "\n".join(
        lane.name + lane.watch.tail() for lane in lanes if not lane.is_told()))
    busy = {lane.name: lane.proxy.busiest(WINDOW) for lane in lanes if lane.proxy.busiest(WINDOW) > MOST}
    assert not busy, f"requests within {WINDOW:g} s: {busy}"
    assert not {lane.name: lane.watch.went_back() for lane in lanes if lane.watch.went_back()}


def suffer(lanes):
    """Long enough for a loop to show."""
    wait_for("every lane has met its fault", lambda: all(lane.proxy.faults[0].hits for lane in lanes), 60, 0.1,
             lambda: str([lane.name for lane in lanes if not lane.proxy.faults[0].hits]))
    stays("nobody loops", lambda: all(lane.proxy.busiest(WINDOW) <= MOST for lane in lanes), WINDOW, 0.2,
          lambda: str({lane.name: lane.proxy.busiest(WINDOW) for lane in lanes}))


def test_from_the_start(lanes):
    lanes = lanes(FAULTS)
    for lane in lanes:
        lane.spoil()
        lane.start()
    suffer(lanes)
    check(lanes)


def test_in_the_middle(lanes):
    """Live, then the connection is cut, and what comes then is bad. Lists are asked for after a 410 only."""
    lanes = lanes(FAULTS)
    for lane in lanes:
        lane.start()
    wait_for("all lanes are told", lambda: all(lane.is_told() for lane in lanes), 60, 0.1)
    wait_for("all watch", lambda: all(lane.proxy.running(WATCH) for lane in lanes), 60, 0.1)
    for lane in lanes:
        lane.spoil()
        if lane.pattern == LIST:
            lane.proxy.frame_now(WATCH)
        lane.proxy.cut_now()
        lane.change()
    suffer(lanes)
    check(lanes)


def test_slow_is_no_fault(lanes):
    lanes = lanes(SLOW)
    for lane in lanes:
        lane.spoil()
        lane.start()
    for _ in range(3):
        wait_for("all lanes are told", lambda: all(lane.is_told() for lane in lanes), 60, 0.1)
        for lane in lanes:
            lane.change()
    for lane in lanes:
        assert not lane.watch.find("LOST"), lane.watch.tail()
    check(lanes)


def test_a_watch_that_dies_silently(lanes):
    (lane,) = lanes({"silent": ("silence", WATCH, {"after": 0})})
    lane.watch = lane.tidy(KubeWatch(lane.config, lane.namespace.path("configmaps"), lane.name, silence=1000, **QUICK))
    lane.watch.wait_last(lane.name, lane.version)
    for _ in range(3):
        wait_for("it watches", lambda: lane.proxy.running(WATCH))
        assert lane.proxy.mute_now() == 1
        lane.change()
        lane.watch.wait_last(lane.name, lane.version)
    assert lane.proxy.busiest(WINDOW) <= MOST


def test_a_server_that_never_answers(lanes):
    """Not even a head: the call's own limit ends it."""
    (lane,) = lanes({"mute": ("silence", ANY, {"after": None})})
    lane.proxy.add("silence", LIST, after=None)
    lane.start()
    lane.watch.wait_last(lane.name, lane.version)
    lane.proxy.add("silence", WATCH, after=None)
    lane.proxy.cut_now()
    lane.change()
    lane.watch.wait_last(lane.name, lane.version)


def test_a_write_storm(namespace, lanes):
    """Cut in the middle of frames, over and over, while it changes: what is told last is what is there."""
    (lane,) = lanes({"storm": ("cut", WATCH, {"after": 700})})
    lane.start()
    lane.watch.wait_last(lane.name, lane.version)
    lane.proxy.add("cut", WATCH, count=5, after=700)
    lane.proxy.cut_now()
    for _ in range(60):
        lane.change()
    check([lane])


# --- bytes, HTTP/2


@pytest.fixture
def wired(namespace, tmp_path, tidy):
    """A watch over HTTP/2, live."""
    lane = Wired()
    lane.namespace, lane.name, lane.number = namespace, "wired", 0
    lane.proxy = tidy(WireProxy(namespace.plane.port))
    lane.change()
    config = namespace.plane.kubeconfig(tmp_path / "wire.conf", token=namespace.plane.token, port=lane.proxy.port)
    lane.watch = tidy(KubeWatch(config, namespace.path("configmaps"), lane.name, silence=1000, **QUICK))
    lane.watch.wait_last(lane.name, lane.version)
    return lane


class Wired(Lane):
    def __init__(self):
        pass

    def hears(self):
        self.change()
        self.watch.wait_last(self.name, self.version)


def test_http2_cut(wired):
    for _ in range(3):
        wired.proxy.cut()
        wired.hears()
    assert len(wired.proxy.connections) <= MOST


def test_http2_refused(wired):
    wired.proxy.refuse()
    wired.change()
    wired.watch.wait_event("LOST")
    stays("no storm", lambda: wired.watch.counts()["requests"] <= MOST, 3, 0.5)
    wired.proxy.listen()
    wired.watch.wait_last(wired.name, wired.version)
    wired.hears()


def test_http2_silence(wired):
    """Behind a firewall that has forgotten the connection: nothing comes, nothing is refused."""
    for _ in range(2):
        assert wired.proxy.mute() >= 1
        wired.hears()


def test_http2_held(wired):
    wired.proxy.hold()
    wired.change()
    wired.proxy.go()
    wired.watch.wait_last(wired.name, wired.version)


def test_http2_one_byte_at_a_time(wired):
    wired.proxy.pace, wired.proxy.delay = (1, 0), 0.0
    wired.proxy.cut()
    wired.hears()


# --- the server itself


@pytest.mark.parametrize("how", ["ended", "killed", "frozen", "forgetful"])
def test_the_api_server(cluster, wired, how):
    if how == "forgetful":
        wired.proxy.refuse()
        for _ in range(3):
            wired.change()
        cluster.forget_history()
        wired.proxy.listen()
    elif how == "frozen":
        cluster.server.freeze()
        try:
            wired.watch.wait_event("LOST", 90)
        finally:
            cluster.server.thaw()
    else:
        cluster.restart(signal.SIGTERM if how == "ended" else signal.SIGKILL)
    wired.hears()
    wired.hears()
    assert not wired.watch.went_back()


def test_many_changes_while_the_server_comes_and_goes(cluster, wired):
    for _ in range(2):
        for _ in range(20):
            wired.change()
        cluster.restart(signal.SIGKILL)
        wired.change()
    wired.watch.wait_last(wired.name, wired.version)
    assert not wired.watch.went_back()
