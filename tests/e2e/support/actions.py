# SPDX-License-Identifier: Apache-2.0
"""The controller's actions without the controller: the program drive_act, one list of actions a line."""

import json
import os
import subprocess
from pathlib import Path

from .agent import BINARY, REPORT, environment
from .poll import STRETCH, end_with_parent, tail, wait_for

DRIVER = os.environ.get("DRIVE_ACT", str(Path(BINARY).parent / "drive_act"))


class Actions:
    """do(action, action) on one database; an action: one("issue", name="…", number=1)."""

    def __init__(self, folder, kubeconfig, namespace, database="px"):
        self.database, self.log = database, Path(folder) / "act.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([DRIVER, str(kubeconfig), namespace], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log, text=True,
                                            preexec_fn=end_with_parent, env=environment())

    def once(self, *actions, knows=()):
        """{"reason", "error", "requests"}; knows: names of Certificates without which it does not begin."""
        self.process.stdin.write(json.dumps({"database": self.database, "do": actions, "knows": knows}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"drive_act ended with {self.process.wait(10)}{tail(self.log)}"
        return json.loads(line)

    def do(self, *actions, knows=()):
        """Until it is done: what was observed may be old, and a controller looks again then."""
        last = {}

        def done():
            last.update(self.once(*actions, knows=knows))
            assert last["reason"] in (None, "ChangedWhileReading", "Missing", "DatabaseNotReady"), last
            return last["reason"] is None
        wait_for(f"{[a['action'] for a in actions]} are done", done, 60, 0.1, lambda: json.dumps(last) + tail(self.log))

    def cleanup(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(20 * STRETCH)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        assert not REPORT.search(self.log.read_text()), tail(self.log)
        assert self.process.returncode == 0, f"drive_act ended with {self.process.returncode}{tail(self.log)}"


def one(action, **fields):
    return {"action": action, **fields}
