# SPDX-License-Identifier: Apache-2.0
"""The agent's client of the API server without the agent: the program drive_client, and how its connections stand."""

import json
import os
import subprocess
import threading
from pathlib import Path

from .agent import BINARY
from .poll import end_with_parent, wait_for

DRIVER = os.environ.get("DRIVE_CLIENT", str(Path(BINARY).parent / "drive_client"))
ESTABLISHED = "01"


class DriveClient:
    def __init__(self, kubeconfig):
        self.process = subprocess.Popen([DRIVER, str(kubeconfig)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, preexec_fn=end_with_parent)
        self.lines, self.number = [], 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def send(self, *commands):
        self.process.stdin.write("".join(command + "\n" for command in commands))
        self.process.stdin.flush()

    def of(self, what, word):
        return [line for line in list(self.lines) if line["id"] == what and line["what"] == word]

    def data(self, what):
        return "".join(line["data"] for line in self.of(what, "data"))

    def start(self, method, path, limit_ms=0, body=""):
        self.number += 1
        self.send(f"call c{self.number} {method} {path} {limit_ms} {body}".rstrip())
        return f"c{self.number}"

    def end_of(self, what, deadline=30):
        return wait_for(f"the end of {what}", lambda: self.of(what, "done"), deadline)[0]

    def call(self, method, path, limit_ms=0, body=""):
        return self.end_of(self.start(method, path, limit_ms, body))

    def streams(self, names, path, silence_ms=300000):
        self.send(*(f"stream {name} {path} {silence_ms}" for name in names))

    def connections(self, port):
        """How many of them to that port of this machine are open."""
        mine = set()
        for fd in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                mine.add(os.readlink(fd))
            except OSError:
                pass
        rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        return sum(row[2].endswith(f":{port:04X}") and row[3] == ESTABLISHED and f"socket:[{row[9]}]" in mine
                   for row in rows)

    def wakeups(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines()
                    if line.startswith("voluntary_ctxt_switches:"))

    def cleanup(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                ended = self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
            assert ended == 0, f"drive_client ended with {ended}"
