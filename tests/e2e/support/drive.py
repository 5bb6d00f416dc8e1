# SPDX-License-Identifier: Apache-2.0
"""One driver without the agent: the program drive_hook, one command a line, one answer a line."""

import json
import os
import subprocess
from pathlib import Path

from .agent import BINARY
from .poll import end_with_parent

DRIVER = os.environ.get("DRIVE_HOOK", str(Path(BINARY).parent / "drive_hook"))


class Drive:
    def __init__(self, name, **settings):
        words = []
        for key, value in settings.items():
            for one in value if isinstance(value, list) else [value]:
                words.append(f"{key.replace('_', '-')}={one}")
        self.process = subprocess.Popen([DRIVER, name, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, preexec_fn=end_with_parent)

    def send(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, f"drive_hook ended with {self.process.wait(10)}"
        return json.loads(line)

    def __call__(self, command):
        self.send(command)
        return self.answer()

    def cleanup(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                ended = self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
            assert ended == 0, f"drive_hook ended with {ended}"
