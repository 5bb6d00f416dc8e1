# SPDX-License-Identifier: Apache-2.0
"""What many agents' watches cost a real API server, at rest and for each change. Started by tests/bench/fleet."""

import argparse
import base64
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from measure.report import table  # noqa: E402
from support.kube import ControlPlane, missing  # noqa: E402
from support.namespace import Namespace  # noqa: E402


def options():
    parser = argparse.ArgumentParser(prog="tests/bench/fleet", description="What the watches of many agents cost a real API "
                                     "server: memory, CPU at rest, requests for each change.")
    parser.add_argument("--agents", type=int, default=300, help="agents, each with a watch of its Secret and its plan (300)")
    parser.add_argument("--idle", type=int, default=60, metavar="SECONDS", help="length of the measurement at rest (60)")
    parser.add_argument("--json", metavar="FILE", help="write every number to FILE as well")
    return parser.parse_args()


class Fleet:
    def __init__(self, binary, kubeconfig, namespace, n):
        self.process = subprocess.Popen([str(binary), str(kubeconfig), namespace, str(n)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def take(self, kind, n, limit=120):
        """n lines of that kind; what else comes is dropped."""
        found, end = [], time.monotonic() + limit
        while len(found) < n:
            line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            if line.get("kind", "requests") == kind:
                found.append(line)
        return found

    def requests(self):
        self.process.stdin.write("count\n")
        self.process.stdin.flush()
        return self.take("requests", 1)[0]["requests"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(60)


def resident(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return None


def put(namespace, resource, i, text):
    kind = {"secrets": "Secret", "configmaps": "ConfigMap"}[resource]
    data = {"tls.crt": base64.b64encode(text.encode() * 300).decode()} if kind == "Secret" else {"plan.json": text}
    namespace.apply(f"{resource}/fleet-{i}", {"data": data})


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def measure(plane, got, binary):
    namespace = Namespace(plane, "fleet")
    for i in range(got.agents):
        put(namespace, "secrets", i, "first")
        put(namespace, "configmaps", i, "{}")
    time.sleep(10)
    before_kib, before_cpu = plane.server.cost()
    time.sleep(got.idle)
    alone_kib, alone_cpu = plane.server.cost()
    fleet = Fleet(binary, plane.admin, "fleet", got.agents)
    fleet.take("listed", 2 * got.agents)
    time.sleep(10)
    rest_requests, (with_kib, rest_cpu) = fleet.requests(), plane.server.cost()
    time.sleep(got.idle)
    requests, (idle_kib, idle_cpu) = fleet.requests(), plane.server.cost()
    latencies = []
    for i in range(got.agents):
        started = time.clock_gettime(time.CLOCK_BOOTTIME)
        put(namespace, "secrets", i, "second")
        event = fleet.take("object", 1)[0]
        assert event["agent"] == i, f"agent {event['agent']} heard of the Secret of agent {i}"
        latencies.append(event["us"] / 1000 - started * 1000)
    result = {
        "agents": got.agents, "server_kib_alone": alone_kib, "server_kib": idle_kib, "idle_s": got.idle,
        "server_kib_before": before_kib, "server_kib_just_listed": with_kib,
        "cpu_ms_per_minute_alone": (alone_cpu - before_cpu) * 60000 / got.idle,
        "cpu_ms_per_minute": (idle_cpu - rest_cpu) * 60000 / got.idle, "requests_at_start": rest_requests,
        "requests_at_rest": requests - rest_requests, "requests_for_changes": fleet.requests() - requests,
        "changes": got.agents, "p50_ms": percentile(latencies, 0.5), "p99_ms": percentile(latencies, 0.99),
        "fleet_kib": resident(fleet.process.pid)}
    fleet.stop()
    return result


def tell(r):
    n = r["agents"]
    print(table([f"{n} agents, 2 watches each", "value"], [
        ["API server, resident, MiB: without them", f"{r['server_kib_alone'] / 1024:.0f}"],
        ["... with them", f"{r['server_kib'] / 1024:.0f}"],
        ["... for each agent, KiB", f"{(r['server_kib'] - r['server_kib_alone']) / n:.0f}"],
        ["API server, CPU at rest, ms a minute: without them", f"{r['cpu_ms_per_minute_alone']:.0f}"],
        ["... with them", f"{r['cpu_ms_per_minute']:.0f}"],
        ["... for each agent", f"{(r['cpu_ms_per_minute'] - r['cpu_ms_per_minute_alone']) / n:.2f}"],
        ["requests for each agent: at its start", f"{r['requests_at_start'] / n:.1f}"],
        [f"... at rest, a minute ({r['idle_s']} s looked at)", f"{r['requests_at_rest'] / n * 60 / r['idle_s']:.2f}"],
        ["... for each change of its Secret", f"{r['requests_for_changes'] / r['changes']:.2f}"],
        ["write of a Secret to the agent that it is for, ms: p50", f"{r['p50_ms']:.1f}"],
        ["... p99", f"{r['p99_ms']:.1f}"],
        ["an agent's client and watches, KiB", f"{r['fleet_kib'] / n:.0f}"]]))


def main():
    got = options()
    if missing():
        sys.exit(f"tests/bench/fleet: {missing()}")
    subprocess.run("cmake --preset release -DCERTROTATE_BENCH=ON >/dev/null && "
                   "cmake --build --preset release --target bench_fleet >/dev/null", shell=True, cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="certrotate-fleet-") as work:
        plane = ControlPlane(Path(work) / "plane").up()
        try:
            result = measure(plane, got, ROOT / "build/release/tests/bench/bench_fleet")
        finally:
            plane.cleanup()
    tell(result)
    print(f"\nload of the machine: {os.getloadavg()[0]:.1f}; etcd and API server on the same {os.cpu_count()} cores")
    if got.json:
        Path(got.json).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
