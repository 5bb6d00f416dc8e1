# SPDX-License-Identifier: Apache-2.0
"""
Who answers the controller: the agents of all pods, as they behave in agent/rotate and agent/kube (a report at most once
a second, 50 ms after its cause, of a rotation under way after a second; four conditions, in one write when it is over within
a second; two Events), and cert-manager as far as it is seen from
outside (condition Issuing, a new Secret, one revision more). Rotations only: no phases, no change of TLS.
"""

import json
import threading
import time

from support.kube import now
from support.opsrequests import GROUP

from . import objects
from .wires import Refused, Watch

REPORT_DELAY, REPORT_PAUSE, WORK_DELAY = 0.05, 1.0, 1.0
CONDITIONS = ("CheckCertificate", "PublishCertificate", "ReloadTLS", "CheckServedCertificate")
REQUESTS = "mariadbopsrequests"


class Pod:
    def __init__(self, database, name, leaf):
        self.database, self.name = database, name
        self.source = self.served = leaf
        self.plan = objects.plan_of()
        self.step, self.rotated, self.acting = "idle", None, False
        self.wanted = self.told = self.text()
        self.written, self.waits, self.changes, self.since = 0.0, False, 0, 0.0

    def text(self):
        return objects.report(self.name, self.source, self.served, self.plan, self.step, self.rotated)


class Database:
    """Its pods and the plan they follow. Under its lock; `faults` says what must not have been."""

    def __init__(self, crew, i, leaf, act, faults):
        self.crew, self.name, self.space, self.act, self.faults = crew, objects.name_of(i), objects.namespace_of(i), act, faults
        self.pods = [Pod(self, f"{self.name}-{n}", leaf) for n in range(objects.PODS)]
        self.plan = {"request": "", "generation": 1, "turn": []}
        self.lock = threading.Lock()

    # --- what is told to it

    def take_plan(self, plan):
        with self.lock:
            self.plan = {"request": plan.get("request", ""), "generation": plan["generation"], "turn": plan.get("turn", [])}
            if plan.get("phase") or len(self.plan["turn"]) > 1:
                self.faults.append(f"{self.name}: a plan that no rotation needs: {json.dumps(plan)[:300]}")
            for pod in self.pods:
                self._look(pod)

    def take_leaf(self, leaf):
        with self.lock:
            for pod in self.pods:
                pod.source = leaf
                self._look(pod)

    # --- one pod

    def _look(self, pod):
        if pod.acting:
            return  # and looks again at its end, as an agent does
        plan, turn, differs = self.plan, pod.name in self.plan["turn"], pod.source != pod.served
        pod.plan = objects.plan_of(plan["request"], plan["generation"], turn, differs and not turn, not differs)
        if turn and differs:
            busy = [other.name for other in self.pods if other.acting]
            if busy:
                self.faults.append(f"{pod.name} and {busy[0]} are at work at the same time")
            pod.acting, pod.step, pod.since = True, "apply", time.monotonic()
            if self.act > WORK_DELAY:
                self.crew.after(WORK_DELAY, self._conditions, pod, plan["request"], CONDITIONS[:2])
            self.crew.after(self.act, self._acted, pod, pod.source, plan["request"])
        self._tell(pod)

    def _acted(self, _wire, pod, leaf, request):
        with self.lock:
            pod.served, pod.acting, pod.step, pod.rotated = leaf, False, "idle", now()
            self._look(pod)
        self.crew.after(0, self._conditions, pod, request, CONDITIONS[2:] if self.act > WORK_DELAY else CONDITIONS)
        self.crew.after(0, self._events, pod, request)

    # --- what it writes

    def _tell(self, pod):
        """The newest change counts."""
        pod.changes += 1
        left = pod.since + WORK_DELAY - time.monotonic() if pod.acting else 0
        self.crew.after(max(REPORT_DELAY, left), self._want, pod, pod.changes)

    def _want(self, _wire, pod, change):
        with self.lock:
            if change == pod.changes:
                pod.wanted = pod.text()
                self._send(pod)

    def _send(self, pod):
        if pod.waits or pod.wanted == pod.told:
            return
        pod.waits = True
        self.crew.after(max(0, pod.written + REPORT_PAUSE - time.monotonic()), self._report, pod)

    def _report(self, wire, pod):
        with self.lock:
            text = pod.wanted
        if text != pod.told:
            wire.merge(objects.path_of(self.space, f"pods/{pod.name}?fieldManager=certrotate-agent"),
                       {"metadata": {"annotations": {"certrotate.io/report": text}}})
        with self.lock:
            pod.told, pod.written, pod.waits = text, time.monotonic(), False
            self._send(pod)

    def _conditions(self, wire, pod, request, types):
        """Read, change, write that version; again when another was faster."""
        if not request:
            return
        path = objects.path_of(self.space, f"{REQUESTS}/{request}", GROUP)
        while True:
            have = wire.call("GET", path)
            status = have.get("status", {})
            if status.get("phase") in ("Successful", "Failed", "Skipped"):
                return
            names = {f"{kind}--{pod.name}" for kind in types}
            kept = [c for c in status.get("conditions", []) if c["type"] not in names]
            kept += [{"type": f"{kind}--{pod.name}", "status": "True", "lastTransitionTime": now(),
                      "observedGeneration": have["metadata"]["generation"],
                      "message": f"{kind}; ConditionStatus:True; PodName:{pod.name}"} for kind in types]
            try:
                wire.merge(path + "/status?fieldManager=certrotate-agent", {
                    "metadata": {"resourceVersion": have["metadata"]["resourceVersion"]}, "status": {"conditions": kept}})
                return
            except Refused as e:
                if e.status != 409:
                    raise

    def _events(self, wire, pod, request):
        for kind, group, name in (("Pod", "v1", pod.name), ("MariaDBOpsRequest", GROUP, request)):
            if name:
                wire.call("POST", objects.path_of(self.space, "events", "events.k8s.io/v1"), {
                    "metadata": {"name": f"{name}.{time.time_ns():x}"}, "eventTime": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime()),
                    "type": "Normal", "reason": "RotationSucceeded", "action": "Rotate",
                    "note": f"server of {self.name} serves another certificate until {objects.END}",
                    "reportingController": "certrotate.io/agent", "reportingInstance": pod.name,
                    "regarding": {"apiVersion": group, "kind": kind, "namespace": self.space, "name": name}})


class Players:
    """All of them, by the watches of one program; also writes down when each request was in which step."""

    def __init__(self, crew, leaves, n, act, issue):
        self.crew, self.leaves, self.issue = crew, leaves, issue
        self.faults, self.plans, self.asked = [], {}, {}
        self.steps, self.ends, self.issued = {}, {}, {}
        first = leaves.fingerprint({"data": leaves.data("server", 1)})
        self.databases = {objects.name_of(i): Database(crew, i, first, act, self.faults) for i in range(n)}
        self.watches = [
            Watch(crew, "/api/v1/configmaps", "app.kubernetes.io/managed-by=certrotate", self._map),
            Watch(crew, "/api/v1/secrets", "crowd/alias=server", self._secret),
            Watch(crew, f"/apis/{objects.CERTIFICATES}/certificates", None, self._certificate),
            Watch(crew, f"/apis/{GROUP}/{REQUESTS}", None, self._request)]
        for watch in self.watches:
            watch.listed.wait(300)

    def _map(self, _kind, found):
        name = found["metadata"]["name"].removesuffix("-certrotate")
        if name not in self.databases:
            self.plans[name] = None
            return
        record = json.loads(found["data"]["record.json"]).get("request") or {}
        self.steps.setdefault(name, []).append((time.monotonic(), record.get("step", "idle")))
        if self.plans.get(name) != found["data"]["plan.json"]:  # a write of the record alone is nothing to an agent
            self.plans[name] = found["data"]["plan.json"]
            self.databases[name].take_plan(json.loads(found["data"]["plan.json"]))

    def _secret(self, _kind, found):
        name = found["metadata"]["name"].removesuffix("-server-cert")
        if name in self.databases:
            self.databases[name].take_leaf(self.leaves.fingerprint(found))

    def _certificate(self, kind, found):
        status, meta = found.get("status", {}), found["metadata"]
        key = meta["name"], status.get("revision", 0)
        if kind == "DELETED" or key in self.asked or not any(
                c["type"] == "Issuing" and c["status"] == "True" for c in status.get("conditions", [])):
            return
        self.asked[key] = True
        self.crew.after(self.issue, self._answer, found)

    def _answer(self, wire, found):
        meta, revision = found["metadata"], found["status"].get("revision", 0) + 1
        name, space = found["spec"]["secretName"], meta["namespace"]
        alias = name.removesuffix("-cert").rpartition("-")[2]
        wire.merge(objects.path_of(space, f"secrets/{name}"), {"data": self.leaves.data(alias, revision)})
        wire.merge(objects.path_of(space, f"certificates/{meta['name']}/status", objects.CERTIFICATES),
                   {"status": objects.issued(revision, meta["generation"])})
        self.issued[name] = revision

    def _request(self, _kind, found):
        phase = found.get("status", {}).get("phase", "")
        if phase in ("Successful", "Failed", "Skipped"):
            self.ends.setdefault(found["metadata"]["name"], (time.monotonic(), phase, found))

    def stop(self):
        for watch in self.watches:
            watch.stop()
