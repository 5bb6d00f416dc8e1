# SPDX-License-Identifier: Apache-2.0
"""The agent's watch without the agent: the program drive_kube, one line of JSON an event."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

from .agent import BINARY, REPORT, environment
from .poll import STRETCH, end_with_parent, wait_for

DRIVER = os.environ.get("DRIVE_KUBE", str(Path(BINARY).parent / "drive_kube"))


class KubeWatch:
    """
    settings: pause=200, pause_max=1000, silence=…, as drive_kube.c takes them, milliseconds. to_be_measured: what it has
    freed is given back at once, so that its memory says something.
    """

    def __init__(self, kubeconfig, collection, name=None, to_be_measured=False, **settings):
        env = environment()
        if to_be_measured:
            env["ASAN_OPTIONS"] += ":quarantine_size_mb=0:thread_local_quarantine_size_kb=0:malloc_context_size=1"
        words = [f"{key.replace('_', '-')}={value}" for key, value in settings.items()]
        self.events, self.errors, self._counts = [], [], []
        self.process = subprocess.Popen([DRIVER, "watch", str(kubeconfig), collection, *([name] if name else []), *words],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=env, preexec_fn=end_with_parent)
        self._readers = [threading.Thread(target=self._read, daemon=True),
                         threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True)]
        for reader in self._readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            (self._counts if event["kind"] == "COUNTS" else self.events).append(event)

    def find(self, kind, **fields):
        return [e for e in list(self.events) if e["kind"] == kind and all(e.get(k) == v for k, v in fields.items())]

    def last(self, name):
        """The newest that was told of an object: its version, or None when it is gone or was never told of."""
        told = [e for e in list(self.events) if e["kind"] in ("OBJECT", "GONE") and e.get("name") == name]
        return told[-1]["version"] if told and told[-1]["kind"] == "OBJECT" else None

    def wait_last(self, name, version, deadline=60):
        wait_for(f"{name} in version {version}", lambda: self.alive() and self.last(name) == version, deadline, 0.05,
                 self.tail)

    def wait_event(self, kind, deadline=60, **fields):
        return wait_for(f"{kind} {fields}", lambda: self.alive() and self.find(kind, **fields), deadline, 0.05,
                        self.tail)[-1]

    def alive(self):
        assert self.process.poll() is None, f"drive_kube ended with {self.process.poll()}{self.tail()}"
        return True

    def counts(self):
        """What it has counted: lists, watches, events, losses, requests."""
        have = len(self._counts)
        self.process.send_signal(signal.SIGUSR1)
        return wait_for("counts", lambda: self._counts[have:], 30, 0.02, self.tail)[0]

    def went_back(self):
        """Objects whose version told became older: of none it may."""
        newest, found = {}, []
        for e in self.find("OBJECT"):
            version = int(e["version"])
            if version < newest.get(e["name"], 0):
                found.append(f"{e['name']}: {newest[e['name']]} then {version}")
            newest[e["name"]] = version
        return found

    def fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def rss_kib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))

    def tail(self):
        return "\n--- drive_kube\n" + "\n".join(map(json.dumps, self.events[-20:])) + "".join(self.errors[-60:])

    def cleanup(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30 * STRETCH)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise AssertionError("drive_kube did not end" + self.tail()) from None
        for reader in self._readers:
            reader.join(10)
        assert not any(REPORT.search(line) for line in self.errors), "".join(self.errors[-120:])
        assert self.process.returncode == 0, f"drive_kube ended with {self.process.returncode}{self.tail()}"
