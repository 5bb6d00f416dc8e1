# SPDX-License-Identifier: Apache-2.0
"""The product, installed on the node and taken away again by the commands of deploy/README.md as they stand: by Helm."""

import re
from contextlib import contextmanager

from support.agent import ROOT
from support.kube_api import MERGE
from support.poll import wait_for
from support.readme import commands, shell
from support.webhook import is_injected, pod

HOME, DEPLOYMENT = "certrotate", "certrotate-controller"
SERVICE = f"/api/v1/namespaces/{HOME}/services/certrotate-webhook"
CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/certrotate"


class Install:
    def __init__(self, node):
        """The node has the image under the name that the README gives it."""
        self.plane = node.plane

    def up(self):
        self.plane.run_cert_manager()
        self._do("Definitions")
        return self.again()

    def again(self):
        self._do("With Helm")
        return self.wait()

    def down(self):
        self._do("Away again", "helm ")

    def _do(self, heading, start=""):
        for command in commands(ROOT / "deploy/README.md", heading):
            if command.startswith(start):
                shell(self.plane, self.plane.dir, command)

    def wait(self, deadline=120):
        """Both replicas are ready, those of before are gone, and the API server knows whom to trust."""
        wait_for("the controller is there", self.is_whole, deadline, 0.2, self.explain)
        wait_for("the webhook has its authorities", lambda: all(
            "caBundle" in w["clientConfig"] for w in self.plane.api.call("GET", CONFIGURATION)["webhooks"]), 60, 0.2)
        return self

    def is_whole(self):
        have = self.plane.api.call("GET", f"/apis/apps/v1/namespaces/{HOME}/deployments/{DEPLOYMENT}")
        status, replicas = have.get("status", {}), have["spec"]["replicas"]
        return status.get("observedGeneration") == have["metadata"]["generation"] and all(
            status.get(key) == replicas for key in ("replicas", "updatedReplicas", "readyReplicas"))

    def admit(self, namespace, database):
        """As the READMEs say: the namespace's label, and the rights of the agents of one database."""
        self.plane.kubectl("label", "namespace", namespace.name, "certrotate.io/injection=enabled")
        role = re.sub(r"\bpx\b", database, (ROOT / "deploy/kubernetes/agent/role.yaml").read_text())
        namespace.kubectl("apply", "-f", "-", stdin=role)

    def scale(self, replicas):
        self.plane.kubectl("scale", "deployment", DEPLOYMENT, f"--replicas={replicas}", namespace=HOME)
        wait_for(f"there are {replicas}", lambda: len(self.pods()) == replicas, 60, 0.2, self.explain)
        if replicas:
            self.wait()

    @contextmanager
    def unanswered(self, namespace):
        """Nobody is behind the webhook's Service for pods of that namespace; the controller goes on."""
        self._want("true", namespace)
        try:
            yield
        finally:
            self._want(None, namespace)

    def _want(self, label, namespace):
        self.plane.api.call("PATCH", SERVICE, {"spec": {"selector": {"certrotate.io/nobody": label}}}, MERGE)
        path = namespace.path("pods?dryRun=All")
        wait_for("pods are made accordingly", lambda: is_injected(self.plane.api.call("POST", path, pod("try"))) is not bool(
            label), 60, 0.2, self.explain)

    def pods(self):
        return self.plane.api.call("GET", f"/api/v1/namespaces/{HOME}/pods")["items"]

    def leader(self):
        """Name of the pod that acts."""
        lease = self.plane.api.call("GET", f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/{DEPLOYMENT}")
        return lease["spec"].get("holderIdentity")

    def logs(self, name, lines=40):
        status, _, text = self.plane.api.raw("GET", f"/api/v1/namespaces/{HOME}/pods/{name}/log?tailLines={lines}")
        return text.decode(errors="replace") if status == 200 else f"(no log: {status})\n"

    def explain(self):
        said = []
        for pod in self.pods():
            name = pod["metadata"]["name"]
            said += [f"=== {name}", str(pod["status"].get("containerStatuses")), self.logs(name)]
        events = self.plane.api.call("GET", f"/api/v1/namespaces/{HOME}/events")["items"]
        return "\n".join(said + [f"{e['reason']}: {e.get('message')}" for e in events][-15:])
