# SPDX-License-Identifier: Apache-2.0
"""
The controller as a cluster runs it: `certrotate controller`, as a service account with the rights of
deploy/kubernetes/controller/role.yaml and no others. Killed and started again it is the same replica.
"""

import http.client
import subprocess
import threading

from .agent import ROOT, Agent, environment
from .poll import end_with_parent

ROLE = ROOT / "deploy/kubernetes/controller/role.yaml"
HOME, ACCOUNT = "certrotate", "certrotate-controller"
LEASE = f"{HOME}/certrotate-controller"


def account_token(plane, namespace=HOME, account=ACCOUNT, seconds=3600):
    return plane.api.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"expirationSeconds": seconds, "audiences": []}})["status"]["token"]


class Controller(Agent):
    """
    namespace: of the databases it looks after, None: all; kubeconfig: another account than role.yaml's. All contend for
    the one Lease that role.yaml names, so that only one acts at a time. Options: lease_duration="5s", no_renewals=True.
    """

    def __init__(self, folder, plane, namespace=None, identity="controller", lease=None, kubeconfig=None, port=None,
                 binary=None, **options):
        super().__init__(folder, {}, binary)
        self.plane, self.identity = plane, identity
        if kubeconfig is None:
            plane.kubectl("apply", "-f", ROLE)
            kubeconfig = plane.kubeconfig(self.dir / "kubeconfig", token=account_token(plane), port=port, namespace=HOME)
        self.options = {"kubeconfig": kubeconfig, "identity": identity, "listen": "127.0.0.1:0", "log-level": "debug",
                        "namespace": namespace, "lease": lease, **{k.replace("_", "-"): v for k, v in options.items()}}
        self.port = None

    def words(self):
        """Options with the value None are left out, with True are flags."""
        return [f"--{name}" if value is True else f"--{name}={value}"
                for name, value in self.options.items() if value is not None and value is not False]

    def start(self, *args, **env):
        assert not self.running(), "already running"
        with self._lock:
            self.events = []
        self.port = None
        self.process = subprocess.Popen([self.binary, "controller", *self.words(), *args], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(**env),
                                        preexec_fn=end_with_parent)
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        self.port = self.wait_event("controller_started")["port"]
        return self

    # --- what it says

    def get(self, path):
        """(status, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def is_ready(self):
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def leads(self):
        try:
            return self.metrics()["certrotate_controller_leader"] == 1
        except OSError:
            return False

    def wait_ready(self, deadline=30):
        self.wait("the controller is ready", self.is_ready, deadline)
        return self

    def wait_leads(self, deadline=60):
        self.wait("the controller leads", self.leads, deadline)
        return self
