# SPDX-License-Identifier: Apache-2.0
"""The webhook of a controller, called by a real API server: by URL, since there is no Service without a node."""

import base64
import json
import socket
import ssl

from .agent import ROOT
from .controller import HOME, LEASE, ROLE, Controller
from .kube_api import APPLY, ApiError
from .poll import free_port, wait_for

FOLDER = ROOT / "deploy/kubernetes/webhook"
CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/certrotate"
SECRET = f"/api/v1/namespaces/{HOME}/secrets/certrotate-webhook"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/{LEASE.partition('/')[2]}"
ASKS = {"certrotate.io/inject": "true"}
MARK = "certrotate.io/status"


def documents(text):
    """The JSON documents of a text, one behind the other."""
    at, found, decoder = 0, [], json.JSONDecoder()
    while text[at:].strip():
        value, at = decoder.raw_decode(text, len(text) - len(text[at:].lstrip()))
        found.append(value)
    return found


def pod(name, annotations=None, **labels):
    """A MariaDB that asks for its agent."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {
        "name": name, "annotations": ASKS if annotations is None else annotations,
        "labels": {"app.kubernetes.io/instance": "orders", "app.kubernetes.io/name": "mariadbs.kubedb.com", **labels}},
        "spec": {"securityContext": {"runAsUser": 999, "runAsGroup": 999},
                 "containers": [{"name": "mariadb", "image": "mariadb"}]}}


class Webhook:
    """
    Its installation in a control plane, and the namespace that a test works in. cleanup() takes the webhook out again, since
    the control plane is everybody's.
    """

    def __init__(self, plane, namespace, folder, tidy):
        self.plane, self.api, self.namespace, self.folder, self.tidy = plane, plane.api, namespace, folder, tidy
        self.port = free_port()
        tidy(self)
        plane.kubectl("apply", "-f", ROLE)
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "certrotate-controller"},
                 "spec": {"holderIdentity": "", "leaseTransitions": 1, "leaseDurationSeconds": 1}}
        self.api.call("PATCH", f"{LEASES}?fieldManager=tests&force=true", json.dumps(lease), APPLY)
        plane.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": self.objects()}))
        plane.kubectl("label", "namespace", namespace.name, "certrotate.io/injection=enabled")
        namespace.account("default")

    def objects(self):
        """As they stand in deploy/, but for the address."""
        found = documents(self.plane.kubectl("create", "--dry-run=client", "-o", "json", "-f", FOLDER / "webhook.yaml"))
        for item in found:
            for webhook in item.get("webhooks", []):
                webhook["clientConfig"] = {"url": f"https://127.0.0.1:{self.port}/mutate"}
        return found

    def cleanup(self):
        for path in (CONFIGURATION, SECRET):
            try:
                self.api.call("DELETE", path)
            except ApiError as e:
                if e.status != 404:
                    raise

    def controller(self, identity="a", port=None, **more):
        options = {"webhook": f"127.0.0.1:{port or self.port}", "webhook_image": "certrotate:test",
                   "webhook_host": "127.0.0.1", "lease_duration": "4s", "namespace": self.namespace.name, **more}
        return self.tidy(Controller(self.folder / identity, self.plane, identity=identity, **options))

    def try_pod(self, **more):
        """What would become of a pod."""
        return self.api.call("POST", self.namespace.path("pods?dryRun=All"), pod("try", **more))

    def wait_called(self, deadline=60):
        """The API server has heard of the authority."""
        wait_for("pods are injected", lambda: is_injected(self.try_pod()), deadline, 0.1)

    def authorities(self):
        configuration = self.api.call("GET", CONFIGURATION)
        return base64.b64decode(configuration["webhooks"][0]["clientConfig"].get("caBundle", ""))

    def secret(self):
        data = self.api.call("GET", SECRET)["data"]
        return {key: base64.b64decode(value) for key, value in data.items()}


def is_injected(made):
    names = [c["name"] for c in made["spec"].get("initContainers", [])]
    marked = made["metadata"]["annotations"].get(MARK) == "injected"
    assert marked == ("certrotate" in names), made
    return marked


def served(port, authorities=None):
    """The leaf, DER; verified where there are authorities."""
    context = ssl.create_default_context()
    context.check_hostname = authorities is not None
    context.verify_mode = ssl.CERT_REQUIRED if authorities else ssl.CERT_NONE
    if authorities:
        context.load_verify_locations(cadata=authorities.decode())
    with socket.create_connection(("127.0.0.1", port), 10) as raw, \
            context.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
        return tls.getpeercert(True)
