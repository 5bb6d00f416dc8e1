# SPDX-License-Identifier: Apache-2.0
"""One namespace of a control plane, a test's own, and what tests put into it."""

import base64
import json
import time

from .kube import CERT_MANAGER, ControlPlane, now
from .kube_api import APPLY, JSON, MERGE, Api, ApiError
from .kubelet import KubeletVolume
from .poll import wait_for

CERTIFICATES = "cert-manager.io/v1"


class Namespace:
    def __init__(self, plane: ControlPlane, name, make=True):
        self.plane, self.name = plane, name
        if make:
            plane.api.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    def path(self, rest, group="v1"):
        root = "/api/v1" if group == "v1" else f"/apis/{group}"
        return f"{root}/namespaces/{self.name}/{rest}"

    def call(self, method, rest, body=None, group="v1", kind=JSON, token=None):
        """call("GET", "secrets/x"), call("PATCH", "leases/x", {…}, "coordination.k8s.io/v1", MERGE)"""
        return self.api(token).call(method, self.path(rest, group), body, kind)

    def api(self, token=None):
        return Api(self.plane.port, self.plane.ca_file, token) if token else self.plane.api

    def get(self, rest, group="v1"):
        """None: there is no such object."""
        try:
            return self.call("GET", rest, group=group)
        except ApiError as e:
            if e.status != 404:
                raise
            return None

    def patch(self, rest, body, group="v1"):
        return self.call("PATCH", rest, body, group, MERGE)

    def delete(self, rest, group="v1"):
        return self.call("DELETE", rest, {"gracePeriodSeconds": 0}, group)

    def apply(self, rest, body, group="v1"):
        """Creates it, or changes it to what body says."""
        resource, _, name = rest.partition("/")
        kinds = {"secrets": "Secret", "configmaps": "ConfigMap", "serviceaccounts": "ServiceAccount", "pods": "Pod",
                 "issuers": "Issuer", "certificates": "Certificate", "leases": "Lease"}
        whole = {"apiVersion": group, "kind": kinds[resource], "metadata": {"name": name}, **body}
        whole["metadata"] = {"name": name, **body.get("metadata", {})}
        return self.call("PATCH", rest + "?fieldManager=tests&force=true", json.dumps(whole), group, APPLY)

    def kubectl(self, *words, **more):
        return self.plane.kubectl(*words, namespace=self.name, **more)

    # --- plain objects

    def secret(self, name, bundle, **changed):
        """Of type kubernetes.io/tls, created or changed; changed as in Bundle.files(). Returns the object."""
        files = {"tls.crt": b"", "tls.key": b"", **bundle.files(**changed)}
        return self.apply(f"secrets/{name}", {"type": "kubernetes.io/tls", "data": {
            key: base64.b64encode(data).decode() for key, data in files.items()}})

    def secret_files(self, name):
        return {key: base64.b64decode(data) for key, data in (self.get(f"secrets/{name}") or {}).get("data", {}).items()}

    def config_map(self, name, **data):
        return self.apply(f"configmaps/{name}", {"data": data})

    def account(self, name):
        return self.apply(f"serviceaccounts/{name}", {})

    def pod(self, name, account="default", labels=None, annotations=None):
        """An object that no kubelet runs. The account is made when it is missing."""
        self.account(account)
        return self.call("POST", "pods", {
            "metadata": {"name": name, "labels": labels or {}, "annotations": annotations or {}},
            "spec": {"serviceAccountName": account, "containers": [{"name": "database", "image": "none"}]}})

    def pod_status(self, name, ready=True, phase="Running", ip="127.0.0.1", **more):
        """As the kubelet would write it."""
        state = "True" if ready else "False"
        return self.patch(f"pods/{name}/status", {"status": {"phase": phase, "podIP": ip, "conditions": [
            {"type": kind, "status": state, "lastTransitionTime": now()}
            for kind in ("Initialized", "ContainersReady", "Ready")], **more}})

    def events(self, **fields):
        """Of events.k8s.io/v1; events(reason="…")"""
        found = self.call("GET", "events", group="events.k8s.io/v1")["items"]
        return [e for e in found if all(e.get(key) == want for key, want in fields.items())]

    # --- who asks

    def token(self, account, pod=None, seconds=600):
        """As the kubelet asks for it: bound to a pod (its name), at least ten minutes long."""
        spec = {"expirationSeconds": seconds, "audiences": []}
        if pod:
            uid = self.call("GET", f"pods/{pod}")["metadata"]["uid"]
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid}
        done = self.call("POST", f"serviceaccounts/{account}/token", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec},
            group="v1")
        return done["status"]["token"]

    def account_volume(self, folder, account, pod=None, seconds=600):
        """token, ca.crt and namespace, written as the kubelet projects them; call it again for a fresh token."""
        volume = KubeletVolume(folder)
        volume.write({"token": self.token(account, pod, seconds).encode(), "namespace": self.name.encode(),
                      "ca.crt": self.plane.ca_file.read_bytes()})
        return volume

    def in_pod(self, port=None):
        """The environment of a container, for a program that looks for its API server."""
        return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(port or self.plane.port)}

    # --- cert-manager

    def issuer(self, name="issuer"):
        """An Issuer of an authority of its own."""
        self.plane.run_cert_manager()
        self.apply(f"secrets/{name}-authority", self.plane.issuer_secret(f"{name} authority"))
        self.apply(f"issuers/{name}", {"spec": {"ca": {"secretName": f"{name}-authority"}}}, CERTIFICATES)
        self.wait_ready(f"issuers/{name}")

    def cluster_issuer(self, name, secret=None):
        """A ClusterIssuer of an authority of its own, or of a Secret that need not be there: then it never gets ready."""
        self.plane.run_cert_manager()
        if secret is None:
            secret = f"{name}-authority"
            self.plane.api.call("POST", "/api/v1/namespaces/kube-system/secrets", {
                "metadata": {"name": secret}, **self.plane.issuer_secret(f"{name} authority")})
        where = "/apis/cert-manager.io/v1/clusterissuers"
        self.plane.api.call("POST", where, {"apiVersion": CERTIFICATES, "kind": "ClusterIssuer", "metadata": {"name": name},
                                            "spec": {"ca": {"secretName": secret}}})

        def is_judged():
            conditions = self.plane.api.call("GET", f"{where}/{name}").get("status", {}).get("conditions", [])
            return any(c["type"] == "Ready" for c in conditions)
        wait_for(f"cert-manager has looked at {name}", is_judged, 60, 0.1)

    def certificate(self, name, issuer="issuer", names=("localhost", "db.test"), secret=None, **spec):
        """A leaf with a new key at each renewal; returns its Secret's name."""
        secret = secret or name
        self.apply(f"certificates/{name}", {"spec": {
            "secretName": secret, "dnsNames": list(names), "ipAddresses": ["127.0.0.1"], "duration": "2160h",
            "issuerRef": {"name": issuer}, "usages": ["server auth", "client auth"],
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"}, **spec}}, CERTIFICATES)
        self.wait_ready(f"certificates/{name}")
        return secret

    def wait_ready(self, rest, deadline=60):
        last = {}

        def ready():
            last.update(self.get(rest, CERTIFICATES) or {})
            conditions = {c["type"]: c["status"] for c in last.get("status", {}).get("conditions", [])}
            return conditions.get("Ready") == "True" and conditions.get("Issuing", "False") != "True"
        wait_for(f"{rest} is ready", ready, deadline, 0.1, lambda: json.dumps(last.get("status"), indent=1))

    def renew(self, name, wait=True):
        """As `cmctl renew` does: the condition Issuing. Returns the moment (monotonic) before it was set."""
        before = self.get(f"certificates/{name}", CERTIFICATES)["status"].get("revision", 0)
        started = time.monotonic()
        while True:
            have = self.get(f"certificates/{name}", CERTIFICATES)
            others = [c for c in have["status"]["conditions"] if c["type"] != "Issuing"]
            have["status"]["conditions"] = [*others, {
                "type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "renew",
                "lastTransitionTime": now(), "observedGeneration": have["metadata"]["generation"]}]
            try:
                self.call("PUT", f"certificates/{name}/status", have, CERTIFICATES)
                break
            except ApiError as e:
                if e.status != 409:
                    raise
        if wait:
            wait_for(f"{name} is renewed", lambda: self.get(f"certificates/{name}", CERTIFICATES)["status"].get(
                "revision", 0) > before, 60, 0.1)
        return started


def cert_manager_missing():
    return None if (CERT_MANAGER / "bin/controller").exists() else \
        "cert-manager could not be built from its Go module (./tests/run --only e2e says why)"
