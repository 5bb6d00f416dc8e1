# SPDX-License-Identifier: Apache-2.0
"""
The chart and the plain manifests, on an API server of their own: the same objects both ways, all of them valid,
installed and removed by the commands of the READMEs as they stand.
"""

import json
import re
import subprocess

import pytest

from support.agent import ROOT, run
from support.helm import CHART, HOME, OPERATOR, helm, missing, objects, template
from support.kube import ControlPlane
from support.kube import missing as plane_missing
from support.poll import wait_for
from support.readme import commands, shell

README = ROOT / "deploy/README.md"
INSTALL = ROOT / "deploy/kubernetes/install"
EVERYTHING = ["--set", "monitoring.rules.enabled=true", "--set", "monitoring.podMonitors.enabled=true",
              "--set", "monitoring.dashboard.enabled=true"]
WEBHOOK = ("MutatingWebhookConfiguration", "", "certrotate")
DEPLOYMENT = ("Deployment", HOME, "certrotate-controller")


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """A cluster in which nothing is yet; deployments get pods, which stay Pending."""
    if plane_missing() or missing():
        pytest.skip(plane_missing() or missing())
    plane = ControlPlane(tmp_path_factory.mktemp("install") / "plane")
    try:
        plane.up()
        plane.run_manager()
        plane.kubectl("create", "namespace", "demo")
        plane.kubectl("apply", "--server-side", "-f", OPERATOR)
        plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", OPERATOR)
        yield plane
    finally:
        plane.cleanup()


def rendered(plane, tmp_path, *words):
    return objects(plane, template(tmp_path, *words))


def args(found):
    return found[DEPLOYMENT]["spec"]["template"]["spec"]["containers"][0]["args"]


# --- the chart

def test_lint(plane, tmp_path):
    said = helm(tmp_path, "lint", "--strict", CHART, *EVERYTHING)
    assert "1 chart(s) linted, 0 chart(s) failed" in said and "[WARNING]" not in said


def test_the_same_objects_both_ways(plane, tmp_path):
    plain = objects(plane, plane.kubectl("kustomize", INSTALL))
    assert plain.pop(("Namespace", "", HOME))  # Helm makes it by --create-namespace
    chart = rendered(plane, tmp_path)
    assert sorted(chart) == sorted(plain)
    for key, wanted in plain.items():
        assert chart[key] == wanted, key
    monitoring = objects(plane, plane.kubectl("kustomize", ROOT / "deploy/kubernetes/monitoring"))
    everything = rendered(plane, tmp_path, *EVERYTHING)
    assert set(everything) - set(chart) == {*monitoring, ("ConfigMap", HOME, "certrotate-dashboard")}
    assert {key: everything[key] for key in monitoring} == monitoring
    assert everything[("ConfigMap", HOME, "certrotate-dashboard")]["data"]["certrotate.json"].strip() == (
        ROOT / "deploy/kubernetes/monitoring/dashboard.json").read_text().strip()


def test_definitions_are_those_of_the_tree(plane, tmp_path):
    told = helm(tmp_path, "show", "crds", CHART)
    for file in (ROOT / "deploy/crds").glob("*.yaml"):
        assert file.read_text().strip() in told, file.name
    assert told.count("\nkind: CustomResourceDefinition") == 8


VARIANTS = {
    "default": [], "everything": EVERYTHING,
    "nothing": ["--set", "webhook.enabled=false,agentPolicies.enabled=false,networkPolicy.enabled=false,"
                         "podDisruptionBudget.enabled=false,spread=false"],
    "one namespace": ["--set", "controller.namespace=demo,controller.logLevel=debug,controller.history=0,"
                               "controller.workers=4,controller.renewals=false,controller.leaseDuration=20s,"
                               "controller.stepTimeout=1h30m,controller.extraArgs={--log-format=json}"],
    "closed": ["--set", "networkPolicy.apiServer.cidrs={10.0.0.1/32,fd00::1/128},networkPolicy.apiServer.ports={6443}",
               "--set-json", 'networkPolicy.metricsFrom=[{"namespaceSelector":{"matchLabels":{"name":"monitoring"}}}]'],
    "webhook": ["--set", "webhook.failurePolicy=Fail,webhook.timeoutSeconds=10,webhook.secret=made-by-cert-manager,"
                         "webhook.objectSelector.matchLabels.app=db,webhook.agentImage=other:1,"
                         "webhook.agentPullPolicy=Never,webhook.excludedNamespaces={kube-system,system}"],
    "pods": ["--set", "image.repository=registry.example.com:5000/a/certrotate,image.tag=1.2.3,image.pullPolicy=Always,"
                      "imagePullSecrets[0].name=pull,replicas=3,priorityClassName=system-cluster-critical,"
                      "nodeSelector.disk=ssd,podLabels.team=db,podAnnotations.a=b,podDisruptionBudget.minAvailable=50%",
             "--set-json", 'tolerations=[{"operator":"Exists"}]', "--set-json",
             'affinity={"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":'
             '[{"matchExpressions":[{"key":"a","operator":"Exists"}]}]}}}'],
    "digest": ["--set", "image.digest=sha256:" + "a1" * 32]}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_object_is_valid(plane, tmp_path, name):
    """Taken by the API server, without a warning, in a namespace that wants pods restricted."""
    plane.kubectl("create", "namespace", HOME, check=False)
    plane.kubectl("label", "namespace", HOME, "--overwrite", "pod-security.kubernetes.io/warn=restricted")
    text = template(tmp_path, *VARIANTS[name])
    code, said = plane.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=text, check=False)
    assert code == 0 and "Warning" not in said, said
    assert said.count("serverside-applied") == len(objects(plane, text))


def test_arguments_are_known(plane, tmp_path):
    """By the program itself; it then lacks its kubeconfig."""
    for name, words in VARIANTS.items():
        code, _, err = run("controller", "--kubeconfig=/none", *args(rendered(plane, tmp_path, *words)))
        assert code == 2 and "/none" in err, f"{name}: {err}"
    assert args(rendered(plane, tmp_path, *VARIANTS["one namespace"])) == [
        "--identity=$(POD_NAME)", "--lease-duration=20s", "--log-level=debug", "--namespace=demo",
        "--step-timeout=1h30m", "--history=0", "--workers=4", "--no-renewals", "--webhook=:9443", "--webhook-image=certrotate:latest",
        "--log-format=json"]


def test_one_namespace_has_its_rights_there_only(plane, tmp_path):
    found = rendered(plane, tmp_path, *VARIANTS["one namespace"])
    assert found[("RoleBinding", "demo", "certrotate-controller")]["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "certrotate-controller"}
    assert ("ClusterRoleBinding", "", "certrotate-controller") not in found


def test_another_namespace(plane, tmp_path):
    """Nothing stays behind that names the usual one."""
    found = objects(plane, helm(tmp_path, "template", "x", CHART, "--namespace", "tls", "--kube-version", "1.33.13",
                                *EVERYTHING))
    assert {namespace for _, namespace, _ in found} == {"", "tls"}
    for key, item in found.items():
        assert {s["namespace"] for s in item.get("subjects", [])} <= {"tls"}, key
    webhook = found[WEBHOOK]["webhooks"][0]
    assert webhook["clientConfig"]["service"]["namespace"] == "tls"
    assert webhook["namespaceSelector"]["matchExpressions"][1]["values"] == ["kube-system", "tls"]


def test_webhook_values(plane, tmp_path):
    webhook = rendered(plane, tmp_path)[WEBHOOK]["webhooks"][0]
    assert webhook["failurePolicy"] == "Ignore" and webhook["timeoutSeconds"] == 5 and "objectSelector" not in webhook
    found = rendered(plane, tmp_path, *VARIANTS["webhook"])
    webhook = found[WEBHOOK]["webhooks"][0]
    assert webhook["failurePolicy"] == "Fail" and webhook["timeoutSeconds"] == 10
    assert webhook["objectSelector"] == {"matchLabels": {"app": "db"}}
    assert webhook["namespaceSelector"]["matchExpressions"][1]["values"] == ["kube-system", "system", HOME]
    assert found[WEBHOOK]["metadata"]["annotations"] == {
        "cert-manager.io/inject-ca-from": "certrotate/made-by-cert-manager"}
    assert found[("Role", HOME, "certrotate-webhook")]["rules"][0]["resourceNames"] == ["made-by-cert-manager"]
    assert args(found)[1:] == ["--webhook=:9443", "--webhook-image=other:1", "--webhook-pull-policy=Never",
                               "--webhook-secret=made-by-cert-manager"]
    words = [word.replace("webhook.secret", "webhook.authoritiesBy=controller,webhook.secret")
             for word in VARIANTS["webhook"]]
    found = rendered(plane, tmp_path, *words)
    assert "annotations" not in found[WEBHOOK]["metadata"] and args(found)[-1] == "--webhook-ca-bundle"


@pytest.mark.parametrize("wrong, says", [
    ("replicas=0", "replicas"), ("replicas=two", "replicas"), ("webhook.failurePolicy=ignore", "failurePolicy"),
    ("webhook.timeoutSeconds=31", "timeoutSeconds"), ("controller.logLevel=loud", "logLevel"),
    ("controller.leaseDuration=soon", "leaseDuration"), ("image.tag=a b", "tag"), ("image.repository=", "repository"),
    ("image.digest=sha256:abc", "digest"), ("networkPolicy.apiServer.cidrs={10.0.0.1}", "cidrs"),
    ("networkPolicy.apiServer.ports={0}", "ports"), ("replica=3", "replica"), ("webhok.enabled=false", "webhok"),
    ("controller.namespace=No_Name", "namespace"), ("controller.extraArgs={x}", "extraArgs"),
    ("podDisruptionBudget.minAvailable=half", "minAvailable")])
def test_wrong_values_are_refused(plane, tmp_path, wrong, says):
    code, said = helm(tmp_path, "template", "certrotate", CHART, "--set", wrong, check=False)
    assert code != 0 and "values don't meet the specifications of the schema" in said and says in said, said


def test_every_value_is_told():
    """values.yaml has a comment for each group, the schema each value, and nothing more."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    text = (CHART / "values.yaml").read_text()
    top = set(re.findall(r"^(\w+):", text, re.M))
    assert top | {"global"} == set(schema["properties"])
    closed = {key for key, value in schema["properties"].items() if value.get("additionalProperties") is False}
    for name in top & closed:
        section = re.search(rf"^{name}:\n((?:[ #].*\n|\n)*)", text, re.M)[1]
        assert set(re.findall(r"^  (\w+):", section, re.M)) == set(schema["properties"][name]["properties"]), name
    readme = (CHART / "README.md").read_text()
    for name in top:
        assert f"`{name}" in readme, f"README.md of the chart: nothing of {name}"


def test_packed(plane, tmp_path):
    """As a file of its own it has all that it reads in the tree, and nothing else of it."""
    helm(tmp_path, "package", CHART, "--destination", tmp_path)
    packed = tmp_path / "certrotate-0.1.0.tgz"
    listed = subprocess.run(["tar", "-tzf", packed], check=True, capture_output=True, text=True).stdout.split()
    assert not [name for name in listed if name.endswith((".py", "FLOWS.md")) or "/manifests/install" in name]
    found = objects(plane, helm(tmp_path, "template", "certrotate", packed, "--namespace", HOME,
                                "--kube-version", "1.33.13"))
    assert found == rendered(plane, tmp_path)


# --- the commands of the READMEs

def images(plane):
    deployment = plane.kubectl("get", "deployment", "certrotate-controller", "-o", "json", namespace=HOME)
    container = json.loads(deployment)["spec"]["template"]["spec"]["containers"][0]
    return {container["image"], *(a.split("=")[1] for a in container["args"] if a.startswith("--webhook-image="))}


@pytest.mark.parametrize("how", ["With Helm", "With kubectl"])
def test_installed_as_it_says(plane, tmp_path, how):
    """Everything of deploy/README.md that needs no registry, on a cluster where nothing is, and away again."""
    plane.kubectl("delete", "namespace", HOME, "--ignore-not-found")
    for heading in ("Definitions", how, "A database's namespace"):
        for command in commands(README, heading):
            shell(plane, tmp_path, command)
    assert images(plane) == {"registry.example.com/certrotate:0.1.0"}
    wait_for("there are pods", lambda: len(json.loads(plane.kubectl(
        "get", "pods", "-o", "json", namespace=HOME))["items"]) == 2, 60, 0.2)
    labels = json.loads(plane.kubectl("get", "namespace", "demo", "-o", "json"))["metadata"]["labels"]
    assert labels["certrotate.io/injection"] == "enabled"
    assert "orders-certrotate" in plane.kubectl("get", "role", namespace="demo")
    for command in commands(README, "Away again"):
        if command.startswith("helm") == (how == "With Helm"):
            shell(plane, tmp_path, command)
    left = plane.kubectl("get", "clusterrole,clusterrolebinding,mutatingwebhookconfiguration,validatingadmissionpolicy",
                         "-o", "name")
    assert "certrotate" not in left
    assert plane.kubectl("get", "deployment", "-A", "-o", "name") == ""


def test_the_front_page(plane, tmp_path):
    """What it has of deploy/README.md is the same there; the rest is run."""
    known = [command for _, command in commands(README)]
    install = [command for command in commands(ROOT / "README.md", "Install") if not command.startswith("cmake")]
    assert install and all(command in known for command in install)
    for command in commands(README, "Definitions") + commands(ROOT / "README.md", "The first request"):
        said = shell(plane, tmp_path, command)
    assert "orders-pxc-rotate" in said, said


def test_monitored_as_it_says(plane, tmp_path):
    plane.kubectl("create", "namespace", HOME, check=False)
    for _, command in commands(ROOT / "deploy/kubernetes/monitoring/README.md"):
        shell(plane, tmp_path, command)
    have = plane.kubectl("get", "prometheusrule,podmonitor,configmap", "-o", "name", namespace=HOME)
    for kind in ("prometheusrule.monitoring.coreos.com", "podmonitor.monitoring.coreos.com", "configmap"):
        assert f"{kind}/certrotate" in have, have


def test_the_chart_says_how(plane, tmp_path):
    """What the chart's README has for people who change values."""
    plane.kubectl("delete", "namespace", HOME, "--ignore-not-found")
    told = [command for _, command in commands(CHART / "README.md")]
    assert len(told) >= 3
    for command in told:
        shell(plane, tmp_path, command)
