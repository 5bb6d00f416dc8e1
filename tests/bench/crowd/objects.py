# SPDX-License-Identifier: Apache-2.0
"""The objects of a database of three pods, at rest: what is there before its first request."""

import base64
import json
import threading
import time

from support.authority import Authority, fingerprint
from support.fleet import databases_group
from support.kube import now
from support.opsrequests import GROUP

DATABASES = databases_group("mariadb")
CERTIFICATES = "cert-manager.io/v1"
PODS = 3
ALIASES = ("server", "client")
SPACE = 100  # databases of one namespace


def name_of(i):
    return f"db-{i:05}"


def namespace_of(i):
    return f"crowd-{i // SPACE}"


def path_of(namespace, rest, group="v1"):
    return f"{'/api/v1' if group == 'v1' else '/apis/' + group}/namespaces/{namespace}/{rest}"


class Leaves:
    """One certificate for each alias and revision, of all databases: what counts is that it is another."""

    def __init__(self, folder):
        self.authority = Authority(folder, name="crowd")
        self.made, self.known, self.lock = {}, {}, threading.Lock()

    def data(self, alias, revision):
        key = alias, revision
        with self.lock:
            if key not in self.made:
                bundle = self.authority.issue(san="DNS:localhost", cn=f"{alias}-{revision}")
                self.made[key] = {k: base64.b64encode(v).decode() for k, v in bundle.files().items()}
            return self.made[key]

    def fingerprint(self, secret):
        text = secret["data"]["tls.crt"]
        if text not in self.known:
            self.known[text] = fingerprint(base64.b64decode(text))
        return self.known[text]


def later(days):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * 86400))


START, END = now(), later(90)


def labels_of(db):
    return {"app.kubernetes.io/instance": db, "app.kubernetes.io/name": "mariadbs.kubedb.com",
            "app.kubernetes.io/component": "database", "app.kubernetes.io/managed-by": "kubedb.com"}


def leaf(print_):
    return {"fingerprint": print_, "notBefore": START, "notAfter": END}


def report(pod, source, served, plan, step="idle", rotated=None):
    """As an agent writes it."""
    return json.dumps({
        "agent": "1.0.0", "instance": pod, "database": "mariadb", "tls": "on",
        "bundles": [{"alias": "server", "source": leaf(source), "published": leaf(served), "served": leaf(served)}],
        "plan": plan, "step": step, "rollingBack": False, "prunePending": False, "degraded": False, "error": None,
        "engine": {"version": "10.11.6-MariaDB", "role": "", "members": 0},
        "lastRotation": {"result": "success", "at": rotated} if rotated else None, "via": "api", "lag": False},
        separators=(",", ":"))


def plan_of(request="", generation=1, turn=False, held=False, done=True):
    return {"request": request, "generation": generation, "phase": "", "turn": turn, "held": held, "done": done,
            "message": ""}


def pod(db, name, text):
    return {"metadata": {"name": name, "labels": labels_of(db), "annotations": {"certrotate.io/report": text}},
            "spec": {"terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False,
                     "containers": [{"name": "mariadb", "image": "none"}]}}


def ready():
    return {"status": {"phase": "Running", "conditions": [
        {"type": "Ready", "status": "True", "lastTransitionTime": START}]}}


def certificate(db, alias):
    return {"apiVersion": CERTIFICATES, "kind": "Certificate",
            "metadata": {"name": f"{db}-{alias}-cert", "labels": labels_of(db)},
            "spec": {"secretName": f"{db}-{alias}-cert", "dnsNames": ["localhost", f"{db}.crowd.svc"],
                     "issuerRef": {"name": "crowd", "kind": "Issuer", "group": "cert-manager.io"}}}


def issued(revision, generation):
    return {"revision": revision, "notBefore": START, "notAfter": END, "renewalTime": END, "conditions": [
        {"type": "Ready", "status": "True", "reason": "Ready", "message": "Certificate is up to date and has not expired",
         "lastTransitionTime": now(), "observedGeneration": generation}]}


def secret(db, alias, data):
    return {"type": "kubernetes.io/tls", "data": data, "metadata": {
        "name": f"{db}-{alias}-cert", "labels": {**labels_of(db), "crowd/alias": alias},
        "annotations": {"cert-manager.io/certificate-name": f"{db}-{alias}-cert"}}}


def create(wire, leaves, i, whole=True):
    """whole: a request can be made of it; otherwise it is to be at rest for ever, without Secrets and without readiness,
    which no controller looks at then."""
    db, space = name_of(i), namespace_of(i)
    first = leaves.fingerprint({"data": leaves.data("server", 1)})
    for n in range(PODS):
        name = f"{db}-{n}"
        wire.call("POST", path_of(space, "pods"), pod(db, name, report(name, first, first, plan_of())))
        if whole:
            wire.merge(path_of(space, f"pods/{name}/status"), ready())
    for alias in ALIASES:
        if whole:
            wire.call("POST", path_of(space, "secrets"), secret(db, alias, leaves.data(alias, 1)))
        wire.call("POST", path_of(space, "certificates", CERTIFICATES), certificate(db, alias))
        wire.merge(path_of(space, f"certificates/{db}-{alias}-cert/status", CERTIFICATES), {"status": issued(1, 1)})
    wire.call("POST", path_of(space, "mariadbs", DATABASES), {
        "apiVersion": DATABASES, "kind": "MariaDB", "metadata": {"name": db}, "spec": {"replicas": PODS}})
    if whole:
        wire.merge(path_of(space, f"mariadbs/{db}/status", DATABASES), {"status": {"phase": "Ready"}})


def rotation(db, name):
    return {"apiVersion": GROUP, "kind": "MariaDBOpsRequest", "metadata": {"name": name}, "spec": {
        "type": "ReconfigureTLS", "databaseRef": {"name": db}, "tls": {"rotateCertificates": True}}}
