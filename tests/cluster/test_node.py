# SPDX-License-Identifier: Apache-2.0
"""The node is one: pods run, are heard, get their Secrets and tokens, reach the API server; and nothing of it stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from node import GROUP, LINK, control_groups, sweep
from support.authority import Authority, fingerprint
from support.kube_api import Api
from support.poll import wait_for

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def sleeper(image, **container):
    return {"containers": [{"name": "main", "image": image, "command": ["/bin/sleep", "infinity"], **container}]}


def test_pod_runs_and_its_log_is_read(make_pod, agent_image):
    pod = make_pod("version", {"restartPolicy": "Never", "containers": [
        {"name": "main", "image": agent_image, "args": ["--version"]}]}).wait_phase("Succeeded")
    assert pod.logs().startswith("certrotate ")


def test_image_of_the_agent_has_no_shell(make_pod, agent_image):
    pod = make_pod("shell", {"restartPolicy": "Never", "containers": [
        {"name": "main", "image": agent_image, "command": ["/bin/sh", "-c", "true"]}]}).wait_phase("Failed")
    assert "no such file" in pod.statuses()["main"]["state"]["terminated"]["message"]


def test_secret_is_mounted_and_refreshed(node, namespace, make_pod, mariadb_image, authority):
    node.configure(syncFrequency="5s")
    first, second = authority.issue(), authority.issue()
    namespace.secret("tls", first)
    pod = make_pod("reader", {**sleeper(mariadb_image, volumeMounts=[{"name": "tls", "mountPath": "/tls"}]),
                              "volumes": [{"name": "tls", "secret": {"secretName": "tls"}}]}).wait_ready()

    def mounted():
        return fingerprint(pod.exec("cat", "/tls/tls.crt"))
    assert mounted() == first.fp
    pod.wait_still()
    namespace.secret("tls", second)
    wait_for("the volume is refreshed", lambda: mounted() == second.fp, 60, 0.5)
    assert pod.exec("readlink", "/tls/tls.crt").strip() == "..data/tls.crt"
    assert pod.restarts() == {"main": 0}


def test_token_is_the_pods_own(namespace, make_pod, mariadb_image, node):
    pod = make_pod("teller", sleeper(mariadb_image), account="teller").wait_ready()
    token = pod.exec("cat", f"{ACCOUNT}/token")
    review = namespace.plane.api.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}})["status"]
    assert review["user"]["username"] == f"system:serviceaccount:{namespace.name}:teller"
    assert review["user"]["extra"]["authentication.kubernetes.io/pod-name"] == ["teller"]
    assert Api(node.plane.port, node.plane.ca_file, token).raw("GET", "/version")[0] == 200


def test_pod_reaches_the_api_server(node, make_pod, mariadb_image):
    pod = make_pod("caller", sleeper(mariadb_image)).wait_ready()
    host = f"{node.services}.1"
    assert pod.exec("printenv", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT").split() == [host, "443"]
    said = pod.exec("openssl", "s_client", "-connect", f"{host}:443", "-verify_hostname", "kubernetes.default.svc",
                    "-verify_return_error", "-CAfile", f"{ACCOUNT}/ca.crt", stdin="")
    assert "Verify return code: 0 (ok)" in said


def test_names_of_services(dns, make_pod, mariadb_image):
    """By CoreDNS, and through kube-proxy: the Service that everybody has."""
    pod = make_pod("asker", sleeper(mariadb_image)).wait_ready()
    assert pod.exec("getent", "hosts", "kubernetes.default").split()[0] == f"{dns.services}.1"
    said = pod.exec("openssl", "s_client", "-connect", "kubernetes.default.svc:443", "-verify_return_error",
                    "-CAfile", f"{ACCOUNT}/ca.crt", stdin="")
    assert "Verify return code: 0 (ok)" in said


def test_kubelet_is_restarted_under_a_pod(node, make_pod, mariadb_image):
    pod = make_pod("stays", sleeper(mariadb_image)).wait_ready()
    before = pod.statuses()["main"]["containerID"]
    node.restart_kubelet(signal.SIGKILL)
    assert pod.exec("echo", "here").strip() == "here"
    assert pod.statuses()["main"]["containerID"] == before
    assert pod.restarts() == {"main": 0}


KILLED = """
import sys
sys.path.insert(0, {here!r})
from node import Node
node = Node({folder!r}).up()
print(node.number, flush=True)
sys.stdin.read()
"""


def test_killed_run_leaves_nothing(tmp_path):
    folder = tmp_path / "killed"
    program = KILLED.format(here=str(Path(__file__).parent), folder=str(folder))
    run = subprocess.Popen([sys.executable, "-B", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    number = run.stdout.readline().strip()
    assert number and running(folder), "the node did not come up"
    run.kill()
    run.wait()
    run.stdin.close()
    run.stdout.close()
    wait_for("its processes are gone", lambda: not running(folder), 30, 0.1, lambda: "\n".join(running(folder)))
    wait_for("its network is gone", lambda: not os.path.exists(f"/sys/class/net/{LINK}{number}"), 30, 0.1)
    assert str(folder) not in Path("/proc/self/mounts").read_text()
    sweep()
    assert not [top for top in control_groups() if (top / f"{GROUP}{number}").exists()]


def running(folder):
    """Command lines with its folder in them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"{folder}/" in words:
            found.append(words)
    return found
