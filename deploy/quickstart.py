#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
The show behind ./deploy/quickstart. It drives the released program from outside, with the same bench the
end-to-end tests use (tests/e2e/support): what it claims it saw on the wire, in a client that shares no code
with certrotate.
"""

import argparse
import atexit
import datetime
import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("CERTROTATE", str(ROOT / "build/release/certrotate"))
sys.path.insert(0, str(ROOT / "tests/e2e"))

from support import wire  # noqa: E402
from support.authority import Authority, openssl  # noqa: E402
from support.mariadb import make_template  # noqa: E402
from support.poll import wait_for  # noqa: E402
from support.stack import Stack  # noqa: E402

ROTATIONS = 5
STEPS = (("source_changed", "seen"), ("bundle_accepted", "checked"), ("generation_published", "published"),
         ("database_reloaded", "reloaded"), ("rotation_succeeded", "proven"))


class Screen:
    """Lines that stay, and on a terminal one live line below them."""

    def __init__(self, json_only):
        self.quiet = json_only
        self.tty = sys.stdout.isatty() and not json_only
        self.color = self.tty and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self.live = None
        self._lock = threading.Lock()
        if self.tty:
            threading.Thread(target=self._tick, daemon=True).start()

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.color else text

    def good(self, text):
        return self.paint("32", text)

    def bad(self, text):
        return self.paint("31;1", text)

    def dim(self, text):
        return self.paint("2", text)

    def bold(self, text):
        return self.paint("1", text)

    def line(self, text=""):
        if self.quiet:
            return
        with self._lock:
            if self.tty:
                sys.stdout.write("\r\033[K")
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def title(self, text):
        self.line()
        self.line(self.bold(f"── {text} " + "─" * max(0, 92 - len(text))))

    def _tick(self):
        while True:
            if self.live:
                width = shutil.get_terminal_size().columns
                text = self.live()[:width - 1]
                with self._lock:
                    sys.stdout.write("\r\033[K" + self.dim(text))
                    sys.stdout.flush()
            time.sleep(0.2)


class Show:
    def __init__(self, screen):
        self.screen = screen
        self.claims = []
        self.served_ms = []
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.dir = Path(tempfile.mkdtemp(prefix="certrotate-quickstart-", dir=base))
        self.dir.chmod(0o755)
        self.stack = None
        self.load = None
        self._counted = (0, 0)

    def claim(self, text, seen):
        self.claims.append((text, bool(seen)))
        mark = self.screen.good("✔") if seen else self.screen.bad("✘")
        self.screen.line(f"  {mark} {text}")

    # --- parts

    def prepare(self):
        self.screen.title("1 · a local authority, a Secret-like volume, a private MariaDB")
        self.authority = Authority(self.dir / "authority", name="Quickstart Authority", intermediate=True)
        template = make_template(self.dir / "template" / "empty")
        self.stack = Stack(self.dir, template, self.authority, listen="127.0.0.1:0")
        self.screen.line(f"  volume     {self.stack.volume.path}")
        self.screen.line(f"  published  {self.stack.published}")
        self.screen.line(f"  MariaDB    mysql://127.0.0.1:{self.stack.db.port}")

    def begin(self):
        self.screen.title("2 · the agent publishes before the database exists; the database starts on what is published")
        bundle = self.authority.issue(days=90)
        self.stack.up(bundle)
        self.describe(bundle)
        self.claim("the first certificate was published, then served, then proven by handshake",
                   self.stack.served_fp() == bundle.fp)
        self.load = self.stack.load(clients=4, pause=0.01)
        wait_for("clients connect", lambda: self.load.made > 20, 20)
        self.screen.live = self.status_line

    def describe(self, bundle):
        end = openssl("x509", "-noout", "-enddate", stdin=bundle.cert).decode().strip().split("=")[1]
        left = datetime.datetime.strptime(end, "%b %d %H:%M:%S %Y %Z") - datetime.datetime.utcnow()
        self.screen.line(f"  certificate {self.screen.bold(bundle.fp[:16])}  {left.total_seconds() / 86400:.1f} days left")

    def count(self):
        lines = self.load.lines() if self.load else []
        failed = sum("error" in line for line in lines)
        return len(lines) - failed, failed

    def status_line(self):
        made, failed = self.count()
        served = (self.stack.served_fp() or "nothing")[:16]
        return f"  connections {made} made, {failed} failed · serving {served}"

    def rotate(self):
        self.screen.title("3 · five rotations while four clients keep opening verified TLS connections")
        for i in range(ROTATIONS):
            bundle = self.authority.issue(days=(90, 47, 6, 200, 1)[i], kind=("ec", "rsa", "ec", "ed25519", "ec")[i])
            wall = time.time()
            swapped = self.stack.volume.publish(bundle)
            done = self.stack.agent.wait_event("rotation_succeeded", fingerprint=bundle.fp[:16])
            first = wait_for("a client saw it", lambda: self.first_seen(bundle.fp), 20)
            self.served_ms.append((first - swapped) * 1000)
            self.describe(bundle)
            self.screen.line("    " + "   ".join(self.step_times(wall, done)))
            self.screen.line(f"    first client served with it {self.screen.good(f'{self.served_ms[-1]:.1f} ms')} after the swap")
            self.stack.bundle = bundle
        self.claim(f"{ROTATIONS} certificates, each proven on the wire", len(self.served_ms) == ROTATIONS)
        self.claim("no client connection failed while they changed", self.count()[1] == 0)

    def step_times(self, wall, done):
        at = {}
        for event in self.stack.agent.find():
            if event["event"] in dict(STEPS) and event["_at"] <= done["_at"]:
                at[event["event"]] = event["time"]
        out = []
        for event, word in STEPS:
            stamp = datetime.datetime.strptime(at[event], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
            out.append(f"{word} {self.screen.dim(f'+{max(0.0, (stamp.timestamp() - wall) * 1000):.0f} ms')}")
        return out

    def first_seen(self, fp):
        ends = [line["end"] for line in self.load.lines() if line.get("fp") == fp]
        return min(ends) if ends else None

    def refuse(self):
        self.screen.title("4 · bad bundles: each refused with a sentence, the good one stays served")
        good = self.stack.bundle
        other = Authority(self.dir / "other", name="Other Authority")
        stranger = other.issue()
        cases = [
            ("torn pair", good.files(key=self.authority.issue().key)),
            ("wrong authority", good.files(cert=stranger.cert, key=stranger.key)),
            ("expired", self.authority.issue(start=-3 * 86400, days=2).files()),
            ("empty", good.files(cert=b"", key=b"")),
            ("garbage", good.files(cert=b"\x00\x01 not a certificate \xff\xfe" * 40)),
        ]
        for name, files in cases:
            before = len(self.stack.agent.find("bundle_refused"))
            self.stack.volume.write(files)
            self.stack.agent.wait("a refusal", lambda n=before: len(self.stack.agent.find("bundle_refused")) > n)
            self.screen.line(f"  {self.screen.bold(name)}")
            self.screen.line(self.screen.dim(f"    {self.stack.agent.find('bundle_refused')[-1]['error']}"))
            self.claim(f"{name}: refused, {good.fp[:16]} still served", self.stack.served_fp() == good.fp)
        self.claim("no client connection failed because of them", self.count()[1] == 0)
        bundle = self.authority.issue()
        self.stack.rotate(bundle)
        self.stack.wait_proven(bundle)
        self.claim("the next good bundle was taken at once", True)

    def crash(self):
        self.screen.title("5 · kill -9 in mid-rotation")
        for _ in range(20):
            bundle = self.authority.issue()
            before = len(self.stack.agent.find("generation_published"))
            self.stack.volume.publish(bundle)
            wait_for("published", lambda n=before: len(self.stack.agent.find("generation_published")) > n, 20, 0.0005)
            self.stack.agent.kill()
            step = json.loads((self.stack.published / "..state.json").read_text())["step"]
            if step:
                break
            self.stack.agent.start()
            self.stack.wait_proven(bundle)
        self.screen.line(f"  killed in step {self.screen.bold(step or 'none')}; published {self.stack.published_fp()[:16]}, "
                         f"served {self.stack.served_fp()[:16]}")
        self.claim("the published pair is whole", self.stack.published_pair_fits())
        self.stack.agent.start()
        resumed = self.stack.agent.wait_event("rotation_resumed")
        self.stack.wait_proven(bundle)
        self.claim(f"the restarted agent went on at '{resumed['step']}' and proved {bundle.fp[:16]}", step != "")
        self.claim("no client connection failed meanwhile", self.count()[1] == 0)

    def sum_up(self):
        self.screen.live = None
        made, failed = self.count()
        seen = sum(ok for _, ok in self.claims)
        self.screen.title("summary")
        if self.served_ms:
            self.screen.line(f"  swap to served: median {statistics.median(self.served_ms):.1f} ms, "
                             f"longest {max(self.served_ms):.1f} ms (as clients saw it)")
        self.screen.line(f"  connections: {made} made, {failed} failed")
        verdict = f"{seen} of {len(self.claims)} claims seen"
        all_seen = seen == len(self.claims) and failed == 0
        self.screen.line("  " + (self.screen.good("✔ " + verdict) if all_seen else self.screen.bad("✘ " + verdict)))
        return {"ok": all_seen, "claims": [{"claim": text, "seen": ok} for text, ok in self.claims],
                "connections": {"made": made, "failed": failed},
                "swapToServedMs": [round(ms, 2) for ms in self.served_ms]}

    def keep(self):
        binary = os.environ["CERTROTATE"]
        self.screen.title("still running: look around, end with Ctrl-C")
        for command in (f"{binary} status --socket {self.stack.agent.control}",
                        f"{binary} probe --ca {self.authority.ca_file()} mysql://127.0.0.1:{self.stack.db.port}",
                        f"{binary} check {self.stack.volume.path}",
                        f"curl --unix-socket {self.stack.agent.control} http://localhost/metrics",
                        f"ls -la {self.stack.published}"):
            self.screen.line("  " + command)
        try:
            signal.pause()
        except KeyboardInterrupt:
            self.screen.line()

    def end(self):
        self.screen.live = None
        if self.stack:
            self.stack.cleanup()
        shutil.rmtree(self.dir, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(prog="quickstart")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    screen = Screen(given.json)
    show = Show(screen)
    atexit.register(show.end)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for part in (show.prepare, show.begin, show.rotate, show.refuse, show.crash):
            part()
        failure = None
    except (AssertionError, OSError, wire.WireError) as e:
        failure = str(e)
        screen.line(screen.bad(f"  ✘ {failure}"))
    except KeyboardInterrupt:
        return 130
    result = show.sum_up()
    if failure is not None:
        result.update(ok=False, failure=failure)
    if given.json:
        print(json.dumps(result, indent=2))
    if given.keep and failure is None:
        show.keep()
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
