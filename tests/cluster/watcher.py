# SPDX-License-Identifier: Apache-2.0
"""Who looks at a database while requests are carried out: at its pods, its Service, and as a client."""

import subprocess
import threading
import time
from contextlib import suppress

from support.kube_api import ApiError

PATIENCE_S = 15  # of who waits for a client's answer


def visit_mysql(address):
    """By TLS if it is offered, whoever shows whatever certificate."""
    done = subprocess.run(["mariadb", "--no-defaults", f"--host={address}", "--port=3306", "--user=load", "--ssl",
                           "--connect-timeout=5", "-NBe", "SELECT 1"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
    if done.stdout.strip() != "1":
        raise OSError(done.stderr.strip() or f"answers {done.stdout!r}")


class Watcher:
    """
    Asks the API server all the time which pods are ready, and which of them the Service has. A pod that is not there is
    not ready. together, bare: [(moment, pods)] when more than one was away, and when the Service had none. looks: False
    while what is to be seen does not count.

    A kubelet that finds a container to be restarted a moment too early comes back to its pod after 10 to 15 s, or when the
    pod changes: pods that are away are changed now and then, since a mission restarts more often than people do.

    A client of the Service comes all the time, each time anew, by TLS when it is offered. One that meets a pod which goes is
    refused, and tries again at once, as pools do: unserved is how long it took, [(seconds, last reason)].
    """

    MARK = "tests.certrotate.io/seen-away"

    def __init__(self, database):
        self.database, self.together, self.bare, self.outages, self.looks = database, [], [], [], True
        self._again = 0
        self.visits, self.unserved, self._waits = 0, [], None
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._watch, daemon=True)]
        if database.visit is not None:
            self._threads.append(threading.Thread(target=self._visit, args=[database.address], daemon=True))
        for thread in self._threads:
            thread.start()

    def _visit(self, address):
        while not self._end.wait(0.2):
            began, self.visits = time.monotonic(), self.visits + 1
            while not self._end.is_set():
                try:
                    self.database.visit(address)
                    break
                except (OSError, subprocess.TimeoutExpired) as e:
                    self._waits = time.monotonic() - began, str(e)
                    self._end.wait(0.05)
            if self._waits and self.looks:
                self.unserved.append(self._waits)
            self._waits = None

    def _watch(self):
        away = set()
        while not self._end.wait(0.1):
            if not self.looks:
                continue
            try:
                ready, behind = self.database.ready(), self._behind()
            except (ApiError, OSError):
                continue  # tests restart it
            now = {pod.name for pod in self.database.pods} - ready
            if len(now) > 1:
                self.together.append((time.monotonic(), sorted(now)))
            if not behind:
                self.bare.append((time.monotonic(), sorted(now)))
            self.outages += sorted(now - away)
            away = now
            self._touch(away)

    def _touch(self, pods):
        if pods and time.monotonic() >= self._again:
            self._again = time.monotonic() + 1
            for name in pods:
                with suppress(ApiError, OSError):  # not there just now
                    self.database.namespace.patch(f"pods/{name}", {"metadata": {"annotations": {self.MARK: str(self._again)}}})

    def _behind(self):
        path = f"endpointslices?labelSelector=kubernetes.io/service-name={self.database.name}"
        slices = self.database.namespace.call("GET", path, group="discovery.k8s.io/v1")["items"]
        return [e for s in slices for e in s.get("endpoints") or [] if e["conditions"].get("ready")]

    def one_at_a_time(self, but=()):
        """What was seen up to now is forgotten."""
        assert all(thread.is_alive() for thread in self._threads), "nobody looks any more"
        together, bare, unserved, self.together, self.bare, self.unserved = self.together, self.bare, self.unserved, [], [], []
        together = [(at, pods) for at, pods in together if len(set(pods) - set(but)) > 1]
        assert not together, f"{len(together)} times more than one pod was away, first {together[0]}"
        assert not bare or len(self.database.pods) == 1, f"{len(bare)} times the Service was without a pod, first {bare[0]}"
        longest = max(unserved + [self._waits or (0, "")])
        assert longest[0] < PATIENCE_S, f"a client of the Service was without for {longest[0]:.1f} s, at last: {longest[1]}"
        if unserved:
            print(f"{len(unserved)} of {self.visits} clients had to come again, for {longest[0]:.1f} s at most: {longest[1]}")

    def cleanup(self):
        self._end.set()
        for thread in self._threads:
            thread.join()
