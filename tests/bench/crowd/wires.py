# SPDX-License-Identifier: Apache-2.0
"""Many requests and some watches, from threads with a connection each that stays open."""

import heapq
import http.client
import itertools
import json
import socket
import sys
import threading
import time
import traceback
from collections import Counter

from support.kube_api import JSON, MERGE

WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Refused(Exception):
    def __init__(self, what, status, text):
        super().__init__(f"{what}: {status}: {text[:300]}")
        self.status = status


class Wire:
    """One connection; used by one thread."""

    def __init__(self, api, token):
        self.api, self.headers = api, {"Authorization": f"Bearer {token}", "Accept": JSON}
        self.connection, self.counts = None, Counter()

    def _open(self, timeout=60):
        self.connection = http.client.HTTPSConnection("127.0.0.1", self.api.port, context=self.api.context,
                                                      timeout=timeout)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _send(self, method, path, body, kind):
        if self.connection is None:
            self._open()
        self.connection.request(method, path, body, {**self.headers, "Content-Type": kind})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def call(self, method, path, body=None, kind=JSON):
        text = None if body is None else json.dumps(body)
        try:
            status, answer = self._send(method, path, text, kind)
        except (http.client.HTTPException, ConnectionError):
            self.close()
            status, answer = self._send(method, path, text, kind)
        self.counts[method] += 1
        if not 200 <= status < 300:
            raise Refused(f"{method} {path}", status, answer.decode(errors="replace"))
        return json.loads(answer)

    def merge(self, path, body):
        return self.call("PATCH", path, body, MERGE)

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


class Crew:
    """Threads that do what is due: after(seconds, fn, …) calls fn(wire, …). The first fault is raised by check()."""

    def __init__(self, api, token, size=8):
        self.wires = [Wire(api, token) for _ in range(size)]
        self.due, self.order, self.busy, self.fault = [], itertools.count(), 0, None
        self.changed = threading.Condition()
        self.ends = False
        self.threads = [threading.Thread(target=self._work, args=(wire,), daemon=True) for wire in self.wires]
        for thread in self.threads:
            thread.start()

    def after(self, seconds, fn, *args):
        with self.changed:
            heapq.heappush(self.due, (time.monotonic() + seconds, next(self.order), fn, args))
            self.changed.notify()

    def _take(self):
        with self.changed:
            while not self.ends:
                now = time.monotonic()
                if self.due and self.due[0][0] <= now:
                    self.busy += 1
                    return heapq.heappop(self.due)[2:]
                self.changed.wait(self.due[0][0] - now if self.due else None)
        return None

    def _work(self, wire):
        while (job := self._take()) is not None:
            try:
                job[0](wire, *job[1])
            except Exception as e:  # told by check(), in the thread that waits
                self.fail(e)
            with self.changed:
                self.busy -= 1
                self.changed.notify_all()

    def fail(self, fault):
        if self.fault is None:
            traceback.print_exception(fault, file=sys.stderr)
            self.fault = fault

    def check(self):
        if self.fault is not None:
            raise AssertionError(f"the load program: {self.fault}") from self.fault

    def all(self, fn, things, deadline=3600):
        """fn(wire, thing) for each; returns when all are done."""
        for thing in things:
            self.after(0, fn, thing)
        end = time.monotonic() + deadline
        with self.changed:
            while (self.due or self.busy) and self.fault is None:
                assert self.changed.wait(end - time.monotonic()), "the load program does not come to an end"
        self.check()

    def writes(self):
        return sum(wire.counts[method] for wire in self.wires for method in WRITES)

    def reads(self):
        return sum(wire.counts["GET"] for wire in self.wires)

    def stop(self):
        with self.changed:
            self.ends = True
            self.changed.notify_all()
        for thread in self.threads:
            thread.join(10)
        for wire in self.wires:
            wire.close()


class Watch:
    """told(kind of event, object) for all that is there, then for each change, in a thread of its own."""

    def __init__(self, crew, path, labels, told):
        self.crew, self.wire, self.told = crew, Wire(crew.wires[0].api, crew.wires[0].headers["Authorization"][7:]), told
        self.path = path + "?" + (f"labelSelector={labels}&" if labels else "")
        self.ends, self.listed = False, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _list(self):
        more = ""
        while True:
            found = self.wire.call("GET", f"{self.path}limit=500{more}")
            for item in found["items"]:
                self.told("ADDED", item)
            more = "&continue=" + found["metadata"].get("continue", "")
            if more == "&continue=":
                return found["metadata"]["resourceVersion"]

    def _follow(self, version):
        self.wire.close()
        self.wire._open(timeout=None)
        self.wire.connection.request("GET", f"{self.path}watch=1&allowWatchBookmarks=true&timeoutSeconds=3000"
                                     f"&resourceVersion={version}", None, self.wire.headers)
        answer = self.wire.connection.getresponse()
        if answer.status != 200:
            raise Refused(self.path, answer.status, answer.read().decode(errors="replace"))
        while line := answer.readline():
            event = json.loads(line)
            if event["type"] == "ERROR":
                break
            if event["type"] != "BOOKMARK":
                self.told(event["type"], event["object"])

    def _run(self):
        try:
            while not self.ends:
                version = self._list()
                self.listed.set()
                self._follow(version)
                self.wire.close()
        except Exception as e:  # told by check(), in the thread that waits
            if not self.ends:
                self.crew.fail(e)

    def stop(self):
        self.ends = True
        if self.wire.connection is not None and self.wire.connection.sock is not None:
            self.wire.connection.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
