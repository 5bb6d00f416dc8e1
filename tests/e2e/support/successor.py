# SPDX-License-Identifier: Apache-2.0
"""
Pods that come again: what a StatefulSet and a kubelet do when a pod has been deleted. The next one of that name has
the data of before and nothing else; its agent starts first, and the server when the agent has published.
"""

import shutil
import threading

from .custom import ConfiguredMariaDB
from .fleet import Fleet
from .kube_api import ApiError
from .pod import MariaDBPod
from .poll import wait_for

PAUSE = 0.1


class MortalPod(MariaDBPod):
    """Its agent may reload the server, and has no right to end it."""
    server = ConfiguredMariaDB

    def start(self):
        super().start()
        self.db.sql("CREATE USER 'rotator'@'localhost'")
        self.db.sql("GRANT RELOAD ON *.* TO 'rotator'@'localhost'")

    def settings(self):
        return {**super().settings(), "admin": {"socket": str(self.db.socket), "user": "rotator"}}

    def uid(self):
        """None: there is no such pod."""
        found = self.fleet.namespace.get(f"pods/{self.name}")
        return found and found["metadata"]["uid"]

    def end(self):
        self.supervisor.cleanup()
        self.agent.kill()
        self.db.stop()
        for folder in (self.published, self.files_dir):
            for path in folder.iterdir() if folder and folder.exists() else []:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        self.fragment.unlink(missing_ok=True)

    def come_again(self):
        self.make_object(ready=False)
        self.fleet.watcher.is_another(self.name)
        self.make_agent(**self.fleet.config)
        self.agent.start()
        wait_for("the agent has published", self.report, 60, 0.05,
                 self.agent.tail)
        self.db.start(wait=False)
        self.supervise()


class MortalFleet(Fleet):
    """up() also starts what makes deleted pods anew; makes_anew = False: nobody does."""

    def __init__(self, *args, **more):
        super().__init__(*args, pod=MortalPod, **more)
        self.makes_anew, self.fault = True, None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def up(self):
        super().up()
        self.uids = {pod.name: pod.uid() for pod in self.pods}
        self._thread.start()
        return self

    def _watch(self):
        while not self._end.wait(PAUSE):
            for pod in self.pods:
                try:
                    self._look(pod)
                except (ApiError, OSError):
                    pass  # at the next look
                except Exception as e:  # told at the end
                    self.fault = e
                    return

    def _look(self, pod):
        if self.uids[pod.name] is not None and pod.uid() != self.uids[pod.name]:
            self.uids[pod.name] = None
            pod.end()
        if self.uids[pod.name] is None and self.makes_anew:
            pod.come_again()
            self.uids[pod.name] = pod.uid()

    def cleanup(self):
        self._end.set()
        if self._thread.ident:
            self._thread.join()
        super().cleanup()
        if self.fault:
            raise self.fault
