# SPDX-License-Identifier: Apache-2.0
"""
The control plane of the tests itself, without the agent: if these fail, no other result on Kubernetes means anything.
"""

import json
import subprocess

import pytest

from support.authority import fingerprint
from support.kube_api import Api, ApiError
from support.namespace import cert_manager_missing
from support.poll import wait_for

needs_cert_manager = pytest.mark.skipif(bool(cert_manager_missing()), reason=str(cert_manager_missing()))


def test_it_is_the_version_we_say(cluster):
    assert json.loads(cluster.kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"] == "v1.33.13"


def test_secrets_survive_a_restart(cluster, namespace, authority):
    bundle = authority.issue()
    namespace.secret("px", bundle)
    cluster.restart()
    assert namespace.secret_files("px") == bundle.files()
    assert namespace.call("GET", "secrets/px")["type"] == "kubernetes.io/tls"
    namespace.secret("px", authority.issue())
    assert namespace.secret_files("px")["tls.crt"] != bundle.cert


def test_an_old_version_is_gone_when_history_is(cluster, namespace):
    seen = namespace.config_map("plan", turn="0")["metadata"]["resourceVersion"]
    namespace.config_map("plan", turn="1")
    watch = namespace.path(f"configmaps?watch=1&timeoutSeconds=1&resourceVersion={seen}")
    listed = namespace.path(f"configmaps?resourceVersionMatch=Exact&resourceVersion={seen}")
    status, _, text = cluster.api.raw("GET", watch)
    assert status == 200 and b'"MODIFIED"' in text
    assert cluster.api.call("GET", listed)["items"][0]["data"] == {"turn": "0"}
    cluster.forget_history()
    wait_for("410 Gone", lambda: b'"code":410' in cluster.api.raw("GET", watch)[2])
    assert cluster.api.raw("GET", listed)[0] == 410


def test_a_bound_token_dies_with_its_pod(cluster, namespace):
    namespace.pod("px-0", "px")
    asks = Api(cluster.port, cluster.ca_file, namespace.token("px", "px-0"))
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    who = asks.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)["status"]["userInfo"]
    assert who["username"] == f"system:serviceaccount:{namespace.name}:px"
    assert who["extra"]["authentication.kubernetes.io/pod-name"] == ["px-0"]
    namespace.delete("pods/px-0")
    wait_for("401", lambda: asks.raw("GET", "/version")[0] == 401, 90, 0.5)


def test_a_pod_looks_ready_when_a_test_says_so(namespace):
    namespace.pod("px-0", labels={"app": "px"})
    assert namespace.get("pods/px-0")["status"]["phase"] == "Pending"
    namespace.pod_status("px-0")
    assert "1/1" not in namespace.kubectl("get", "pod", "px-0")  # no container has ever run
    assert namespace.kubectl("wait", "--for=condition=Ready", "--timeout=5s", "pod/px-0")


def test_ways_in(cluster, namespace, tmp_path):
    """A kubeconfig with a client certificate, one with a token file, and the files of a pod."""
    with_certificate = cluster.kubeconfig(tmp_path / "a.conf", bundle=cluster.client_bundle("maria"))
    code, said = cluster.kubectl("auth", "whoami", kubeconfig=with_certificate, check=False)
    assert code == 0 and "maria" in said
    namespace.pod("px-0", "px")
    volume = namespace.account_volume(tmp_path / "account", "px", "px-0")
    with_file = cluster.kubeconfig(tmp_path / "b.conf", token_file=volume.path / "token")
    code, said = cluster.kubectl("auth", "whoami", kubeconfig=with_file, check=False)
    assert code == 0 and "px-0" in said
    (tmp_path / "broken").write_text("no token\n")
    with_broken = cluster.kubeconfig(tmp_path / "c.conf", token_file=tmp_path / "broken")
    code, said = cluster.kubectl("get", "pods", kubeconfig=with_broken, check=False)
    assert code != 0 and "Unauthorized" in said


def test_requests_and_watches_are_counted(cluster, namespace):
    before = cluster.api.requests(resource="secrets", verb="LIST")
    for _ in range(3):
        namespace.call("GET", "secrets")
        namespace.call("GET", "configmaps")
    assert cluster.api.requests(resource="secrets", verb="LIST") == before + 3
    open_before = cluster.api.watches(resource="configmaps")
    watch = subprocess.Popen(["curl", "-sN", "--cacert", cluster.ca_file, "-H", f"Authorization: Bearer {cluster.token}",
                              f"https://127.0.0.1:{cluster.port}" + namespace.path("configmaps?watch=1")],
                             stdout=subprocess.PIPE)
    try:
        wait_for("an open watch", lambda: cluster.api.watches(resource="configmaps") > open_before)
    finally:
        watch.kill()
        watch.communicate()
    wait_for("no open watch", lambda: cluster.api.watches(resource="configmaps") == open_before)


def test_a_refusal_names_the_rule(namespace):
    with pytest.raises(ApiError, match="not found") as refused:
        namespace.call("GET", "secrets/none")
    assert refused.value.status == 404
    assert namespace.get("secrets/none") is None


@needs_cert_manager
def test_cert_manager_renews(namespace):
    namespace.issuer()
    secret = namespace.certificate("px-server-cert")
    first = namespace.secret_files(secret)
    assert set(first) == {"ca.crt", "tls.crt", "tls.key"}
    namespace.renew("px-server-cert")
    second = namespace.secret_files(secret)
    assert fingerprint(first["tls.crt"]) != fingerprint(second["tls.crt"])
    assert first["tls.key"] != second["tls.key"] and first["ca.crt"] == second["ca.crt"]


def test_the_manager_makes_accounts(cluster, namespace):
    cluster.run_manager()
    wait_for("a default account", lambda: namespace.get("serviceaccounts/default"), 60)
