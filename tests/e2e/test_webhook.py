# SPDX-License-Identifier: Apache-2.0
"""
Pods are injected by a real API server's call, over TLS with a certificate of the controller's own making: how that is
renewed, replaced and kept, and what happens when nobody answers.
"""

import base64
import http.client
import json
import re
import ssl
import subprocess
import textwrap
import threading

import pytest

from support.agent import ROOT, run
from support.controller import HOME
from support.fleet import databases_group, define_database, forget_database, plural
from support.kube import BIN
from support.kube_api import APPLY, ApiError
from support.poll import free_port, stays, wait_for
from support.readme import blocks
from support.webhook import FOLDER, SECRET, Webhook, documents, is_injected, pod, served

MISSED = "certrotate_missed_injections"


@pytest.fixture
def webhook(cluster, namespace, tmp_path, tidy):
    return Webhook(cluster, namespace, tmp_path, tidy)


def reviews(one, verdict):
    return one.metrics()[f'certrotate_controller_webhook_reviews_total{{verdict="{verdict}"}}']


def test_a_pod_gets_its_agent(webhook):
    one = webhook.controller().start().wait_ready()
    webhook.wait_called()
    before = reviews(one, "injected")
    webhook.namespace.kubectl("create", "-f", "-", stdin=json.dumps(pod("orders-0")))
    made = webhook.namespace.get("pods/orders-0")
    assert is_injected(made)
    agent = next(c for c in made["spec"]["initContainers"] if c["name"] == "certrotate")
    assert agent["image"] == "certrotate:test" and agent["restartPolicy"] == "Always", "this cluster knows native sidecars"
    assert reviews(one, "injected") > before
    # One that does not ask is not even sent; one that says no is, and is left alone.
    assert not is_injected(webhook.try_pod(annotations={"a": "b"}))
    assert not is_injected(webhook.try_pod(annotations={"certrotate.io/inject": "false"}))
    assert reviews(one, "left") >= 1
    # A contradiction is told to whoever makes the pod, and in the log.
    with pytest.raises(ApiError, match="oracle"):
        webhook.try_pod(annotations={"certrotate.io/inject": "true", "certrotate.io/database": "oracle"})
    told = one.wait_event("pod_denied")
    assert "oracle" in told["error"] and told["pod"] == "try" and told["namespace"] == webhook.namespace.name
    assert reviews(one, "denied") == 1
    assert one.metrics()[MISSED] == 0
    assert one.status()["webhook"]["serves"] and not one.status()["webhook"]["trouble"]
    one.stop()


def test_nobody_answers(webhook):
    """The pod is made all the same, and told of when there is somebody again: once, whoever leads."""
    one = webhook.controller().start().wait_ready()
    webhook.wait_called()
    one.kill()
    webhook.namespace.kubectl("create", "-f", "-", stdin=json.dumps(pod("orders-0")))
    assert not is_injected(webhook.namespace.get("pods/orders-0"))
    for _ in range(2):
        one.start().wait_leads()
        one.wait("it is counted", lambda: one.metrics()[MISSED] == 1)
        one.wait_event("injection_missed", pod="orders-0")
        wait_for("there is an Event", lambda: webhook.namespace.events(reason="InjectionMissed"))
        stays("it is one", lambda: len(webhook.namespace.events(reason="InjectionMissed")) == 1, 2)
        one.kill()
    told = webhook.namespace.events(reason="InjectionMissed")
    assert len(told) == 1 and told[0]["regarding"]["name"] == "orders-0" and told[0]["type"] == "Warning"
    one.start().wait_leads()
    webhook.namespace.delete("pods/orders-0")
    one.wait("it is gone", lambda: one.metrics()[MISSED] == 0)
    one.stop()


REVIEW = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
    "uid": "1", "operation": "CREATE", "resource": {"group": "", "version": "v1", "resource": "pods"},
    "object": {"metadata": {"name": "x"}, "spec": {}}}}


def test_what_is_no_review(webhook):
    """Each kind of nonsense has its status, is counted, and leaves the next one alone."""
    one = webhook.controller().start().wait_ready()
    context = ssl.create_default_context(cadata=webhook.secret()["ca.crt"].decode())
    good = json.dumps(REVIEW)

    def ask(method="POST", path="/mutate", body=good, kind="application/json"):
        connection = http.client.HTTPSConnection("127.0.0.1", webhook.port, context=context, timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
    status, body = ask()
    assert status == 200 and json.loads(body)["response"] == {"uid": "1", "allowed": True}
    assert ask(kind="application/json; charset=utf-8")[0] == 200
    for wanted, more in ((415, {"kind": "text/plain"}), (415, {"kind": "application/jsonp"}), (404, {"path": "/"}),
                         (400, {"body": ""}), (400, {"body": "nonsense"}), (400, {"body": good[:-9]}),
                         (400, {"body": "[" * 100000}), (400, {"body": "{}"}),
                         (400, {"body": json.dumps({**REVIEW, "kind": "Pod"})})):
        assert ask(**more)[0] == wanted, more
    assert one.metrics()["certrotate_controller_webhook_bad_requests_total"] == 9
    assert ask(method="GET", body=None)[0] == 405 and ask(method="PUT")[0] == 405
    assert ask(body=" " * (5 << 20))[0] == 413
    assert ask()[0] == 200
    one.stop()


def test_renewed_under_load(webhook):
    """No review fails while certificates come and go."""
    one = webhook.controller(webhook_lifetime="12s").start().wait_ready()
    webhook.wait_called()
    done, failed, count = threading.Event(), [], []

    def create():
        while not done.is_set():
            try:
                if not is_injected(webhook.try_pod()):
                    failed.append("not injected")
            except Exception as e:  # whatever it is
                failed.append(repr(e))
            count.append(1)
    crowd = [threading.Thread(target=create) for _ in range(4)]
    for thread in crowd:
        thread.start()
    try:
        one.wait("it was renewed twice", lambda: len(one.find("webhook_certificate_served")) >= 3, 60)
    finally:
        done.set()
        for thread in crowd:
            thread.join()
    assert len(count) > 20 and not failed, failed[:3]
    assert len({e["certificate"] for e in one.find("webhook_certificate_served")}) >= 3
    one.stop()


def test_killed_while_it_renews(webhook):
    """The other has the same certificate all along, and renews it when its turn has come."""
    ports = webhook.port, free_port()
    old = webhook.controller("a", webhook_lifetime="15s").start().wait_ready().wait_leads()
    new = webhook.controller("b", webhook_lifetime="15s", port=ports[1]).start().wait_ready()
    webhook.wait_called()
    assert served(ports[0]) == served(ports[1])
    old.forget()
    old.wait_event("webhook_certificate_due", deadline=60)
    old.kill()
    new.wait_leads()
    new.forget()
    new.wait_event("webhook_certificate_made", deadline=60)
    made = ssl.PEM_cert_to_DER_cert(webhook.secret()["tls.crt"].decode())
    new.wait("it serves what it made", lambda: served(ports[1], webhook.authorities()) == made)
    old.start().wait_ready()
    assert served(ports[0], webhook.authorities()) == served(ports[1], webhook.authorities())
    for one in (old, new):
        one.stop()


def test_secret_and_authority_are_lost(webhook):
    """Somebody deletes the one and sets back the other: both are made anew."""
    one = webhook.controller().start().wait_ready().wait_leads()
    webhook.wait_called()
    before = webhook.secret()["ca.crt"]
    webhook.plane.kubectl("apply", "--force-conflicts", "--server-side", "-f", "-", stdin=json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": webhook.objects()}))
    webhook.api.call("DELETE", SECRET)
    one.wait("there is another authority", lambda: webhook.authorities() not in (b"", before))
    assert webhook.authorities() == webhook.secret()["ca.crt"]
    webhook.wait_called()
    served(webhook.port, webhook.authorities())
    one.stop()


def give(webhook, bundle, **changed):
    files = {**{"tls.crt": b"", "tls.key": b""}, **bundle.files(**changed)}
    webhook.api.call("PATCH", f"{SECRET}?fieldManager=tests&force=true", json.dumps({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "certrotate-webhook", "namespace": HOME},
        "type": "kubernetes.io/tls",
        "data": {key: base64.b64encode(data).decode() for key, data in files.items()}}), APPLY)


def test_a_certificate_of_somebody_else(webhook, authority):
    """It is served as it comes, also the next one; one that does not fit is not, and the old one stays."""
    names = "DNS:certrotate-webhook.certrotate.svc,DNS:certrotate-webhook.certrotate.svc.cluster.local,IP:127.0.0.1"
    one = webhook.controller(webhook_secret="certrotate-webhook", webhook_ca_bundle=True).start().wait_leads()
    one.wait("it is not ready", lambda: "no such Secret" in one.get("/readyz")[1])
    first, second, poor = (authority.issue(san=san) for san in (names, names, "DNS:else.where"))
    give(webhook, first)
    one.wait_ready()
    webhook.wait_called()
    give(webhook, second)
    leaf = ssl.PEM_cert_to_DER_cert(second.files()["tls.crt"].decode().split("-----END CERTIFICATE-----")[0]
                                    + "-----END CERTIFICATE-----\n")
    one.wait("the next one is served", lambda: served(webhook.port) == leaf)
    give(webhook, poor)
    told = one.wait_event("webhook_certificate_refused")
    assert "certrotate-webhook.certrotate.svc" in told["error"]
    assert served(webhook.port) == leaf and one.is_ready()
    assert is_injected(webhook.try_pod())
    one.stop()


def test_a_secret_that_is_not_ours_stays(webhook, authority):
    give(webhook, authority.issue(san="DNS:else.where"))
    before = webhook.secret()
    one = webhook.controller().start().wait_leads()
    assert "--webhook-secret" in one.wait_event("webhook_secret_foreign")["error"]
    assert webhook.secret() == before and one.get("/readyz")[0] == 503
    one.stop()


EXAMPLE = """apiVersion: v1
kind: Pod
metadata:
  name: example
  labels: {{app.kubernetes.io/instance: orders, app.kubernetes.io/name: {database}.kubedb.com}}
  annotations:
    certrotate.io/inject: "true"
{annotations}
spec:
  securityContext: {{runAsUser: 10001, runAsGroup: 10001}}
  containers:
  - {{name: database, image: database, volumeMounts: [{{name: data, mountPath: /var/opt/mssql}}]}}
  volumes: [{{name: data, emptyDir: {{}}}}]
"""
WRITTEN_BY_OTHERS = {"status", "agent-config", "report", "nudge", "spread", "urgent-before", "maintenance-window"}


def test_documented(webhook):
    """Every annotation that is understood, the command that shows what becomes of a pod, and the examples."""
    text = (FOLDER / "README.md").read_text()
    source = (ROOT / "agent/inject/asked.c").read_text()
    known = re.findall(r'"([a-z-]+)",', re.search(r"known\[\] = \{(.*?)\};", source, re.S)[1])
    rows = re.findall(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \|", text.partition("## What a pod may say")[2].partition("\n## ")[0], re.M)
    assert sorted(set(known) - WRITTEN_BY_OTHERS) == sorted(re.findall(r"[a-z-]+", " ".join(rows)))
    one = webhook.controller().start().wait_ready()
    webhook.wait_called()
    command = re.search(r"^    kubectl run .*?\n\n", text, re.M | re.S)[0].replace("-n shop", f"-n {webhook.namespace.name}")
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "KUBECONFIG": str(webhook.plane.admin), "HOME": str(webhook.folder)}
    shown = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=True).stdout
    assert "certrotate.io/status: injected" in shown and "/etc/certrotate/config/certrotate.yaml" in shown, shown
    examples = [block for block in blocks(FOLDER / "README.md") if block.startswith("certrotate.io/")]
    for database, example in zip(("mariadbs", "mssqlservers"), examples, strict=True):
        text = EXAMPLE.format(database=database, annotations=textwrap.indent(example, "    "))
        made = webhook.namespace.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=text)
        assert is_injected(json.loads(made)), made
    one.stop()


def role_templates(spec):
    """{role: template of its pods} of a database's object."""
    parts = spec.get("topology") or {"": spec}
    return {role: part["podTemplate"] for role, part in parts.items()}


@pytest.fixture
def kubedb(cluster):
    """Definitions of the kinds that there are samples of."""
    samples = {file.parent.name: file for file in (ROOT / "deploy/samples").glob("*/kubedb.yaml")}
    assert len(samples) == 3
    for kind in samples:
        define_database(cluster, kind)
    yield samples
    for kind in samples:
        forget_database(cluster, kind)


def test_samples_of_kubedb(webhook, kubedb, tmp_path):
    """Pods of those objects, with the containers and volumes that KubeDB gives them, and what their agents are told."""
    one = webhook.controller().start().wait_ready()
    webhook.wait_called()
    for kind, sample in kubedb.items():
        webhook.namespace.kubectl("apply", "-f", sample)
        database, = webhook.namespace.call("GET", plural(kind), group=databases_group(kind))["items"]
        name = database["metadata"]["name"]
        for role, template in role_templates(database["spec"]).items():
            body = pod("try", template["metadata"]["annotations"], **{
                "app.kubernetes.io/instance": name, "app.kubernetes.io/name": f"{kind}s.kubedb.com", "kubedb.com/role": role})
            asked = {key: value for key, value in template.get("spec", {}).items() if key != "containers"}
            body["spec"].update(
                asked, initContainers=[{"name": "init", "image": "init"}], volumes=[{"name": "main-config-volume", "emptyDir": {}}],
                containers=[{"name": kind, "image": kind}, {"name": f"{kind}-coordinator", "image": "coordinator"}])
            made = webhook.api.call("POST", webhook.namespace.path("pods?dryRun=All"), body)
            assert is_injected(made), f"{sample}: {role}"
            config = tmp_path / "certrotate.yaml"
            config.write_text(made["metadata"]["annotations"]["certrotate.io/agent-config"])
            code, out, err = run("run", "--config", config, "--print-config")
            assert code == 0 and f'database: {kind}' in out and 'tls: "off"' in out, out + err
    one.stop()


def test_taken_as_it_stands(cluster):
    """By the API server, with the Service in it; and the patch that makes the Deployment a webhook."""
    cluster.kubectl("create", "namespace", HOME, check=False)
    cluster.kubectl("apply", "--dry-run=server", "-f", FOLDER / "webhook.yaml")
    deployment = FOLDER.parent / "controller/deployment.yaml"
    cluster.kubectl("apply", "-f", deployment)
    try:
        made = cluster.kubectl("patch", "deployment", "certrotate-controller", "--dry-run=server", "-o", "json",
                               "--patch-file", FOLDER / "deployment-patch.yaml", namespace=HOME)
        container = documents(made)[0]["spec"]["template"]["spec"]["containers"][0]
        assert [p["containerPort"] for p in container["ports"]] == [9443, 9534] and container["image"]
        code, _, err = run("controller", "--kubeconfig=/none", *container["args"])
        assert code == 2 and "/none" in err, err
    finally:
        cluster.kubectl("delete", "-f", deployment)


@pytest.mark.parametrize("words, says", [
    (["--webhook=:0"], "give --webhook-image"),
    (["--webhook-image=x"], "no webhook without --webhook"),
    (["--webhook=:0", "--webhook-image=x", "--webhook-service=a/b/c"], "'b/c' is no name of a Service"),
    (["--webhook=:0", "--webhook-image=x", "--webhook-service=No_Name/c"], "'No_Name' is no name of a namespace"),
    (["--webhook=:0", "--webhook-image=x", "--webhook-host=a b"], "'a b' is neither a name nor an address"),
    (["--webhook=:0", "--webhook-image=x", "--webhook-secret=a/b"], "'a/b' is no name of a Secret"),
    (["--webhook=:0", "--webhook-image=x", "--webhook-ca-bundle"], "goes with --webhook-secret"),
    (["--webhook=:0", "--webhook-image=x", "--webhook-lifetime=1s"], "5s to 90 days"),
    (["--webhook=:0", "--webhook-image=x", "--webhook-lifetime=3000h"], "5s to 90 days"),
    (["--webhook=nonsense", "--webhook-image=x"], "nonsense"),
])
def test_wrong_options(words, says, tmp_path):
    config = tmp_path / "kubeconfig"
    config.write_text("apiVersion: v1\nkind: Config\nclusters: [{name: x, cluster: {server: 'https://127.0.0.1:1'}}]\n"
                      "users: [{name: x, user: {token: x}}]\n"
                      "contexts: [{name: x, context: {cluster: x, user: x}}]\ncurrent-context: x\n")
    code, out, err = run("controller", "--kubeconfig", config, "--listen=", *words)
    assert code == 2 and not out and says in err, err
