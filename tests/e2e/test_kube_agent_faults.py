# SPDX-License-Identifier: Apache-2.0
"""
The agent of a real MariaDB behind an API server with faults. Each new Secret comes in the middle of one: it is served
once, nothing is missed, the report of it arrives in the end, and meanwhile nobody asks over and over. When one fails,
the proxy's log tells what was asked.
"""

import time

from support.api_proxy import ApiProxy
from support.pod_stack import PodStack
from support.poll import wait_for

WINDOW, MOST = 4.0, 22
ANY, WATCH, WRITE = ".", "watch=", "PATCH"
FAULTS = (("cut", ANY, {"after": None}), ("truncate", "GET (?!.*watch=)", {}), ("frame", WATCH, {}),
          ("status", ANY, {"code": 429, "retry_after": 1}), ("status", WRITE, {"code": 409}), ("garbage", ANY, {}),
          ("trickle", ANY, {"size": 97, "pause": 0.001}))
STEADY = 10.5  # a connection that lasted so long makes the next pause short again


def told(stack, bundle):
    return stack.reported("bundles", 0, "served", "fingerprint") == bundle.fp


def test_each_fault(namespace, tmp_path, template, authority, tidy, rights):
    """What each of them alone does to watch and reports is in test_kube_faults.py and test_kube_report.py."""
    proxy = tidy(ApiProxy(namespace.plane))
    stack = tidy(PodStack(tmp_path / "pod", template, authority, namespace, port=proxy.port)).up()
    for kind, pattern, settings in FAULTS:
        time.sleep(STEADY)
        proxy.add(kind, pattern, count=2, **settings)
        if pattern != WRITE:
            proxy.cut_now()
        fresh = authority.issue()
        stack.put(fresh)
        stack.wait_proven(fresh, 60)
        assert stack.served_fp() == fresh.fp
        wait_for(f"the report arrives after {kind} {settings}", lambda: told(stack, stack.bundle), 60, 0.1, stack.tail)
        proxy.clear()
    assert proxy.busiest(WINDOW) <= MOST, "\n".join(str(e) for e in proxy.seen())
    rotations = stack.rotations()
    assert len(rotations) == len(set(rotations)) == len(FAULTS) + 1, stack.tail()
    assert stack.agent.status()["error"] is None


def test_a_watch_that_dies_silently(namespace, tmp_path, template, authority, tidy, rights):
    """Nothing comes and nothing ends: the volume brings the Secret, the report is written over a new connection."""
    proxy = tidy(ApiProxy(namespace.plane))
    stack = tidy(PodStack(tmp_path / "pod", template, authority, namespace, port=proxy.port, volume=True)).up()
    proxy.mute_now()
    fresh = authority.issue()
    stack.put(fresh)
    stack.volume.publish(fresh)
    stack.wait_proven(fresh, 30)
    wait_for("the report arrives", lambda: told(stack, fresh), 60, 0.2, stack.tail)
    assert len(stack.rotations()) == 2
