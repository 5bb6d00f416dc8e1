# SPDX-License-Identifier: Apache-2.0
"""A fleet of database pods: see Fleet. What plays one pod, and how its engine is run and looked at, is in pod.py."""

import json
import re

from . import watcher
from .agent import ROOT
from .authority import fingerprint
from .galera import Galera
from .kube_api import MERGE
from .opsrequests import GROUP, KINDS
from .pod import MariaDBPod
from .poll import wait_for

DATABASE_KINDS = {"mariadb": "MariaDB", "perconaxtradb": "PerconaXtraDB", "singlestore": "Singlestore",
                  "mssqlserver": "MSSQLServer", "druid": "Druid", "mysql": "MySQL", "postgres": "Postgres",
                  "redis": "Redis"}
OF_ALPHA = ("singlestore", "mssqlserver", "druid")
ENDED = ("Successful", "Failed", "Skipped")
AGENT_RIGHTS = ROOT / "deploy/kubernetes/agent"


class Fleet:
    """
    One database of several pods, each played by a real server, what starts it again, and a real agent; and around them
    the objects that a cluster would have: pods, a workload, the database object with its definition. No Secret is there
    at first, and the servers speak without TLS. Who plays the controller (the program, or a test that writes plans) is
    not known here.

    kind: a key of DATABASE_KINDS. names: of the pods, when they are not NAME-0 …; pod: the class of them. galera: the
    members are one cluster. has_object: there is a database object and its definition, which is what gets paused; else
    a StatefulSet does. has_files: agents take configuration files. config: more settings of each agent.
    """

    def __init__(self, namespace, folder, template=None, kind="mariadb", name="px", pods=3, names=None, pod=MariaDBPod,
                 galera=False, has_object=True, has_files=False, **config):
        self.namespace, self.dir, self.kind, self.name = namespace, folder, kind, name
        self.template, self.config, self.has_object, self.has_files = template, config, has_object, has_files
        self.requests, self.group = KINDS[kind], databases_group(kind)
        self.cluster = self.watcher = None
        self.tails = []  # of others whose log belongs to a failure
        self.pods = [pod(self, n) for n in names or [f"{name}-{i}" for i in range(pods)]]
        if galera:
            self._make_cluster()
        for member in self.pods:
            member.prepare()

    def _make_cluster(self):
        """The group's own settings stand in each my.cnf: the agent's file comes behind them."""
        self.cluster = Galera(self.template, [pod.published for pod in self.pods],
                              option_files=[pod.options for pod in self.pods])
        for pod, node in zip(self.pods, self.cluster.nodes):
            pod.join(node)

    def labels(self):
        return {"app.kubernetes.io/instance": self.name, "app.kubernetes.io/component": "database",
                "app.kubernetes.io/managed-by": "kubedb.com",
                "app.kubernetes.io/name": f"{plural(self.kind)}.kubedb.com"}

    # --- life

    def up(self):
        self._grant()
        self._make_owner()
        for pod in self.pods:
            pod.make_object()
        if self.cluster:
            self.cluster.start()
        for pod in self.pods:
            if not self.cluster:
                pod.start()
            pod.supervise()
            pod.make_agent(**self.config)
            pod.agent.start()
        for pod in self.pods:
            pod.agent.wait("its first report", lambda pod=pod: pod.report() and pod.report().get("tls") == pod.tls, 60)
        self.watcher = watcher.Watcher(self.namespace, {pod.name: pod.accepts for pod in self.pods})
        return self

    def _grant(self):
        """As deploy/kubernetes/agent says, for a database of this name."""
        self.namespace.plane.kubectl("apply", "-f", AGENT_RIGHTS / "policy.yaml")
        role = re.sub(r"\bpx\b", self.name, (AGENT_RIGHTS / "role.yaml").read_text())
        self.namespace.kubectl("apply", "-f", "-", stdin=role)

    def _make_owner(self):
        # Its selector fits no pod: a controller manager that runs for other tests has nothing to do with ours.
        self.namespace.call("POST", "statefulsets", {
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": self.name, "labels": self.labels()},
            "spec": {"replicas": 0, "serviceName": f"{self.name}-pods", "selector": {"matchLabels": {"none": "none"}},
                     "template": {"metadata": {"labels": {"none": "none"}},
                                  "spec": {"containers": [{"name": "database", "image": "none"}]}}}}, "apps/v1")
        if not self.has_object:
            return
        define_database(self.namespace.plane, self.kind)
        self.namespace.call("POST", plural(self.kind), {
            "apiVersion": self.group, "kind": DATABASE_KINDS[self.kind], "metadata": {"name": self.name},
            "spec": {"version": "10.11", "replicas": len(self.pods)}}, self.group)
        self.namespace.call("PATCH", f"{plural(self.kind)}/{self.name}/status", {"status": {"phase": "Ready", "conditions": [
            {"type": "Ready", "status": "True", "reason": "ReadinessCheckSucceeded",
             "lastTransitionTime": "2026-11-26T00:00:00Z"}]}}, self.group, MERGE)

    def cleanup(self):
        things = [self.watcher, *self.pods, self.cluster]
        errors = []
        for thing in things:
            try:
                if thing is not None:
                    thing.cleanup()
            except Exception as e:  # every thing has to go, and the first fault is told
                errors.append(e)
        if self.has_object:
            forget_database(self.namespace.plane, self.kind)
        if errors:
            raise errors[0]

    # --- requests

    def request(self, name, type="ReconfigureTLS", **spec):
        """request("px-rotate", tls={"rotateCertificates": True}); one try, unless maxRetries says otherwise"""
        body = {"apiVersion": GROUP, "kind": self.requests.kind, "metadata": {"name": name},
                "spec": {"type": type, "databaseRef": {"name": self.name}, "maxRetries": 0, **spec}}
        return self.namespace.call("POST", f"{self.requests.plural}?fieldValidation=Strict", body, GROUP)

    def get_request(self, name):
        return self.namespace.get(f"{self.requests.plural}/{name}", GROUP)

    def delete_request(self, name):
        self.namespace.delete(f"{self.requests.plural}/{name}", GROUP)

    def phase(self, name):
        return ((self.get_request(name) or {}).get("status") or {}).get("phase", "")

    def conditions(self, name):
        """{type: condition}"""
        status = (self.get_request(name) or {}).get("status") or {}
        return {c["type"]: c for c in status.get("conditions", [])}

    def wait_phase(self, name, phase, deadline=120):
        """Ends at once when it has ended otherwise."""
        def reached():
            have = self.phase(name)
            assert have == phase or have not in ENDED, f"{name} is {have}, not {phase}\n{self.explain(name)}"
            return have == phase
        wait_for(f"{name} is {phase}", reached, deadline, 0.1, lambda: self.explain(name))
        return self.conditions(name)

    def wait_condition(self, name, kind, status="True", deadline=60):
        return wait_for(f"{name} has {kind}={status}", lambda: (c := self.conditions(name).get(kind)) and
                        c["status"] == status and c, deadline, 0.05, lambda: self.explain(name))

    # --- what is so

    def served(self):
        """One Leaf a pod, None for one without TLS."""
        return [pod.served() for pod in self.pods]

    def assert_plain(self):
        for pod in self.pods:
            assert pod.is_plain(), f"{pod.name} does not say that it is without TLS\n{pod.tail()}"

    def secret_fp(self, alias="server"):
        """Fingerprint of the leaf in the Secret of an alias; None: there is none."""
        files = self.namespace.secret_files(f"{self.name}-{alias}-cert")
        return fingerprint(files["tls.crt"]) if files.get("tls.crt") else None

    def _from_map(self, key):
        data = (self.namespace.get(f"configmaps/{self.name}-certrotate") or {}).get("data", {})
        return json.loads(data[key]) if key in data else None

    def plan(self):
        return self._from_map("plan.json")

    def record(self):
        return self._from_map("record.json")

    def object(self):
        """The database object."""
        return self.namespace.get(f"{plural(self.kind)}/{self.name}", self.group)

    def is_paused(self):
        """As whoever else works on the database sees it."""
        if self.has_object:
            status = self.object().get("status", {})
            return any(c["type"] == "Paused" and c["status"] == "True" for c in status.get("conditions", []))
        owner = self.namespace.get(f"statefulsets/{self.name}", "apps/v1")
        return "certrotate.io/paused" in owner["metadata"].get("annotations", {})

    def starts(self):
        """How often each server was started again so far."""
        return [pod.supervisor.starts for pod in self.pods]

    def explain(self, request=None):
        said = [json.dumps((self.get_request(request) or {}).get("status"), indent=1)] if request else []
        said += [f"plan {json.dumps(self.plan())[:2000]}", f"record {json.dumps(self.record())[:4000]}"]
        said += [f"{pod.name}: {json.dumps(pod.report())}" for pod in self.pods]
        return "\n".join([*said, *(tail() for tail in self.tails), *(pod.tail() for pod in self.pods)])


def plural(kind):
    return DATABASE_KINDS[kind].lower() + ("es" if kind in ("postgres", "redis") else "s")


def databases_group(kind):
    return "kubedb.com/v1alpha2" if kind in OF_ALPHA else "kubedb.com/v1"


def define_database(plane, kind):
    """A definition of kubedb.com as far as we look at it: status apart, all else as it comes."""
    name = DATABASE_KINDS[kind]
    schema = {"type": "object", "properties": {
        word: {"type": "object", "x-kubernetes-preserve-unknown-fields": True} for word in ("spec", "status")}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural(kind)}.kubedb.com"},
        "spec": {"group": "kubedb.com", "scope": "Namespaced", "names": {
            "kind": name, "plural": plural(kind), "singular": name.lower(), "listKind": f"{name}List"},
            "versions": [{"name": databases_group(kind).partition("/")[2], "served": True, "storage": True,
                          "subresources": {"status": {}}, "schema": {"openAPIV3Schema": schema}}]}}
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(definition))
    plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/{plural(kind)}.kubedb.com")


def forget_database(plane, kind):
    """Other tests of this control plane have no such objects."""
    plane.kubectl("delete", f"crd/{plural(kind)}.kubedb.com", "--ignore-not-found", "--wait=false")
