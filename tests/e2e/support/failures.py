# SPDX-License-Identifier: Apache-2.0
"""
A request that is made to fail at one step of the controller, the same way for every kind: the cells of the table in
tests/README.md. It ends Failed and names the cause, or is gone when it was deleted; and all is as it was.
"""

from collections import namedtuple
from contextlib import contextmanager

import pytest

from . import approver
from .flows import issuer_ref
from .namespace import CERTIFICATES
from .poll import STRETCH, wait_for

CONFIGURATION = ("secret", "apply", "clear")
HOLLOW, NOT_COVERED = "hollow", "not.in.it.test"
SHORT, PATIENCE = "5s", f"{12 * STRETCH:.0f}s"

# says: what the request must name. timeout: of a step; None where it is known at once. away: pods that stay down until
# it has ended. then(name): while it is under way.
Fault = namedtuple("Fault", "says timeout away then", defaults=(None, (), lambda name: None))


class Engine:
    """
    What a kind has of its own. issuers: two. file, text(value), values: a configuration, and two values of `key`. owned:
    a text that agents refuse, and how. restarts, reloads: positions of the pods that fail in a restart and in a reload.
    section: which part of spec.configuration.
    """

    def __init__(self, issuers, file, key, text, values, owned=None, restarts=1, reloads=1, section=lambda spec: spec):
        self.issuers, self.file, self.key, self.text, self.values = issuers, file, key, text, values
        self.owned, self.restarts, self.reloads, self.section = owned, restarts, reloads, section


def cells(*words, long=()):
    """cells("add: issuer start", …): the decorator of a test of `request` and `step`."""
    found = [(request, step) for word in words for request, steps in [word.split(": ")] for step in steps.split()]
    return pytest.mark.parametrize("request_, step", [
        pytest.param(request, step, id=f"{request}_fails_at_{step}",
                     marks=pytest.mark.long if f"{request}: {step}" in long else ()) for request, step in found])


class Failures:
    """One database, an approver that changes its mind, and an authority that nobody trusts."""

    def __init__(self, flows, approver, foreign, engine):
        self.flows, self.fleet, self.namespace = flows, flows.fleet, flows.namespace
        self.approver, self.foreign, self.engine = approver, foreign, engine

    def check(self, request, step):
        flows = self.flows
        self._prepare(request)
        before = flows.picture()
        with getattr(self, f"_at_{step}")(request) as fault:
            name = self._ask(request, step, fault.timeout)
            fault.then(name)
            if fault.says is None:
                wait_for("resumed", lambda: not self.fleet.is_paused(), 180, 0.1, self.fleet.explain)
                flows.at_rest()
            else:
                conditions = flows.wait_failure(name, fault.says, fault.away, deadline=300)
                message = (conditions.get("ReconfigureTLS") or conditions["Reconfigure"])["message"]
                assert fault.away or "on the way back" not in message, message
        if fault.away:  # it comes at last, and has a turn of its own
            wait_for("it has caught up", lambda: "left" not in self.fleet.record() and
                     self.fleet.plan().get("turn") == [], 120, 0.1, self.fleet.explain)
            wait_for("it is as it was", lambda: flows.picture() == before, 60, 0.5, self.fleet.explain)
        flows.same_as(before)

    # --- what there must be, and what is asked for

    def _prepare(self, request):
        """A Secret's configuration is asked for first: what was applied would go before it."""
        if request == "add":
            self.flows.without_tls()
        elif request not in CONFIGURATION:
            self.flows.with_tls()
        elif request != "secret":
            self.with_configuration()

    def _is_configured(self):
        found = self.namespace.call("GET", "secrets")["items"]
        return any(s["metadata"]["name"].startswith(f"{self.fleet.name}-certrotate-files") and s.get("data") for s in found)

    def with_configuration(self):
        if not self._is_configured():
            self.flows.wait_success(self._configure("apply", None, applyConfig=self._files(self.engine.values[0])))

    def without_configuration(self):
        if self._is_configured():
            self.flows.wait_success(self._configure("clear", None, removeCustomConfig=True))

    def _files(self, value):
        return {self.engine.file: self.engine.text(value)}

    def _configure(self, what, timeout, **spec):
        return self.flows.reconfigure(what, timeout, **self.engine.section(spec))

    def _ask(self, request, step, timeout):
        """Its name. What is asked for is right, where it is not what fails."""
        flows, engine = self.flows, self.engine
        if request in CONFIGURATION:
            files = {"readme.txt": "no such file\n"} if step == "key" else self._files(engine.values[1])
            self.namespace.apply(f"secrets/for-{step}", {"stringData": files})
            spec = {"secret": {"configSecret": {"name": "nobody" if step == "secret" else f"for-{step}"}},
                    "apply": {"applyConfig": {engine.file: engine.owned[0]} if step == "agent" else files},
                    "clear": {"removeCustomConfig": True}}[request]
            return self._configure(request, timeout, **spec)
        tls = {"add": {"issuerRef": issuer_ref("nobody" if step == "issuer" else engine.issuers[0])},
               "issuer": {"issuerRef": issuer_ref(HOLLOW if step == "issuer" else self._other_issuer())},
               "update": {"certificates": [{"alias": "server", "emailAddresses": ["dba@db.test"]}]},
               "rotate": {"rotateCertificates": True}, "remove": {"remove": True}}[request]
        return flows.ask(request, timeout, **tls)

    def _other_issuer(self):
        """Than the servers' certificate has; the second, while there is none."""
        server = self.flows.certificates().get(f"{self.fleet.name}-server-cert")
        return next(name for name in reversed(self.engine.issuers)
                    if server is None or name != server["spec"]["issuerRef"]["name"])

    # --- before anything is changed

    @contextmanager
    def _at_issuer(self, request):
        """One that is not there, one that never gets ready."""
        self.namespace.apply(f"issuers/{HOLLOW}", {"spec": {"ca": {"secretName": "nobody-has-it"}}}, CERTIFICATES)
        starts = self.fleet.starts()
        says = ["Issuer nobody", "does not exist"] if request == "add" else [f"Issuer {HOLLOW}", "is not ready: "]
        yield Fault(says, SHORT)
        assert self.fleet.starts() == starts, "nothing was touched"

    @contextmanager
    def _at_hold(self, request):
        """An agent that is gone."""
        pod = self.fleet.pods[self.engine.reloads]
        pod.agent.stop()
        try:
            yield Fault(f"the agent of pod {pod.name} has not read the plan", SHORT)
        finally:
            pod.agent.start()

    @contextmanager
    def _at_certificate(self, request):
        """cert-manager is not allowed to issue."""
        self.approver.policy = approver.deny
        starts = self.fleet.starts()
        try:
            yield Fault([f"Certificate {self.fleet.name}-", "was not issued: ", "not by this policy"], "10m")
        finally:
            self.approver.policy = approver.approve
        assert self.fleet.starts() == starts, "nothing was touched"

    @contextmanager
    def _at_secret(self, request):
        yield Fault("configSecret: Secret nobody: it does not exist", "10m")

    @contextmanager
    def _at_key(self, request):
        yield Fault("'readme.txt' is no configuration file of", "10m")

    # --- at a pod

    @contextmanager
    def _at_agent(self, request):
        """What it is to take does not suit it."""
        if request in CONFIGURATION:
            starts = self.fleet.starts()
            yield Fault(["pod ", self.engine.owned[1]], "10m")
            assert self.fleet.starts() == starts, "it was refused before anything"
            return
        pod = self.fleet.pods[self.engine.reloads]
        pod.reconfigure(names=[NOT_COVERED])
        try:
            yield Fault([f"pod {pod.name}: ", NOT_COVERED], "10m")
        finally:
            pod.reconfigure(names=None)

    @contextmanager
    def _at_start(self, request):
        """A server that starts with nothing but what it reads now; before TLS is added, with anything but TLS."""
        pod = self.fleet.pods[self.engine.restarts]
        reads, refused = pod.reads(), pod.supervisor.refused
        pod.may_start = lambda: pod.reads()["leaf"] is None if request == "add" else pod.reads() == reads
        try:
            yield Fault(f"pod {pod.name}: ")
        finally:
            pod.may_start = lambda: True
        assert pod.supervisor.refused > refused, "it was tried"

    @contextmanager
    def _at_proof(self, request):
        """A server that shows another leaf than the published one, once."""
        pod, bundle = self.fleet.pods[self.engine.reloads], self.foreign.issue(kind="rsa")

        def seen(name):
            wait_for("it lies", lambda: (leaf := pod.served()) and leaf.fingerprint == bundle.fp, 120, 0.05,
                     lambda: self.fleet.explain(name))
            pod.lie(None)
        pod.lie(bundle)
        try:
            yield Fault([f"pod {pod.name}: ", "published"], then=seen)
        finally:
            pod.lie(None)

    @contextmanager
    def _at_value(self, request):
        """A server that keeps the value that it has, whatever its files say."""
        pod = self.fleet.pods[self.engine.restarts]
        pod.insist(self.engine.key, self.engine.values[0])
        try:
            yield Fault([f"pod {pod.name}: ", self.engine.key])
        finally:
            pod.insist(self.engine.key, None)

    @contextmanager
    def _at_away(self, request):
        """A server that ends, and is not started again: the others are brought back without it."""
        pod = self.fleet.pods[self.engine.restarts]
        pod.may_start = lambda: False
        try:
            yield Fault(pod.name, PATIENCE, [pod])
        finally:
            pod.may_start = lambda: True

    # --- in the middle

    @contextmanager
    def _at_deletion(self, request):
        """While Certificates are waited for; or while a server is down, whose turn it is."""
        waits = request in ("add", "issuer", "update", "rotate")

        def delete(name):
            if waits:
                wait_for("it waits for Certificates", lambda: (self.fleet.record().get("request") or {}).get("step") == "ready",
                         60, 0.05, lambda: self.fleet.explain(name))
            else:
                wait_for("one is known to be down", lambda: any(map(self._is_told_down, self.fleet.pods)), 120, 0.05,
                         lambda: self.fleet.explain(name))
            self.fleet.delete_request(name)
            release()

        def release():
            self.approver.policy = approver.approve
            for pod in self.fleet.pods:
                pod.may_start = lambda: True
        if waits:
            self.approver.policy = approver.wait
        else:
            for pod in self.fleet.pods:
                pod.may_start = lambda: False
        try:
            yield Fault(None, then=delete)
        finally:
            release()

    def _is_told_down(self, pod):
        """As the API server has it."""
        conditions = self.namespace.get(f"pods/{pod.name}")["status"]["conditions"]
        return any(c["type"] == "Ready" and c["status"] == "False" for c in conditions)
