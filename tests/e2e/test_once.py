# SPDX-License-Identifier: Apache-2.0
"""`certrotate run --once` for cron: the exit code says what happened (0 nothing to do, 3 changed, 1 failed,
2 configuration, 4 rolled back, 5 rollback failed)."""


def once(stack, expect, deadline=60):
    stack.agent.start("--once")
    code = stack.agent.wait_end(deadline)
    stack.agent.process = None
    assert code == expect, f"ended with {code}, expected {expect}{stack.tail()}"


def first(stack):
    """Published without a database (1: not proven), then proven (3)."""
    stack.bundle = stack.authority.issue()
    stack.volume.publish(stack.bundle)
    once(stack, 1)
    assert stack.published_fp() == stack.bundle.fp
    stack.db.start()
    once(stack, 3)


def test_changed_then_nothing_to_do(stack):
    first(stack)
    once(stack, 0)
    for _ in range(2):
        bundle = stack.authority.issue()
        stack.volume.publish(bundle)
        once(stack, 3)
        stack.assert_serves(bundle)
        once(stack, 0)


def test_refused_is_a_failure_each_time(stack):
    """EX17: cron must not be told that all is well because the bad one is known already."""
    first(stack)
    stack.volume.publish(stack.authority.issue(), key=stack.authority.issue().key)
    once(stack, 1)
    once(stack, 1)
    assert stack.served_fp() == stack.bundle.fp


def test_no_source(stack):
    stack.agent.config["source"] += "-missing"
    once(stack, 1)


def test_rolled_back(make_stack):
    stack = make_stack(**{"verify-limit": "1s"})
    first(stack)
    stack.deceive(stack.bundle)
    stack.volume.publish(stack.authority.issue())
    once(stack, 4)
    assert stack.published_fp() == stack.bundle.fp


def test_rollback_failed(make_stack):
    stack = make_stack(**{"verify-limit": "1s"})
    first(stack)
    stack.deceive(stack.authority.issue())
    stack.volume.publish(stack.authority.issue())
    once(stack, 5)


def test_configuration(stack):
    stack.agent.config["surce"] = "x"
    once(stack, 2)
