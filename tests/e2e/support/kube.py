# SPDX-License-Identifier: Apache-2.0
"""
A real Kubernetes control plane: etcd and kube-apiserver, and when asked for the controller manager and cert-manager.
There is no node: pods are objects only, stay Pending, and have the status that a test gives them. Binaries are those
that tests/stages/kubernetes.sh builds.
"""

import base64
import json
import os
import secrets
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path

from .authority import Authority, make_key, openssl
from .kube_api import Api
from .poll import STRETCH, end_with_parent, free_port, free_ports, tail, wait_for

CACHE = Path(os.environ.get("CERTROTATE_CACHE") or Path.home() / ".cache/certrotate")
BIN = CACHE / "kubernetes-1.33.13/bin"
CERT_MANAGER = CACHE / "cert-manager-1.11.5"
SERVER_NAMES = ("DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,"
                "DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:10.96.0.1")
NOT_NEEDED = "ingress-shim,orders,challenges,certificaterequests-issuer-acme,certificaterequests-issuer-vault," \
             "certificaterequests-issuer-venafi"


def missing():
    """Why there is no control plane on this machine; None: there is."""
    for name in ("kube-apiserver", "kube-controller-manager", "kubectl"):
        if not os.access(BIN / name, os.X_OK):
            return "Kubernetes could not be built from its Go module (./tests/run --only e2e says why)"
    return None if shutil.which("etcd") else "etcd is not installed: apt-get install etcd-server"


class Process:
    """A program that runs until it is told to end, with a log."""

    def __init__(self, log, words):
        self.log, self.words, self.process = Path(log), [str(w) for w in words], None

    def start(self):
        assert not self.running(), f"{self.words[0]} is running already"
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            cwd=self.log.parent, preexec_fn=end_with_parent)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait(self, what, predicate, deadline=60):
        def check():
            assert self.running(), f"{Path(self.words[0]).name} ended:\n{tail(self.log)}"
            return predicate()
        return wait_for(what, check, deadline, 0.05, lambda: tail(self.log))

    def stop(self, signo=signal.SIGTERM, deadline=20):
        if self.running():
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signo)
            try:
                self.process.wait(deadline * STRETCH)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def cost(self):
        """(resident KiB, seconds of CPU so far)"""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        used = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
        return resident, (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")


class ControlPlane:
    """up() starts it; .api is the administrator's; .ca_file verifies the server, also a proxy of ours before it."""

    names = SERVER_NAMES

    def __init__(self, folder):
        self.dir = Path(folder)
        self.dir.mkdir(parents=True)
        self.port = free_port()
        self.etcd_url, self._peer_url = (f"http://127.0.0.1:{port}" for port in free_ports(2))
        self.authority = Authority(self.dir / "authority", name="Cluster Authority")
        self.ca_file = self.authority.ca_file()
        self.token = secrets.token_hex(16)
        self._write_files()
        self.etcd = Process(self.dir / "etcd.log", self._etcd_words())
        self.server = Process(self.dir / "kube-apiserver.log", self._server_words())
        self.manager = self.cert_manager = None
        self.admin = self.kubeconfig(self.dir / "admin.conf", token=self.token)
        self.api = Api(self.port, self.ca_file, self.token)

    def _write_files(self):
        (self.dir / "accounts.key").write_bytes(make_key())
        openssl("pkey", "-in", self.dir / "accounts.key", "-pubout", "-out", self.dir / "accounts.pub")
        (self.dir / "tokens.csv").write_text(f"{self.token},admin,admin,system:masters\n")
        self.renew_certificate()

    def renew_certificate(self):
        """The server reads its files anew within a minute, and at its start."""
        bundle = self.authority.issue(san=self.names, cn="kube-apiserver")
        (self.dir / "server.crt").write_bytes(bundle.cert)
        (self.dir / "server.key").write_bytes(bundle.key)

    def _etcd_words(self):
        return ["etcd", f"--data-dir={self.dir}/etcd", f"--listen-client-urls={self.etcd_url}",
                f"--advertise-client-urls={self.etcd_url}", f"--listen-peer-urls={self._peer_url}",
                f"--initial-advertise-peer-urls={self._peer_url}", f"--initial-cluster=default={self._peer_url}",
                "--unsafe-no-fsync", "--logger=zap", "--log-level=warn"]

    def _server_words(self):
        here = self.dir
        return [BIN / "kube-apiserver", f"--etcd-servers={self.etcd_url}", "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1", f"--secure-port={self.port}", "--endpoint-reconciler-type=none",
                "--service-cluster-ip-range=10.96.0.0/24", "--authorization-mode=RBAC", "--anonymous-auth=false",
                f"--client-ca-file={self.ca_file}", f"--tls-cert-file={here}/server.crt",
                f"--tls-private-key-file={here}/server.key", f"--token-auth-file={here}/tokens.csv",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={here}/accounts.pub",
                f"--service-account-signing-key-file={here}/accounts.key", "--allow-privileged=true",
                "--profiling=false"]

    # --- life

    def up(self):
        if not self.etcd.running():
            self.etcd.start()
        if self.server.running():
            self.server.thaw()
        else:
            self.server.start()
        self.server.wait("the API server is ready", self.is_ready)
        return self

    def is_ready(self):
        try:
            return self.api.raw("GET", "/readyz", timeout=5)[0] == 200
        except OSError:
            return False

    def down(self, signo=signal.SIGTERM):
        """The API server only: what it knows stays in etcd."""
        self.server.stop(signo)

    def restart(self, signo=signal.SIGTERM):
        self.down(signo)
        self.up()

    def forget_history(self):
        """Restarts the server with every past version compacted: a watch from one of them gets 410 Gone."""
        revision = self._etcd("kv/range", {"key": base64.b64encode(b"/").decode()})["header"]["revision"]
        self.down()
        self._etcd("kv/compaction", {"revision": revision, "physical": True})
        self.up()

    def _etcd(self, what, body):
        with urllib.request.urlopen(f"{self.etcd_url}/v3/{what}", json.dumps(body).encode(), timeout=30) as answer:
            return json.load(answer)

    def cleanup(self):
        for process in (self.cert_manager, self.manager, self.server, self.etcd):
            if process is not None:
                process.stop(signal.SIGKILL)

    # --- controllers, each started once by whoever needs it first

    def run_manager(self):
        """kube-controller-manager: owners, StatefulSets, default service accounts, namespaces that really go, budgets."""
        if self.manager is not None and self.manager.running():
            return
        port = free_port()
        self.manager = Process(self.dir / "kube-controller-manager.log", [
            BIN / "kube-controller-manager", f"--kubeconfig={self.admin}", "--leader-elect=false",
            "--bind-address=127.0.0.1", f"--secure-port={port}",
            f"--root-ca-file={self.ca_file}", f"--service-account-private-key-file={self.dir}/accounts.key"])

        def is_well():
            if not self.manager.running():  # it ends when the API server is not well within ten seconds, or goes meanwhile
                self.manager.start()
            return serves_health(port)
        wait_for("the controller manager is well", is_well, 120, 0.2, lambda: tail(self.manager.log))

    def run_cert_manager(self, *flags, without=""):
        """flags of its own, and a controller that is left out. One that runs otherwise is started anew."""
        if self.cert_manager is not None and self._cert_manager_as != (flags, without):
            self.cert_manager.stop()
            self.cert_manager = None
        if self.cert_manager is None:
            self.kubectl("apply", "--server-side", "-f", CERT_MANAGER / "crds.yaml")
            self.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", CERT_MANAGER / "crds.yaml")
            left_out = NOT_NEEDED.split(",") + ([without] if without else [])
            self.cert_manager = Process(self.dir / "cert-manager.log", [
                CERT_MANAGER / "bin/controller", f"--kubeconfig={self.admin}", "--leader-elect=false",
                "--cluster-resource-namespace=kube-system", f"--metrics-listen-address=127.0.0.1:{free_port()}",
                "--controllers=*," + ",".join("-" + name for name in left_out), *flags])
            self._cert_manager_as = (flags, without)
            self.cert_manager.start()

    def issuer_secret(self, authority):
        """Of an authority of that name, made here: what an issuer of kind ca signs with."""
        made = Authority(self.dir / f"issuer-{secrets.token_hex(4)}", name=authority)
        return {"type": "kubernetes.io/tls", "data": {
            "tls.crt": base64.b64encode(made.root).decode(),
            "tls.key": base64.b64encode((made.dir / "root.key").read_bytes()).decode()}}

    def define_requests(self):
        """The definitions of the OpsRequests; again does no harm."""
        crds = Path(__file__).resolve().parents[3] / "deploy/crds"
        self.kubectl("apply", "--server-side", "-f", crds)
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", crds)

    # --- ways in

    def kubectl(self, *words, stdin=None, kubeconfig=None, namespace=None, check=True):
        """Its output; with check=False (exit code, output and complaints)."""
        command = [BIN / "kubectl", f"--kubeconfig={kubeconfig or self.admin}", f"--cache-dir={self.dir}/kubectl",
                   *(["-n", namespace] if namespace else []), *words]
        done = subprocess.run([str(c) for c in command], input=stdin, capture_output=True, text=True,
                              timeout=120 * STRETCH, env={**os.environ, "HOME": str(self.dir)})
        if not check:
            return done.returncode, done.stdout + done.stderr
        assert done.returncode == 0, f"kubectl {' '.join(map(str, words))}: {done.stderr}"
        return done.stdout

    def client_bundle(self, user):
        """A client certificate of a user, who has the rights that a test binds to that name."""
        return self.authority.issue(cn=user, usage="clientAuth", san=f"DNS:{user}")

    def kubeconfig(self, path, token=None, token_file=None, bundle=None, port=None, namespace="default"):
        """One context, one user; port: of a proxy instead of the server's. Returns its path."""
        path, user = Path(path), []
        if token:
            user.append(f"token: {token}")
        if token_file:
            user.append(f"tokenFile: {token_file}")
        if bundle:
            user += [f"client-certificate-data: {base64.b64encode(bundle.cert).decode()}",
                     f"client-key-data: {base64.b64encode(bundle.key).decode()}"]
        path.write_text(f"""apiVersion: v1
kind: Config
clusters:
- name: tests
  cluster:
    server: https://127.0.0.1:{port or self.port}
    certificate-authority: {self.ca_file}
users:
- name: tests
  user:
""" + "".join(f"    {line}\n" for line in user) + f"""contexts:
- name: tests
  context:
    cluster: tests
    user: tests
    namespace: {namespace}
current-context: tests
""")
        path.chmod(0o600)
        return path


def serves_health(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # its certificate is its own
    try:
        with urllib.request.urlopen(f"https://127.0.0.1:{port}/healthz", timeout=5, context=context) as answer:
            return answer.status == 200
    except OSError:
        return False


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
