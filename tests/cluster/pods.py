# SPDX-License-Identifier: Apache-2.0
"""A pod that really runs, seen through the API server."""

import json
import time

from support.poll import wait_for


class Pod:
    def __init__(self, namespace, name):
        self.namespace, self.name = namespace, name

    def create(self, spec, account="default", labels=None, annotations=None):
        self.namespace.account(account)
        for container in spec.get("initContainers", []) + spec["containers"]:
            container.setdefault("imagePullPolicy", "Never")
        self.namespace.call("POST", "pods", {
            "metadata": {"name": self.name, "labels": labels or {}, "annotations": annotations or {}},
            "spec": {"serviceAccountName": account, "terminationGracePeriodSeconds": 5, "enableServiceLinks": False,
                     **spec}})
        return self

    def get(self):
        return self.namespace.call("GET", f"pods/{self.name}")

    def wait(self, what, predicate, deadline=90):
        """Until predicate(pod) is true; its value."""
        return wait_for(f"{self.name} {what}", lambda: predicate(self.get()), deadline, 0.1, self.explain)

    def wait_ready(self, deadline=90):
        self.wait("is ready", lambda pod: any(
            c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", [])), deadline)
        return self

    def wait_still(self, *annotations, seconds=5):
        """Until nothing of it but these annotations changes: any change makes the kubelet refresh its volumes."""
        last = {"text": None, "since": 0}

        def still(pod):
            for name in annotations:
                pod["metadata"].get("annotations", {}).pop(name, None)
            for name in ("resourceVersion", "managedFields"):
                pod["metadata"].pop(name, None)
            text = json.dumps(pod)
            if text != last["text"]:
                last.update(text=text, since=time.monotonic())
            return time.monotonic() - last["since"] >= seconds
        self.wait("stands still", still)
        return self

    def wait_phase(self, phase, deadline=90):
        self.wait(f"is {phase}", lambda pod: pod["status"]["phase"] == phase, deadline)
        return self

    @property
    def ip(self):
        return self.get()["status"]["podIP"]

    def statuses(self):
        """{name: status} of all its containers."""
        status = self.get()["status"]
        return {c["name"]: c for c in status.get("initContainerStatuses", []) + status.get("containerStatuses", [])}

    def restarts(self):
        return {name: status["restartCount"] for name, status in self.statuses().items()}

    def logs(self, container=None):
        query = f"?container={container}" if container else ""
        status, _, text = self.namespace.api().raw("GET", self.namespace.path(f"pods/{self.name}/log{query}"))
        return text.decode(errors="replace") if status == 200 else f"(no log: {text.decode(errors='replace')})\n"

    def exec(self, *words, container=None, stdin=None):
        """The output of a program that is run in a container."""
        options = (["-c", container] if container else []) + (["-i"] if stdin is not None else [])
        return self.namespace.kubectl("exec", self.name, *options, "--", *words, stdin=stdin)

    def delete(self, grace=None):
        self.namespace.call("DELETE", f"pods/{self.name}", {} if grace is None else {"gracePeriodSeconds": grace})
        wait_for(f"{self.name} is gone", lambda: self.namespace.get(f"pods/{self.name}") is None, 60, 0.1)

    def events(self, reason=None):
        """What the kubelet and others say about it; of one reason only the messages."""
        found = [e for e in self.namespace.call("GET", "events")["items"] if e["involvedObject"].get("name") == self.name]
        return [e.get("message") or "" for e in found if e["reason"] == reason] if reason else \
               [f"{e['reason']}: {e.get('message')}" for e in found]

    def explain(self):
        text = "\n".join([json.dumps(self.get()["status"], indent=1), *self.events()])
        for name in self.statuses():
            text += f"\n--- log of {name}\n" + "\n".join(self.logs(name).splitlines()[-15:])
        return text
