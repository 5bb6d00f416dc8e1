# SPDX-License-Identifier: Apache-2.0
"""What tests of whole requests have in common: how each is asked for, what counts, and what must be so at the end."""

import re

from .load import LoadClients
from .namespace import CERTIFICATES
from .opsrequests import SAMPLES
from .poll import wait_for

ISSUED = ("server", "client")


def issuer_ref(name):
    return {"apiGroup": "cert-manager.io", "kind": "Issuer", "name": name}


class Flows:
    """tls(name, …) asks and waits for the end; both ways out leave the database at rest."""

    def __init__(self, fleet, controller):
        self.fleet, self.namespace, self.controller = fleet, fleet.namespace, controller
        self._numbers = 0
        fleet.tails.append(lambda: "=== controller" + controller.tail(150))

    def name(self, what):
        self._numbers += 1
        return f"{self.fleet.name}-{what}-{self._numbers}"

    def ask(self, what, timeout=None, **tls):
        name = self.name(what)
        self.fleet.request(name, tls=tls, **({"timeout": timeout} if timeout else {}))
        return name

    def reconfigure(self, what, timeout=None, **configuration):
        """Asks; wait_success or wait_failure says how it ended."""
        name = self.name(what)
        self.fleet.request(name, type="Reconfigure", configuration=configuration, **({"timeout": timeout} if timeout else {}))
        return name

    def sample(self, what, *changes):
        """The request of deploy/samples as it stands, but for its name and the (old, new) that are told; its name."""
        text, name = (SAMPLES / self.fleet.kind / f"{what}.yaml").read_text(), self.name(what)
        for old, new in (*changes, (re.search(r"OpsRequest\nmetadata:\n  name: .*\n", text)[0],
                                    f"OpsRequest\nmetadata:\n  name: {name}\n")):
            assert old in text, old
            text = text.replace(old, new)
        self.namespace.kubectl("apply", "-f", "-", stdin=text)
        return name

    def done(self, what, *changes):
        """… up to its good end: its conditions."""
        return self.wait_success(self.sample(what, *changes))

    def succeed(self, what, **tls):
        """conditions of the request that has come to its good end"""
        return self.wait_success(self.ask(what, **tls))

    def wait_success(self, name, deadline=180):
        conditions = self.fleet.wait_phase(name, "Successful", deadline)
        assert conditions["Successful"]["status"] == "True"
        self.at_rest()
        return conditions

    def fail(self, what, says, timeout="6s", away=(), **tls):
        return self.wait_failure(self.ask(what, timeout, **tls), says, away)

    def wait_failure(self, name, says, away=(), deadline=180):
        """says: what the condition must name as the cause; away: pods that the test keeps down"""
        conditions = self.fleet.wait_phase(name, "Failed", deadline)
        condition = conditions.get("ReconfigureTLS") or conditions["Reconfigure"]
        assert condition["reason"] == "Failed", condition
        for word in [says] if isinstance(says, str) else says:
            assert word in condition["message"], condition
        self.at_rest(away)
        return conditions

    def at_rest(self, away=()):
        """Nothing is paused, nobody but who is away has a turn, nothing of a request is kept; never two were out."""
        fleet = self.fleet
        assert not fleet.is_paused(), "the request has ended, and the database is paused\n" + fleet.explain()
        wait_for("the record is at rest", lambda: fleet.record() is not None and "request" not in fleet.record() and
                 fleet.plan().get("turn") in ([], [pod.name for pod in away]), 30, 0.1, fleet.explain)
        wait_for("what was saved is forgotten",
                 lambda: self.namespace.get(f"secrets/{fleet.name}-certrotate-saved") is None, 30, 0.1, fleet.explain)
        fleet.watcher.one_at_a_time([pod.name for pod in away])

    def reload_each(self):
        """A rotation, another issuer, other names: each is one new revision that is served, and nobody is restarted."""
        leaf, starts, revisions = self.with_tls(), self.fleet.starts(), self.revisions()
        self.succeed("rotate", rotateCertificates=True)
        assert self.serve_the_secret().fingerprint != leaf.fingerprint
        assert self.revisions() == {name: revision + 1 for name, revision in revisions.items()}
        self.succeed("issuer", issuerRef=issuer_ref("issuer-2"))
        assert self.serve_the_secret().issuer == "CN=issuer-2 authority"
        self.succeed("update", certificates=[{"alias": "server", "emailAddresses": ["dba@db.test"]}])
        assert self.serve_the_secret().emails == ["dba@db.test"]
        assert self.fleet.starts() == starts

    # --- what there is

    def certificates(self):
        """{name: object} of the database"""
        found = self.namespace.call("GET", "certificates", group=CERTIFICATES)["items"]
        return {c["metadata"]["name"]: c for c in found
                if c["metadata"].get("labels", {}).get("app.kubernetes.io/instance") == self.fleet.name}

    def revisions(self):
        return {name: c.get("status", {}).get("revision", 0) for name, c in self.certificates().items()}

    def issued(self):
        """How many CertificateRequests each Certificate has had."""
        counts = {}
        for r in self.namespace.call("GET", "certificaterequests", group=CERTIFICATES)["items"]:
            name = r["metadata"].get("annotations", {}).get("cert-manager.io/certificate-name")
            counts[name] = counts.get(name, 0) + 1
        return {name: counts.get(name, 0) for name in self.certificates()}

    def serve_the_secret(self):
        """Every pod serves the leaf of the Secret now; returns it."""
        leaves = self.fleet.served()
        assert all(leaves), f"{leaves}\n{self.fleet.explain()}"
        assert {leaf.fingerprint for leaf in leaves} == {self.fleet.secret_fp()}, self.fleet.explain()
        return leaves[0]

    def picture(self):
        """What a request that fails must leave as it was."""
        return {
            "served": self.fleet.served(),
            "certificates": {name: c["spec"] for name, c in self.certificates().items()},
            "secrets": {alias: self.namespace.secret_files(f"{self.fleet.name}-{alias}-cert") for alias in ISSUED},
        }

    def same_as(self, before):
        """cert-manager's own view as well: it must not issue anew for what was put back."""
        now = self.picture()
        for what, value in before.items():
            seen = "" if what == "secrets" else f": {now[what]}\nand not {value}"
            assert now[what] == value, f"{what} differs{seen}\n{self.fleet.explain()}"
        for name in self.certificates():
            self.namespace.wait_ready(f"certificates/{name}")
        assert self.picture()["secrets"] == before["secrets"], "cert-manager has issued anew"

    # --- what is needed

    def with_tls(self, **tls):
        """The database has TLS, whoever has switched it on."""
        if not self.certificates():
            self.succeed("add", issuerRef=issuer_ref("issuer"), **tls)
        return self.serve_the_secret()

    def without_tls(self):
        if self.certificates():
            self.succeed("remove", remove=True)
        self.fleet.assert_plain()

    def clients(self, *ca_files):
        """Of every pod, each with all of these authorities and no others."""
        path = self.fleet.dir / "trusted.pem"
        path.write_bytes(b"".join(ca_files))
        return Clients([LoadClients(self.fleet.dir, pod.db.port, path, clients=1, pause=0.05) for pod in self.fleet.pods])


class SampleFlows(Flows):
    """TLS comes and goes by the requests of deploy/samples."""

    def with_tls(self):
        if not self.certificates():
            self.done("add")
        return self.serve_the_secret()

    def without_tls(self):
        if self.certificates():
            self.done("remove")
        self.fleet.assert_plain()


class Clients:
    def __init__(self, loads):
        self.loads = loads
        for load in loads:
            wait_for("clients connect", lambda load=load: load.made > 2, 30, 0.05)

    def check(self):
        for load in self.loads:
            load.check(3)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for load in self.loads:
            load.stop()

