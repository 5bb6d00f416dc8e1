# SPDX-License-Identifier: Apache-2.0
"""
CM1: kill -9 in every step, forward and back. The agent ends itself there (CERTROTATE_BREAKPOINT, in test builds
only). Dead, the published pair must be whole and a good leaf served; started again, the agent must come to rest
where it would have without the kill.
"""

import signal

import pytest

from support.poll import stays

FORWARD = ["load", "validate", "stage", "publish", "apply", "verify", "report"]
ROLLBACK = ["unpublish", "apply", "verify", "unstage", "report"]


def killed(stack, step):
    stack.agent.start(CERTROTATE_BREAKPOINT=step)
    code = stack.agent.wait_end(40)
    assert code == -signal.SIGKILL, f"ended with {code} instead of at {step}{stack.tail()}"
    stack.agent.kill()


@pytest.mark.parametrize("step", FORWARD)
def test_forward(stack, authority, step):
    """The new bundle is there; the agent dies in one step, and the next process finishes the rotation."""
    stack.up()
    old, new = stack.bundle, authority.issue()
    clients = stack.load()
    stack.agent.stop()
    stack.volume.publish(new)
    killed(stack, step)
    stack.published_pair_fits()
    assert stack.served_fp() == (old.fp if step not in ("verify", "report") else new.fp), stack.tail()
    stack.agent.start()
    stack.wait_proven(new)
    stack.assert_serves(new)
    clients.check()
    stack.rotate()


@pytest.mark.parametrize("step", FORWARD[:5])
def test_first_bundle(stack, authority, step):
    """Nothing was published before, and no server runs yet."""
    bundle = authority.issue()
    stack.volume.publish(bundle)
    killed(stack, step)
    stack.agent.start()
    stack.agent.wait("publish", lambda: stack.published_fp() == bundle.fp)
    stack.published_pair_fits()
    stack.db.start()
    stack.wait_proven(bundle)
    stack.rotate()


@pytest.mark.parametrize("step", ROLLBACK)
def test_rollback(make_stack, authority, step):
    """
    The server keeps serving the old leaf although its reload succeeds, so the rotation rolls back; the agent dies
    in one step of that. Afterwards the old one is published and served, and the bad one is not tried for ever.
    """
    stack = make_stack(**{"verify-limit": "1s"}).up()
    old, new = stack.bundle, authority.issue()
    stack.deceive(old)
    stack.agent.stop()
    stack.volume.publish(new)
    killed(stack, "rollback:" + step)
    stack.published_pair_fits()
    assert stack.served_fp() == old.fp
    stack.agent.start()
    stack.agent.wait_event("rotation_rolled_back", 30)
    stays("the bad one is not tried again", lambda: stack.published_fp() == old.fp, 2.5, explain=stack.tail)
    assert stack.served_fp() == old.fp, stack.tail()
    stack.deceive(None)
    stack.rotate()


def test_killed_by_someone_else_under_load(stack, authority):
    """Kills at random moments of many rotations."""
    stack.up()
    clients = stack.load()
    for i in range(12):
        bundle = authority.issue(key=stack.bundle.key)
        stack.volume.publish(bundle)
        stack.agent.wait("something", lambda: stack.agent.find("source_changed") or i % 2)
        stack.agent.kill()
        stack.published_pair_fits()
        stack.agent.start()
        stack.wait_proven(bundle)
        stack.assert_serves(bundle)
    clients.check()
