# SPDX-License-Identifier: Apache-2.0
"""A pod of Oracle's MySQL, which takes the paths of MariaDB's."""

from .mysql import MySQL
from .pod import MariaDBPod
from .poll import free_port


class MySQLPod(MariaDBPod):
    def prepare(self):
        self.db = MySQL(self.dir / "db", self.fleet.template, None, port=free_port())
        self.db.with_tls, self.db.option_file = False, self.options
