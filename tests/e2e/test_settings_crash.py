# SPDX-License-Identifier: Apache-2.0
"""
kill -9 in every step while TLS is switched, forward and back: started again, the agent comes to rest where it would
have without the kill, and of the database's settings nothing is lost or left over.
"""

import signal

import pytest

from support.openssl import seen_by_openssl, serves_no_tls
from support.plain import PlainStack
from support.poll import wait_for
from support.supervisor import Supervisor

FORWARD = ["load", "validate", "stage", "publish", "apply", "verify", "report"]
ROLLBACK = ["unpublish", "apply", "verify", "unstage", "report"]
THEIRS = "# theirs\n[mysqld]\nwait_timeout = 4321\n"


@pytest.fixture
def plain(tmp_path, template, authority, tidy):
    """Up and proven without TLS; its settings file has lines of somebody else."""
    stack = tidy(PlainStack(tmp_path / "stack", "mariadb", template, authority, tls="off",
                            **{"restart-limit": "6s"}))
    stack.fragment.write_text(THEIRS)
    stack.allowed = lambda: True
    tidy(Supervisor(stack.db, lambda: stack.allowed()))
    stack.bundle = stack.issue()
    stack.volume.publish(stack.bundle)
    stack.agent.start()
    stack.agent.wait_event("settings_written", tls="off")
    stack.db.start(wait=False)
    stack.agent.wait_event("rotation_succeeded", 60)
    stack.settled = stack.fragment.read_text()
    stack.agent.stop()
    return stack


def killed(stack, step):
    stack.agent.config["tls"] = "required"
    stack.agent.start(CERTROTATE_BREAKPOINT=step)
    code = stack.agent.wait_end(60)
    assert code == -signal.SIGKILL, f"ended with {code} instead of at {step}{stack.tail()}"
    stack.agent.kill()


def leftovers(stack):
    return [path.name for path in stack.fragment.parent.iterdir() if path != stack.fragment]


@pytest.mark.parametrize("step", FORWARD)
def test_forward(plain, step):
    killed(plain, step)
    assert plain.fragment.read_text().startswith(THEIRS)
    plain.agent.start()
    plain.wait_proven(plain.bundle, 60)
    wait_for("it is served", lambda: plain.served_fp() == plain.bundle.fp, 30, 0.2, plain.tail)
    assert seen_by_openssl(plain.db.port) == plain.bundle.fp
    text = plain.fragment.read_text()
    assert text.startswith(THEIRS) and "require_secure_transport=ON" in text
    assert leftovers(plain) == []


@pytest.mark.parametrize("step", ROLLBACK)
def test_rollback(plain, step):
    """The server does not start with TLS: the settings of before come back, byte for byte, and with them the server."""
    plain.allowed = lambda: "ssl_cert" not in plain.fragment.read_text()
    killed(plain, f"rollback:{step}")
    plain.agent.start()
    plain.agent.wait("at rest", lambda: plain.agent.status().get("rotation", {}).get("step") == "idle" and
                     plain.fragment.read_text() == plain.settled, 90)
    wait_for("the server is back", lambda: serves_no_tls(plain.db.port), 60, 0.2, plain.tail)
    assert plain.fragment.read_text() == plain.settled and leftovers(plain) == []
