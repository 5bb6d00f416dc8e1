# SPDX-License-Identifier: Apache-2.0
"""
The agent of a real MariaDB beside a real API server for a while: certificates change, tokens that last ten minutes are
renewed as the kubelet does it, the API server is restarted and stands still. Nothing may be missed, and nothing may
grow. A minute in every run, forty with --long.
"""

import time

from support.agent import RELEASE
from support.pod_stack import PodStack
from support.poll import STRETCH, wait_for

TOKEN_S, RENEW_S, RESTART_S = 600, 480, 240  # kubelet renews a token when 80 % of its life are over
GROWTH_KIB = 1024


def rotate(stack):
    fresh = stack.authority.issue()
    stack.put(fresh)
    stack.wait_proven(fresh, 90)
    assert stack.served_fp() == fresh.fp, stack.tail()


def test_nothing_grows(namespace, tmp_path, template, authority, tidy, rights, long):
    seconds = 2400 if long else 60
    renew, restart = (RENEW_S, RESTART_S) if long else (20, 25)
    stack = tidy(PodStack(tmp_path / "pod", template, authority, namespace, binary=RELEASE)).up()
    rotations, began = 1, time.monotonic()
    renewed = restarted = began
    for _ in range(10):
        rotate(stack)
        rotations += 1
    plane, rss, fds = namespace.plane, stack.agent.rss_kib(), stack.agent.fds()
    while time.monotonic() - began < seconds * STRETCH:
        now = time.monotonic()
        if now - renewed > renew:
            stack.new_token()
            renewed = now
        if now - restarted > restart:
            if rotations % 2:
                plane.server.stop()
                plane.up()
            else:
                plane.server.freeze()
                time.sleep(5)
                plane.server.thaw()
            restarted = time.monotonic()
        rotate(stack)
        rotations += 1
        time.sleep(5 if long else 1)
    status = stack.agent.status()
    minutes = (time.monotonic() - began) / 60
    print(f"\n{minutes:.1f} min, {rotations} rotations, {status['api']['requests']} requests, "
          f"RSS {rss} -> {stack.agent.rss_kib()} KiB, descriptors {fds} -> {stack.agent.fds()}")
    assert status["history"]["rotations"]["success"] == rotations, stack.tail()
    # The connection that has just asked for its status is on its way out, and one to the API server may be too.
    wait_for(f"no more than {fds} descriptors", lambda: stack.agent.fds() <= fds, 60, 0.2,
             lambda: f"{stack.agent.descriptors()}\n{stack.tail()}")
    assert stack.agent.rss_kib() - rss < GROWTH_KIB, f"{rss} -> {stack.agent.rss_kib()} KiB\n{stack.tail()}"
    # Two lists and watches at the start, a handful after each restart, a report for each rotation.
    assert status["api"]["requests"] < 20 + 3 * rotations + 30 * minutes, stack.tail()
