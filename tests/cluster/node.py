# SPDX-License-Identifier: Apache-2.0
"""
A real Kubernetes node on this machine: the control plane of tests/e2e/support/kube.py and, in namespaces of their own
(processes, mounts, network), containerd, a kubelet and kube-proxy. Whatever they mount, start or configure dies with these
namespaces, and these with the test run, even a killed one. Only control groups outlive it: the next start removes them.

    this machine            10.245.N.1 --- 10.245.N.2  the node   --- cni0 10.244.N.1 --- pods 10.244.N.0/24
    127.0.0.1:port, 10.245.N.1:port the API server     Services 10.243.N.0/24, also from this machine
"""

import calendar
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import image  # noqa: E402
from support import image as product  # noqa: E402
from support import kube  # noqa: E402
from support.agent import ROOT  # noqa: E402
from support.kube import BIN, CACHE, ControlPlane, Process  # noqa: E402
from support.kube_api import ApiError  # noqa: E402
from support.poll import end_with_parent, tail, wait_for  # noqa: E402

CGROUPS = Path("/sys/fs/cgroup")
CNI = Path("/usr/lib/cni")
LINK, GROUP = "crn", "certrotate-node-"  # of a network interface and of control groups, before the node's number
NAME = "node1"
COREDNS = CACHE / "coredns-1.12.2/bin/coredns"
# Images made of what tests/stages/node.sh has built: which tree, the name (that of the samples where they have one), how.
TREES = {"mariadb": ("mariadb", "docker.io/library/mariadb:10.11", image.database),
         "engines": ("engines", "localhost/engines:1", image.database),
         "sqlserver": ("engines", "mcr.microsoft.com/mssql/server:2022-latest",
                       lambda *to: image.sqlserver(*to, ROOT / "tests/peers/sqlserver"))}
# All pods together are one entity to the scheduler; on a busy machine that one would get next to nothing.
WEIGHTS = {"cpu.shares": "16384", "cpu.weight": "1600"}
PROGRAMS = {"containerd": "containerd", "runc": "runc", "iptables": "iptables", "unshare": "util-linux",
            "nsenter": "util-linux", "ip": "iproute2", "cc": "build-essential"}

# The first process of the node: makes its file system private, says so, and takes in orphans until its input ends.
# /sys keeps the machine's control groups. containerd, kubelet and CNI have paths that no setting moves.
INIT = r"""
set -e
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
for pair in containerd:/var/lib/containerd kubelet:/var/lib/kubelet cni-state:/var/lib/cni log:/var/log; do
        mkdir -p "$1/${pair%%:*}" "${pair#*:}"
        mount --bind "$1/${pair%%:*}" "${pair#*:}"
done
echo 1 >/proc/sys/net/ipv4/ip_forward
ip link set lo up
echo ready
while read -r _; do :; done
"""

CONTAINERD = """version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # A machine that may not raise its own OOM score can start no sandbox otherwise.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni}"
    conf_dir = "{dir}/cni"
"""

KUBELET = """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: {address}
port: 10250
healthzPort: 0
authentication: {{anonymous: {{enabled: false}}, webhook: {{enabled: false}}, x509: {{clientCAFile: {ca}}}}}
authorization: {{mode: AlwaysAllow}}
cgroupDriver: cgroupfs
cgroupRoot: /{group}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
enforceNodeAllocatable: []
failSwapOn: false
localStorageCapacityIsolation: false
imageGCHighThresholdPercent: 100
evictionHard: {{memory.available: 50Mi}}
resolvConf: {dir}/resolv.conf
volumePluginDir: /var/lib/kubelet/volume-plugins
clusterDNS: [{dns}]
clusterDomain: cluster.local
nodeStatusReportFrequency: 10s
{more}
"""

# The kernel's own limits on connections are not touched.
PROXY = """apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clusterCIDR: {pods}
hostnameOverride: {name}
clientConnection: {{kubeconfig: {kubeconfig}}}
conntrack: {{maxPerCore: 0}}
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
iptables: {{minSyncPeriod: 100ms}}
"""


def missing():
    """Why there can be no node on this machine; None: there can."""
    if os.geteuid() != 0:
        return "a node needs root"
    for name in ("kube-scheduler", "kubelet", "kube-proxy"):
        if not os.access(BIN / name, os.X_OK):
            return f"{BIN}/{name} is not there (tests/stages/node.sh builds it)"
    for name, package in PROGRAMS.items():
        if shutil.which(name) is None:
            return f"{name} is not installed: apt-get install {package}"
    if not (CNI / "bridge").exists():
        return "CNI's plugins are not installed: apt-get install containernetworking-plugins"
    return kube.missing() or product.missing()


def run(*words, check=True, **more):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, stdin=subprocess.DEVNULL, **more)
    assert not check or done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr or done.stdout}"
    return done.stdout if check else done.returncode


class NodePlane(ControlPlane):
    """A control plane that pods and a kubelet can reach."""

    def __init__(self, folder, address, services):
        """services: the first three bytes of their addresses, "10.243.7"; the API server's own is the first."""
        self.address, self.services, self.node_token = address, services, secrets.token_hex(16)
        self.names = f"{kube.SERVER_NAMES},IP:{services}.1,IP:{address}"
        super().__init__(folder)

    def _write_files(self):
        super()._write_files()
        with open(self.dir / "tokens.csv", "a") as f:
            f.write(f'{self.node_token},system:node:{NAME},{NAME},"system:nodes"\n')
        bundle = self.authority.issue(cn="kube-apiserver-kubelet-client", usage="clientAuth", san="DNS:kube-apiserver")
        (self.dir / "kubelet-client.crt").write_bytes(bundle.cert)
        (self.dir / "kubelet-client.key").write_bytes(bundle.key)

    def _server_words(self):
        # Of a flag with one value the last one counts; a list would grow.
        words = ["--authorization-mode=Node,RBAC" if w == "--authorization-mode=RBAC" else w
                 for w in super()._server_words()]
        return [*words, "--bind-address=0.0.0.0", f"--advertise-address={self.address}",
                "--endpoint-reconciler-type=lease", f"--service-cluster-ip-range={self.services}.0/24",
                "--enable-admission-plugins=NodeRestriction",
                "--kubelet-preferred-address-types=InternalIP",
                f"--kubelet-client-certificate={self.dir}/kubelet-client.crt",
                f"--kubelet-client-key={self.dir}/kubelet-client.key"]

    def node_kubeconfig(self):
        path = self.kubeconfig(self.dir / "node.conf", token=self.node_token)
        return self._as_the_node_sees_it(path)

    def proxy_kubeconfig(self):
        """Of the account that Kubernetes gives the rights of a kube-proxy."""
        path = self.kubeconfig(self.dir / "proxy.conf", bundle=self.client_bundle("system:kube-proxy"))
        return self._as_the_node_sees_it(path)

    def _as_the_node_sees_it(self, path):
        path.write_text(path.read_text().replace(f"server: https://127.0.0.1:{self.port}", (
            f"server: https://{self.address}:{self.port}")))
        return path


class Inside(Process):
    """A process of the node: nsenter starts it, waits for it and ends with it."""

    def __init__(self, log, node, words):
        super().__init__(log, [*node.enter(), *words])
        self.name = Path(str(words[0])).name

    @property
    def pid(self):
        """As this machine numbers it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(wait_for(f"{self.name} is there", lambda: children.read_text().split(), 10)[0])

    def send(self, signo):
        os.kill(self.pid, signo)

    def stop(self, signo=signal.SIGTERM, deadline=20):
        """nsenter hands no signal on."""
        for final in (signo, signal.SIGKILL):
            if self.running():
                try:
                    self.thaw()
                    self.send(final)
                    self.process.wait(deadline)
                except (OSError, AssertionError, subprocess.TimeoutExpired):
                    pass  # it ended on its own, or does not
        self.process = None

    def freeze(self):
        self.send(signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)  # nsenter stops with its child
        self.send(signal.SIGCONT)


class Node:
    """up() brings all of it up to Ready; .plane is the control plane."""

    def __init__(self, folder, **kubelet):
        """kubelet: settings of KubeletConfiguration, such as syncFrequency="10s"."""
        self.dir = Path(folder)
        self.dir.mkdir(parents=True)
        self.settings, self.init, self.number, self.plane = kubelet, None, None, None
        self.scheduler = self.containerd = self.kubelet = self.proxy = None
        self.images = set()

    # --- life

    def up(self):
        try:
            sweep()
            self._open_namespaces()
            self._open_network()
            self._open_control_groups()
            self.plane = NodePlane(self.dir / "plane", self.host_address, self.services)
            self.plane.etcd.start()
            self.plane.server.start()
            self._start_containerd()
            self.plane.up()
            self.plane.run_manager()
            self.scheduler = Process(self.dir / "kube-scheduler.log", [
                BIN / "kube-scheduler", f"--kubeconfig={self.plane.admin}", "--leader-elect=false", "--secure-port=0"])
            self.scheduler.start()
            self._start_kubelet()
            self._start_proxy()
            self.kubelet.wait("the node is ready", self.is_ready)
        except BaseException:
            self.cleanup()
            raise
        return self

    def configure(self, **kubelet):
        """Restarts the kubelet with these settings; running pods do not notice."""
        if kubelet != self.settings:
            self.settings = kubelet
            self.restart_kubelet()

    def restart_kubelet(self, signo=signal.SIGTERM):
        self.kubelet.stop(signo)
        since = time.time() - 1
        self._start_kubelet()
        self.kubelet.wait("the kubelet reports again", lambda: self._renewed(since))
        self.kubelet.wait("the kubelet knows its pods", self._knows_pods)

    def restart_containerd(self, signo=signal.SIGKILL):
        """Its shims, and the containers with them, stay."""
        self.containerd.stop(signo)
        self._run_containerd()

    def _renewed(self, since):
        """Its Lease is; whole seconds of the same clock."""
        lease = self.plane.api.call("GET", f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{NAME}")
        stamp = lease["spec"]["renewTime"].split(".")[0]
        return calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%S")) >= since

    def _knows_pods(self):
        """Its own server may come up later than its Lease."""
        try:
            have, want = self._pods_known()
        except ApiError as e:
            if e.status != 503:
                raise
            return False
        return want <= have

    def _pods_known(self):
        return tuple({p["metadata"]["uid"] for p in self.plane.api.call("GET", path)["items"] or []} for path in (
            f"/api/v1/nodes/{NAME}/proxy/pods", f"/api/v1/pods?fieldSelector=spec.nodeName={NAME}"))

    def is_ready(self):
        try:
            conditions = self.plane.api.call("GET", f"/api/v1/nodes/{NAME}")["status"].get("conditions", [])
        except (ApiError, OSError):
            return False
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def cleanup(self):
        for process in (self.scheduler,):
            if process is not None:
                process.stop(signal.SIGKILL)
        if self.init is not None:
            self._close_namespaces()
        if self.plane is not None:
            self.plane.cleanup()
        if self.number is not None:
            run("ip", "link", "delete", self.link, check=False)
            remove_control_groups(self.group)
        if not os.environ.get("E2E_KEEP"):
            shutil.rmtree(self.dir / "kubelet", ignore_errors=True)
        shutil.rmtree(self.dir / "containerd", ignore_errors=True)
        self.init = self.number = self.plane = None

    def _close_namespaces(self):
        """The kernel ends a namespace of processes with its first one, and unshare ends after that one."""
        self.init.stdin.close()
        try:
            self.init.wait(20)
        except subprocess.TimeoutExpired:
            self.init.kill()
            self.init.wait()
        self.init.stdout.close()

    # --- its parts

    def _open_namespaces(self):
        log = open(self.dir / "init.log", "wb")
        self.init = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc",
             "bash", "-c", INIT, "init", self.dir],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, preexec_fn=end_with_parent)
        log.close()
        said = self.init.stdout.readline()
        assert said == b"ready\n", f"the node's namespaces: {tail(self.dir / 'init.log')}"
        children = Path(f"/proc/{self.init.pid}/task/{self.init.pid}/children")
        self.init_pid = int(children.read_text().split()[0])

    def enter(self):
        return ["nsenter", "-t", str(self.init_pid), "-m", "-p", "-n", "-u", "-i", "--"]

    def inside(self, *words, **more):
        """The output of a program that runs on the node."""
        return run(*self.enter(), *words, **more)

    def _open_network(self):
        """The interface's name is the claim on the number: nobody else can have it."""
        for number in random.sample(range(1, 250), 249):
            taken = any(run("ip", "-4", "route", "show", "root", f"10.{net}.{number}.0/24") for net in (243, 244, 245))
            if not taken and run("ip", "link", "add", f"{LINK}{number}", "type", "veth", "peer", "name", "eth0",
                                 "netns", self.init_pid, check=False) == 0:
                break
        else:
            raise AssertionError("no network is free for a node")
        self.number, self.link, self.group = number, f"{LINK}{number}", f"{GROUP}{number}"
        self.host_address, self.address = f"10.245.{number}.1", f"10.245.{number}.2"
        self.pods, self.services = f"10.244.{number}.0/24", f"10.243.{number}"
        run("ip", "address", "add", f"{self.host_address}/30", "dev", self.link)
        run("ip", "link", "set", self.link, "up")
        self.inside("ip", "address", "add", f"{self.address}/30", "dev", "eth0")
        self.inside("ip", "link", "set", "eth0", "up")
        self.inside("ip", "route", "add", "default", "via", self.host_address)
        for there in (self.pods, f"{self.services}.0/24"):  # the API server calls webhooks by their Services
            run("ip", "route", "add", there, "via", self.address, "dev", self.link)

    def _open_control_groups(self):
        for top in control_groups():
            here = top / self.group
            here.mkdir()
            for name in ("cpuset.cpus", "cpuset.mems"):
                if (here / name).exists():
                    (here / name).write_text((top / name).read_text())
            for name, weight in WEIGHTS.items():
                if (here / name).exists():
                    (here / name).write_text(weight)

    def _start_containerd(self):
        self.socket = "/run/containerd/containerd.sock"
        (self.dir / "containerd.toml").write_text(CONTAINERD.format(pause="localhost/pause:1", cni=CNI, dir=self.dir))
        (self.dir / "cni").mkdir()
        (self.dir / "cni/10-node.conflist").write_text(json.dumps({
            "cniVersion": "0.4.0", "name": "node", "plugins": [{
                "type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": False, "hairpinMode": True,
                "ipam": {"type": "host-local", "ranges": [[{"subnet": self.pods}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}))
        self.containerd = Inside(self.dir / "containerd.log", self,
                                 ["containerd", "--config", self.dir / "containerd.toml"])
        self._run_containerd()
        self.load(image.pause(self.dir / "pause.tar", self.dir), self.dir / "pause.tar")

    def _run_containerd(self):
        self.containerd.start()
        self.containerd.wait("containerd answers", lambda: run(*self.enter(), "ctr", "version", check=False) == 0)

    def _start_proxy(self):
        (self.dir / "kube-proxy.yaml").write_text(PROXY.format(
            pods=self.pods, name=NAME, kubeconfig=self.plane.proxy_kubeconfig()))
        self.proxy = Inside(self.dir / "kube-proxy.log", self, [BIN / "kube-proxy", f"--config={self.dir}/kube-proxy.yaml"])
        self.proxy.start()
        self.proxy.wait("kube-proxy is well", lambda: run(
            *self.enter(), "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/10256", check=False) == 0)

    def _start_kubelet(self):
        (self.dir / "resolv.conf").write_text("options timeout:1\n")
        (self.dir / "kubelet.yaml").write_text(KUBELET.format(
            address=self.address, ca=self.plane.ca_file, group=self.group, dir=self.dir, dns=f"{self.services}.10",
            more="\n".join(f"{key}: {json.dumps(value)}" for key, value in self.settings.items())))
        self.kubelet = Inside(self.dir / "kubelet.log", self, [
            BIN / "kubelet", f"--config={self.dir}/kubelet.yaml", f"--kubeconfig={self.plane.node_kubeconfig()}",
            f"--hostname-override={NAME}", f"--node-ip={self.address}", "--v=2"])
        self.kubelet.start()

    # --- images

    def load(self, name, archive):
        """Into containerd; pods use it with imagePullPolicy: Never."""
        if name not in self.images:
            self.inside("ctr", "-n", "k8s.io", "images", "import", archive)
            self.images.add(name)
        return name

    def certrotate(self):
        """What users get, built by deploy/Dockerfile, under the name that the READMEs have for it."""
        archive = self.dir / "certrotate.tar"
        if product.NAME not in self.images:
            product.save(product.build(), archive)
        return self.load(product.NAME, archive)

    def coredns(self):
        """None: it was not built (tests/stages/node.sh)."""
        if not os.access(COREDNS, os.X_OK):
            return None
        archive = self.dir / "coredns.tar"
        return self.load(image.single(archive, COREDNS, "localhost/coredns:1"), archive)

    def tree(self, what):
        """One of TREES; None: tests/stages/node.sh has not made it."""
        tree, name, make = TREES[what]
        found = sorted((CACHE / "images").glob(f"{tree}-*.tar"))
        if not found:
            return None
        if name not in self.images:
            archive = self.dir / f"{what}.tar"
            self.load(make(archive, found[-1], name), archive)
            archive.unlink()
        return name

    def kill(self, container, signo="SIGKILL"):
        """For the first process of a container, containerd://…"""
        self.inside("ctr", "-n", "k8s.io", "tasks", "kill", "-s", signo, container.rpartition("/")[2])

    def cost(self, container):
        """(resident KiB, seconds of CPU so far) of the first process of a container, containerd://…"""
        tasks = dict(line.split()[:2] for line in self.inside("ctr", "-n", "k8s.io", "tasks", "ls").splitlines()[1:])
        folder = f"/proc/{tasks[container.rpartition('/')[2]]}"
        status = self.inside("cat", f"{folder}/status", f"{folder}/stat")
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
        used = status.rpartition(")")[2].split()
        return resident, (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")

    def tail(self):
        return "".join(f"--- {log.name}\n{tail(log, 15)}" for log in sorted(self.dir.glob("*.log")))


# --- what outlives a killed run

def control_groups():
    """The top of each hierarchy: one of version 2, or many of version 1."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return sorted(top for top in CGROUPS.iterdir() if top.is_dir() and not top.is_symlink())


def remove_control_groups(group):
    """The deepest first. A group goes when its last process is gone, which a kernel may still be about."""
    for top in control_groups():
        for folder, _, _ in os.walk(top / group, topdown=False):
            wait_for(f"{folder} is empty", lambda: _gone(folder), 20, 0.05)


def _gone(folder):
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


def sweep():
    """Control groups of nodes that are no more."""
    found = {path.name for top in control_groups() for path in top.glob(GROUP + "*")}
    for group in found:
        if not Path("/sys/class/net", LINK + group[len(GROUP):]).exists():
            remove_control_groups(group)
