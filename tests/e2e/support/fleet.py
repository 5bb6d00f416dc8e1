# SPDX-License-Identifier: Apache-2.0
"""
One database of several pods, each played by a real server, what starts it again, and a real agent; and around them the
objects that a cluster would have: pods, a workload, the database object with its definition. No Secret is there at
first, and the servers speak without TLS. Who plays the controller (the program, or a test that writes plans) is not
known here.
"""

import json
import re
import subprocess
from collections import namedtuple

from . import watcher
from .agent import ROOT, Agent
from .authority import fingerprint
from .galera import Galera
from .kube_api import MERGE
from .mariadb import MariaDB
from .openssl import PEM, serves_no_tls
from .opsrequests import GROUP, KINDS
from .poll import STRETCH, free_port, wait_for
from .supervisor import Supervisor

DATABASES = "kubedb.com/v1"
DATABASE_KINDS = {"mariadb": "MariaDB", "perconaxtradb": "PerconaXtraDB"}
ENDED = ("Successful", "Failed", "Skipped")
AGENT_RIGHTS = ROOT / "deploy/kubernetes/agent"
Leaf = namedtuple("Leaf", "fingerprint issuer subject emails not_after")


def leaf_seen(port):
    """What OpenSSL's client gets from the server; None: it speaks without TLS, or nobody listens."""
    done = subprocess.run(["openssl", "s_client", "-showcerts", "-starttls", "mysql", "-connect", f"127.0.0.1:{port}"],
                          input=b"", capture_output=True, timeout=30)
    chain = PEM.findall(done.stdout.partition(b"---\nServer certificate\n")[0])
    if not chain:
        return None
    said = subprocess.run(["openssl", "x509", "-noout", "-nameopt", "RFC2253", "-issuer", "-subject", "-enddate", "-email"],
                          input=chain[0], capture_output=True, check=True).stdout.decode().splitlines()
    named = dict(re.findall(r"^(issuer|subject|notAfter)=(.*)$", "\n".join(said), re.M))
    return Leaf(fingerprint(chain[0]), named["issuer"], named["subject"], [s for s in said if "@" in s and "=" not in s],
                named["notAfter"])


class Pod:
    """One member: its server, supervisor and agent."""

    def __init__(self, fleet, name):
        self.fleet, self.name = fleet, name
        self.dir = fleet.dir / name
        self.published = self.dir / "published"
        self.fragment = self.dir / "conf.d" / "zz-certrotate.cnf"
        self.fragment.parent.mkdir(parents=True)
        self.options = self.dir / "my.cnf"
        self.options.write_text(f"[mysqld]\n!includedir {self.fragment.parent}\n")
        self.files_dir = fleet.dir / name / "custom" if fleet.has_files else None
        if fleet.has_files:
            self.files_dir.mkdir()
            with self.options.open("a") as options:
                options.write(f"!includedir {self.files_dir}\n")
        self.db = self.supervisor = self.agent = None
        self.may_start = lambda: True  # False: the server stays down once it has ended

    def make_object(self):
        namespace, db = self.fleet.namespace, self.fleet.name
        namespace.pod(self.name, account=db, labels=self.fleet.labels())
        namespace.pod_status(self.name)
        namespace.account_volume(self.dir / "account", db, self.name, seconds=7200)

    def make_agent(self, **config):
        fleet = self.fleet
        kubeconfig = fleet.namespace.plane.kubeconfig(self.dir / "kubeconfig", token_file=self.dir / "account" / "token",
                                                      namespace=fleet.namespace.name)
        self.agent = Agent(self.dir / "agent", {
            "database": fleet.kind, "publish": str(self.published), "endpoints": [f"mysql://127.0.0.1:{self.db.port}"],
            "admin": {"socket": str(self.db.socket), "user": "root"}, "tls": "off", "settings-file": str(self.fragment),
            "retry-min": "200ms", "retry-max": "1s", "verify-limit": f"{10 * STRETCH:.0f}s", "restart-limit": f"{10 * STRETCH:.0f}s",
            "kubernetes": {"kubeconfig": str(kubeconfig), "pod": self.name, "secret": f"{fleet.name}-server-cert",
                           "plan": f"{fleet.name}-certrotate"},
            **({"custom": {"secret": f"{fleet.name}-certrotate-files", "publish": str(self.files_dir)}} if fleet.has_files
               else {}), **config})

    def reconfigure(self, **config):
        """The agent again, with other settings; None takes one away."""
        self.agent.stop()
        for key, value in config.items():
            self.agent.config.pop(key, None) if value is None else self.agent.config.update({key: value})
        self.agent.start()

    def report(self):
        annotations = self.fleet.namespace.get(f"pods/{self.name}")["metadata"].get("annotations", {})
        return json.loads(annotations.get("certrotate.io/report", "{}"))

    def plan(self):
        """What it says of the plan: {} when it knows of none."""
        return self.report().get("plan") or {}

    def served(self):
        return leaf_seen(self.db.port)

    def is_plain(self):
        return serves_no_tls(self.db.port)

    def tail(self):
        return f"=== {self.name}" + self.agent.tail() + self.db.tail()

    def cleanup(self):
        for thing in (self.supervisor, self.agent, self.db):
            if thing is not None:
                thing.cleanup()


class Fleet:
    """
    kind: a key of DATABASE_KINDS. galera: the members are one cluster. has_object: there is a database object and its
    definition, which is what gets paused; else a StatefulSet does. has_files: agents take configuration files.
    """

    server = MariaDB

    def __init__(self, namespace, folder, template, kind="mariadb", name="px", pods=3, galera=False, has_object=True,
                 has_files=False, **config):
        self.namespace, self.dir, self.kind, self.name = namespace, folder, kind, name
        self.template, self.config, self.has_object, self.has_files = template, config, has_object, has_files
        self.requests = KINDS[kind]
        self.pods = [Pod(self, f"{name}-{i}") for i in range(pods)]
        self.cluster = self.watcher = None
        self.tails = []  # of others whose log belongs to a failure
        if galera:
            self._make_cluster()
        else:
            for pod in self.pods:
                pod.db = self.server(pod.dir / "db", template, None, port=free_port())
        for pod in self.pods:
            pod.db.with_tls, pod.db.option_file = False, pod.options
            pod.db.extra.append("--log-warnings=1")  # nothing of each look at it

    def _make_cluster(self):
        """The group's own settings stand in each my.cnf: the agent's file comes behind them."""
        self.cluster = Galera(self.template, [pod.published for pod in self.pods],
                              option_files=[pod.options for pod in self.pods])
        for pod, node in zip(self.pods, self.cluster.nodes):
            pod.db = node
            pod.options.write_text(f'[mysqld]\nwsrep_provider_options="{node.provider_options}"\n'
                                   f"!includedir {pod.fragment.parent}\n")

    def labels(self):
        return {"app.kubernetes.io/instance": self.name, "app.kubernetes.io/component": "database",
                "app.kubernetes.io/managed-by": "kubedb.com",
                "app.kubernetes.io/name": f"{DATABASE_KINDS[self.kind].lower()}s.kubedb.com"}

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
                pod.db.start()
            pod.supervisor = Supervisor(pod.db, lambda pod=pod: pod.may_start())
            pod.make_agent(**self.config)
            pod.agent.start()
        for pod in self.pods:
            pod.agent.wait("its first report", lambda pod=pod: pod.report().get("tls") == "off", 60)
        self.watcher = watcher.Watcher(self.namespace, {pod.name: pod.db.port for pod in self.pods})
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
        self.namespace.call("POST", self._plural(), {
            "apiVersion": DATABASES, "kind": DATABASE_KINDS[self.kind], "metadata": {"name": self.name},
            "spec": {"version": "10.11", "replicas": len(self.pods)}}, DATABASES)
        self.namespace.call("PATCH", f"{self._plural()}/{self.name}/status", {"status": {"phase": "Ready", "conditions": [
            {"type": "Ready", "status": "True", "reason": "ReadinessCheckSucceeded",
             "lastTransitionTime": "2026-11-26T00:00:00Z"}]}}, DATABASES, MERGE)

    def _plural(self):
        return DATABASE_KINDS[self.kind].lower() + "s"

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
        """request("px-rotate", tls={"rotateCertificates": True})"""
        body = {"apiVersion": GROUP, "kind": self.requests.kind, "metadata": {"name": name},
                "spec": {"type": type, "databaseRef": {"name": self.name}, **spec}}
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

    def is_paused(self):
        """As whoever else works on the database sees it."""
        if self.has_object:
            status = self.namespace.get(f"{self._plural()}/{self.name}", DATABASES).get("status", {})
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


def define_database(plane, kind):
    """A definition of kubedb.com as far as we look at it: status apart, all else as it comes."""
    name = DATABASE_KINDS[kind]
    plural = name.lower() + "s"
    schema = {"type": "object", "properties": {
        word: {"type": "object", "x-kubernetes-preserve-unknown-fields": True} for word in ("spec", "status")}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.kubedb.com"},
        "spec": {"group": "kubedb.com", "scope": "Namespaced", "names": {
            "kind": name, "plural": plural, "singular": name.lower(), "listKind": f"{name}List"},
            "versions": [{"name": DATABASES.partition("/")[2], "served": True, "storage": True,
                          "subresources": {"status": {}}, "schema": {"openAPIV3Schema": schema}}]}}
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(definition))
    plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/{plural}.kubedb.com")


def forget_database(plane, kind):
    """Other tests of this control plane have no such objects."""
    plane.kubectl("delete", f"crd/{DATABASE_KINDS[kind].lower()}s.kubedb.com", "--ignore-not-found", "--wait=false")
