# SPDX-License-Identifier: Apache-2.0
"""
Looks at the servers of all pods all the time: writes into each pod whether it is ready, as the kubelet would, and
remembers when two were away at once.
"""

import socket
import threading
import time

from .kube_api import ApiError

PAUSE = 0.05


def greets(port):
    """A server of the MySQL family greets whoever connects."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.settimeout(5)
            return len(connection.recv(1)) == 1
    except OSError:
        return False


class Watcher:
    """checks: {pod: whether it serves clients}. together: [(moment, pods)] that were down at one time."""

    def __init__(self, namespace, checks):
        self.namespace, self.checks = namespace, checks
        self.together, self.outages = [], dict.fromkeys(checks, 0)
        self._ready = dict.fromkeys(checks, True)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._end.wait(PAUSE):
            down = [pod for pod, accepts in self.checks.items() if not accepts()]
            # Looked at one after the other: the first may be back before the last has gone.
            if len(down) > 1:
                down = [pod for pod in down[:-1] if not self.checks[pod]()] + down[-1:]
            if len(down) > 1:
                self.together.append((time.monotonic(), down))
            for pod in self.checks:
                self._tell(pod, pod not in down)

    def _tell(self, pod, ready):
        if ready == self._ready[pod]:
            return
        try:
            self.namespace.pod_status(pod, ready=ready)
        except (ApiError, OSError):
            return  # told at the next look
        self.outages[pod] += not ready
        self._ready[pod] = ready

    def is_another(self, pod):
        """Of that name, and not ready so far."""
        self._ready[pod] = False

    def one_at_a_time(self, but=()):
        """Beside those that a test keeps away. What was seen up to now is forgotten."""
        seen, self.together = self.together, []
        seen = [(at, pods) for at, pods in seen if len(set(pods) - set(but)) > 1]
        assert not seen, f"{len(seen)} times more than one pod was away, first {seen[0]}"

    def cleanup(self):
        self._end.set()
        self._thread.join()
