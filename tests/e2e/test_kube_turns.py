# SPDX-License-Identifier: Apache-2.0
"""
Three members of one database, three agents, one Secret: who may act is a matter of one Lease, or of the controller's
plan in a ConfigMap. When one fails, look at turn_taken and turn_given_back in the agents' logs.
"""

import json
import random
import signal
import time

import pytest

from support.pod_stack import PodStack
from support.poll import STRETCH, stays, wait_for

LEASES = "coordination.k8s.io/v1"
READ_LATE = 0.05  # a line of a log may be read so much later than it was written


@pytest.fixture
def members(namespace, tmp_path, template, authority, tidy, rights):
    def make(**kube):
        bundle = authority.issue()
        namespace.secret("px-server-cert", bundle)
        found = []
        for i in range(3):
            member = tidy(PodStack(tmp_path / f"px-{i}", template, authority, namespace, pod=f"px-{i}", kube=kube))
            member.bundle = bundle
            found.append(member)
        return found
    return make


def run_all(members):
    for member in members:
        member.run()


def proven(member, bundle):
    return member.agent.find("rotation_succeeded", fingerprint=bundle.fp[:16])


def turns(member, end=None):
    """[[from, until, pod]] as the present process says it itself; the last one ends with it."""
    found = []
    for event in member.agent.find():
        if event["event"] == "turn_taken":
            found.append([event["_at"], end, member.pod])
        elif event["event"] in ("turn_given_back", "turn_lost"):
            found[-1][1] = event["_at"]
    return found


def check_one_at_a_time(found):
    found = sorted(found)
    for (_, until, before), (since, _, after) in zip(found, found[1:]):
        assert until <= since + READ_LATE, f"{before} and {after} were in a turn at once: {found}"


def test_one_at_a_time(members, authority, namespace):
    members = members(lease="px-certrotate")
    run_all(members)  # the first bundle waits for nobody
    for _ in range(3):
        fresh = authority.issue()
        namespace.secret("px-server-cert", fresh)
        for member in members:
            member.wait_proven(fresh, 60)
    found = [turn for member in members for turn in turns(member)]
    assert len(found) == 9, found
    check_one_at_a_time(found)
    assert namespace.get("leases/px-certrotate", LEASES)["spec"].get("holderIdentity") in (None, "")


def test_one_that_dies_in_its_turn_holds_up_nobody(members, authority, namespace):
    members = members(lease="px-certrotate", **{"lease-duration": "3s"})
    run_all(members)
    first, *others = members
    first.db.freeze()  # its turn never ends: the database stands still in the reload
    fresh = authority.issue()
    for member in others:
        member.agent.signal(signal.SIGSTOP)
    namespace.secret("px-server-cert", fresh)
    first.agent.wait_event("turn_taken", 30)
    for member in others:
        member.agent.signal(signal.SIGCONT)
    stays("the others wait", lambda: not any(m.agent.find("turn_taken") for m in others), 4, 0.1)
    first.agent.kill()
    for member in others:
        member.wait_proven(fresh, 60)
    first.db.thaw()
    first.agent.start()
    first.wait_proven(fresh, 60)
    assert first.served_fp() == fresh.fp


def test_a_database_that_is_down_holds_up_nobody(members, authority, namespace):
    """One that takes certificates by a reload: whoever has to restart would be the second that is down."""
    members = members(lease="px-certrotate")
    run_all(members)
    down, *others = members
    down.db.stop()
    down.agent.forget()
    fresh = authority.issue()
    for member in others:
        member.agent.signal(signal.SIGSTOP)
    namespace.secret("px-server-cert", fresh)
    down.agent.wait_event("database_waited_for", 60)
    for member in others:
        member.agent.signal(signal.SIGCONT)
    for member in others:
        member.wait_proven(fresh, 60)
    assert not proven(down, fresh)
    down.db.start()
    down.wait_proven(fresh, 60)
    assert down.served_fp() == fresh.fp


def test_the_plan_says_whose_turn_it_is(members, authority, namespace):
    plan = {"request": "px-rotate", "generation": 1, "turn": []}
    namespace.config_map("px-certrotate", **{"plan.json": json.dumps(plan)})
    members = members(plan="px-certrotate", lease="px-certrotate")
    run_all(members)
    fresh = authority.issue()
    namespace.secret("px-server-cert", fresh)
    for member in members:
        member.agent.wait_status("held", lambda s: s["plan"]["held"] and s["plan"]["generation"] == 1)
    for member in members:
        plan["turn"] = [member.pod]
        namespace.config_map("px-certrotate", **{"plan.json": json.dumps(plan)})
        member.wait_proven(fresh)
        member.agent.wait_status("done", lambda s: s["plan"]["done"] and s["plan"]["turn"])
        later = members[members.index(member) + 1:]
        assert not any(proven(m, fresh) for m in later)
    # Half a plan is not followed, and said.
    namespace.config_map("px-certrotate", **{"plan.json": '{"turn": '})
    members[0].agent.wait_event("plan_unreadable", error="px-certrotate")
    # Without one they are on their own again: the Lease counts.
    namespace.delete("configmaps/px-certrotate")
    last = authority.issue()
    namespace.secret("px-server-cert", last)
    for member in members:
        member.wait_proven(last, 60)
        assert member.agent.find("turn_taken")


def test_no_turn_before_the_plan_was_heard(members, authority, namespace):
    """Restarted while the API server is away: the Secret of the volume is newer, and yet nothing is done."""
    namespace.config_map("px-certrotate", **{"plan.json": json.dumps({"turn": ["px-1"], "generation": 4})})
    member, *_ = members(plan="px-certrotate")
    member.agent.config["source"] = str(member.volume.path)
    member.volume.publish(member.bundle)
    member.run()
    member.agent.kill()
    namespace.plane.server.freeze()
    try:
        fresh = authority.issue()
        member.volume.publish(fresh)
        member.agent.start()
        member.agent.wait_event("turn_waited_for", 60)
        assert member.published_fp() == member.bundle.fp
    finally:
        namespace.plane.server.thaw()
    member.agent.wait_status("the plan is heard", lambda s: (s["plan"] or {}).get("generation") == 4, 60)
    assert member.published_fp() == member.bundle.fp and not member.agent.find("rotation_succeeded", unchanged=False)


def test_kills_at_random(members, authority, namespace, long):
    """Never two in a turn at once, and it always goes on: half a minute in every run, ten with --long."""
    rng = random.Random(7)
    members = members(lease="px-certrotate", **{"lease-duration": "3s"})
    run_all(members)
    found, rounds, end = [], 0, time.monotonic() + (600 if long else 30) * STRETCH
    while time.monotonic() < end:
        fresh = authority.issue()
        namespace.secret("px-server-cert", fresh)
        victim = rng.choice(members)
        time.sleep(rng.uniform(0, 0.3))
        victim.agent.kill()
        found += turns(victim, end=time.monotonic())
        for member in members:
            if member is not victim:
                member.wait_proven(fresh, 60)
        victim.agent.start()
        victim.wait_proven(fresh, 60)
        rounds += 1
    for member in members:
        found += turns(member, end=time.monotonic())
    check_one_at_a_time(found)
    assert rounds > 3 and len(found) > 2 * rounds
