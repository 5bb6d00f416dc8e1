# SPDX-License-Identifier: Apache-2.0
"""A database whose my.cnf includes a directory, the Secret with the files for it, and the agent between them."""

import hashlib
import json
import os
from pathlib import Path

from .kubelet import KubeletVolume
from .mariadb import MariaDB
from .poll import wait_for
from .stack import Stack
from .supervisor import Supervisor


def content(files):
    """The fingerprint that plans use, written anew from its description."""
    digest = hashlib.sha256()
    for name in sorted(files, key=str.encode):
        digest.update(name.encode() + b"\0" + files[name].encode() + b"\0")
    return digest.hexdigest()


def cnf(**settings):
    """{"zz-inline-my.cnf": "[mysqld]\\n…"}"""
    return {"zz-inline-my.cnf": "[mysqld]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items())}


class ConfiguredMariaDB(MariaDB):
    """Of what the tests set, the command line says nothing."""

    def arguments(self, tls=True):
        return [word for word in super().arguments(tls) if not word.startswith("--max-connections")]


class Plan:
    """A plan in a file, as a mounted ConfigMap."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        self.path = folder / "plan.json"
        self.generation = 0

    def write(self, **members):
        self.generation += 1
        fresh = self.path.with_name("fresh")
        fresh.write_text(json.dumps({"request": "rcfg", "generation": self.generation, **members}))
        os.rename(fresh, self.path)
        return self.generation


class CustomParts:
    """What is added to a stack: the Secret with its files, and a my.cnf that includes what is published."""

    secret_name = "px-certrotate-files"

    def add_files(self, folder, volume=True):
        self.files_dir = folder / "custom"
        self.files = KubeletVolume(folder / "files")
        section = {"secret": self.secret_name, "publish": str(self.files_dir)}
        if volume:
            section["source"] = str(self.files.path)
        return section

    def add_server(self):
        self.db.option_file = self.dir / "my.cnf"
        self.db.option_file.write_text(f"[mysqld]\n!includedir {self.files_dir}\n")
        self.allowed = lambda: True
        self.supervisor = Supervisor(self.db, lambda: self.allowed())

    def put_files(self, files):
        self.files.write({name: text.encode() for name, text in files.items()})
        return files

    def setting(self, name="max_connections"):
        done = self.db.run_client(f"SELECT @@GLOBAL.{name}")
        return done.stdout.strip() if done.returncode == 0 else None

    def published_files(self):
        """Those that a server would read."""
        return {path.name: path.read_text() for path in self.files_dir.iterdir() if path.suffix == ".cnf"}

    def wait_applied(self, files, deadline=30):
        """Published, proven, and nothing to complain about; the directory is looked at from outside."""
        fine = {"published": content(files), "pending": False, "error": None}
        self.agent.wait_status("files are in force", lambda s: fine.items() <= s["files"].items() and
                               s["rotation"]["step"] == "idle", deadline)
        assert self.published_files() == files

    def wait_setting(self, value, name="max_connections", deadline=30):
        wait_for(f"{name} is {value}", lambda: self.setting(name) == value, deadline, 0.05, self.tail)

    def wait_done(self, generation, deadline=30):
        return self.agent.wait_status(f"plan {generation} is done", lambda s: (s["plan"] or {}).get("generation") == generation
                                      and s["plan"]["done"], deadline)


class CustomStack(CustomParts, Stack):
    server = ConfiguredMariaDB

    def __init__(self, folder, template, authority, planned=True, **config):
        folder = Path(folder)
        self.plan = Plan(folder / "plan")
        more = {"plan": str(self.plan.path), "instance": "px-0"} if planned else {}
        super().__init__(folder, template, authority, custom=self.add_files(folder),
                         **{"restart-limit": "8s", "verify-limit": "8s", **more, **config})
        self.add_server()

    def cleanup(self):
        self.supervisor.cleanup()
        super().cleanup()
