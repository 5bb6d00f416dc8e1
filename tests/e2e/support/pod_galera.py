# SPDX-License-Identifier: Apache-2.0
"""
A pod of a Galera cluster whose server can be made to read other files than the published ones: the paths that its own
my.cnf would name lead there by a link.
"""

import os

from .pod import MariaDBPod
from .singlestore import write_files


class GaleraPod(MariaDBPod):
    def prepare(self):
        super().prepare()
        self.read, self.insisted = self.dir / "read", {}
        self.lie(None)
        arguments = self.db.arguments

        def with_ours(tls=True):
            """The command line goes before every file."""
            on = self.fragment.exists() and str(self.published) in self.fragment.read_text()
            pair = [f"--ssl-cert={self.read}/tls.crt", f"--ssl-key={self.read}/tls.key"] if on else []
            return [*arguments(tls), *pair, *(f"--{key}={value}" for key, value in self.insisted.items())]
        self.db.arguments = with_ours

    def lie(self, bundle):
        """From the next reload on: the group's links are not touched."""
        target = self.published
        if bundle is not None:
            target = write_files(self.dir / "other", bundle)
            for kind in ("crt", "key"):
                (target / f"server.{kind}").replace(target / f"tls.{kind}")
        fresh = self.read.with_name("read.new")
        fresh.symlink_to(target)
        os.rename(fresh, self.read)

    def insist(self, key, value):
        self.insisted = {key: value} if value else {}
