# SPDX-License-Identifier: Apache-2.0
"""
The agent as a user runs it: `certrotate run --config FILE`. Its JSON log is parsed line by line, its state is
asked through the control socket, and every failure shows the tail of its log.
"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from .poll import STRETCH, end_with_parent, wait_for

ROOT = Path(__file__).resolve().parents[3]
BINARY = os.environ.get("CERTROTATE") or str(ROOT / "build/asan/certrotate")
# Memory is measured on what users get; the sanitizers' own memory says nothing.
RELEASE = os.environ.get("CERTROTATE_RELEASE") or str(ROOT / "build/release/certrotate")
REPORT = re.compile(r"ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:disable_coredump=1:strict_string_checks=1:"
                    "detect_stack_use_after_return=1:check_initialization_order=1:handle_abort=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": f"suppressions={ROOT}/tests/e2e/support/lsan.supp:print_suppressions=0",
}


def environment(**more):
    env = dict(os.environ, **SANITIZERS, TZ="UTC", **more)
    for name in ("CERTROTATE_BREAKPOINT", "NOTIFY_SOCKET"):
        if name not in more:
            env.pop(name, None)
    return env


def run(*args, binary=None, timeout=60, **more):
    """A command that ends by itself: (exit code, stdout, stderr); sanitizer reports fail."""
    done = subprocess.run([binary or BINARY, *map(str, args)], capture_output=True, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, timeout=timeout * STRETCH, env=environment(**more))
    assert not REPORT.search(done.stderr), done.stderr
    assert done.returncode >= 0, f"ended by signal {-done.returncode}:\n{done.stderr}"
    return done.returncode, done.stdout, done.stderr


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Agent:
    def __init__(self, folder, config, binary=None):
        """config: what the file says; `control` and `log` get defaults that suit tests."""
        self.dir = Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self._short = tempfile.TemporaryDirectory(prefix="cr-")
        self.control = Path(self._short.name) / "control.sock"
        self.config = {"control": str(self.control), **config}
        self.binary = binary or BINARY
        self.path = self.dir / "certrotate.yaml"
        self.process = None
        self.events = []  # of the present process
        self.raw = []     # of all processes
        self._lock = threading.Lock()
        self._reader = None

    # --- life

    def start(self, *args, **env):
        assert not self.running(), "already running"
        self.path.write_text(json.dumps(self.config, indent=2) + "\n")
        self.events = []
        self.process = subprocess.Popen([self.binary, "run", "--config", str(self.path), *args],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        env=environment(**env), preexec_fn=end_with_parent)
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        return self

    def start_unheard(self):
        """With a standard error that nobody reads any more."""
        read, write = os.pipe()
        self.process = subprocess.Popen([self.binary, "run", "--config", str(self.path)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=write, env=environment(),
                                        preexec_fn=end_with_parent)
        os.close(write)
        os.close(read)
        self._reader = threading.Thread(target=lambda: None)
        self._reader.start()

    def _read(self, process):
        for raw in process.stderr:
            line = raw.decode(errors="replace").rstrip("\n")
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            with self._lock:
                self.raw.append(line)
                if isinstance(event, dict):
                    event["_at"] = time.monotonic()
                    self.events.append(event)

    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def signal(self, signo):
        self.process.send_signal(signo)

    def wait_end(self, deadline=30):
        """Exit code, negative for a signal. A sanitizer's report fails here."""
        try:
            code = self.process.wait(deadline * STRETCH)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the agent did not end within {deadline} s{self.tail()}") from None
        self._reader.join(10)
        self.check_reports()
        return code

    def stop(self, expect=0, deadline=30):
        if self.process is None:
            return
        if self.running():
            self.signal(signal.SIGTERM)
        code = self.wait_end(deadline)
        self.process = None
        assert code == expect, f"the agent ended with {code}, expected {expect}{self.tail()}"

    def kill(self):
        if self.running():
            self.process.kill()
            self.process.wait()
            self._reader.join(10)
        self.process = None

    def cleanup(self):
        """At the end of a test: a crash or a leak nobody asked about must not go by."""
        try:
            if self.process is not None and self.process.poll() is None:
                self.process.send_signal(signal.SIGCONT)
                self.process.send_signal(signal.SIGTERM)
                try:
                    self.process.wait(30 * STRETCH)
                except subprocess.TimeoutExpired:
                    self.kill()
                    raise AssertionError(f"SIGTERM was ignored{self.tail()}") from None
            if self._reader:
                self._reader.join(10)
            self.check_reports()
        finally:
            self._short.cleanup()

    def check_reports(self):
        found = [line for line in self.raw if REPORT.search(line)]
        assert not found, "\n".join(self.raw[-120:])

    # --- what it says

    def tail(self, n=40):
        with self._lock:
            lines = self.raw[-n:]
        return "\n--- agent's log\n" + "\n".join(lines) + "\n"

    def find(self, event=None, **fields):
        """Log events of the present process with this name and these fields (a pattern for texts)."""
        def fits(e):
            if event is not None and e.get("event") != event:
                return False
            return all(k in e and (re.search(v, str(e[k])) if isinstance(v, str) else e[k] == v)
                       for k, v in fields.items())
        with self._lock:
            return [e for e in self.events if fits(e)]

    def forget(self):
        """What was logged up to now is not looked at any more (it stays in the tail)."""
        with self._lock:
            self.events = []

    def wait_event(self, event=None, deadline=20, **fields):
        return self.wait(f"event {event} {fields}", lambda: self.find(event, **fields), deadline)[-1]

    def wait(self, what, predicate, deadline=20, interval=0.02):
        def check():
            if self.process is not None and self.process.poll() is not None:
                value = predicate()
                if not value:
                    raise AssertionError(f"{what}: the agent ended with {self.process.poll()}{self.tail()}")
                return value
            return predicate()
        return wait_for(what, check, deadline, interval, self.tail)

    def get(self, path):
        """(status, body) from the control socket."""
        connection = UnixHTTP(self.control)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def status(self):
        """The status page, or {} while the agent does not listen yet."""
        try:
            code, body = self.get("/status")
        except OSError:
            return {}
        assert code == 200, f"/status answered {code}: {body}{self.tail()}"
        return json.loads(body)

    def metrics(self):
        """{'name{labels}': value}"""
        code, body = self.get("/metrics")
        assert code == 200
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in body.splitlines() if line and not line.startswith("#")}

    def wait_status(self, what, predicate, deadline=20):
        last = {}

        def check():
            last.clear()
            last.update(self.status())
            return bool(last) and predicate(last)
        try:
            self.wait(what, check, deadline)
        except AssertionError as e:
            raise AssertionError(f"{e}\n--- last status\n{json.dumps(last, indent=1)}") from None
        return dict(last)

    # --- what it costs

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def descriptors(self):
        """What each of them is, for a failure's text."""
        done = subprocess.run(["ls", "-l", f"/proc/{self.pid}/fd"], capture_output=True, text=True)
        return done.stdout

    def rss_kib(self):
        return self._memory("VmRSS")

    def _memory(self, name):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise AssertionError(name)
