# SPDX-License-Identifier: Apache-2.0
"""Istio's injector: its control plane (tests/stages/istio.sh) beside our API server, with the templates of its own chart."""

import http.client
import os
import ssl
import time

from support.kube import CACHE, Process
from support.poll import free_port

TREE = CACHE / "istio-20260827124520"
HOME = "istio-system"


def missing():
    return None if os.access(TREE / "bin/pilot-discovery", os.X_OK) else "Istio could not be built from its Go module"


class Istio(Process):
    def __init__(self, plane, folder):
        self.plane, self.port = plane, free_port()
        places = {"httpsAddr": self.port, "httpAddr": free_port(), "grpcAddr": free_port(), "secureGRPCAddr": free_port(),
                  "monitoringAddr": free_port()}
        super().__init__(folder / "istio.log", [
            "env", "POD_NAME=istiod-0", f"POD_NAMESPACE={HOME}", "REVISION=default", "PILOT_CERT_PROVIDER=istiod",
            "CLUSTER_ID=Kubernetes", TREE / "bin/pilot-discovery", "discovery", f"--kubeconfig={plane.admin}",
            f"--ctrlz_port={free_port()}", *(f"--{name}=127.0.0.1:{port}" for name, port in places.items())])

    def up(self):
        self.plane.kubectl("create", "namespace", HOME)
        self.plane.kubectl("apply", "--server-side", "-f", TREE / "crds.yaml")
        self.plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", TREE / "crds.yaml")
        self.plane.kubectl("apply", "-f", TREE / "istiod.yaml")
        self.start()
        self.wait("it answers", self.answers, 120)
        return self

    def answers(self):
        try:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5,
                                                     context=ssl._create_unverified_context())
            connection.request("GET", "/inject")
            return connection.getresponse().status > 0
        except OSError:
            time.sleep(0.2)
            return False
