# SPDX-License-Identifier: Apache-2.0
"""Pods with the report that an agent would have written."""

import json


def leaf(digit="a", until="2999-01-01T00:00:00Z"):
    return {"fingerprint": digit * 64, "notBefore": "2020-01-01T00:00:00Z", "notAfter": until}


def report(instance, role="primary", source="a", served="a", until="2999-01-01T00:00:00Z", **more):
    return json.dumps({
        "agent": "0.1.0", "instance": instance, "database": "mariadb", "tls": "required", "step": "idle", "via": "api",
        "bundles": [{"alias": "server", "source": leaf(source, until), "published": leaf(source, until),
                     "served": leaf(served, until)}],
        "engine": {"version": "10.11.6", "role": role, "members": 3}, **more})


def put(namespace, name, text, database="px", phase="Running", **labels):
    namespace.pod(name, labels={"app.kubernetes.io/instance": database, **labels},
                  annotations={} if text is None else {"certrotate.io/report": text})
    namespace.pod_status(name, phase=phase)
