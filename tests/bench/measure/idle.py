# SPDX-License-Identifier: Apache-2.0
"""What a process costs while nothing happens, and whether it grows while much does. Read from /proc alone."""

import os
import time
from pathlib import Path

from .speed import swaps
from .variants import AGENT

SETTLE_S = 5
GROWTH_DEADLINE_MS = 10000


def fields(path):
    lines = (line.split(":", 1) for line in Path(path).read_text().splitlines() if ":" in line)
    return {name: value.split()[0] for name, value in lines if value.split()}


def memory(pid):
    """KiB. A process that hides its maps (as the agent does) shows them to root only."""
    status = fields(f"/proc/{pid}/status")
    found = {"rss_kib": int(status["VmRSS"]), "threads": int(status["Threads"])}
    try:
        rollup = fields(f"/proc/{pid}/smaps_rollup")
        found["private_kib"] = int(rollup["Private_Dirty"]) + int(rollup["Private_Clean"])
        found["private_dirty_kib"] = int(rollup["Private_Dirty"])
        found["pss_kib"] = int(rollup["Pss"])
        found["fds"] = len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        pass
    return found


def activity(pid):
    """Summed over the threads: nanoseconds on a CPU, and how often one went to sleep by itself, that is, woke up."""
    cpu_ns = wakeups = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        cpu_ns += int((task / "schedstat").read_text().split()[0])
        wakeups += int(fields(task / "status")["voluntary_ctxt_switches"])
    return cpu_ns, wakeups


def run(racers, seconds, say):
    say(f"idle for {seconds} s")
    time.sleep(SETTLE_S)
    before = {r.name: activity(r.pid) for r in racers}
    start = time.monotonic()
    time.sleep(seconds)
    minutes = (time.monotonic() - start) / 60
    rows = {}
    for racer in racers:
        racer.check()
        cpu_ns, wakeups = activity(racer.pid)
        rows[racer.name] = {**memory(racer.pid), "seconds": seconds,
                            "cpu_us_per_minute": (cpu_ns - before[racer.name][0]) / 1000 / minutes,
                            "wakeups_per_minute": (wakeups - before[racer.name][1]) / minutes}
    return rows


def growth(racers, material, built, rotations, say):
    agent = next((r for r in racers if r.name == AGENT), None)
    if agent is None:
        return None
    say(f"{rotations} rotations of {AGENT} as fast as they are served")
    swaps(agent, material, built, 20, (0, 0), GROWTH_DEADLINE_MS)
    time.sleep(1)
    before, start = memory(agent.pid), time.monotonic()
    lines, total = swaps(agent, material, built, rotations, (0, 0), GROWTH_DEADLINE_MS)
    took = time.monotonic() - start
    time.sleep(1)
    return {"rotations": rotations, "seconds": took, "before": before, "after": memory(agent.pid),
            "missed": sum(1 for line in lines if "missed" in line), "failed_handshakes": total["failures"]}
