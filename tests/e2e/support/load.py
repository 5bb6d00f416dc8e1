# SPDX-License-Identifier: Apache-2.0
"""
Clients that keep connecting: every connection is new, verified (chain and name), logged in and closed.
They run in a process of their own, so that the test's polling does not slow them, and write one JSON line a
connection: when it began, and the leaf seen or the reason of the failure.
"""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from . import wire


def _client(host, port, context, user, pause, out, lock, stop):
    opened = wire.open_tls if user else wire.open_direct
    while not stop.is_set():
        line = {"t": time.monotonic()}
        try:
            with opened(port, context, host) as tls:
                line["fp"] = wire._digest(tls)
                if user:
                    wire.login(tls, user)
        except (OSError, wire.WireError, ValueError) as e:
            line["error"] = f"{type(e).__name__}: {e}"
        line["end"] = time.monotonic()
        with lock:
            out.write(json.dumps(line) + "\n")
            out.flush()
        stop.wait(pause)


def main(port, ca_file, user, clients, pause, host):
    stop, lock = threading.Event(), threading.Lock()
    context = wire.trusting(ca_file)
    threads = [threading.Thread(target=_client, daemon=True,
                                args=(host, int(port), context, user, float(pause), sys.stdout, lock, stop))
               for _ in range(int(clients))]
    for thread in threads:
        thread.start()
    sys.stdin.read()  # until the test closes it
    stop.set()
    for thread in threads:
        thread.join(15)


class LoadClients:
    """check() ends them and fails on any failed connection. user: "" for TLS from the first byte and no login."""

    def __init__(self, folder, port, ca_file, user="load", clients=4, pause=0.02, host="127.0.0.1"):
        self.path = Path(folder) / f"load-{port}-{time.monotonic_ns()}.jsonl"
        self._out = open(self.path, "wb")
        self._process = subprocess.Popen(
            ["/usr/bin/python3", "-m", "support.load", str(port), str(ca_file), user, str(clients), str(pause), host],
            cwd=Path(__file__).parent.parent, stdin=subprocess.PIPE, stdout=self._out)

    def lines(self):
        with open(self.path) as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    @property
    def made(self):
        return sum("error" not in line for line in self.lines())

    @property
    def failures(self):
        return [line["error"] for line in self.lines() if "error" in line]

    def timeline(self):
        """(first seen, fingerprint) for each change of the leaf, in order of the connections' ends."""
        changes = []
        for line in sorted((x for x in self.lines() if "fp" in x), key=lambda x: x["end"]):
            if not changes or changes[-1][1] != line["fp"]:
                changes.append((line["end"], line["fp"]))
        return changes

    def seen(self):
        return {line["fp"] for line in self.lines() if "fp" in line}

    def stop(self):
        if self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait(30)
        self._out.close()

    def check(self, at_least=1):
        """Stops; no connection may have failed. Returns how many were made."""
        self.stop()
        failures = self.failures
        assert not failures, f"{len(failures)} of {len(self.lines())} connections failed: {failures[:3]}"
        assert self.made >= at_least, f"only {self.made} connections were made"
        return self.made

    cleanup = stop


if __name__ == "__main__":
    main(*sys.argv[1:])
