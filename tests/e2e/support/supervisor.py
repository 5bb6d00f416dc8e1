# SPDX-License-Identifier: Apache-2.0
"""What kubelet or systemd does: a server that ended is started again; unless it could not start at all."""

import threading


def gated(folder, *words):
    """The command, which waits for a certificate to be in that folder: a pod's agent has a start-up probe for that."""
    return ["sh", "-c", 'until [ -e "$0/tls.crt" ]; do sleep 0.1; done; exec "$@"', folder, *words]


class Supervisor:
    def __init__(self, database, may_start=lambda: True):
        """may_start: False plays a server that ends at start, as some do with a pair they dislike."""
        self.database, self.may_start = database, may_start
        self.starts = 0
        self.refused = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._end.wait(0.05):
            process = self.database.process
            if process is None or process.poll() is None:
                continue
            if not self.may_start():
                self.refused += 1
                continue
            self.database.process = None
            self.database.start(wait=False)
            self.starts += 1

    def cleanup(self):
        self._end.set()
        self._thread.join()
