# SPDX-License-Identifier: Apache-2.0
"""A database that is down, slow, refuses the login, lacks the privilege or deceives is reported as exactly that."""

import pytest

from support.poll import stays


def waits_with(stack, reason, deadline=20):
    return stack.agent.wait_status(f"error {reason}", lambda s: reason in str(s.get("error")), deadline)


def test_down_at_start(stack, authority):
    """Published at once, waiting named, alive but not ready."""
    bundle = authority.issue()
    stack.volume.publish(bundle)
    stack.agent.start()
    stack.agent.wait_event("database_waited_for", reason="DatabaseNotReady")
    assert stack.published_fp() == bundle.fp
    waits_with(stack, "DatabaseNotReady")
    assert stack.agent.get("/livez")[0] == 200 and stack.agent.get("/readyz")[0] == 503
    stack.db.start()
    stack.wait_proven(bundle)
    stack.agent.wait("ready", lambda: stack.agent.get("/readyz")[0] == 200)


def test_down_in_a_rotation(stack, authority):
    """SH5: the server restarts between publish and reload; it comes up with the new files and is proven."""
    stack.up()
    stack.db.stop()
    new = authority.issue()
    stack.volume.publish(new)
    stack.agent.wait_event("database_waited_for", reason="DatabaseNotReady")
    assert stack.published_fp() == new.fp
    stack.db.start()
    stack.wait_proven(new)
    stack.assert_serves(new)
    stack.rotate()


def test_change_while_waiting(stack, authority):
    """A newer bundle replaces the one that waits for its database; a bad one does not."""
    stack.up()
    stack.db.stop()
    first, second = authority.issue(), authority.issue()
    stack.volume.publish(first)
    stack.agent.wait_event("database_waited_for")
    stack.volume.publish(authority.issue(), key=second.key)
    stack.wait_refused("key-mismatch")
    stack.volume.publish(second)
    stack.agent.wait("published", lambda: stack.published_fp() == second.fp)
    stack.db.start()
    stack.wait_proven(second)
    stack.assert_serves(second)


def test_back_to_the_old_one_while_waiting(stack):
    """What was published last is not what is wanted any more: a database that starts now must not take it."""
    old = stack.up().bundle
    stack.db.stop()
    new = stack.authority.issue()
    stack.volume.publish(new)
    stack.agent.wait("published", lambda: stack.published_fp() == new.fp)
    stack.agent.wait_event("database_waited_for")
    stack.volume.publish(old)
    stack.agent.wait("the old one is published again", lambda: stack.published_fp() == old.fp)
    stack.db.start()
    stack.wait_served(old)
    stack.assert_serves(old)
    stack.rotate()


def test_slow(stack, authority):
    """A server that hangs: the agent stays alive and answers; when it wakes the rotation goes on."""
    stack.up()
    new = authority.issue()
    stack.db.freeze()
    stack.volume.publish(new)
    stack.agent.wait("published", lambda: stack.published_fp() == new.fp)
    stays("alive", lambda: stack.agent.get("/livez")[0] == 200, 2, explain=stack.tail)
    stack.db.thaw()
    stack.wait_proven(new, 60)
    stack.assert_serves(new)


def user_config(stack, tmp_path, password):
    secret = tmp_path / "password"
    secret.write_text(password + "\n")
    secret.chmod(0o600)
    return {"socket": str(stack.db.socket), "user": "agent", "password-file": str(secret)}


def test_login_refused_then_allowed(stack, tmp_path, authority):
    stack.agent.config["admin"] = user_config(stack, tmp_path, "right")
    bundle = authority.issue()
    stack.volume.publish(bundle)
    stack.agent.start()
    stack.agent.wait("published", lambda: stack.published_fp() == bundle.fp)
    stack.db.start()
    stack.db.create_user("agent", "wrong")
    waits_with(stack, "LoginRefused")
    stack.db.create_user("agent", "right")
    stack.wait_proven(bundle, 40)


def test_privilege_missing_then_granted(stack, tmp_path, authority):
    stack.agent.config["admin"] = user_config(stack, tmp_path, "right")
    bundle = authority.issue()
    stack.volume.publish(bundle)
    stack.agent.start()
    stack.agent.wait("published", lambda: stack.published_fp() == bundle.fp)
    stack.db.start()
    stack.db.create_user("agent", "right", rights="")
    said = waits_with(stack, "PrivilegeMissing")
    assert "RELOAD" in str(said["error"]), said["error"]
    stack.db.sql("GRANT RELOAD ON *.* TO agent@'%'")
    stack.wait_proven(bundle, 40)


def test_least_privilege_is_enough(stack, tmp_path):
    """The documented user: RELOAD and nothing else."""
    stack.agent.config["admin"] = user_config(stack, tmp_path, "right")
    stack.db.start(tls=False)
    stack.db.create_user("agent", "right")
    stack.db.stop()
    stack.up()
    stack.rotate()


def test_reload_claims_success_but_serves_the_old(make_stack, authority):
    """EX18: the statement succeeds, the wire says otherwise: failed, rolled back, not tried again, then recovered."""
    stack = make_stack(**{"verify-limit": "1s"}).up()
    old, new = stack.bundle, authority.issue()
    clients = stack.load()
    stack.deceive(old)
    stack.volume.publish(new)
    said = stack.agent.wait_event("rotation_rolled_back")
    assert said["reason"] == "ServedMismatch", said
    assert stack.published_fp() == old.fp and stack.served_fp() == old.fp
    stays("not tried again", lambda: len(stack.agent.find("rotation_rolled_back")) == 1, 2, explain=stack.tail)
    stack.deceive(None)
    stack.rotate()
    clients.check()


def test_rollback_that_fails_is_loud_and_ends(make_stack, authority):
    """EX20: neither new nor old is served: degraded, no loop; the next good bundle recovers."""
    stack = make_stack(**{"verify-limit": "1s"}).up()
    stack.deceive(authority.issue())
    stack.volume.publish(authority.issue())
    stack.agent.wait_event("rotation_degraded")
    count = int(stack.db.status("Com_flush"))
    stays("no loop", lambda: int(stack.db.status("Com_flush")) == count, 2, 0.2, explain=stack.tail)
    assert stack.agent.get("/readyz")[0] == 503 and stack.agent.get("/livez")[0] == 200
    stack.deceive(None)
    stack.rotate()
    stack.agent.wait("ready", lambda: stack.agent.get("/readyz")[0] == 200)


def test_server_without_tls(make_stack, authority):
    """A server that has no TLS at all is said to have none (its reload succeeds all the same)."""
    stack = make_stack(**{"verify-limit": "1s"})
    bundle = authority.issue()
    stack.volume.publish(bundle)
    stack.db.start(tls=False)
    stack.agent.start()
    said = stack.agent.wait_event("rotation_failed")
    assert "TLS" in said["error"] and not stack.agent.find("rotation_succeeded"), said


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_restarted_by_someone_else(stack, how):
    """A new process of the server is no trouble: it reads the published files."""
    stack.up()
    if how == "restart":
        stack.db.restart()
    else:
        stack.db.kill()
        stack.db.start()
    stack.assert_serves(stack.bundle)
    stack.rotate()
