# SPDX-License-Identifier: Apache-2.0
"""SIGHUP looks at the source now; SIGTERM and SIGINT end in time, idle, waiting or in the middle."""

import signal
import time

import pytest


def test_hangup_judges_again(stack, authority):
    """What was refused is looked at again when a person asks."""
    stack.up()
    stack.volume.publish(authority.issue(), key=authority.issue().key)
    stack.wait_refused("key-mismatch")
    stack.agent.signal(signal.SIGHUP)
    stack.agent.wait("judged again", lambda: len(stack.agent.find("bundle_refused")) == 2)
    stack.rotate()


def test_hangups_at_any_time(stack, authority):
    stack.up()
    for _ in range(5):
        bundle = authority.issue()
        stack.volume.publish(bundle)
        for _ in range(10):
            stack.agent.signal(signal.SIGHUP)
        stack.wait_proven(bundle)


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
def test_ends_at_once_when_idle(stack, signo):
    stack.up()
    began = time.monotonic()
    stack.agent.signal(signo)
    assert stack.agent.wait_end(10) == 0
    assert time.monotonic() - began < 5
    stack.assert_serves(stack.bundle)


def test_ends_while_waiting_for_the_database(stack, authority):
    bundle = authority.issue()
    stack.volume.publish(bundle)
    stack.agent.start()
    stack.agent.wait_event("database_waited_for")
    stack.agent.stop(deadline=5)
    stack.agent.start()
    stack.db.start()
    stack.wait_proven(bundle)


def test_ends_in_mid_rotation_within_its_grace(make_stack, authority):
    """The server hangs in the reload: the agent gives up after its grace period, and the next one goes on."""
    stack = make_stack(grace="2s").up()
    new = authority.issue()
    stack.db.freeze()
    stack.volume.publish(new)
    stack.agent.wait("published", lambda: stack.published_fp() == new.fp)
    began = time.monotonic()
    stack.agent.stop(deadline=15)
    assert time.monotonic() - began < 10
    stack.db.thaw()
    stack.agent.start()
    stack.wait_proven(new)
    stack.assert_serves(new)


def test_finishes_what_is_under_way(stack, authority):
    """SIGTERM right after a swap: a rotation that began is either done or not begun, never torn."""
    stack.up()
    for _ in range(5):
        bundle = authority.issue()
        stack.volume.publish(bundle)
        stack.agent.wait_event("source_changed")
        stack.agent.stop()
        stack.published_pair_fits()
        stack.agent.start()
        stack.wait_proven(bundle)
        stack.agent.wait_status("at rest with it", lambda s: s["rotation"]["step"] == "idle" and all(
            s["stages"][stage]["fingerprint"] == bundle.fp for stage in ("source", "published", "served")))
        stack.assert_serves(bundle)


def test_log_reader_goes_away(stack, authority):
    """A closed stderr loses lines and nothing else (no SIGPIPE, no busy loop)."""
    stack.up()
    stack.agent.stop()
    stack.agent.start_unheard()
    for _ in range(2):
        bundle = authority.issue()
        stack.volume.publish(bundle)
        stack.wait_served(bundle)
        assert stack.agent.running(), stack.agent.process.poll()
    stack.agent.stop()
