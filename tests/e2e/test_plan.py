# SPDX-License-Identifier: Apache-2.0
"""
The plan on one server: a rotation waits for its turn, and goes on when it comes; what is no plan is told, and the one
before is followed; without a plan the agent is on its own.
"""

import json
import os

import pytest

from support.plain import PlainStack
from support.poll import stays, wait_for
from support.supervisor import Supervisor


@pytest.fixture
def plan(tmp_path):
    folder = tmp_path / "plan"
    folder.mkdir()

    def write(text=None, **members):
        fresh = folder / "plan.new"
        fresh.write_text(json.dumps(members) if text is None else text)
        os.rename(fresh, folder / "plan.json")
    write.path = folder / "plan.json"
    return write


@pytest.fixture
def planned(make_stack, plan):
    """Nothing may act from the start, and yet the first bundle is published: its database waits for it."""
    plan(request="hold", turn=[])
    stack = make_stack(plan=str(plan.path), instance="db-0")
    return stack.up()


def test_turn(planned, plan, authority):
    old, new = planned.bundle, authority.issue()
    planned.volume.publish(new)
    planned.agent.wait_status("held", lambda s: s["plan"]["held"] and not s["plan"]["turn"])
    stays("another's turn", lambda: planned.published_fp() == old.fp, 1, explain=planned.tail)
    plan(request="hold", turn=["db-1"])
    stays("still another's", lambda: planned.published_fp() == old.fp, 1, explain=planned.tail)
    plan(request="go", turn=["db-1", "db-0"])
    planned.wait_proven(new)
    planned.assert_serves(new)
    planned.agent.wait_status("done", lambda s: s["plan"]["request"] == "go" and s["plan"]["done"])
    assert planned.agent.metrics()["certrotate_plan_done"] == 1


@pytest.fixture
def trusting(make_stack, plan, foreign, tidy):
    """trusting(**config): in phase trust of another authority, nobody has the turn; and who starts the database again."""
    def make(**config):
        plan(request="go", generation=1, phase="trust", turn=[])
        stack = make_stack(plan=str(plan.path), instance="db-0", **config).up()
        stack.volume.publish(foreign.issue())
        stack.agent.wait_status("held", lambda s: s["plan"]["held"])
        return stack, tidy(Supervisor(stack.db))
    return make


def trusted(stack):
    return (stack.published / "ca.crt").read_text().count("BEGIN CERTIFICATE")


def test_a_reload_beside_another_turn(trusting, plan):
    """Whose turn it is may be out: what costs no more than a reload is done."""
    stack, supervisor = trusting()
    assert trusted(stack) == 1
    plan(request="go", generation=1, phase="trust", turn=["db-1"], reload=["db-2", "db-0"])
    stack.agent.wait_status("done", lambda s: s["plan"]["done"] and not s["plan"]["turn"])
    assert trusted(stack) == 2 and supervisor.starts == 0
    stack.assert_serves(stack.bundle)


def test_a_restart_is_held_beside_another_turn(trusting, plan):
    """By whichever process, and whatever becomes of the permission; until it is its own turn."""
    stack, supervisor = trusting(apply="restart")
    for beside in ({"reload": ["db-0"]}, {}):
        plan(request="go", generation=1, phase="trust", turn=["db-1"], **beside)
        stack.agent.wait_status("held", lambda s: s["plan"]["held"] and s["rotation"]["step"] == "apply")
        assert trusted(stack) == 2  # whoever starts it now finds them
        stack.agent.kill()
        stack.agent.start()
        stack.agent.wait_status("held again", lambda s: s["plan"] and s["plan"]["held"] and s["rotation"]["step"] == "apply")
    stays("not restarted", lambda: supervisor.starts == 0 and stack.db.running(), 1, explain=stack.tail)
    plan(request="go", generation=1, phase="trust", turn=["db-0"])
    stack.agent.wait_status("done", lambda s: s["plan"]["done"], 60)
    assert supervisor.starts == 1
    stack.assert_serves(stack.bundle)


def test_plan_at_rest(planned, plan, authority):
    """Without a request it asks for what there is; what comes is held, as long as nobody has the turn."""
    old, new = planned.bundle, authority.issue()
    plan(request="go", generation=1, turn=["db-0"])
    planned.agent.wait_status("done", lambda s: s["plan"]["request"] == "go" and s["plan"]["done"])
    plan(generation=2, turn=[])
    planned.agent.wait_status("at rest", lambda s: s["plan"]["generation"] == 2 and s["plan"]["done"] and not s["plan"]["held"])
    planned.volume.publish(new)
    planned.agent.wait_status("held", lambda s: s["plan"]["held"])
    assert planned.published_fp() == old.fp
    plan(request="renewal", generation=3, turn=["db-0"])
    planned.wait_proven(new)


@pytest.mark.parametrize("phase", [{}, {"phase": "trust"}], ids=["at-rest", "trust"])
def test_a_restarted_agent_says_what_its_source_has(planned, plan, authority, phase):
    """Nothing is to be done, and whoever wrote the plan waits for it to have seen the Secret."""
    plan(request="go", generation=1, turn=["db-0"], **phase)
    planned.volume.publish(new := authority.issue())
    planned.agent.wait_status("done", lambda s: s["plan"]["done"] and (s["stages"]["source"] or {}).get("fingerprint") == new.fp)
    planned.agent.kill()
    planned.agent.start()
    status = planned.agent.wait_status("done", lambda s: s["plan"]["done"])
    assert status["stages"]["source"]["fingerprint"] == new.fp


def test_nobody_makes_a_request_of_it(make_stack, plan, authority):
    """The controller is gone, and the certificate served is in its last days: the turn is waited for no longer."""
    plan(generation=1, turn=[])
    stack = make_stack(plan=str(plan.path), instance="db-0")
    stack.up(authority.issue(start=-95 * 86400, days=100))
    stack.volume.publish(new := authority.issue())
    stack.wait_proven(new)
    stack.volume.publish(newer := authority.issue())
    stack.agent.wait_status("held", lambda s: s["plan"]["held"])
    assert stack.published_fp() == new.fp != newer.fp


def test_no_plan_any_more(planned, plan, authority):
    planned.volume.publish(new := authority.issue())
    planned.agent.wait_status("held", lambda s: s["plan"]["held"])
    plan.path.unlink()
    planned.wait_proven(new)
    assert planned.agent.status()["plan"] is None


@pytest.mark.parametrize("text, says", [
    ("", "plan.json"), ("{\"turn\": [", "plan.json"), ("{\"turn\": \"db-0\"}", "turn must be a list"),
    ("{\"phase\": \"leave\"}", "there are trust, leaf and prune"), ("[1]", "must be an object")])
def test_no_plan_at_all(planned, plan, authority, text, says):
    """It may be half of one that says "wait": nobody acts on it."""
    old = planned.bundle
    planned.volume.publish(new := authority.issue())
    planned.agent.wait_status("held", lambda s: s["plan"]["held"])
    plan(text=text)
    planned.agent.wait_status("told", lambda s: says in str((s["plan"] or {}).get("message")))
    stays("the plan before", lambda: planned.published_fp() == old.fp, 1, explain=planned.tail)
    plan(request="go")
    planned.wait_proven(new)
    assert planned.agent.status()["plan"]["message"] is None


def test_a_lock_that_stays_over_a_restart(planned, plan, authority):
    """Killed while it is held: the next process holds, too, and goes on from there."""
    old, new = planned.bundle, authority.issue()
    planned.volume.publish(new)
    planned.agent.wait_status("held", lambda s: s["plan"]["held"])
    planned.agent.kill()
    planned.agent.start()
    planned.agent.wait_status("held, and at no work", lambda s: (s["plan"] or {}).get("held") and
                              s["rotation"]["step"] == "idle")
    assert planned.published_fp() == old.fp
    plan(request="go", turn=["db-0"])
    planned.wait_proven(new)


@pytest.mark.parametrize("mode", ["on", "off"])
def test_a_fresh_database_needs_no_turn(tmp_path, template, authority, tidy, plan, mode):
    """It waited for its first bundle and settings, and starts with them: nothing is to be restarted."""
    plan(turn=[])
    stack = tidy(PlainStack(tmp_path / "stack", "mariadb", template, authority, tls=mode, plan=str(plan.path)))
    stack.bundle = stack.issue()
    stack.volume.publish(stack.bundle)
    stack.agent.start()
    stack.agent.wait_event("settings_written", tls=mode)
    stack.db.start()
    stack.wait_proven(stack.bundle)
    assert stack.db.running() and stack.served_fp() == (stack.bundle.fp if mode == "on" else None)


def test_a_running_database_waits_for_its_turn(tmp_path, template, authority, tidy, plan):
    """It runs without TLS when its first agent comes: the restart waits."""
    plan(turn=[])
    stack = tidy(PlainStack(tmp_path / "stack", "mariadb", template, authority, tls="on", plan=str(plan.path)))
    supervisor = tidy(Supervisor(stack.db))
    stack.db.start()
    stack.bundle = stack.issue()
    stack.volume.publish(stack.bundle)
    stack.agent.start()
    stack.agent.wait_status("held", lambda s: s["plan"]["held"])
    stays("not restarted", lambda: supervisor.starts == 0 and stack.db.running(), 1, explain=stack.tail)
    plan(turn=["mariadb"])
    stack.wait_proven(stack.bundle, 60)
    assert supervisor.starts == 1 and stack.served_fp() == stack.bundle.fp


def test_a_switch_is_taken_back_before_its_turn(tmp_path, template, authority, tidy, plan):
    """Whoever starts the database now must find the settings that are wanted now."""
    plan(turn=[])
    stack = tidy(PlainStack(tmp_path / "stack", "mariadb", template, authority, tls="off", plan=str(plan.path)))
    supervisor = tidy(Supervisor(stack.db))
    stack.bundle = stack.issue()
    stack.volume.publish(stack.bundle)
    stack.agent.start()
    stack.agent.wait_event("settings_written", tls="off")
    stack.db.start()
    stack.wait_proven(stack.bundle)
    before = stack.fragment.read_text()
    plan(turn=[], tls="required")
    stack.agent.wait_status("held", lambda s: s["tls"] == "required" and s["plan"]["held"])
    assert "require_secure_transport=ON" in stack.fragment.read_text()
    plan(turn=[], tls="off")
    stack.agent.wait_status("taken back", lambda s: s["tls"] == "off" and s["plan"]["done"])
    assert stack.fragment.read_text() == before and supervisor.starts == 0
    assert [path.name for path in stack.fragment.parent.iterdir()] == [stack.fragment.name]


def test_plan_of_kubelet(make_stack, tmp_path, authority):
    """A mounted ConfigMap: swapped by its ..data, and seen at once."""
    folder = tmp_path / "configmap"

    def swap(number, **members):
        generation = folder / f"..{number}"
        generation.mkdir(parents=True)
        (generation / "plan.json").write_text(json.dumps(members))
        (folder / "..data_tmp").symlink_to(generation.name)
        os.rename(folder / "..data_tmp", folder / "..data")
    swap(1, turn=[])
    (folder / "plan.json").symlink_to("..data/plan.json")
    stack = make_stack(plan=str(folder / "plan.json"), rescan="1h").up()
    stack.volume.publish(new := authority.issue())
    stack.agent.wait_status("held", lambda s: s["plan"]["held"])
    swap(2, request="go")
    stack.wait_proven(new)
    wait_for("done", lambda: stack.agent.status()["plan"]["done"], 10)


def test_off_without_a_certificate(tmp_path, template, authority, tidy, plan):
    """Nothing is missing, what the plan asks for is so; but not what it cannot have."""
    plan(turn=[], tls="off", generation=1)
    stack = tidy(PlainStack(tmp_path / "stack", "mariadb", template, authority, tls="off", plan=str(plan.path)))
    stack.agent.start()
    # Nor is a database that is down one without TLS: another may be restarted when this one is done.
    stack.agent.wait_status("waits for the database", lambda s: (s["error"] or {}).get("reason") == "DatabaseNotReady")
    stays("not done", lambda: not stack.agent.status()["plan"]["done"], 1, explain=stack.tail)
    stack.db.start()
    stack.agent.wait_status("done", lambda s: s["plan"] and s["plan"]["done"] and s["error"] is None)
    assert not stack.fragment.exists()
    plan(turn=["mariadb"], tls="on", generation=2)
    stack.agent.wait_status("missing", lambda s: s["plan"]["generation"] == 2 and not s["plan"]["done"] and s["error"])
    plan(turn=[], tls="off", generation=3)
    stack.agent.wait_status("done again", lambda s: s["plan"]["generation"] == 3 and s["plan"]["done"] and
                            s["error"] is None)


def test_a_refusal_before_the_turn(tmp_path, template, authority, tidy, plan):
    """The settings to be written are no option file: known before anybody has the turn, and told with the generation."""
    plan(request="add", turn=[], tls="off", generation=1)
    stack = tidy(PlainStack(tmp_path / "stack", "mariadb", template, authority, tls="off", plan=str(plan.path)))
    stack.db.start()
    stack.volume.publish(stack.issue())
    stack.fragment.write_text("mysqld:\n  ssl: true\n")
    stack.agent.start()
    stack.agent.wait_status("failed", lambda s: s["plan"] and "stands in no [group]" in (s["plan"]["failed"] or ""))
    assert not stack.agent.status()["plan"]["done"]
    # The next process remembers it, and the next generation is tried anew.
    stack.agent.kill()
    stack.agent.start()
    stack.agent.wait_status("remembered", lambda s: s["plan"] and "stands in no [group]" in (s["plan"]["failed"] or ""))
    stack.fragment.unlink()
    plan(request="add", turn=[], tls="off", generation=2)
    stack.agent.wait_status("done", lambda s: s["plan"]["generation"] == 2 and s["plan"]["done"] and not s["plan"]["failed"])
