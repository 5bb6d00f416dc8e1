# SPDX-License-Identifier: Apache-2.0
"""
Real Druid nodes, each a process of its own with settings of its own, around one ZooKeeper: from the jars that
tests/stages/druid.sh fetches. The nodes do not reach each other over TLS, because Maven Central does not have the
extension that would let them; each of them is a real server all the same.
"""

import json
import os
import ssl
import subprocess
import tempfile
import types
import urllib.request
from pathlib import Path

from . import wire
from .agent import BINARY
from .poll import end_with_parent, free_ports, tail, wait_for
from .stack import Stack

CACHE = Path(os.environ.get("CERTROTATE_CACHE") or Path.home() / ".cache/certrotate")
TREE = CACHE / "druid-33.0.0"
VARIABLE, PASSWORD, ALIAS = "DRUID_KEY_STORE_PASSWORD", "changeit-druid", "druid"
JAVA = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC", "-Dfile.encoding=UTF-8",
        "--add-opens", "java.base/java.lang=ALL-UNNAMED", "--add-opens", "java.base/sun.nio.ch=ALL-UNNAMED",
        "--add-opens", "java.base/jdk.internal.ref=ALL-UNNAMED",
        "--add-exports", "java.base/jdk.internal.misc=ALL-UNNAMED"]
ROLES = {  # Druid's word: the agent's, and what else its runtime.properties says
    "coordinator": ("coordinators", "druid.coordinator.startDelay=PT5S\n"),
    "router": ("routers", "druid.router.http.numConnections=5\n"),
    "historical": ("historicals", "druid.segmentCache.locations=[{\"path\":\"{dir}/segments\",\"maxSize\":\"10m\"}]\n"
                                  "druid.lookup.enableLookupSyncOnStartup=false\n"),
    "middleManager": ("middleManagers", "druid.worker.capacity=1\ndruid.indexer.task.baseTaskDir={dir}/tasks\n"),
}
COMMON = """# The comments, and the keys that are not about TLS, have to survive.
druid.extensions.loadList=[]
druid.host={host}
druid.bindOnHost={bound}

druid.zk.service.host={zookeeper}
druid.metadata.storage.type=derby
druid.metadata.storage.connector.connectURI=jdbc:derby://localhost:{derby}/{dir}/metadata;create=true
druid.metadata.storage.connector.port={derby}
druid.storage.type = local
druid.storage.storageDirectory={dir}/deep
druid.indexer.logs.directory={dir}/tasklogs
druid.startup.logging.logProperties=false
druid.server.http.numThreads=12
druid.processing.buffer.sizeBytes=1MiB
druid.processing.numThreads=1
druid.processing.numMergeBuffers=1
! end
"""
TLS = """druid.enablePlaintextPort=true
druid.enableTlsPort=true
druid.server.https.certAlias={alias}
druid.server.https.keyStorePath={files}/keystore.jks
druid.server.https.keyStoreType=jks
druid.server.https.keyStorePassword={{"type": "environment", "variable": "{variable}"}}
druid.server.https.reloadSslContext=true
druid.server.https.reloadSslContextSeconds=1
"""


ARCHIVE = TREE / "classes.jsa"
SERVER = ["org.apache.druid.cli.Main", "server"]


def available():
    return (TREE / "lib").is_dir()


def classes():
    """
    With its classes from an archive a node costs half as much to start. Made by the first who asks; one that does not
    fit (any more) is not used by Java. The class path of a node begins with that of the archive.
    """
    if not ARCHIVE.exists():
        with tempfile.TemporaryDirectory(dir=TREE) as folder:
            made = Path(folder) / "new.jsa"
            node = Node(Path(folder) / "node", "router", types.SimpleNamespace(port=1), folder, tls=False)
            lines = [line.partition("=") for path in (node.settings, node.own) for line in path.read_text().splitlines()]
            node.run([*JAVA, f"-XX:ArchiveClassesAtExit={made}", "-Xlog:disable", "-cp", f"{TREE}/lib/*",
                      *(f"-D{key.strip()}={value.strip()}" for key, _, value in lines if key.startswith("druid.")),
                      *SERVER, "router"])
            try:
                node.wait_up()
                node.process.terminate()
                node.process.wait(300)
                made.rename(ARCHIVE)
            finally:
                node.stop()
    return [f"-XX:SharedArchiveFile={ARCHIVE}", "-Xlog:disable"]


def ask(path, plain, port, tls=None, host="127.0.0.1"):
    """The answer, or None when the port (either one when tls is None) does not give one."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for is_tls, base in ((True, f"https://{host}:{port}"), (False, f"http://{host}:{plain}")):
        if tls is None or tls == is_tls:
            try:
                with urllib.request.urlopen(base + path, timeout=10, context=context) as answer:
                    return answer.read().decode()
            except OSError:
                continue
    return None


def zookeeper(jars, config):
    return ["java", "-Xmx64m", "-XX:+UseSerialGC", "-cp", f"{jars}/*", "org.apache.zookeeper.server.ZooKeeperServerMain",
            str(config)]


def zoo_cfg(data, port, address):
    return (f"tickTime=2000\ndataDir={data}\nclientPort={port}\nclientPortAddress={address}\n"
            "admin.enableServer=false\n")


class Process:
    """A server that writes its log into a file; cleanup() ends it."""

    def __init__(self, folder, name):
        self.dir = Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.log, self.process = self.dir / f"{name}.log", None

    def run(self, command, **env):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.dir,
                                            env=dict(os.environ, **env), preexec_fn=end_with_parent)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def tail(self):
        return f"\n--- {self.log.name}\n" + tail(self.log)

    cleanup = stop


class ZooKeeper(Process):
    def __init__(self, folder):
        super().__init__(folder, "zookeeper")
        self.port = free_ports(1)[0]
        conf = self.dir / "zoo.cfg"
        conf.write_text(zoo_cfg(self.dir / "data", self.port, "127.0.0.1"))
        self.run(zookeeper(TREE / "lib", conf))


class Node(Process):
    """One role; files: the directory of its stores."""

    def __init__(self, folder, role, zookeeper, files, tls=True):
        super().__init__(folder, role)
        self.role, self.files = role, files
        self.plain, self.port, derby = free_ports(3)
        self.pid_file = self.dir / "druid.pid"
        self.settings = self.dir / "conf/_common/common.runtime.properties"
        self.password = PASSWORD
        self.own = self.dir / "conf" / role / "runtime.properties"
        for path in (self.settings, self.own):
            path.parent.mkdir(parents=True, exist_ok=True)
        self.own.write_text(f"druid.service=druid/{role}\ndruid.plaintextPort={self.plain}\ndruid.tlsPort={self.port}\n"
                       + ROLES[role][1].replace("{dir}", str(self.dir)))
        text = COMMON.format(zookeeper=f"127.0.0.1:{zookeeper.port}", derby=derby, dir=self.dir, host="localhost", bound="true")
        self.settings.write_text(text + TLS.format(alias=ALIAS, files=files, variable=VARIABLE) if tls else text)

    @property
    def pid(self):
        return self.process.pid

    def start(self, wait=True):
        self.run([*JAVA, *classes(), "-Xms64m", "-Xmx256m", "-XX:MaxDirectMemorySize=256m",
                  f"-Djava.io.tmpdir={self.dir}", "-cp",
                  f"{TREE}/lib/*:{self.dir}/conf/_common:{self.dir}/conf/{self.role}", *SERVER, self.role],
                 **{VARIABLE: self.password})
        fresh = self.dir / "druid.pid.new"  # as a wrapper that starts Druid does
        fresh.write_text(f"{self.process.pid}\n")
        os.rename(fresh, self.pid_file)
        if wait:
            self.wait_up()

    def wait_up(self):
        wait_for(f"{self.role} answers", self.alive, 300, 0.2, self.tail)

    def get(self, path, tls=None):
        return ask(path, self.plain, self.port, tls)

    def alive(self, tls=None):
        return self.get("/status/health", tls) == "true"

    def properties(self):
        return json.loads(self.get("/status/properties"))


class DruidStack(Stack):
    """One node, its volume and its agent; `read`: another directory that the node's stores are in."""

    driver = "druid"

    def __init__(self, folder, role, zookeeper, authority, starts_with_tls=True, read=None, **config):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.password_file = folder / "store-password"
        self.password_file.write_text(PASSWORD + "\n")
        self.server = lambda where, *_: Node(where, role, zookeeper, read or self.published, starts_with_tls)
        self._role = role
        super().__init__(folder, None, authority, **config)

    def settings(self):
        return {"database": "druid", "source": str(self.volume.path), "publish": str(self.published),
                "endpoints": [f"https://127.0.0.1:{self.db.port}"], "retry-min": "200ms", "retry-max": "2s",
                "store-password-file": str(self.password_file),
                "druid": {"role": ROLES[self._role][0], "plain-port": self.db.plain, "client-extension": False,
                          "reload-interval": "1s"},
                "process": {"pid-file": str(self.db.pid_file), "executable": "java"}}

    def publish_first(self):
        self.bundle = self.bundle or self.authority.issue()
        self.volume.publish(self.bundle)
        self.agent.start()
        self.agent.wait("first publish", lambda: (self.published / "keystore.jks").exists())

    def begin(self):
        """up() in two halves, so that several nodes can start at the same time."""
        self.publish_first()
        self.db.start(wait=False)

    def finish(self):
        self.db.wait_up()
        self.wait_proven(self.bundle, 60)
        assert self.served_fp() == self.bundle.fp
        self.agent.forget()

    def restart_agent(self, **config):
        """binary=…, and anything else that its configuration is to say from now on."""
        self.agent.stop()
        if "binary" in config:
            self.agent.binary = config.pop("binary") or BINARY
        self.agent.config.update(config)
        self.agent.start()

    def served_fp(self):
        return wire.served_or_none(self.db.port, wire.served_direct)

    def keytool(self, name, password=PASSWORD):
        """What Java finds in a published store."""
        done = subprocess.run(["keytool", "-list", "-v", "-keystore", self.published / name, "-storetype", "jks",
                               "-storepass", password], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return done.stdout + done.stderr


