# SPDX-License-Identifier: Apache-2.0
"""
The agent of a real MariaDB whose Secret comes through a real API server, with the volume or without one: every new
content is served, once, whichever way it comes first. When one fails, the agent's log tells what it heard.
"""

import pytest

from support.authority import fingerprint
from support.namespace import cert_manager_missing
from support.pod_stack import PodStack
from support.poll import stays, wait_for
from support.stack import SHORT


@pytest.fixture
def pod(namespace, tmp_path, template, authority, tidy, rights):
    def make(**more):
        return tidy(PodStack(tmp_path / "pod", template, authority, namespace, **more))
    return make


def test_renewed_by_cert_manager(pod, namespace):
    if cert_manager_missing():
        pytest.skip(cert_manager_missing())
    namespace.issuer()
    namespace.certificate("px-server-cert")
    stack = pod()
    stack.run()
    for _ in range(3):
        namespace.renew("px-server-cert")
        fresh = fingerprint(namespace.secret_files("px-server-cert")["tls.crt"])
        stack.agent.wait_event("rotation_succeeded", 30, fingerprint=fresh[:SHORT])
        assert (stack.served_fp(), stack.published_fp()) == (fresh, fresh), stack.tail()
    assert len(set(stack.rotations())) == 4 and len(stack.rotations()) == 4, stack.tail()
    assert stack.api_status()["via"] == "api" and stack.api_status()["live"]


def test_a_change_is_a_change_of_content(pod, namespace):
    stack = pod().up()
    served = stack.bundle
    before = namespace.get("secrets/px-server-cert")["metadata"]["resourceVersion"]
    namespace.patch("secrets/px-server-cert", {"metadata": {"annotations": {"note": "metadata only"}}})
    assert namespace.get("secrets/px-server-cert")["metadata"]["resourceVersion"] != before
    # Deleted: what is published stays. Made again with the same content: nothing either.
    namespace.delete("secrets/px-server-cert")
    stack.agent.wait_event("secret_gone")
    stack.put(served)
    stack.rotated = stack.authority.issue()
    namespace.delete("secrets/px-server-cert")
    # Of another type, and immutable: it is the keys that count.
    files = stack.rotated.files()
    namespace.kubectl("create", "secret", "generic", "px-server-cert",
                      *(f"--from-literal={name}={data.decode()}" for name, data in files.items()))
    namespace.patch("secrets/px-server-cert", {"immutable": True})
    stack.wait_proven(stack.rotated)
    stack.assert_serves(stack.rotated)
    assert stack.rotations() == [served.fp[:SHORT], stack.rotated.fp[:SHORT]], stack.tail()


def test_what_cannot_be_used_changes_nothing(pod, namespace, foreign):
    stack = pod().up()
    good = stack.bundle
    for changed, event, pattern in (
            ({"key": None}, "bundle_refused", "px-server-cert.*tls.key"),
            ({"key": foreign.issue().key}, "bundle_refused", "key-mismatch"),
            ({"cert": b""}, "bundle_refused", "tls.crt.*empty|empty.*tls.crt")):
        namespace.delete("secrets/px-server-cert")
        stack.put(stack.authority.issue(), **changed)
        stack.agent.wait_event(event, error=pattern)
        stack.assert_serves(good)
    namespace.delete("secrets/px-server-cert")
    namespace.call("POST", "secrets", {"metadata": {"name": "px-server-cert"}, "type": "Opaque"})
    stack.agent.wait_event("secret_unusable", error="px-server-cert.*no data")
    stack.assert_serves(good)
    namespace.delete("secrets/px-server-cert")
    good = stack.authority.issue()
    stack.put(good)
    stack.wait_proven(good)
    stack.assert_serves(good)


def test_either_way_may_be_first(pod, namespace):
    stack = pod(volume=True).up()
    # The API is first, as ever: the volume lags, which is no fault.
    fresh = stack.authority.issue()
    stack.put(fresh)
    stack.wait_proven(fresh)
    status = stack.agent.status()
    assert status["api"]["via"] == "api" and status["api"]["lag"] and status["error"] is None
    assert stack.agent.metrics()["certrotate_source_lag"] == 1
    stack.volume.publish(fresh)
    stack.agent.wait_status("no lag", lambda s: not s["api"]["lag"])
    # The API server is away: the volume brings it, and the API tells nothing new afterwards.
    namespace.plane.server.freeze()
    try:
        late = stack.authority.issue()
        stack.volume.publish(late)
        stack.wait_proven(late)
        assert stack.api_status()["via"] == "volume"
    finally:
        namespace.plane.server.thaw()
    stack.put(late)
    last = stack.authority.issue()
    stack.put(last)
    stack.wait_proven(last)
    stack.assert_serves(last)
    assert stack.agent.status()["api"]["lag"]
    stack.volume.publish(last)
    stack.agent.wait_status("no lag", lambda s: not s["api"]["lag"])
    assert len(stack.rotations()) == 4, stack.tail()


def test_a_restart_does_not_go_back(pod, namespace):
    """The agent starts again while the volume still has the old one and the API server is away."""
    stack = pod(volume=True).up()
    fresh = stack.authority.issue()
    stack.put(fresh)
    stack.wait_proven(fresh)
    stack.agent.kill()
    namespace.plane.server.freeze()
    try:
        stack.agent.start()
        stack.agent.wait_event("rotation_failed", 60, error="API server was not heard")
        stack.assert_serves(fresh)
    finally:
        namespace.plane.server.thaw()
    stack.agent.wait_status("heard", lambda s: s["error"] is None and s["api"]["live"], 60)
    stack.assert_serves(fresh)


def test_a_change_while_the_api_server_is_waited_for(pod, namespace):
    """In the first seconds of an agent: what was published before is known all the same, and is the last good one."""
    stack = pod(volume=True).up()
    stack.agent.kill()
    namespace.plane.server.freeze()
    try:
        stack.agent.start()
        stack.agent.wait_event("agent_started")
        fresh = stack.authority.issue(start=-30)
        stack.volume.publish(fresh)
        stack.wait_proven(fresh, 60)
        assert [e["change"] for e in stack.agent.find("bundle_accepted")] == ["new-key"], stack.tail()
    finally:
        namespace.plane.server.thaw()
    stack.assert_serves(fresh)


def test_the_token_is_read_anew(pod, namespace):
    """Each one is good for its own pod only, and the one before is gone: an agent that keeps it hears no more."""
    stack = pod().up()
    stack.new_token()
    namespace.plane.server.stop()
    namespace.plane.up()
    fresh = stack.authority.issue()
    stack.put(fresh)
    stack.wait_proven(fresh, 60)
    stack.assert_serves(fresh)


def test_forbidden_is_told_and_the_kubelet_nudged(pod, namespace):
    """The Secret may not be read; two thirds of a certificate's life are over: the annotation makes the kubelet look."""
    stack = pod(volume=True, secret="not-mine", kube={"plan": "px-certrotate"})
    bundle = stack.authority.issue(seconds=1200, start=-2450)
    stack.volume.publish(bundle)
    stack.run()
    said = stack.agent.wait_event("api_lost", error="forbidden")
    assert "secrets" in said["error"] and "not-mine" in said["error"]

    def nudge():
        return namespace.get("pods/px-0")["metadata"].get("annotations", {}).get("certrotate.io/nudge")
    first = wait_for("the first nudge", nudge, 30, 0.2, stack.tail)
    wait_for("the second", lambda: nudge() != first, 30, 0.2, stack.tail)
    # That something else is heard does not make it better.
    namespace.config_map("px-certrotate", **{"plan.json": "{}"})
    status = stack.agent.wait_status("the plan is heard", lambda s: s["plan"])
    assert "not-mine" in status["api"]["message"] and not status["api"]["live"]
    # Renewed: the volume brings it, and nobody is nudged any more.
    fresh = stack.authority.issue()
    stack.volume.publish(fresh)
    stack.wait_proven(fresh)
    last = nudge()
    stays("no nudge", lambda: nudge() == last, 12, 0.5)
    assert stack.agent.status()["error"] is None


def test_once(pod, namespace):
    """One configuration for all pods: which one it is says the command line."""
    stack = pod()
    del stack.agent.config["kubernetes"]["pod"]
    stack.put(stack.authority.issue())
    stack.agent.start("--once", "--pod", "px-0")
    assert stack.agent.wait_end() == 1  # the database is not there
    assert stack.published_fp() == stack.bundle.fp
    stack.db.start()
    stack.agent.start("--once", "--pod", "px-0")
    assert stack.agent.wait_end() in (0, 3)
    stack.agent.process = None
    assert stack.served_fp() == stack.bundle.fp
    report = stack.report()
    assert report["instance"] == "px-0" and report["bundles"][0]["served"]["fingerprint"] == stack.bundle.fp
