# SPDX-License-Identifier: Apache-2.0
"""From the rename of ..data to the first handshake that shows the new leaf, in rounds that take turns."""

import json
import subprocess

from .variants import FLOOR, RELOADER

INTERVAL_MS = (50, 300)
ROUNDS_OF = 25
WARM_UP = 3
WARM_UP_MS = 10000


def percentile(sorted_values, share):
    """Nearest rank."""
    return sorted_values[max(0, -(-len(sorted_values) * share // 100) - 1)] if sorted_values else None


def swaps(racer, material, built, count, interval_ms=INTERVAL_MS, deadline_ms=None):
    """Runs the measuring client; its lines: one for each swap, then the totals."""
    command = [built.path["client"], racer.database.port, racer.volume, material.bundles, material.count,
               racer.next_bundle, count, *interval_ms, deadline_ms or racer.deadline_ms]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    racer.next_bundle += count
    racer.check()
    assert done.returncode == 0, f"the measuring client failed on {racer.name}: {done.stderr}{racer.said()}"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines[:-1], lines[-1]


def warm_up(racer, material, built):
    """The first rotations find caches cold, and the agent may not have seen its server yet."""
    got, _ = swaps(racer, material, built, WARM_UP, deadline_ms=WARM_UP_MS)
    assert all("us" in one for one in got), f"{racer.name} serves no new leaf:\n{racer.said()}"


def shares(total):
    """total in rounds of about ROUNDS_OF, as even as can be."""
    n = max(1, round(total / ROUNDS_OF))
    return [total // n + (1 if i < total % n else 0) for i in range(n)]


def summary(samples, missed, totals):
    values = sorted(samples)
    row = {name: percentile(values, share) for name, share in (("p50_us", 50), ("p90_us", 90), ("p99_us", 99))}
    return {"swaps": len(samples) + missed, **row, "max_us": values[-1] if values else None, "missed": missed,
            "handshakes": sum(t["handshakes"] for t in totals), "failed_handshakes": sum(t["failures"] for t in totals),
            "samples_us": samples}


def flush_times(racer):
    """What the floor noted of the server's own share."""
    values = sorted(int(line) for line in (racer.folder / "log").read_text().split())
    return {"p50_us": percentile(values, 50), "p99_us": percentile(values, 99)}


def run(racers, material, built, got, say):
    for racer in racers:
        warm_up(racer, material, built)
    rounds = shares(got.swaps)
    slow = [got.slow_swaps // len(rounds) + (1 if i < got.slow_swaps % len(rounds) else 0) for i in range(len(rounds))]
    samples = {r.name: [] for r in racers}
    missed = {r.name: 0 for r in racers}
    totals = {r.name: [] for r in racers}
    for number, size in enumerate(rounds):
        turn = number % max(1, len(racers))
        for racer in racers[turn:] + racers[:turn]:
            count = slow[number] if racer.name == RELOADER else size
            if count == 0:
                continue
            lines, total = swaps(racer, material, built, count)
            fresh = [line["us"] for line in lines if "us" in line]
            samples[racer.name] += fresh
            missed[racer.name] += len(lines) - len(fresh)
            totals[racer.name].append(total)
            middle = percentile(sorted(fresh), 50)
            say(f"round {number + 1}/{len(rounds)}  {racer.name:27} {count:3} swaps  "
                + (f"median {middle / 1000:8.2f} ms" if middle else "none seen")
                + (f"  missed {len(lines) - len(fresh)}" if len(fresh) < len(lines) else ""))
    rows = {r.name: summary(samples[r.name], missed[r.name], totals[r.name]) for r in racers}
    for racer in racers:
        if racer.name == FLOOR:
            rows[FLOOR]["server_flush"] = flush_times(racer)
    return rows
