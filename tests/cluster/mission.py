# SPDX-License-Identifier: Apache-2.0
"""
A database as users have it: StatefulSets whose pods ask for the agent by annotations, and a Service; here the sample of
deploy/samples, three members of MariaDB Galera; and who looks at it while requests are carried out. What a request is, and
what must be so at its end, is that of tests/e2e (support/flows.py).
"""

import json
import re
import secrets
from contextlib import contextmanager
from pathlib import Path

from pods import Pod
from support.agent import ROOT
from support.fleet import Fleet
from support.flows import Flows, SampleFlows
from support.kube_api import ApiError
from support.load import LoadClients
from support.namespace import Namespace
from support.openssl import serves_no_tls
from support.opsrequests import GROUP, KINDS
from support.pod import leaf_seen
from support.poll import wait_for
from watcher import Watcher, visit_mysql

RIGHTS = "rbac.authorization.k8s.io/v1"
SAMPLE = ROOT / "deploy/samples/mariadb/galera.yaml"


class Member(Pod):
    """One pod, with what Fleet and Flows ask of one; a subclass says what is served()."""

    def __init__(self, fleet, name):
        super().__init__(fleet.namespace, name)
        self.fleet = fleet

    def report(self):
        have = self.namespace.get(f"pods/{self.name}") or {"metadata": {}}
        return json.loads(have["metadata"].get("annotations", {}).get("certrotate.io/report", "{}"))

    def plan(self):
        return self.report().get("plan") or {}

    def tail(self):
        try:
            return f"=== {self.name}\n{self.explain()}\n"
        except ApiError as e:
            return f"=== {self.name}: {e}\n"


class MySQLMember(Member):
    """It speaks that protocol at the usual port."""

    def served(self):
        ip = self.get()["status"].get("podIP")
        return leaf_seen(3306, "mysql", ip) if ip else None

    def is_plain(self):
        return serves_no_tls(3306, host=self.ip)


class GaleraMember(MySQLMember):
    def sql(self, text):
        """Rows, each a list of texts."""
        said = self.exec("mariadb", "-S", "/run/mysqld/mysqld.sock", "-uroot", f"-p{self.fleet.password}", "-Nse", text,
                         container=self.fleet.container)
        return [line.split("\t") for line in said.splitlines()]


class Workload(Fleet):
    """
    Pods that StatefulSets make. cleanup() of them is the namespace's work. There is no database object: the StatefulSets
    are what gets paused. A subclass says its objects(), kind, container (of the database) and port.
    """

    kind = container = port = None
    more_ports = []
    member = Member
    visit = None  # visit(address): a client there has got an answer; raises OSError. None: nobody comes

    def __init__(self, node, namespace, folder, image, name, names):
        self.node, self.namespace, self.dir, self.image, self.name = node, namespace, Path(folder), image, name
        self.requests, self.has_object, self.has_files, self.tails = KINDS[self.kind], False, True, []
        self.password = secrets.token_hex(12)
        self.pods = [self.member(self, n) for n in names]
        self.watcher = None

    def objects(self):
        raise NotImplementedError

    def up(self):
        self.apply()
        for pod in self.pods:
            wait_for(f"{pod.name} is there", lambda pod=pod: self.namespace.get(f"pods/{pod.name}"), 120, 0.2)
            pod.wait_ready(300)
        self.prepare()
        self.watcher = Watcher(self)
        return self

    def prepare(self):
        """What it needs once it is up."""

    def cleanup(self):
        if self.watcher is not None:
            self.watcher.cleanup()

    def apply(self):
        self.namespace.kubectl("apply", "-f", "-", stdin=json.dumps({
            "apiVersion": "v1", "kind": "List", "items": list(self.objects())}))

    def secret(self, name, **values):
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}

    def config_map(self, name, data):
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}

    def services(self, **selector):
        """One for clients, and one that names the pods."""
        port = [{"name": "db", "port": self.port}]
        yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": self.name},
               "spec": {"selector": {**self.labels(), **selector}, "ports": port + self.more_ports}}
        yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"{self.name}-pods"}, "spec": {
            "clusterIP": "None", "publishNotReadyAddresses": True, "selector": self.labels(), "ports": port}}

    def stateful_set(self, name, replicas, annotations, pod, labels=None, **more):
        """pod: its spec, but for what all have."""
        labels = {**self.labels(), **(labels or {})}
        return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name, "labels": labels}, "spec": {
            "replicas": replicas, "serviceName": f"{self.name}-pods", "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": {
                "serviceAccountName": self.name, "automountServiceAccountToken": False, "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 30, **pod}}, **more}}

    def local_volumes(self):
        """For the claim `data` of each pod, of the class that is the cluster's default."""
        yield {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "kubernetes.io/no-provisioner",
               "metadata": {"name": "local", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}
        for pod in self.pods:
            place = self.node.dir / "volumes" / self.namespace.name / pod.name
            place.mkdir(parents=True, exist_ok=True)
            yield {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"{self.namespace.name}-{pod.name}"},
                   "spec": {"capacity": {"storage": "4Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "local",
                            "persistentVolumeReclaimPolicy": "Retain", "local": {"path": str(place)},
                            "claimRef": {"namespace": self.namespace.name, "name": f"data-{pod.name}"},
                            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                                {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node1"]}]}]}}}}

    # --- what is so

    def owners(self):
        found = self.namespace.call("GET", "statefulsets", group="apps/v1")["items"]
        return [o for o in found if o["metadata"].get("labels", {}).get("app.kubernetes.io/instance") == self.name]

    def is_paused(self):
        return any("certrotate.io/paused" in o["metadata"].get("annotations", {}) for o in self.owners())

    @property
    def address(self):
        """Of the Service."""
        return self.namespace.call("GET", f"services/{self.name}")["spec"]["clusterIP"]

    def ready(self):
        """Names of the pods that are."""
        pods = self.namespace.call("GET", "pods")["items"]
        return {pod["metadata"]["name"] for pod in pods for c in pod["status"].get("conditions", [])
                if c["type"] == "Ready" and c["status"] == "True"}

    def containers(self):
        """Which container of the database runs in each pod."""
        return {pod.name: (status["containerID"], status["restartCount"]) for pod in self.pods
                for status in [pod.statuses()[self.container]]}

    def clients(self, *authorities, count=2, **more):
        """From outside the pods, through the Service, each connection a new one and verified."""
        path = self.dir / "trusted.pem"
        path.write_bytes(b"".join(authorities))
        load = LoadClients(self.dir, self.port, path, clients=count, pause=0.05, host=self.address, **more)
        wait_for("clients connect", lambda: load.made > 2, 30, 0.05)
        return load


class Database(Workload):
    """Three members of Galera, of the sample; with another name or kind than its own, these are replaced in it."""

    container, port, member = "mariadb", 3306, GaleraMember
    visit = staticmethod(visit_mysql)

    def __init__(self, node, namespace, folder, name="orders", kind="mariadb"):
        self.kind = kind
        super().__init__(node, namespace, folder, None, name, [f"{name}-{i}" for i in range(3)])

    def objects(self):
        """The sample is applied after them."""
        return self.local_volumes()

    def prepare(self):
        self.pods[0].sql("CREATE USER 'load'@'%'")

    def apply(self):
        super().apply()
        self.lay()

    def lay(self):
        self.namespace.kubectl("create", "secret", "generic", f"{self.name}-auth", "--from-literal=username=root",
                               f"--from-literal=password={self.password}")
        text = re.sub(r"\borders\b", self.name, SAMPLE.read_text())
        self.namespace.kubectl("apply", "-f", "-", stdin=text.replace("mariadbs.kubedb.com", f"{self.kind}s.kubedb.com"))

    # --- what is so

    def is_cluster(self):
        """Three members, all of them synced, each by its own word."""
        want = [["wsrep_cluster_size", "3"], ["wsrep_cluster_status", "Primary"], ["wsrep_local_state_comment", "Synced"]]
        return all(sorted(pod.sql("SHOW STATUS WHERE Variable_name IN ('wsrep_cluster_size', 'wsrep_cluster_status', "
                                  "'wsrep_local_state_comment')")) == want for pod in self.pods)

    def is_group_tls(self):
        return [pod.sql("SELECT @@wsrep_provider_options LIKE '%socket.ssl = YES%'") == [["1"]] for pod in self.pods]


class Mission(Flows):
    """Requests for the database; the controller is the installed one."""

    def __init__(self, database, install):
        self.fleet, self.namespace, self.install, self._numbers = database, database.namespace, install, 0
        database.tails.append(install.explain)

    def wait_success(self, name, deadline=1200):
        """
        Members that restart join again one after the other. A member that joins while Galera speaks both with and without
        TLS finds out within 750 ms what the donor speaks; on a machine that is too busy for that it dies, and joins anew.
        """
        return super().wait_success(name, deadline)

    @contextmanager
    def volume_alone(self):
        """The agents may not read the Secrets, and what they had open ends: they have what the kubelet brings."""
        role = f"roles/{self.fleet.name}-certrotate"
        rules = self.namespace.get(role, RIGHTS)["rules"]
        self.namespace.patch(role, {"rules": [rule for rule in rules if "secrets" not in rule["resources"]]}, RIGHTS)
        self.fleet.node.plane.restart()
        try:
            yield
        finally:
            self.namespace.patch(role, {"rules": rules}, RIGHTS)

    def values(self, name):
        """Of a server's variable, on each pod."""
        return [pod.sql(f"SELECT @@GLOBAL.{name}")[0][0] for pod in self.fleet.pods]

    def renewals(self):
        """Names of the requests that the controller made itself."""
        found = self.namespace.call("GET", self.fleet.requests.plural, group=GROUP)["items"]
        return {r["metadata"]["name"] for r in found if r["metadata"].get("labels", {}).get("certrotate.io/auto")}

    def authority(self, issuer="issuer"):
        return self.namespace.secret_files(f"{issuer}-authority")["tls.crt"]

    def is_read_everywhere(self, number):
        """What is written on one member is read on all."""
        self.fleet.pods[number % 3].sql(f"INSERT INTO d.t VALUES ({number})")
        for pod in self.fleet.pods:
            wait_for(f"{pod.name} has it", lambda pod=pod: [str(number)] in pod.sql("SELECT n FROM d.t"), 30, 0.2)


class SampleMission(SampleFlows, Mission):
    """By the requests of deploy/samples."""


@contextmanager
def served_all_the_time(mission, *authorities, **more):
    """Clients that come through the Service: not one connection fails."""
    clients = mission.fleet.clients(*authorities, **more)
    try:
        yield clients
        clients.check(10)
    finally:
        clients.stop()


# A database that restarts for a second and third time within ten minutes waits for the kubelet: 10 s, 20 s, 40 s. And
# volumes take a minute and more.
SOON = {"featureGates": {"KubeletCrashLoopBackOffMax": True}, "crashLoopBackOff": {"maxContainerRestartPeriod": "2s"},
        "syncFrequency": "5s"}


@contextmanager
def running(node, install, name, make, issuers=("issuer", "issuer-2"), flows=Mission):
    """The mission of a database in a namespace of its own, admitted there. make(namespace): its Workload."""
    namespace = Namespace(node.plane, name)
    database = make(namespace)
    install.admit(namespace, database.name)
    for issuer in issuers:
        namespace.issuer(issuer)
    with stage(database, install, flows) as mission:
        yield mission


@contextmanager
def stage(database, install, flows=Mission):
    """Up, and asked of by requests; gone afterwards."""
    namespace = database.namespace
    database.node.configure(**SOON)
    try:
        yield flows(database.up(), install)
    finally:
        database.cleanup()
        for owner in database.owners():
            namespace.call("DELETE", f"statefulsets/{owner['metadata']['name']}", {"propagationPolicy": "Foreground"}, "apps/v1")
        namespace.call("DELETE", "pods?gracePeriodSeconds=0")
