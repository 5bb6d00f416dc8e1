# SPDX-License-Identifier: Apache-2.0
"""
The other engines as pods: SingleStore and SQL Server played by tests/peers, Druid itself. Each as KubeDB lays it out, as
far as the agent sees it; what its pods say about the agent is in annotations().
"""

import json
import os
import shlex
import subprocess

from mission import Member, MySQLMember, Workload
from support import druid
from support.agent import ROOT
from support.pod import leaf_seen
from support.pod_mssqlserver import PLAIN, Shown
from support.pod_singlestore import roles
from support.sqlserver import bsqldb, make_group, master
from watcher import visit_mysql

USER = 65534  # nobody, in the image
PEERS = ROOT / "tests/peers"


def mounts(**places):
    """{volume: path}"""
    return [{"name": name, "mountPath": path} for name, path in places.items()]


def sees(**places):
    """Operations of a patch: the agent has these volumes of the pod, too."""
    return [{"op": "add", "path": "/spec/initContainers/0/volumeMounts/-", "value": mount} for mount in mounts(**places)]


# The files that the agent is to change are laid by an init container of the pod: the agent comes behind it.
AFTER_INIT = {"op": "move", "from": "/spec/initContainers/0", "path": "/spec/initContainers/1"}


class Engine(Workload):
    """start: text of the script that becomes the server. etc(): what the ConfigMap beside it has, mounted at /etc/start."""

    start = None
    volumes = {}  # of the server, {name: path}; they last as long as the pod

    def etc(self):
        return {"run.sh": self.start}

    def annotate(self, config, *patch, **more):
        """All that a pod says about the agent."""
        said = {"inject": "true", "config": json.dumps({"tls": "off", **config}), **more}
        if patch:
            said["patch"] = json.dumps(patch)
        return {f"certrotate.io/{key}": value for key, value in said.items()}

    def pod(self, probe, extra=None, init=None, env=None):
        """Its spec. extra: {name: (volume, path)} beside those of the engine. init: a script that is run before all."""
        extra = {"start": ({"configMap": {"name": f"{self.name}-start"}}, "/etc/start"), **(extra or {})}
        places = {**self.volumes, **{name: path for name, (_, path) in extra.items()}, "tmp": "/tmp"}
        image = {"image": self.image, "imagePullPolicy": "Never", "env": env or [], "volumeMounts": mounts(**places)}
        spec = {
            # The agent ends processes of the server's container: it has to see them, and be the same user.
            "shareProcessNamespace": True,
            "securityContext": {"runAsUser": USER, "runAsGroup": USER, "fsGroup": USER},
            "containers": [{"name": self.container, **image, "command": ["/bin/bash", "/etc/start/run.sh"],
                            "readinessProbe": {"periodSeconds": 1, "timeoutSeconds": 5, **probe}}],
            "volumes": [*({"name": name, "emptyDir": {}} for name in (*self.volumes, "tmp")),
                        *({"name": name, **volume} for name, (volume, _) in extra.items())]}
        if init:
            spec["initContainers"] = [{"name": "prepare", **image, "command": ["/bin/bash", "-ec", init]}]
        return spec

    def peer(self, name):
        """The files of a test server."""
        return self.config_map(f"{self.name}-peer", {p.name: p.read_text() for p in sorted((PEERS / name).glob("*.py"))})

    def host(self, name):
        """Of a pod, as all others know it."""
        return f"{name}.{self.name}-pods.{self.namespace.name}.svc"


# --- SingleStore

SINGLESTORE_CNF = """[server]
port = 3306
socket = /run/memsql/memsql.sock
"""


class SingleStoreMember(MySQLMember):
    def sql(self, text):
        """Rows, each a list of texts."""
        done = subprocess.run(["mariadb", "--no-defaults", f"--host={self.ip}", "--port=3306", "--user=root", "-NBe", text],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30,
                              env=dict(os.environ, MYSQL_PWD=self.fleet.password))
        assert done.returncode == 0, f"{text}: {done.stderr}{self.tail()}"
        return [line.split("\t") for line in done.stdout.splitlines()]

    def variable(self, name):
        return dict((row + [""])[:2] for row in self.sql("SHOW VARIABLES"))[name]


class SingleStore(Engine):
    """Two aggregators, which clients reach by the Service, and a pair of leaves."""

    kind, container, port, member = "singlestore", "singlestore", 3306, SingleStoreMember
    volumes = {"etc": "/etc/memsql", "run": "/run/memsql"}
    visit = staticmethod(visit_mysql)
    start = """set -e
cp /etc/start/users.json /etc/memsql/
cat /etc/start/memsql.cnf - >/etc/memsql/memsql.cnf <<<"hostname = $HOSTNAME"
exec python3 -B /opt/peer/server.py --config /etc/memsql/memsql.cnf --topology /etc/start/topology.json \\
        --node "$(cat "/etc/start/$HOSTNAME")" --control /etc/memsql/faults.json --address 0.0.0.0 \\
        --pid-file /run/memsql/memsql.pid
"""

    def __init__(self, node, namespace, folder, image, name="orders-sdb"):
        super().__init__(node, namespace, folder, image, name, [
            f"{name}-{part}-{i}" for part in ("aggregator", "leaf") for i in range(2)])

    def etc(self):
        names = [pod.name for pod in self.pods]
        users = {"root": {"password": self.password, "rights": ["ALL"], "require": ""},
                 "load": {"password": "", "rights": [], "require": ""}}
        topology = {"redundancy": 2, "nodes": [
            {"id": i + 1, "role": role, "host": self.host(name), "port": 3306, **more}
            for i, (name, (role, more)) in enumerate(zip(names, roles(names)))]}
        return {**super().etc(), "memsql.cnf": SINGLESTORE_CNF, "users.json": json.dumps(users),
                "topology.json": json.dumps(topology), **{name: str(i + 1) for i, name in enumerate(names)}}

    def annotations(self, part):
        settings = "/etc/memsql/conf.d"
        config = {"process": {"pid-file": "/run/memsql/memsql.pid", "executable": "python3.11"},
                  "custom": {"secret": f"{self.name}-certrotate-files-{part}", "publish": settings}}
        if part == "leaf":
            # An aggregator elsewhere is asked by TLS only, and its certificate would have to have its address.
            config["singlestore"] = {"may-go-offline": True}
        return self.annotate(config, *sees(run="/run/memsql"), **{
            "settings-to": settings, "auth-secret": f"{self.name}-root-cred"})

    def objects(self):
        yield self.secret(f"{self.name}-root-cred", username="root", password=self.password)
        yield self.config_map(f"{self.name}-start", self.etc())
        yield self.peer("singlestore")
        yield from self.services(**{"kubedb.com/role": "aggregator"})
        peer = {"peer": ({"configMap": {"name": f"{self.name}-peer"}}, "/opt/peer")}
        for part in ("aggregator", "leaf"):
            yield self.stateful_set(f"{self.name}-{part}", 2, self.annotations(part), self.pod(
                {"tcpSocket": {"port": self.port}}, peer), {"kubedb.com/role": part}, podManagementPolicy="Parallel")

    # --- what is so

    def is_online(self):
        """As the master aggregator sees it, after a fresh look at each leaf."""
        master = self.pods[0]
        master.sql("FLUSH CONNECTION POOLS")
        return {row[5] for row in master.sql("SHOW LEAVES")} == {"online"} and {
            row[5] for row in master.sql("SHOW CLUSTER STATUS")} <= {"online", "replicating"}


# --- SQL Server

class SQLServerMember(Shown, Member):
    @property
    def host(self):
        return self.get()["status"].get("podIP") or "none"

    def sql(self, text):
        """Rows by FreeTDS; whom it talks to is not verified."""
        code, out, err = bsqldb(self.port, text, password=self.fleet.password, host=self.host)
        assert code == 0, f"{text}: {out}{err}{self.tail()}"
        return [line.split("|") for line in out.splitlines()]

    def settings_text(self):
        return self.exec("cat", "/var/opt/mssql/mssql.conf", container=self.fleet.container)

    def memory_mb(self):
        (kilobytes,), = self.sql("SELECT physical_memory_kb FROM sys.dm_os_sys_info")
        return int(kilobytes) // 1024


class SQLServer(Engine):
    """An availability group of three; what they know of each other lies in a folder of this machine."""

    kind, container, port, member = "mssqlserver", "mssql", 1433, SQLServerMember
    volumes = {"data": "/var/opt/mssql"}
    init = """mkdir -p /var/opt/mssql/data
cp -n /etc/start/master.json /var/opt/mssql/data/
cp -n /etc/start/mssql.conf /var/opt/mssql/
"""
    start = """exec python3 -B /opt/peer/server.py --home /var/opt/mssql --port 1433 --address 0.0.0.0 \\
        --name "$HOSTNAME" --group /group
"""

    def __init__(self, node, namespace, folder, image, name="orders-ms"):
        super().__init__(node, namespace, folder, image, name, [f"{name}-{i}" for i in range(3)])

    def etc(self):
        return {**super().etc(), "master.json": master(self.password), "mssql.conf": PLAIN}

    def annotations(self):
        config = {"settings-file": "/var/opt/mssql/mssql.conf", "mssql": {"failover": "auto"},
                  "custom": {"secret": f"{self.name}-certrotate-files", "publish": "/var/opt/mssql/custom"}}
        return self.annotate(config, *sees(data="/var/opt/mssql"), AFTER_INIT, **{"auth-secret": f"{self.name}-auth"})

    def objects(self):
        names = [pod.name for pod in self.pods]
        group = make_group(self.dir / "group", names, [self.port] * 3, [self.host(name) for name in names], catch_up=0.5)
        for path in (group, group / "group.json"):
            path.chmod(0o777)
        yield self.secret(f"{self.name}-auth", username="sa", password=self.password)
        yield self.config_map(f"{self.name}-start", self.etc())
        yield self.peer("sqlserver")
        yield from self.services()
        extra = {"peer": ({"configMap": {"name": f"{self.name}-peer"}}, "/opt/peer"),
                 "group": ({"hostPath": {"path": str(group), "type": "Directory"}}, "/group")}
        yield self.stateful_set(self.name, 3, self.annotations(), self.pod(
            {"tcpSocket": {"port": self.port}}, extra, self.init), podManagementPolicy="Parallel")

    def visit(self, address):
        code, out, err = bsqldb(self.port, "SELECT 1", password=self.password, host=address, encryption="request")
        if code != 0 or out.strip() != "1":
            raise OSError(err.strip() or f"answers {out!r}")


# --- Druid

DIRECTORIES = {"router": "query/router", "coordinator": "master/coordinator-overlord"}
PORTS = {"router": (8888, 9088), "coordinator": (8081, 8281)}  # without TLS and with it
CONF, JARS = "/opt/druid/conf/druid/cluster", "/opt/druid/jars"


class DruidMember(Member):
    @property
    def role(self):
        return next(role for role in PORTS if role in self.name)

    def get_path(self, path, tls=None):
        ip = self.get()["status"].get("podIP")
        return druid.ask(path, *PORTS[self.role], tls, ip) if ip else None

    def served(self):
        ip = self.get()["status"].get("podIP")
        return leaf_seen(PORTS[self.role][1], host=ip) if ip else None

    def is_plain(self):
        return self.get_path("/status/health", False) == "true" and self.served() is None

    def in_force(self, key):
        return json.loads(self.get_path("/status/properties")).get(key)


class Druid(Engine):
    """Two routers, which clients reach by the Service, a coordinator, and ZooKeeper in a pod of its own."""

    kind, container, port, member = "druid", "druid", 9088, DruidMember
    volumes = {"conf": "/opt/druid/conf", "data": "/data", "run": "/run/druid"}
    more_ports = [{"name": "plain", "port": 8888}]

    def __init__(self, node, namespace, folder, image, name="events-druid"):
        super().__init__(node, namespace, folder, image, name, [
            f"{name}-routers-0", f"{name}-routers-1", f"{name}-coordinators-0"])

    def own_properties(self, role):
        plain, port = PORTS[role]
        return (f"druid.service=druid/{role}\ndruid.plaintextPort={plain}\ndruid.tlsPort={port}\n" +
                druid.ROLES[role][1].replace("{dir}", "/data"))

    def etc(self):
        common = druid.COMMON.format(zookeeper=f"{self.name}-zookeeper.{self.namespace.name}.svc:2181", derby=1527,
                                     dir="/data", host="@HOST@", bound="false")
        files = {"common.runtime.properties": common, "jvm.config": "-Xms64m\n-Xmx256m\n",
                 "zoo.cfg": druid.zoo_cfg("/data", 2181, "0.0.0.0")}
        for role, directory in DIRECTORIES.items():
            files[f"{role}.properties"] = self.own_properties(role)
            files[f"run-{role}.sh"] = f"""exec {shlex.join(druid.JAVA)} -XX:MaxDirectMemorySize=256m \\
        $(cat {CONF}/{directory}/jvm.config) \\
        -cp "{JARS}/*:{CONF}/_common:{CONF}/{directory}" {" ".join(druid.SERVER)} {role}
"""
        return files

    def init(self, role):
        """As an operator's own init container lays the files."""
        own = f"{CONF}/{DIRECTORIES[role]}"
        host = self.host("$HOSTNAME")
        return f"""mkdir -p {CONF}/_common {own}
sed "s/@HOST@/{host}/" /etc/start/common.runtime.properties >{CONF}/_common/common.runtime.properties
cp /etc/start/{role}.properties {own}/runtime.properties
cp /etc/start/jvm.config {own}/
"""

    def annotations(self, role):
        config = {"settings-file": f"{CONF}/_common/common.runtime.properties",
                  "process": {"executable": "java"},
                  "custom": {"secret": f"{self.name}-certrotate-files", "publish": "/run/druid/custom"},
                  # The extension is not to be had from Maven Central.
                  "druid": {"role": druid.ROLES[role][0], "client-extension": False, "reload-interval": "1s"}}
        return self.annotate(config, *sees(conf="/opt/druid/conf", run="/run/druid"), AFTER_INIT)

    def objects(self):
        yield self.secret(f"{self.name}-keystore-cred", keystore_password=druid.PASSWORD)
        yield self.config_map(f"{self.name}-start", self.etc())
        yield from self.services(**{"kubedb.com/role": "routers"})
        jars = {"jars": ({"hostPath": {"path": str(druid.TREE / "lib"), "type": "Directory"}}, JARS)}
        yield from self._zookeeper(jars)
        env = [{"name": druid.VARIABLE, "valueFrom": {"secretKeyRef": {
            "name": f"{self.name}-keystore-cred", "key": "keystore_password"}}}]
        for role, replicas in (("router", 2), ("coordinator", 1)):
            listens = " || ".join(f"exec 3<>/dev/tcp/127.0.0.1/{port}" for port in PORTS[role])
            pod = self.pod({"exec": {"command": ["/bin/bash", "-c", f"({listens}) 2>/dev/null"]}}, jars, self.init(role), env)
            pod["containers"][0]["command"] = ["/bin/bash", f"/etc/start/run-{role}.sh"]
            word = druid.ROLES[role][0]
            yield self.stateful_set(f"{self.name}-{word}", replicas, self.annotations(role), pod, {"kubedb.com/role": word},
                                    podManagementPolicy="Parallel")

    def visit(self, address):
        if druid.ask("/status/health", *PORTS["router"], host=address) != "true":
            raise OSError("neither port gives an answer")

    def _zookeeper(self, jars):
        name, labels = f"{self.name}-zookeeper", {"app": "zookeeper"}
        spec = self.pod({"tcpSocket": {"port": 2181}}, jars)
        spec["containers"][0]["command"] = druid.zookeeper(JARS, "/etc/start/zoo.cfg")
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}
        yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
               "spec": {"selector": labels, "ports": [{"port": 2181}]}}
