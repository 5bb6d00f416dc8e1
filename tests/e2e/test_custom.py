# SPDX-License-Identifier: Apache-2.0
"""
The database's own configuration files: published as a whole, taken by a graceful restart, proven by what the server
says of itself; else the files of before come back, and with them the server.
"""

import json
import signal

import pytest

from support.custom import CustomStack, cnf, content
from support.poll import stays


@pytest.fixture
def custom(tmp_path, template, authority, tidy):
    """Up with max_connections 250, which the database found when it came."""
    stack = tidy(CustomStack(tmp_path / "stack", template, authority))
    stack.plan.write(turn=[])
    stack.put_files(cnf(max_connections=250))
    stack.up()
    stack.wait_applied(cnf(max_connections=250))
    stack.agent.forget()
    return stack


def ask(stack, files, **more):
    """A plan that names the content; returns its generation."""
    return stack.plan.write(**{"turn": ["px-0"], "files": {stack.secret_name: content(files)}, **more})


def test_first_change_and_removal(custom):
    assert custom.setting() == "250" and custom.supervisor.starts == 0, "the first files need no restart"
    files = custom.put_files(cnf(max_connections=550, wait_timeout="1000", sort_buffer_size="1M"))
    generation = ask(custom, files, turn=[])
    custom.agent.wait_status("held", lambda s: s["plan"]["generation"] == generation and s["plan"]["held"])
    stays("another's turn", lambda: custom.setting() == "250", 0.5, explain=custom.tail)
    generation = ask(custom, files)
    custom.wait_applied(files)
    assert (custom.setting(), custom.setting("wait_timeout"), custom.supervisor.starts) == ("550", "1000", 1)
    custom.wait_done(generation)
    generation = ask(custom, {})
    custom.agent.wait_status("waits", lambda s: "not here yet" in str(s["files"]["error"]))
    assert not custom.agent.status()["plan"]["done"]
    custom.put_files({})
    custom.wait_applied({})
    custom.wait_done(generation)
    assert custom.setting() == "151" and custom.published_files() == {}
    assert custom.served_fp() == custom.bundle.fp


@pytest.mark.parametrize("bad, says", [
    ({"no_such_setting": 1}, "did not come back within"),
    ({"max_connections": 1}, "max_connections is 10 after the restart"),
], ids=["refused", "changed"])
def test_rolled_back(custom, bad, says):
    """A server that does not start, and one that starts with something else than was asked for."""
    before = cnf(max_connections=250)
    broken = lambda: "no_such_setting" in json.dumps(custom.published_files())
    custom.allowed = lambda: custom.supervisor.starts < 2 or not broken()  # as a kubelet backs off
    files = custom.put_files(cnf(**bad))
    generation = ask(custom, files)
    custom.agent.wait_event("configuration_rolled_back", 60, error=says)
    custom.wait_setting("250")
    assert custom.published_files() == before
    status = custom.agent.wait_status("at rest", lambda s: s["rotation"]["step"] == "idle")
    assert says in status["files"]["error"] and not status["plan"]["done"] and not status["degraded"]
    assert custom.agent.metrics()['certrotate_configuration_changes_total{result="rolled_back"}'] == 1
    assert custom.served_fp() == custom.bundle.fp
    assert not broken() and ("no_such_setting" not in bad or "unknown variable 'no_such_setting=1'" in
                             custom.db.log.read_text())
    starts = custom.supervisor.starts
    ask(custom, files, request="rcfg", generation=generation)
    stays("not tried again", lambda: custom.supervisor.starts == starts, 1, explain=custom.tail)
    # The controller puts the files of before back, and asks for them.
    custom.put_files(before)
    custom.wait_done(ask(custom, before))
    assert custom.supervisor.starts == starts and custom.agent.status()["files"]["error"] is None


def test_refused_before_anything(custom):
    for files, says in (({"my.cnf": "max_connections = 550\n"}, "before any section"),
                        ({"my.txt": "[mysqld]\n"}, "named \\*.cnf only"), ({"my.cnf": "[mysqld]\nx=\0\n"}, "byte 0")):
        custom.put_files(files)
        ask(custom, files)
        custom.agent.wait_event("configuration_refused", error=says)
        assert custom.published_files() == cnf(max_connections=250) and custom.supervisor.starts == 0


FORWARD = ["check", "publish", "restart", "prove", "report"]
ROLLBACK = ["unpublish", "restart", "prove", "report"]


def killed(stack, step):
    code = stack.agent.wait_end(60)
    assert code == -signal.SIGKILL, f"ended with {code} instead of at {step}{stack.tail()}"
    stack.agent.kill()
    stack.agent.start()


def begun(tmp_path, template, authority, tidy):
    stack = tidy(CustomStack(tmp_path / "stack", template, authority))
    stack.plan.write()
    stack.put_files(cnf(max_connections=250))
    stack.up()
    stack.wait_applied(cnf(max_connections=250))
    return stack


def test_kill_forward(tmp_path, template, authority, tidy):
    """One server, each step in turn: whatever was under way is brought to its end."""
    stack = begun(tmp_path, template, authority, tidy)
    for value, step in enumerate(FORWARD, 300):
        files = stack.put_files(cnf(max_connections=value))
        stack.agent.stop()
        stack.agent.start(CERTROTATE_BREAKPOINT=f"files-{step}")
        generation = ask(stack, files)
        killed(stack, step)
        stack.wait_applied(files)
        stack.wait_done(generation)
        assert stack.setting() == str(value)
        assert tidied(stack)


def tidied(stack):
    """Two generations and nothing half of one."""
    names = [path.name for path in stack.files_dir.iterdir()]
    return not [name for name in names if name.startswith(("..tmp", "..half"))] and len(
        [name for name in names if name.startswith("..gen")]) <= 2


def test_kill_backward(tmp_path, template, authority, tidy):
    stack = begun(tmp_path, template, authority, tidy)
    for value, step in enumerate(ROLLBACK, 1):
        files = stack.put_files(cnf(max_connections=value))  # the server takes 10 for it
        stack.agent.stop()
        stack.agent.start(CERTROTATE_BREAKPOINT=f"rollback:files-{step}")
        ask(stack, files)
        killed(stack, step)
        stack.agent.wait_status("rolled back", lambda s: "max_connections is 10" in str(s["files"]["error"]) and
                                s["rotation"]["step"] == "idle", 40)
        stack.wait_setting("250")
        assert stack.published_files() == cnf(max_connections=250) and tidied(stack)
        assert not stack.agent.status()["degraded"]


def test_with_a_new_certificate(custom, authority):
    """Both at once: one after the other, and the plan is done when both are."""
    files = custom.put_files(cnf(max_connections=550))
    custom.volume.publish(bundle := authority.issue())
    generation = ask(custom, files)
    custom.wait_done(generation)
    assert (custom.setting(), custom.served_fp(), custom.supervisor.starts) == ("550", bundle.fp, 1)
    # A certificate that comes while the server restarts is taken afterwards.
    custom.agent.forget()
    custom.allowed = lambda: False
    files = custom.put_files(cnf(max_connections=560))
    generation = ask(custom, files)
    custom.agent.wait_event("database_restarted")
    old, bundle = bundle, authority.issue()
    custom.volume.publish(bundle)
    stays("one thing at a time", lambda: custom.published_fp() == old.fp, 1, explain=custom.tail)
    custom.allowed = lambda: True
    custom.wait_proven(bundle)
    custom.wait_done(generation)
    assert (custom.setting(), custom.served_fp(), custom.supervisor.starts) == ("560", bundle.fp, 2)


def test_without_any_certificate(tmp_path, template, authority, tidy):
    """TLS is off and there is no Secret with a certificate: the plan is done as soon as the server answers."""
    stack = tidy(CustomStack(tmp_path / "stack", template, authority, tls="off",
                             **{"settings-file": str(tmp_path / "zz-certrotate.cnf")}))
    stack.db.with_tls = False
    generation = stack.plan.write(turn=[])
    stack.agent.start()
    stack.agent.wait("the directory that the server includes", stack.files_dir.is_dir)
    stack.db.start()
    stack.wait_done(generation)
    files = stack.put_files(cnf(max_connections=550))
    generation = ask(stack, files)
    stack.wait_applied(files)
    stack.wait_done(generation)
    assert (stack.setting(), stack.supervisor.starts) == ("550", 1)
    assert stack.agent.metrics()["certrotate_plan_done"] == 1


def test_alone(tmp_path, template, authority, tidy):
    """Without a plan the Secret is followed; files that are gone altogether change nothing."""
    stack = tidy(CustomStack(tmp_path / "stack", template, authority, planned=False))
    stack.put_files(cnf(max_connections=240))
    stack.volume.publish(authority.issue())
    stack.agent.start()
    stack.agent.wait_event("configuration_published", content=content(cnf(max_connections=240))[:16])
    first = stack.put_files(cnf(max_connections=250))  # the database is not there: these count
    stack.agent.wait_event("configuration_published", content=content(first)[:16])
    stack.db.start()
    stack.wait_applied(first)
    assert (stack.setting(), stack.supervisor.starts) == ("250", 0)
    files = stack.put_files(cnf(max_connections=260))
    stack.wait_applied(files)
    # A single run, too; and a signal tries once more what failed.
    stack.agent.stop()
    files = stack.put_files(cnf(max_connections=270))
    stack.agent.start("--once")
    assert stack.agent.wait_end() == 3 and stack.setting() == "270", stack.tail()
    stack.agent.kill()
    stack.agent.start()
    stack.put_files({"my.cnf": "bare = 1\n"})
    stack.agent.wait_event("configuration_refused")
    stack.agent.forget()
    stack.agent.signal(signal.SIGHUP)
    stack.agent.wait_event("configuration_refused")
    stack.put_files({})
    stays("nothing is taken away", lambda: stack.published_files() == files, 1, explain=stack.tail)
    assert (stack.setting(), stack.supervisor.starts) == ("270", 2)
