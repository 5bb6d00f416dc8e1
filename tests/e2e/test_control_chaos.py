# SPDX-License-Identifier: Apache-2.0
"""
Five databases, fifty requests, two controllers of which one is killed every few seconds, whatever it is at. Servers,
agents, cert-manager and the API server are real. Each request ends as it must, a rotation is one new revision, no two
pods of a database are ever out at once, and nothing is left behind. What failed says its seed: E2E_SEED=N repeats the
requests, in their order for each database.
"""

import os
import random
import threading
import time

import pytest

from support.controller import Controller
from support.fleet import Fleet
from support.flows import Flows, issuer_ref
from support.namespace import Namespace
from support.poll import STRETCH, stays, wait_for

DATABASES = 5
DECK = ["rotate", "rotate", "rotate", "change_issuer", "change_issuer", "update", "nobody", "remove_and_add"]  # 9 requests
PAUSES = 2.0, 4.0  # seconds from one kill to the next
ISSUERS = "issuer", "issuer-2"
PATIENCE = f"{5 * STRETCH:.0f}s"  # of a request that must fail: agents have to hear of it before


class Pair:
    """Two replicas, and who kills one of them again and again."""

    def __init__(self, folder, plane, namespace, dice):
        self.replicas = [Controller(folder / name, plane, namespace=namespace.name, identity=name, lease_duration="5s",
                                    step_timeout=f"{90 * STRETCH:.0f}s") for name in ("a", "b")]
        self.dice, self.kills, self.fault = dice, 0, None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._kill, daemon=True)

    def start(self):
        for replica in self.replicas:
            replica.start()
        self._thread.start()

    def _kill(self):
        while not self._end.wait(self.dice.uniform(*PAUSES)):
            victim = self.dice.choice(self.replicas)
            try:
                victim.kill()
                victim.start()
                self.kills += 1
                # On a slow machine nobody would ever come to act.
                wait_for("one of them leads", lambda: any(one.leads() for one in self.replicas), 120, 0.2, self.tail)
            except Exception as e:  # told at the end
                self.fault = e
                return

    def stop_killing(self):
        self._end.set()
        if self._thread.ident:
            self._thread.join()
        if self.fault:
            raise self.fault

    def tail(self, lines=60):
        return "".join(f"\n{one.options['identity']}:{one.tail(lines)}" for one in self.replicas)

    def cleanup(self):
        self._end.set()
        if self._thread.ident:
            self._thread.join()
        for replica in self.replicas:
            replica.cleanup()


class Story:
    """The requests of one database, one after the other, and what must be so behind each."""

    def __init__(self, flows, dice, rounds):
        self.flows, self.fleet, self.dice, self.rounds = flows, flows.fleet, dice, rounds
        self.told, self.fault = [], None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            self.add()
            for _ in range(self.rounds):
                for what in self.dice.sample(DECK, len(DECK)):
                    getattr(self, what)()
        except BaseException as e:  # told by the test
            self.fault = e

    def _tell(self, what, conditions):
        self.told.append((what, time.monotonic()))
        return conditions

    def add(self):
        self._tell("add", self.flows.succeed("add", issuerRef=issuer_ref(self.dice.choice(ISSUERS))))
        self.flows.serve_the_secret()

    def rotate(self):
        """Exactly one new revision of each, by exactly one request."""
        revisions, issued, before = self.flows.revisions(), self.flows.issued(), self.fleet.secret_fp()
        self._tell("rotate", self.flows.succeed("rotate", rotateCertificates=True))
        assert self.flows.serve_the_secret().fingerprint != before
        assert self.flows.revisions() == {name: revision + 1 for name, revision in revisions.items()}
        assert self.flows.issued() == {name: count + 1 for name, count in issued.items()}

    def change_issuer(self):
        before = self.flows.serve_the_secret().issuer
        other = ISSUERS[before == f"CN={ISSUERS[0]} authority"]
        self._tell("issuer", self.flows.succeed("issuer", issuerRef=issuer_ref(other)))
        assert self.flows.serve_the_secret().issuer == f"CN={other} authority"

    def update(self):
        email = f"n{len(self.told)}@db.test"
        self._tell("update", self.flows.succeed("update", certificates=[{"alias": "server", "emailAddresses": [email]}]))
        assert self.flows.serve_the_secret().emails == [email]

    def nobody(self):
        revisions, before = self.flows.revisions(), self.flows.serve_the_secret()
        self._tell("nobody", self.flows.fail("nobody", ["Issuer nobody", "does not exist"], PATIENCE,
                                             issuerRef=issuer_ref("nobody")))
        assert self.flows.serve_the_secret() == before and self.flows.revisions() == revisions

    def remove_and_add(self):
        self._tell("remove", self.flows.succeed("remove", remove=True))
        self.fleet.assert_plain()
        assert self.flows.certificates() == {} and self.fleet.secret_fp() is None
        self.add()


@pytest.fixture
def stage(cluster, requests_defined, template, tmp_path, tidy, long):
    seed = int(os.environ.get("E2E_SEED") or random.randrange(1 << 32))
    print(f"E2E_SEED={seed}")
    dice = random.Random(seed)
    namespace = Namespace(cluster, "control-chaos")
    for issuer in ISSUERS:
        namespace.issuer(issuer)
    fleets = [tidy(Fleet(namespace, tmp_path / f"db-{i}", template, name=f"db-{i}", pods=2)) for i in range(DATABASES)]
    for fleet in fleets:
        fleet.up()
    pair = tidy(Pair(tmp_path, cluster, namespace, random.Random(dice.random())))
    stories = [Story(Flows(fleet, pair), random.Random(dice.random()), 4 if long else 1) for fleet in fleets]
    return pair, stories


def test_killed_again_and_again(stage):
    pair, stories = stage
    pair.start()
    for story in stories:
        story.thread.start()
    for story in stories:
        story.thread.join()
    pair.stop_killing()
    faults = [story.fault for story in stories if story.fault]
    for story in stories:
        print(story.fleet.name, " ".join(what for what, _ in story.told))
    print(f"{sum(len(story.told) for story in stories)} requests, {pair.kills} kills")
    if faults:
        raise faults[0]
    assert all(len(story.told) == 1 + 9 * story.rounds for story in stories)
    assert pair.kills > 3, "nobody was killed"
    for story in stories:
        story.flows.at_rest()
        story.flows.serve_the_secret()
    made = {story.fleet.name: story.flows.issued() for story in stories}
    stays("nothing is issued any more", lambda: {s.fleet.name: s.flows.issued() for s in stories} == made, 3, 0.5)
