# SPDX-License-Identifier: Apache-2.0
"""
What injection costs: the webhook asked directly, beside Istio's, and pods created through a real API server. Started by
tests/bench/inject.
"""

import argparse
import csv
import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from measure import istio  # noqa: E402
from measure.report import table  # noqa: E402
from support.agent import RELEASE  # noqa: E402
from support.kube import ControlPlane, missing  # noqa: E402
from support.namespace import Namespace  # noqa: E402
from support.webhook import Webhook, pod  # noqa: E402


def options():
    parser = argparse.ArgumentParser(prog="tests/bench/inject", description="What the injection of the sidecar costs: reviews "
                                     "a second, how long each takes, memory; and a pod's creation with and without it.")
    parser.add_argument("--reviews", type=int, default=4000, help="reviews of each measurement (4000)")
    parser.add_argument("--pods", type=int, default=400, help="pods created through the API server, of each sort (400)")
    parser.add_argument("--quick", action="store_true", help="400 reviews and 60 pods")
    parser.add_argument("--json", metavar="FILE", help="write every number to FILE as well")
    got = parser.parse_args()
    if got.quick:
        got.reviews, got.pods = 400, 60
    return got


def say(text):
    print(text, file=sys.stderr, flush=True)


def review(name, annotations, **labels):
    """As the API server sends it."""
    asked = pod(name, annotations, **labels)
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "0df28fbd-5f5f-11e8-bc74-36e6bb280816", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"}, "namespace": "bench", "operation": "CREATE",
        "userInfo": {"username": "system:serviceaccount:kube-system:statefulset-controller"}, "object": asked,
        "oldObject": None, "dryRun": False, "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"}}}


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def load(url, body, connections, n, kept=False):
    """What hey, a client in Go like the API server, saw of each: connection and handshake are in it, unless kept."""
    started = time.monotonic()
    done = subprocess.run(["hey", "-n", str(n), "-c", str(connections), "-m", "POST", "-T", "application/json", "-D",
                           str(body), "-o", "csv", *([] if kept else ["-disable-keepalive"]), url],
                          capture_output=True, text=True, check=True)
    took = time.monotonic() - started
    rows = [row for row in csv.DictReader(done.stdout.splitlines()) if row["status-code"] == "200"]
    times = [float(row["response-time"]) * 1000 for row in rows]
    return {"n": n, "failed": n - len(rows), "rate": len(rows) / took, "p50": percentile(times, 0.5),
            "p99": percentile(times, 0.99), "max": max(times)}


def patched(port, body, path="/mutate"):
    """Does it answer as it should? Before anything is measured."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=ssl._create_unverified_context(), timeout=30)
    connection.request("POST", path, body.read_bytes(), {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return "patch" in answer["response"]


def cost(process):
    """(resident KiB, its peak, seconds of CPU)"""
    status = Path(f"/proc/{process.pid}/status").read_text()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in status.splitlines() if line.startswith(("VmRSS", "VmHWM"))}
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return kib["VmRSS"], kib["VmHWM"], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def created(webhook, n, **more):
    """ms of each dry run, as the API server's client sees it."""
    took = []
    for _ in range(n):
        started = time.monotonic()
        webhook.try_pod(**more)
        took.append((time.monotonic() - started) * 1000)
    return took


def reviews(process, url, body, what, got, kept=False):
    """{what, N at a time: what was seen}"""
    seen = {}
    for connections in (1, 16):
        name = f"{what}, {connections} at a time"
        say(f"{got.reviews} reviews: {name}")
        before = cost(process)[2]
        seen[name] = load(url, body, connections, got.reviews, kept)
        seen[name]["cpu_us"] = (cost(process)[2] - before) * 1e6 / got.reviews
    return seen


def measure_ours(plane, work, got, result):
    bodies = {"injected": work / "injected.json", "left alone": work / "left.json"}
    for name, word in (("injected", "true"), ("left alone", "false")):
        bodies[name].write_text(json.dumps(review("orders-0", {"certrotate.io/inject": word})))
    cleanups = []
    webhook = Webhook(plane, Namespace(plane, "bench"), work, lambda thing: cleanups.append(thing) or thing)
    try:
        one = webhook.controller(binary=RELEASE, log_level="info").start().wait_ready()
        webhook.wait_called()
        assert patched(webhook.port, bodies["injected"]) and not patched(webhook.port, bodies["left alone"])
        say("creating pods (dry run)")
        created(webhook, 20)
        for name, more in (("injected", {}), ("not sent to the webhook", {"annotations": {"a": "b"}})):
            took = created(webhook, got.pods, **more)
            result["pods"][name] = {"n": got.pods, "p50": percentile(took, 0.5), "p99": percentile(took, 0.99)}
        before = cost(one.process)
        for name, body in bodies.items():
            result["reviews"].update(reviews(one.process, f"https://127.0.0.1:{webhook.port}/mutate", body,
                                             f"certrotate, {name}", got))
        result["memory"]["certrotate"] = (before, cost(one.process))
        one.stop()
    finally:
        for thing in reversed(cleanups):
            thing.cleanup()


def measure_istio(plane, work, got, result):
    """The same pod, which gets Istio's sidecar; its server keeps connections, which a second row shows."""
    body = work / "istio.json"
    body.write_text(json.dumps(review("orders-0", {}, **{"sidecar.istio.io/inject": "true"})))
    peer = istio.Istio(plane, work)
    try:
        peer.up()
        assert patched(peer.port, body, "/inject")
        before = cost(peer.process)
        for what, kept in (("Istio, injected", False), ("Istio, injected, connections kept", True)):
            result["reviews"].update(reviews(peer.process, f"https://127.0.0.1:{peer.port}/inject", body, what, got, kept))
        result["memory"]["Istio"] = (before, cost(peer.process))
    finally:
        peer.stop()


def measure(plane, work, got):
    result = {"reviews": {}, "pods": {}, "memory": {}}
    measure_ours(plane, work, got, result)
    if istio.missing():
        say(f"not compared: {istio.missing()}")
    else:
        measure_istio(plane, work, got, result)
    return result


def tell(r):
    print(table(["reviews", "a second", "p50 ms", "p99 ms", "max ms", "CPU µs each", "failed"], [
        [name, f"{x['rate']:.0f}", f"{x['p50']:.1f}", f"{x['p99']:.1f}", f"{x['max']:.1f}", f"{x['cpu_us']:.0f}",
         f"{x['failed']} of {x['n']:,}"] for name, x in r["reviews"].items()]))
    print(table(["a pod's creation (dry run) through the API server", "p50 ms", "p99 ms"], [
        [name, f"{x['p50']:.2f}", f"{x['p99']:.2f}"] for name, x in r["pods"].items()]))
    print(table(["resident MiB", "before", "after", "at most"], [
        [name, *(f"{kib / 1024:.1f}" for kib in (before[0], after[0], after[1]))]
        for name, (before, after) in r["memory"].items()]))


def main():
    got = options()
    if missing():
        sys.exit(f"tests/bench/inject: {missing()}")
    subprocess.run("cmake --preset release >/dev/null && cmake --build --preset release --target certrotate >/dev/null",
                   shell=True, cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="certrotate-inject-") as work:
        plane = ControlPlane(Path(work) / "plane").up()
        try:
            result = measure(plane, Path(work), got)
        finally:
            plane.cleanup()
    tell(result)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}; etcd, API server and load on the same {os.cpu_count()} cores")
    if got.json:
        Path(got.json).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
