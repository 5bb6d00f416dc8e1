# SPDX-License-Identifier: Apache-2.0
"""What the controller makes of Certificates: the program drive_certificate, one question a line, one answer a line."""

import json
import os
import subprocess
from pathlib import Path

from .agent import BINARY, environment
from .kube import now
from .kube_api import ApiError
from .namespace import CERTIFICATES
from .poll import end_with_parent, wait_for

DRIVER = os.environ.get("DRIVE_CERTIFICATE", str(Path(BINARY).parent / "drive_certificate"))


class Asked:
    def __init__(self):
        self.process = subprocess.Popen([DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment(), preexec_fn=end_with_parent)

    def __call__(self, ask, have, **more):
        self.process.stdin.write(json.dumps({"ask": ask, "have": have, **more}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"drive_certificate ended with {self.process.wait(10)}"
        return json.loads(line)

    def cleanup(self):
        self.process.stdin.close()
        try:
            ended = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        assert ended == 0, f"drive_certificate ended with {ended}"


class Certificates:
    """Certificates of one namespace, as one looks at them from outside."""

    def __init__(self, namespace):
        self.namespace = namespace

    def get(self, name):
        return self.namespace.call("GET", f"certificates/{name}", group=CERTIFICATES)

    def create(self, body):
        return self.namespace.call("POST", "certificates", body, CERTIFICATES)

    def delete(self, name):
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        self.namespace.call("DELETE", f"certificates/{name}", options, CERTIFICATES)

    def make(self, name, **spec):
        """One as the tests' own, not waited for."""
        return self.create({"apiVersion": CERTIFICATES, "kind": "Certificate", "metadata": {"name": name}, "spec": {
            "secretName": name, "dnsNames": ["localhost", "db.test"], "issuerRef": {"name": "issuer"},
            "commonName": "db.test", "usages": ["server auth", "client auth"],
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"}, **spec}})

    def change(self, name, spec):
        """A merge patch of the spec. Returns the Certificate before and after."""
        before = self.get(name)
        return before, self.namespace.patch(f"certificates/{name}", {"spec": spec}, CERTIFICATES)

    def replace(self, name, make):
        """By what make() says of the Certificate as it is; cert-manager may be writing its status meanwhile."""
        while True:
            try:
                return self.namespace.call("PUT", f"certificates/{name}", make(self.get(name)), CERTIFICATES)
            except ApiError as e:
                if e.status != 409:
                    raise

    def conditions(self, name):
        return {c["type"]: c for c in self.get(name).get("status", {}).get("conditions", [])}

    def is_settled(self, name):
        """Looked at as it is now, and nothing under way."""
        have = self.get(name)
        conditions = {c["type"]: c for c in have.get("status", {}).get("conditions", [])}
        ready = conditions.get("Ready", {})
        return ready.get("status") == "True" and conditions.get("Issuing", {}).get("status") != "True" and \
            ready.get("observedGeneration") == have["metadata"]["generation"]

    def revision(self, name):
        return self.get(name).get("status", {}).get("revision", 0)

    def requests(self, name):
        """CertificateRequests of the Certificate as it is now, not of one of the same name before."""
        uid = self.get(name)["metadata"]["uid"]
        found = self.namespace.call("GET", "certificaterequests", group=CERTIFICATES)["items"]
        return [r for r in found if any(o["uid"] == uid for o in r["metadata"].get("ownerReferences", []))]

    def deny(self, name):
        """A request that nobody has judged, as an approver with rules of its own does it."""
        def denied():
            return any([deny(self.namespace, request) for request in self.requests(name)])
        wait_for("a request to deny", denied, 60, 0.1)


def judge(namespace, request, verdict, reason, message):
    """False: somebody has judged it."""
    conditions = request.get("status", {}).get("conditions", [])
    if any(c["type"] in ("Approved", "Denied") for c in conditions):
        return False
    conditions.append({"type": verdict, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now()})
    request["status"] = {**request.get("status", {}), "conditions": conditions}
    namespace.call("PUT", f"certificaterequests/{request['metadata']['name']}/status", request, CERTIFICATES)
    return True


def deny(namespace, request):
    return judge(namespace, request, "Denied", "NotAllowed", "not by this policy")
