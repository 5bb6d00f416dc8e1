# SPDX-License-Identifier: Apache-2.0
"""Brings up a node, MariaDB pods with their sidecars for each way a Secret comes, and measures. Started by tests/bench/node."""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cluster"), str(HERE.parent / "e2e")]

import node as cluster  # noqa: E402
from bench import machine, say  # noqa: E402
from database import VOLUME, Database  # noqa: E402
from measure import idle  # noqa: E402
from measure.report import mib, table  # noqa: E402
from support import wire  # noqa: E402
from support.authority import Authority  # noqa: E402
from support.namespace import Namespace  # noqa: E402
from support.poll import wait_for  # noqa: E402

SETTLE_S = 5
LIMIT_S = 300


class Way:
    """One way a Secret comes to the agent: the pods that go it, and when they are written to."""

    def __init__(self, name, samples, pods, pause, config, what, **more):
        self.name, self.samples, self.pods, self.pause = name, samples, min(pods, samples), pause
        self.config, self.what, self.more = config, what, more


def ways(got):
    pod = "kubernetes:\n  pod: {name}\n"
    return [
        Way("volume", got.volume, 6, (0, 60), VOLUME, "kubelet on its own"),
        # A leaf of an hour in its last ten minutes: the agent nudges every ten seconds.
        Way("nudge", got.nudge, 6, (0, 10), VOLUME + pod, "kubelet, nudged", api=True),
        # One at a time, so that nothing waits for a processor but what is measured.
        Way("api", got.api, 1, (0.5, 1.5), pod + "  secret: {name}-tls\n", "API server", api=True, volume=False)]


def options():
    parser = argparse.ArgumentParser(prog="tests/bench/node", description="On a real Kubernetes node: the time from a "
                                     "Secret's write to its certificate being served by a MariaDB pod, by the ways it "
                                     "comes to the sidecar, and what the sidecar costs at rest.")
    parser.add_argument("--json", metavar="FILE", help="write every number, samples included, to FILE as well")
    parser.add_argument("--quick", action="store_true", help="6 samples each, 20 s at rest")
    parser.add_argument("--volume", type=int, metavar="N", help="samples of the volume alone (12; each takes a minute)")
    parser.add_argument("--nudge", type=int, metavar="N", help="samples with a nudge (24)")
    parser.add_argument("--api", type=int, metavar="N", help="samples through the API (50)")
    parser.add_argument("--idle", type=int, metavar="SECONDS", help="length of the rest (60)")
    parser.add_argument("--keep", action="store_true", help="keep the working folder with all logs")
    got = parser.parse_args()
    quick = got.quick
    for name, many in (("volume", 12), ("nudge", 24), ("api", 50)):
        if getattr(got, name) is None:
            setattr(got, name, 6 if quick else many)
    got.idle = got.idle or (20 if quick else 60)
    return got


class Racer:
    """One pod and its Secret."""

    def __init__(self, node, namespace, name, way, authority, images):
        self.node, self.namespace, self.name, self.way, self.authority = node, namespace, name, way, authority
        self.bundle = self.issue()
        self.namespace.secret(f"{name}-tls", self.bundle)
        self.database = Database(namespace, name, *images, f"{name}-tls", config=way.config.replace("{name}", name),
                                 period=10, **way.more)
        if self.database.api:
            self.database.grant(*([f"{name}-tls"] if way.name == "api" else []))
        self.database.up(wait=False)

    def issue(self):
        return self.authority.issue(start=-3000, seconds=600) if self.way.name == "nudge" else self.authority.issue()

    def wait(self):
        self.database.wait().wait_served(self.bundle.fp)
        # The node's own file system, seen through its first process.
        self.volume = Path(f"/proc/{self.node.init_pid}/root/var/lib/kubelet/pods", self.database.pod.get()["metadata"]["uid"],
                           "volumes/kubernetes.io~secret/secret/..data") if self.database.volume else None
        if self.way.name == "nudge":  # the first one comes at the start, before it knows a certificate
            first = self.nudged()
            wait_for(f"{self.name} nudges in its rhythm", lambda: self.nudged() not in (None, first), 120, 0.2)

    def nudged(self):
        return self.database.pod.get()["metadata"].get("annotations", {}).get("certrotate.io/nudge")

    def sample(self):
        """Seconds from just before the write to the volume, and to the end of the first handshake with the new leaf."""
        bundle = self.issue()
        before = os.readlink(self.volume) if self.volume else None
        time.sleep(random.uniform(*self.way.pause))
        start = time.monotonic()
        self.namespace.secret(f"{self.name}-tls", bundle)
        written = time.monotonic() - start
        in_volume = None
        if self.volume:  # nothing else brings it, so nobody needs to be asked before
            while os.readlink(self.volume) == before:
                self.check(start)
                time.sleep(0.002)
            in_volume = time.monotonic() - start
        while wire.served(3306, None, self.database.ip) != bundle.fp:
            self.check(start)
        return {"pod": self.name, "written_s": written, "volume_s": in_volume, "served_s": time.monotonic() - start}

    def check(self, start):
        assert time.monotonic() - start < LIMIT_S, f"{self.name}: not served within {LIMIT_S} s\n{self.database.pod.explain()}"

    def process(self):
        """(number, folder of its memory group) of the agent."""
        container = self.database.pod.statuses()["certrotate"]["containerID"].rpartition("/")[2]
        for top in cluster.control_groups():
            if top.name == "memory" or top == cluster.CGROUPS:
                group = next((top / self.node.group).glob(f"**/{container}"))
                return int((group / "cgroup.procs").read_text().split()[0]), group
        raise AssertionError("there is no memory controller")


def race(way, racers):
    """Each pod on its own, at its own moments."""
    samples, faults = [], []

    def run(racer, many):
        try:
            for _ in range(many):
                samples.append(racer.sample())
                say(f"  {way.name} {len(samples)} of {way.samples}: {samples[-1]['served_s']:.3f} s")
        except Exception as e:  # of a thread: told by the caller
            faults.append(e)
    threads = [threading.Thread(target=run, args=(racer, way.samples // len(racers) + (i < way.samples % len(racers))))
               for i, racer in enumerate(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return samples


def at_rest(racer, seconds):
    pid, group = racer.process()
    before, start = idle.activity(pid), time.monotonic()
    time.sleep(seconds)
    minutes, (cpu_ns, wakeups) = (time.monotonic() - start) / 60, idle.activity(pid)
    return {**idle.memory(pid), "seconds": seconds, "cpu_us_per_minute": (cpu_ns - before[0]) / 1000 / minutes,
            "wakeups_per_minute": (wakeups - before[1]) / minutes, "group_kib": working_set(group) // 1024}


def working_set(group):
    """What `kubectl top` shows, and what a memory limit has to leave room for."""
    name, inactive = ("memory.current", "inactive_file") if (group / "memory.current").exists() else \
                     ("memory.usage_in_bytes", "total_inactive_file")
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return int((group / name).read_text()) - int(stat[inactive])


def measure(node, got, work, result):
    images = node.certrotate(), node.tree("mariadb")
    assert images[1], "the image of MariaDB could not be built"
    authority = Authority(work / "authority")
    for way in ways(got):
        if not way.samples:
            continue
        say(f"{way.name}: {way.pods} pods")
        namespace = Namespace(node.plane, f"bench-{way.name}")
        racers = [Racer(node, namespace, f"db{i}", way, authority, images) for i in range(way.pods)]
        for racer in racers:
            racer.wait()
        samples = race(way, racers)
        time.sleep(SETTLE_S)
        result["ways"][way.name] = {"what": way.what, "pods": way.pods, "samples": samples}
        result["ways"][way.name]["rest"] = at_rest(racers[0], got.idle)
        restarts = [r.database.pod.restarts() for r in racers]
        assert not any(sum(one.values()) for one in restarts), f"something was restarted: {restarts}"
        namespace.call("DELETE", "pods?gracePeriodSeconds=0")


def three(values, digits=2, scale=1):
    values = [v * scale for v in values if v is not None]
    if not values:
        return [None] * 3
    return [f"{v:.{digits}f}" for v in (statistics.median(values), min(values), max(values))]


def render(result):
    m, found = result["machine"], result["ways"]
    rows, rest = [], []
    for name, way in found.items():
        served = [s["served_s"] for s in way["samples"]]
        own = [s["served_s"] - s["volume_s"] for s in way["samples"] if s["volume_s"] is not None]
        rows.append([f"{name} ({way['what']})", len(served), *three(served, 3), *three(own, 0, 1000)])
        if "rest" in way:
            r = way["rest"]
            rest.append([name, mib(r["rss_kib"]), mib(r.get("private_dirty_kib")), mib(r.get("pss_kib")),
                         mib(r["group_kib"]), r["threads"], f"{r['cpu_us_per_minute'] / 1000:.1f}", f"{r['wakeups_per_minute']:.0f}"])
    return "\n\n".join([
        f"{m['cpu']}, {m['cores']} cores, Linux {m['kernel']}, Kubernetes {result['kubernetes']}, MariaDB {m['server']}, load "
        f"{m['load']:.1f} at the start, {m['time']}",
        table(["Secret's write to served, s", "samples", "median", "min", "max", "from the volume, ms: median", "min", "max"],
              rows),
        table(["sidecar at rest", "RSS MiB", "dirty MiB", "PSS MiB", "group MiB", "threads", "CPU ms/min", "wake-ups/min"], rest)])


def main():
    got = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    why = cluster.missing()
    if why:
        sys.exit(f"tests/bench/node: {why}")
    work = Path(tempfile.mkdtemp(prefix="certrotate-node-"))
    if got.keep:
        os.environ["E2E_KEEP"] = "1"
    result = {"machine": machine(), "options": vars(got), "kubernetes": cluster.BIN.parent.name.partition("-")[2], "ways": {}}
    code, node = 0, cluster.Node(work / "node")
    try:
        say("bringing up the node")
        measure(node.up(), got, work, result)
    except (AssertionError, OSError, subprocess.CalledProcessError) as e:
        say(f"tests/bench/node: {e}")
        code = 1
    except KeyboardInterrupt:
        code = 130
    finally:
        node.cleanup()
        if got.keep:
            say(f"kept: {work}")
        else:
            subprocess.run(["rm", "-rf", work], check=False)
    print(render(result))
    if got.json:
        Path(got.json).write_text(json.dumps(result, indent=1) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
