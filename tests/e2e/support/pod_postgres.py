# SPDX-License-Identifier: Apache-2.0
"""
A pod of PostgreSQL, whose agent is of the driver `generic`: TLS is on by its own configuration, and it starts when the agent
has published a certificate.
"""

import shutil
import tempfile
from pathlib import Path

from .pod import Pod, leaf_seen
from .postgres import Postgres


class PostgresPod(Pod):
    tls = None

    def __init__(self, fleet, name):
        super().__init__(fleet, name)
        self.home = Path(tempfile.mkdtemp(prefix="cr-pod-"))  # pytest's folders are root's alone
        self.home.chmod(0o755)
        self.published = self.home / "published"

    def prepare(self):
        self.db = Postgres(self.published)

    def start(self):
        self.db.start(wait=False)

    def settings(self):
        key = {"name": "tls.key", "content": "key", "mode": "0640", "group": str(self.db.user.pw_gid)}
        return {"database": "generic", "endpoints": [f"postgres://127.0.0.1:{self.db.port}"],
                "files": [{"name": "ca.crt", "content": "ca"}, {"name": "tls.crt", "content": "chain"}, key],
                "generic": {"reload": {"signal": "HUP"}, "pid-file": str(self.db.pid_file), "executable": "postgres"}}

    def accepts(self):
        return self.db.answers() is not None

    def served(self):
        return leaf_seen(self.db.port, "postgres")

    def cleanup(self):
        super().cleanup()
        shutil.rmtree(self.home, ignore_errors=True)
