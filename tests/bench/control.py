# SPDX-License-Identifier: Apache-2.0
"""The controller under the load of many databases, whose agents one program plays. Started by tests/bench/control."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from crowd import objects, stage  # noqa: E402
from crowd.players import REQUESTS, Players  # noqa: E402
from crowd.wires import Crew  # noqa: E402
from measure.report import table  # noqa: E402
from support.kube import missing  # noqa: E402
from support.opsrequests import GROUP  # noqa: E402
from support.poll import STRETCH, wait_for  # noqa: E402

GOAL_WRITES, GOAL_BYTES, GOAL_MIB = 6, 8192, 128


def options(words=None):
    parser = argparse.ArgumentParser(prog="tests/bench/control", description="What the controller takes for many databases on a "
                                     "real API server: memory, requests for each rotated pod, time.")
    parser.add_argument("--databases", type=int, default=1000, help="of three pods each (1000)")
    parser.add_argument("--requests", type=int, default=200, help="rotations asked for at once, one a database (200)")
    parser.add_argument("--many", type=int, default=10000, help="databases for the memory of many at rest; 0: not measured (10000)")
    parser.add_argument("--idle", type=int, default=60, metavar="SECONDS", help="length of each measurement at rest (60)")
    parser.add_argument("--act", type=int, default=200, metavar="MS", help="time of an agent to publish, reload and prove (200)")
    parser.add_argument("--issue", type=int, default=300, metavar="MS", help="time of cert-manager to issue (300)")
    parser.add_argument("--workers", type=int, help="the controller's --workers")
    parser.add_argument("--limit", type=int, default=1800, metavar="SECONDS", help="all requests have to end in this time (1800)")
    parser.add_argument("--quick", action="store_true", help="20 databases, 10 requests, 100 at rest, 5 s")
    parser.add_argument("--controller", metavar="FILE", help="measure this binary instead of building one")
    parser.add_argument("--keep", metavar="FOLDER", help="work in FOLDER, which is not there yet, and keep it with all logs")
    parser.add_argument("--json", metavar="FILE", help="write every number to FILE as well")
    got = parser.parse_args(words)
    if got.quick:
        got.databases, got.requests, got.many, got.idle = 20, 10, 100, 5
    if got.requests > got.databases:
        parser.error("more requests than databases")
    return got


def say(text):
    print(text, file=sys.stderr, flush=True)


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


class Bench:
    def __init__(self, got, plane, folder, binary):
        self.got, self.plane = got, plane
        self.crew = Crew(plane.api, plane.crowd_token)
        self.leaves = objects.Leaves(folder / "leaves")
        self.program = stage.Program(plane, folder, binary, [] if got.workers is None else ["--workers", str(got.workers)])
        self.players = None

    # --- databases

    def fill(self, start, end, whole):
        say(f"making databases {start} to {end - 1}")
        for space in sorted({objects.namespace_of(i) for i in range(start, end)}):
            if start == 0 or int(space.rpartition("-")[2]) * objects.SPACE >= start:
                self.crew.wires[0].call("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
                self.crew.wires[0].call("POST", f"/api/v1/namespaces/{space}/serviceaccounts", {"metadata": {"name": "default"}})
        self.crew.all(lambda wire, i: objects.create(wire, self.leaves, i, whole), range(start, end))

    def take_over(self, n):
        """The controller writes a record for each that has none: all have one."""
        say(f"the controller takes over {n} databases")
        took = self.program.start()
        wait_for("a record for each", lambda: self.crew.check() or len(self.players.plans) == n, 1800, 0.2, self.program.tail)
        took = time.monotonic() - self.program.began
        self.settle()
        memory = self.program.memory()
        self.program.stop()
        return {"take_over_s": took, "take_over": memory}

    def settle(self):
        """Nothing is done any more."""
        seen = [None]

        def still():
            now = self.plane.audited(), self.crew.writes(), self.crew.busy, self.program.metric("queue_depth")
            before, seen[0] = seen[0], now
            return before is not None and before[1:] == now[1:] and now[3] == 0
        wait_for("all is at rest", lambda: self.crew.check() or still(), 300, 3)

    def at_rest(self):
        """A fresh process that knows all of it."""
        started = self.program.start()
        self.settle()
        before, asked = self.program.cpu_s(), self.program.metric("api_requests_total")
        time.sleep(self.got.idle)
        return {"start_s": started, **self.program.memory(), "start_cpu_s": before,
                "cpu_ms_per_minute": (self.program.cpu_s() - before) * 60000 / self.got.idle,
                "requests_per_minute": (self.program.metric("api_requests_total") - asked) * 60 / self.got.idle}

    # --- load

    def ask(self):
        begun = {}

        def post(wire, i):
            name = f"{objects.name_of(i)}-rotate"
            begun[name] = time.monotonic()
            wire.call("POST", objects.path_of(objects.namespace_of(i), REQUESTS, GROUP), objects.rotation(objects.name_of(i), name))
        for i in range(self.got.requests):
            self.crew.after(0, post, i)
        wait_for("all requests have ended", lambda: self.crew.check() or len(self.players.ends) == self.got.requests,
                 self.got.limit / STRETCH, 0.1, self.program.tail)
        return begun

    def rotate(self):
        say(f"{self.got.requests} rotations at once")
        before = {"cpu": self.program.cpu_s(), "audit": self.plane.audited(), "writes": self.plane.writes(),
                  "crowd": self.crew.writes(), "reads": self.crew.reads(), "events": self.program.metric("watch_events_total"),
                  "results": self.program.results(), "server": self.plane.server.cost()[1]}
        ends = threading.Event()
        thread, most = self.program.watch_memory(ends)
        start = time.monotonic()
        begun = self.ask()
        took = time.monotonic() - start
        self.settle()
        ends.set()
        thread.join()
        asked = self.plane.asked(before["audit"])
        times = [self.players.ends[name][0] - at for name, at in begun.items()]
        return {"took_s": took, "times_s": sorted(times), "p50_s": median(times), "p99_s": percentile(times, 0.99), "max_s": max(times),
                "rss_kib": most[0], "cpu_s": self.program.cpu_s() - before["cpu"], "asked": told(asked),
                "writes": sum(stage.writes_of(asked).values()), "requests": sum(n for key, n in asked.items() if key[1] != stage.LEASES),
                "all_writes": self.plane.writes() - before["writes"], "crowd_writes": self.crew.writes() - before["crowd"],
                "crowd_reads": self.crew.reads() - before["reads"],
                "events": self.program.metric("watch_events_total") - before["events"],
                "looks": {k: v - before["results"].get(k, 0) for k, v in self.program.results().items()},
                "server_cpu_s": self.plane.server.cost()[1] - before["server"],
                "steps_s": steps(self.players.steps), "faults": self.faults(begun)}

    def faults(self, begun):
        """What must not have been."""
        players = self.players
        found = list(players.faults)
        found += [f"{name} is {players.ends[name][1]}: {json.dumps(players.ends[name][2]['status'])[:2000]}" for name in begun
                  if players.ends[name][1] != "Successful"]
        for i in range(self.got.requests):
            name = objects.name_of(i)
            found += [f"{pod.name} does not serve what was issued" for pod in players.databases[name].pods
                      if pod.served != self.leaves.fingerprint({"data": self.leaves.data("server", 2)})]
            found += [f"{name}: {alias} has revision {players.issued.get(f'{name}-{alias}-cert')}, not 2" for alias in objects.ALIASES
                      if players.issued.get(f"{name}-{alias}-cert") != 2]
        return found

    # --- all of it

    def run(self):
        got, result = self.got, {"options": vars(self.got), "cores": os.cpu_count()}
        say("the controller without databases")
        result["empty"] = self.at_rest()
        self.program.stop()
        self.fill(0, got.databases, True)
        self.players = Players(self.crew, self.leaves, got.databases, got.act / 1000, got.issue / 1000)
        result["rest"] = self.take_over(got.databases)
        result["rest"] |= self.at_rest()
        if got.requests:
            result["busy"] = self.rotate()
            result["after"] = self.program.memory()
        self.program.stop()
        if got.many > got.databases:
            self.fill(got.databases, got.many, False)
            result["many"] = self.take_over(got.many)
            result["many"] |= self.at_rest()
            self.program.stop()
        for name, n in (("rest", got.databases), ("many", got.many)):
            if name in result:
                result[name]["bytes"] = (result[name]["rss_kib"] - result["empty"]["rss_kib"]) * 1024 / n
        return result

    def stop(self):
        self.program.stop()
        if self.players is not None:
            self.players.stop()
        self.crew.stop()


def told(asked):
    """{"patch mariadbopsrequests/status": n}; an answer other than 2xx is named behind it."""
    found = Counter()
    for (verb, resource, status), n in asked.items():
        found[f"{verb} {resource}" + ("" if 200 <= status < 300 else f" {status}")] += n
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def steps(seen):
    """Median seconds that a request spends in each step, as told by the records."""
    spent = {}
    for moments in seen.values():
        each = Counter()
        for (at, step), (end, _) in zip(moments, moments[1:]):
            each[step] += end - at
        for step, seconds in each.items():
            if step != "idle":
                spent.setdefault(step, []).append(seconds)
    return {step: median(values) for step, values in spent.items()}


# --- tables

def mib(kib):
    return f"{kib / 1024:.1f}"


def tell_memory(r):
    rows = [[name, n, mib(part["rss_kib"]), mib(part["peak_kib"]), f"{part['bytes']:.0f}" if "bytes" in part else "-",
             f"{part['start_s']:.1f}", f"{part['start_cpu_s']:.2f}", f"{part['cpu_ms_per_minute']:.0f}", f"{part['requests_per_minute']:.0f}"]
            for name, n, part in (("none", 0, r["empty"]), ("at rest", r["options"]["databases"], r["rest"]),
                                  ("at rest", r["options"]["many"], r.get("many"))) if part]
    print(table(["databases", "n", "RSS MiB", "peak", "bytes each", "start s", "start CPU s", "CPU ms/min", "requests/min"], rows))
    print(f"\ngoals: {GOAL_BYTES} bytes each; {GOAL_MIB} MiB for 10,000")


def tell_load(r):
    busy, n = r["busy"], r["options"]["requests"]
    pods = n * objects.PODS
    print(table([f"{n} rotations at once, {pods} pods", "value"], [
        ["request to Successful, s: p50", f"{busy['p50_s']:.1f}"], ["... p99", f"{busy['p99_s']:.1f}"], ["... all", f"{busy['took_s']:.1f}"],
        ["controller: RSS at most, MiB", mib(busy["rss_kib"])], ["... afterwards", mib(r["after"]["rss_kib"])],
        ["... CPU, s", f"{busy['cpu_s']:.2f}"], ["... CPU for each pod, ms", f"{busy['cpu_s'] * 1000 / pods:.1f}"],
        [f"... writes for each pod (goal {GOAL_WRITES})", f"{busy['writes'] / pods:.1f}"],
        ["... of these Events", f"{sum(v for k, v in busy['asked'].items() if k.startswith('create events')) / pods:.1f}"],
        ["... requests for each pod", f"{busy['requests'] / pods:.1f}"],
        ["... watch events handled, for each pod", f"{busy['events'] / pods:.1f}"],
        ["... looks for each pod", f"{sum(busy['looks'].values()) / pods:.1f}"],
        ["agents and cert-manager: writes for each pod", f"{busy['crowd_writes'] / pods:.1f}"],
        ["everybody's writes for each pod", f"{busy['all_writes'] / pods:.1f}"],
        ["API server: CPU, s", f"{busy['server_cpu_s']:.1f}"]]))
    print()
    print(table(["the controller's requests", "n", "for each rotation"], [[k, v, f"{v / n:.2f}"] for k, v in busy["asked"].items()]))
    print()
    print(table(["a request's time in each step", "median s"], [[k, f"{v:.2f}"] for k, v in busy["steps_s"].items()]))


def main():
    got = options()
    if missing():
        sys.exit(f"tests/bench/control: {missing()}")
    binary = Path(got.controller or ROOT / "build/release/certrotate").resolve()
    if not got.controller:
        subprocess.run("cmake --preset release >/dev/null && cmake --build --preset release --target certrotate >/dev/null",
                       shell=True, cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="certrotate-control-") as work:
        folder = Path(got.keep or Path(work) / "bench").resolve()
        plane, bench = stage.Plane(folder / "plane"), None
        try:
            plane.up().define()
            bench = Bench(got, plane, folder, binary)
            result = bench.run()
        finally:
            if bench is not None:
                bench.stop()
            plane.cleanup()
    tell_memory(result)
    if "busy" in result:
        print()
        tell_load(result)
    print(f"\nload of the machine: {os.getloadavg()[0]:.1f}; etcd, API server, crowd and controller on the same {os.cpu_count()} cores")
    if got.json:
        Path(got.json).write_text(json.dumps(result, indent=1) + "\n")
    faults = result.get("busy", {}).get("faults", [])
    for fault in faults[:20]:
        print(f"fault: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
