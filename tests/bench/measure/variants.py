# SPDX-License-Identifier: Apache-2.0
"""The four that compete: each has a volume and a private MariaDB of its own, so that none pays for another."""

import json
import os
import subprocess
import time

from support.mariadb import MariaDB
from support.poll import end_with_parent, free_port, tail, wait_for

AGENT, FLOOR, WATCHER, RELOADER = NAMES = ("certrotate", "floor", "certwatcher", "prometheus-config-reloader")


class Variant:
    """reads: the folder that the server reads; by default the volume itself."""

    deadline_ms = 2000

    def __init__(self, name, folder, template, bundle, built, say):
        self.name, self.built, self.say = name, built, say
        self.folder = folder
        self.volume = folder / "volume"
        self.next_bundle = 1
        self.processes = []
        self._first_generation(bundle)
        self.database = MariaDB(folder / "mariadb", template, self.reads(), extra=["--log-warnings=0"])

    def _first_generation(self, bundle):
        fresh = self.volume / "..first"
        fresh.mkdir(parents=True)
        for name in ("ca.crt", "tls.crt", "tls.key"):
            (fresh / name).write_bytes((bundle / name).read_bytes())
            os.symlink(f"..data/{name}", self.volume / name)
        os.symlink("..first", self.volume / "..data")

    def reads(self):
        return self.volume

    def spawn(self, command, log):
        with open(self.folder / log, "wb") as out, open(self.folder / f"{log}.err", "wb") as err:
            process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                       cwd=self.folder, preexec_fn=end_with_parent)
        self.processes.append(process)
        return process

    def command(self):
        """Of the process that is measured."""
        return [self.built.path[self.name], self.volume, self.database.socket]

    def start(self):
        self.database.start(wait=False)
        self.database.wait_up(60)
        self.measured = self.spawn(self.command(), "log")

    @property
    def pid(self):
        return self.measured.pid

    def check(self):
        for process in self.processes:
            assert process.poll() is None, f"{self.name} ended with {process.returncode}:\n{self.said()}"

    def said(self):
        return tail(self.folder / "log.err", 15) + tail(self.folder / "log", 5)

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.database.cleanup()


class Agent(Variant):
    def reads(self):
        return self.folder / "published"

    def command(self):
        config = {"database": "mariadb", "source": str(self.volume), "publish": str(self.reads()),
                  "endpoints": [f"mysql://127.0.0.1:{self.database.port}"], "listen": "", "log-format": "json",
                  "admin": {"socket": str(self.database.socket), "user": "root"}}
        (self.folder / "config.yaml").write_text(json.dumps(config, indent=1) + "\n")
        return [self.built.path["certrotate"], "run", "--config", self.folder / "config.yaml"]

    def start(self):
        # The agent is first, as in a pod that starts: the server needs what it publishes.
        self.measured = self.spawn(self.command(), "log")

        def published():
            self.check()
            return (self.reads() / "tls.crt").exists()
        wait_for("the first publish", published, 20, 0.02, self.said)
        self.database.start()


class Reloader(Variant):
    deadline_ms = 5000

    def command(self):
        return [self.built.path[self.name], f"--watched-dir={self.volume}", f"--reload-url=http://127.0.0.1:{self.http}/"]

    def start(self):
        self.http = free_port()
        self.database.start()
        self.spawn([self.built.path["reload_helper"], self.http, self.database.socket], "helper")
        time.sleep(0.3)
        self.measured = self.spawn(self.command(), "log")


KINDS = {AGENT: Agent, RELOADER: Reloader}


def start(work, template, material, built, got, say):
    racers = []
    for name in got.variant or NAMES:
        if name not in built.path:
            continue
        say(f"starting {name}")
        racer = KINDS.get(name, Variant)(name, work / name, template, material.bundles / "0000", built, say)
        racers.append(racer)
        try:
            racer.start()
        except BaseException:
            for started in racers:
                started.stop()
            raise
    time.sleep(2)
    for racer in racers:
        racer.check()
    return racers
