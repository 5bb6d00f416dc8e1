# SPDX-License-Identifier: Apache-2.0
"""
Configuration files as the controller has them taken: Secret and plan through the API, conditions in the request, Events,
and the pod's report.
"""

import base64
import json

import pytest

from support.custom import ConfiguredMariaDB, CustomParts, cnf, content
from support.pod_stack import PodStack
from support.poll import wait_for

OPS = "ops.kubedb.com/v1alpha1"
REQUEST = "mariadbopsrequests/px-rcfg"


class CustomPod(CustomParts, PodStack):
    server = ConfiguredMariaDB

    def __init__(self, folder, template, authority, namespace):
        section = self.add_files(folder, volume=False)
        super().__init__(folder, template, authority, namespace, kube={"plan": "px-certrotate"}, custom=section,
                         **{"restart-limit": "8s"})
        self.add_server()

    def put_files(self, files):
        self.namespace.apply(f"secrets/{self.secret_name}", {"data": {
            name: base64.b64encode(text.encode()).decode() for name, text in files.items()}})
        return files

    def ask(self, generation, files, **more):
        self.namespace.config_map("px-certrotate", **{"plan.json": json.dumps(
            {"request": "px-rcfg", "kind": "MariaDBOpsRequest", "generation": generation, "turn": ["px-0"],
             "files": {self.secret_name: content(files)}, **more})})

    def wait_report(self, what, check):
        return wait_for(what, lambda: check(report := self.report()) and report, 30, 0.1,
                        lambda: json.dumps(self.report(), indent=1) + self.tail())

    def cleanup(self):
        self.supervisor.cleanup()
        super().cleanup()


@pytest.fixture
def pod(namespace, tmp_path, template, authority, tidy, rights, requests_defined):
    namespace.call("POST", "mariadbopsrequests", {
        "apiVersion": OPS, "kind": "MariaDBOpsRequest", "metadata": {"name": "px-rcfg"},
        "spec": {"type": "Reconfigure", "databaseRef": {"name": "px"}, "configuration": {"configSecret": {"name": "px-config"}}}}, OPS)
    return tidy(CustomPod(tmp_path / "pod", template, authority, namespace))


def conditions(namespace):
    found = namespace.get(REQUEST, OPS).get("status", {}).get("conditions", [])
    return {c["type"]: (c["status"], c["message"]) for c in found}


def test_a_request(pod, namespace):
    pod.put_files(cnf(max_connections=250))
    pod.up()
    pod.wait_applied(cnf(max_connections=250))
    assert (pod.setting(), pod.supervisor.starts) == ("250", 0)

    # The plan is there before its content: it waits, and says for what.
    fresh = cnf(max_connections=550)
    pod.ask(1, fresh)
    report = pod.wait_report("waits", lambda r: "not here yet" in str((r.get("error") or {}).get("message")))
    assert not report["plan"]["done"] and report["files"]["published"] == content(cnf(max_connections=250))
    pod.put_files(fresh)
    report = pod.wait_report("done", lambda r: r["plan"] and r["plan"]["generation"] == 1 and r["plan"]["done"])
    assert report["files"] == {"secret": pod.secret_name, "published": content(fresh), "pending": False, "error": None}
    assert report["error"] is None and pod.setting() == "550"
    wait_for("conditions", lambda: conditions(namespace).get("CheckConfiguration--px-0", ("",))[0] == "True", 20, 0.1, pod.tail)
    assert conditions(namespace)["RestartDatabase--px-0"][0] == "True"
    wait_for("Event", lambda: namespace.events(reason="ConfigurationApplied"), 20, 0.1, pod.tail)

    # One that the server takes as something else: rolled back, and the request is told why.
    bad = pod.put_files(cnf(max_connections=1))
    pod.ask(2, bad)
    report = pod.wait_report("failed", lambda r: "max_connections is 10" in str((r["files"] or {}).get("error")) and
                             r["step"] == "idle")
    assert not report["plan"]["done"] and report["files"]["published"] == content(fresh)
    pod.wait_setting("550")
    wait_for("conditions", lambda: "RollBackConfiguration--px-0" in conditions(namespace), 20, 0.1, pod.tail)
    status, message = conditions(namespace)["CheckConfiguration--px-0"]
    assert status == "False" and "max_connections is 10" in message
    notes = wait_for("Event", lambda: [e["note"] for e in namespace.events(reason="ConfigurationRolledBack")], 20, 0.1, pod.tail)
    assert "it runs with the one of before" in notes[0]

    # A Secret that is deleted takes nothing away.
    namespace.delete(f"secrets/{pod.secret_name}")
    pod.agent.wait_event("secret_gone")
    assert pod.published_files() == fresh
