# SPDX-License-Identifier: Apache-2.0
"""The control plane of the benchmark, which counts what the controller asks of it, and the controller itself."""

import http.client
import json
import os
import re
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

from support.fleet import define_database
from support.kube import CERT_MANAGER, ControlPlane
from support.poll import end_with_parent, free_port, wait_for

from .wires import WRITES

POLICY = """apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- {level: Metadata, users: [controller]}
- {level: None}
"""
LEASES = "leases"


class Plane(ControlPlane):
    """With users of their own for the controller and the crowd; asked() says what the controller has sent, by the
    API server's own audit."""

    def __init__(self, folder):
        super().__init__(folder)
        self.crowd_token, self.controller_token = self.token + "1", self.token + "2"
        with open(self.dir / "tokens.csv", "a") as out:
            out.write(f"{self.crowd_token},crowd,crowd,system:masters\n{self.controller_token},controller,controller,system:masters\n")
        (self.dir / "audit.yaml").write_text(POLICY)
        self.audit = self.dir / "audit.log"
        self.etcd.words += [f"--quota-backend-bytes={6 << 30}"]
        self.server.words += [f"--audit-policy-file={self.dir}/audit.yaml", f"--audit-log-path={self.audit}"]

    def define(self):
        self.define_requests()
        define_database(self, "mariadb")
        crds = CERT_MANAGER / "crds.yaml"
        self.kubectl("apply", "--server-side", "-f", crds)
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", crds)

    def asked(self, since=0):
        """Counter of (verb, resource, status) from byte `since` of the audit on. Watches count when they end."""
        found = Counter()
        with open(self.audit, "rb") as log:
            log.seek(since)
            for line in log:
                event = json.loads(line)
                ref = event.get("objectRef", {})
                resource = ref.get("resource", "?") + ("/" + ref["subresource"] if "subresource" in ref else "")
                found[event["verb"], resource, event.get("responseStatus", {}).get("code", 0)] += 1
        return found

    def audited(self):
        return self.audit.stat().st_size if self.audit.exists() else 0

    def writes(self):
        """Of everybody, the API server's own included."""
        return sum(value for labels, value in self.api.metrics("apiserver_request_total") if labels.get("verb") in WRITES)


def writes_of(asked):
    """Without those by which the Lease is kept."""
    return {key: n for key, n in asked.items() if key[0] in ("create", "update", "patch", "delete") and key[1] != LEASES}


class Program:
    """`certrotate controller`, as released, with its own settings."""

    def __init__(self, plane, folder, binary, options=()):
        self.plane, self.port, self.log = plane, free_port(), folder / "controller.log"
        kubeconfig = plane.kubeconfig(folder / "controller.conf", token=plane.controller_token)
        self.words = [str(binary), "controller", "--kubeconfig", str(kubeconfig), "--identity", "bench", "--log-format", "json",
                      "--lease", "default/certrotate-controller", "--listen", f"127.0.0.1:{self.port}", *options]
        self.process, self.peak, self.began = None, 0, 0.0

    def start(self):
        """Until all is known and it leads."""
        self.began = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_parent)
        # Asked seldom: each page counts all databases, and that is CPU as well.
        wait_for("the controller leads", self.leads, 300, 0.5, self.tail)
        return time.monotonic() - self.began

    def tail(self):
        return self.log.read_text(errors="replace")[-3000:]

    def page(self):
        assert self.process.poll() is None, f"the controller has ended:\n{self.tail()}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        except OSError:
            return ""
        finally:
            connection.close()

    def metric(self, name):
        """Summed over its labels; None: not told (yet)."""
        found = re.findall(rf"^certrotate_controller_{name}(?:{{.*}})? (\d+)$", self.page(), re.M)
        return sum(map(int, found)) if found else None

    def leads(self):
        page = self.page()
        return all(f"certrotate_controller_{word} 1\n" in page for word in ("leader", "ready"))

    def results(self):
        return {k: int(v) for k, v in re.findall(r'_reconciles_total\{result="(\w+)"\} (\d+)', self.page())}

    def memory(self):
        """KiB; peak: since its start."""
        status = dict(re.findall(r"^(\w+):\s+(\d+) kB$", Path(f"/proc/{self.process.pid}/status").read_text(), re.M))
        return {"rss_kib": int(status["VmRSS"]), "peak_kib": int(status["VmHWM"]), "data_kib": int(status["RssAnon"])}

    def cpu_s(self):
        used = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        self.process = None

    def watch_memory(self, ends):
        """The largest RSS until `ends`, in a thread; (thread, [KiB])"""
        most = [0]

        def look():
            while not ends.wait(0.1):
                most[0] = max(most[0], self.memory()["rss_kib"])
        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        return thread, most
