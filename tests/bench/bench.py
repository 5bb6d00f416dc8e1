# SPDX-License-Identifier: Apache-2.0
"""Builds what the benchmark needs, runs its parts, prints the tables. Started by tests/bench/run."""

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from measure import idle, programs, report, speed, validation, variants  # noqa: E402
from measure.material import make_material  # noqa: E402
from support.mariadb import make_template  # noqa: E402

PARTS = ("speed", "idle", "growth", "validation", "size")


def options():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="The agent, the bare floor and two peers side by "
                                     "side: how soon a new certificate is served, and what watching for it costs.")
    parser.add_argument("--json", metavar="FILE", help="write every number, samples included, to FILE as well")
    parser.add_argument("--quick", action="store_true", help="25 swaps each, 10 s idle, 100 rotations")
    parser.add_argument("--swaps", type=int, help="swaps for each variant (200)")
    parser.add_argument("--slow-swaps", type=int, help="swaps for prometheus-config-reloader, which waits a second for "
                        "each (a quarter of --swaps)")
    parser.add_argument("--idle", type=int, metavar="SECONDS", help="length of the idle measurement (60)")
    parser.add_argument("--rotations", type=int, help="rotations of the agent for the growth of memory (500)")
    parser.add_argument("--long", type=int, nargs="?", const=10000, metavar="N", help="that many rotations instead (10000)")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part only (may be given again)")
    parser.add_argument("--variant", action="append", choices=variants.NAMES, help="this variant only (may be given again)")
    parser.add_argument("--agent", metavar="FILE", help="measure this binary instead of building one")
    parser.add_argument("--keep", action="store_true", help="keep the working folder with all logs")
    got = parser.parse_args()
    swaps, idle_s, rotations = (25, 10, 100) if got.quick else (200, 60, 500)
    got.swaps, got.idle = got.swaps or swaps, got.idle or idle_s
    got.rotations = got.long or got.rotations or rotations
    got.slow_swaps = got.slow_swaps or max(1, got.swaps // 4)
    got.parts = got.only or list(PARTS)
    return got


def say(text):
    print(text, file=sys.stderr, flush=True)


def machine():
    model = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    server = subprocess.run(["mariadbd", "--no-defaults", "--version"], capture_output=True, text=True).stdout.strip()
    return {"cpu": model[0] if model else platform.machine(), "cores": os.cpu_count(), "kernel": platform.release(),
            "load": os.getloadavg()[0], "server": server.split("Ver ", 1)[-1].split(" for ")[0],
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def measure(got, work, result):
    """Each part adds its numbers to result, so that a part that fails takes none of the others with it."""
    built = programs.build(ROOT, got, say)
    result["skipped"] = built.skipped
    say("making certificates and a database")
    material = make_material(work / "material", min(got.swaps, 200) + 16)
    racers = []
    try:
        if {"speed", "idle", "growth"} & set(got.parts):
            racers = variants.start(work, make_template(work / "template"), material, built, got, say)
        if "speed" in got.parts:
            result["speed"] = speed.run(racers, material, built, got, say)
        if "idle" in got.parts:
            result["idle"] = idle.run(racers, got.idle, say)
        if "growth" in got.parts:
            result["growth"] = idle.growth(racers, material, built, got.rotations, say)
    finally:
        for racer in racers:
            racer.stop()
    if "validation" in got.parts:
        result["validation"] = validation.run(material, built, say)
    if "size" in got.parts:
        result["size"] = programs.sizes(built, work)


def main():
    got = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 1 << 30 else None
    work = Path(tempfile.mkdtemp(prefix="certrotate-bench-", dir=memory))
    result = {"machine": machine(), "options": vars(got)}
    code = 0
    try:
        measure(got, work, result)
    except (AssertionError, OSError, subprocess.CalledProcessError, programs.Failure) as e:
        say(f"tests/bench/run: {e}")
        code = 1
    except KeyboardInterrupt:
        code = 130
    finally:
        if got.keep:
            say(f"kept: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    print(report.render(result))
    if got.json:
        Path(got.json).write_text(json.dumps(result, indent=1) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
