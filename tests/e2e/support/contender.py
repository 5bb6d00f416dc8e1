# SPDX-License-Identifier: Apache-2.0
"""Contenders for a Lease without the agent: the program drive_lease, and what its lines prove together."""

import json
import os
import signal
import subprocess
from pathlib import Path

from .agent import BINARY, REPORT, environment
from .poll import STRETCH, end_with_parent, tail

DRIVER = os.environ.get("DRIVE_LEASE", str(Path(BINARY).parent / "drive_lease"))


class Contender:
    """One holder; killed and started again it is the same one. Lines of all its lives go into one file."""

    def __init__(self, folder, kubeconfig, namespace, name, holder, duration_s, hold_max_ms=4000, watch=False):
        self.holder, self.process = holder, None
        self.out, self.log = Path(folder) / f"{holder}.jsonl", Path(folder) / f"{holder}.log"
        self.words = [DRIVER, kubeconfig, namespace, name, holder, duration_s, hold_max_ms,
                      *(["watch"] if watch else [])]

    def start(self):
        with open(self.out, "ab") as out, open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(w) for w in self.words], stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=log, preexec_fn=end_with_parent, env=environment())
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """At once, with whatever it was about to say."""
        self.process.kill()
        self.process.wait()
        with open(self.out, "ab") as out:  # half a line of the dead is nobody's
            out.write(b"\n")

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        self.go_on()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30 * STRETCH) == 0, tail(self.log)
        assert not REPORT.search(self.log.read_text()), tail(self.log)

    def cleanup(self):
        if self.running():
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    def lines(self, kind=None):
        """What it said, oldest first; what a kill cut off is left out."""
        found = []
        for number, line in enumerate(self.out.read_bytes().splitlines()):
            try:
                found.append({**json.loads(line), "line": number})
            except ValueError:
                continue
        return [line for line in found if kind is None or line["kind"] == kind]

    def turns(self):
        """[[ms of its first act, …, of its last]], one list each time it held the Lease."""
        turns = []
        for line in self.lines():
            if line["kind"] == "HELD":
                turns.append([])
            elif line["kind"] == "ACT":
                turns[-1].append(line["ms"])
        return [turn for turn in turns if turn]


def turns_of(contenders):
    """All turns in the order of time: [(first ms, last ms, holder)]; AssertionError where two had one at once."""
    turns = sorted((turn[0], turn[-1], one.holder) for one in contenders for turn in one.turns())
    for before, after in zip(turns, turns[1:]):
        assert before[1] <= after[0] or before[2] == after[2], f"two at once: {before} and {after}"
    return turns
