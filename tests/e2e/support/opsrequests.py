# SPDX-License-Identifier: Apache-2.0
"""OpsRequests for tests: what each kind is called, and the API server's verdict on one."""

import itertools
from collections import namedtuple

from .agent import ROOT
from .kube_api import ApiError

GROUP = "ops.kubedb.com/v1alpha1"
CRDS = ROOT / "deploy/crds"
SAMPLES = ROOT / "deploy/samples/opsrequests"
NOT_CHECKED = "some validation rules were not checked"  # what the server adds when it stops early
Kind = namedtuple("Kind", "kind plural singular short aliases")
NAMES = [  # and the aliases of their certificates
    ("singlestore", "SinglestoreOpsRequest", "sdbops", "server client metrics-exporter"),
    ("mssqlserver", "MSSQLServerOpsRequest", "msops", "server client endpoint"),
    ("perconaxtradb", "PerconaXtraDBOpsRequest", "pxcops", "server client metrics-exporter"),
    ("druid", "DruidOpsRequest", "drops", "server client"),
    ("mariadb", "MariaDBOpsRequest", "mariaops", "server client metrics-exporter"),
    ("mysql", "MySQLOpsRequest", "myops", "server client metrics-exporter router"),
    ("postgres", "PostgresOpsRequest", "pgops",
     "server client metrics-exporter archiver grpc-ca grpc-server grpc-client"),
    ("redis", "RedisOpsRequest", "rdops", "server client metrics-exporter")]
KINDS = {name: Kind(kind, kind.lower() + "s", kind.lower(), short, tuple(aliases.split()))
         for name, kind, short, aliases in NAMES}
ISSUER = {"apiGroup": "cert-manager.io", "kind": "Issuer", "name": "orders-issuer"}
_numbers = itertools.count(1)


def tls(**fields):
    return {"type": "ReconfigureTLS", "databaseRef": {"name": "orders"}, "tls": fields}


def configuration(**fields):
    return {"type": "Reconfigure", "databaseRef": {"name": "orders"}, "configuration": fields}


def create(namespace, kind, spec, query=""):
    """The object as the server stores it; kind: a key of KINDS. Strict: a field that is not there is refused."""
    name = f"request-{next(_numbers)}"
    body = {"apiVersion": GROUP, "kind": KINDS[kind].kind, "metadata": {"name": name}, "spec": spec}
    return namespace.call("POST", f"{KINDS[kind].plural}?{query or 'fieldValidation=Strict'}", body, GROUP)


def verdict(namespace, kind, spec, query="dryRun=All&fieldValidation=Ignore"):
    """[(field, complaint)], none when it is admitted."""
    try:
        create(namespace, kind, spec, query)
    except ApiError as e:
        assert e.status == 422, e
        return [(cause["field"], cause["message"]) for cause in e.causes if NOT_CHECKED not in cause["message"]]
    return []
