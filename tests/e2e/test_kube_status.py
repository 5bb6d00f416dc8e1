# SPDX-License-Identifier: Apache-2.0
"""
`certrotate status` through a real API server, and as `kubectl certrotate` through a real kubectl. The reports are the
test's own: what agents write is shown in other files.
"""

import json
import os
import pty
import signal
import subprocess

import pytest

from support.agent import BINARY, REPORT, environment, run
from support.kube import BIN
from support.poll import end_with_parent, free_port, stays, wait_for
from support.reports import put, report

# A mount namespace in which /run has nothing but the files of an account (the first word, a folder).
IN_POD = ["unshare", "-rm", "sh", "-euc", """account=$1; shift
mount -t tmpfs none /run; mkdir -p /run/secrets/kubernetes.io; cp -rL "$account" /run/secrets/kubernetes.io/serviceaccount
exec "$@" """, "sh"]


def tell(namespace, name, text):
    namespace.patch(f"pods/{name}", {"metadata": {"annotations": {"certrotate.io/report": text}}})


def lines_of(page, word):
    return [line.split() for line in page.splitlines() if word in line.split()]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Nothing of the machine's own: no kubeconfig, no pod."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def plugin(home, monkeypatch):
    """In PATH, as an installation has it."""
    folder = home / "bin"
    folder.mkdir()
    (folder / "kubectl-certrotate").symlink_to(BINARY)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "kubectl-certrotate"


@pytest.fixture
def config(cluster, namespace, home):
    """The administrator's kubeconfig, in the namespace of the test."""
    return cluster.kubeconfig(home / "config", token=cluster.token, namespace=namespace.name)


def grant(namespace, verbs, subject):
    """What a user or an account may do with pods of the namespace."""
    group, body = "rbac.authorization.k8s.io/v1", {"metadata": {"name": f"pods-of-{subject['name']}"}}
    namespace.call("POST", "roles", {**body, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": verbs}]}, group)
    namespace.call("POST", "rolebindings", {
        **body, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", **body["metadata"]},
        "subjects": [subject]}, group)


class Watcher:
    """`certrotate status --watch`; .said is what it has printed, on a pipe or on a terminal."""

    def __init__(self, folder, *args, terminal=False, **env):
        self.said, self.errors = "", folder / "watch.err"
        mine, its = pty.openpty() if terminal else os.pipe()
        os.set_blocking(mine, False)
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen([BINARY, "status", "--watch", *map(str, args)], stdin=subprocess.DEVNULL,
                                            stdout=its, stderr=errors, env=environment(**env),
                                            preexec_fn=end_with_parent)
        os.close(its)
        self._mine = mine

    def read(self):
        try:
            self.said += os.read(self._mine, 1 << 20).decode(errors="replace")
        except (BlockingIOError, OSError):
            pass  # nothing new, or a terminal whose other end is closed
        return self.said

    def wait(self, word):
        wait_for(f"'{word}' on the page", lambda: word in self.read() or self.process.poll() is not None, 60,
                 explain=lambda: self.said + self.errors.read_text())
        assert word in self.read(), self.said + self.errors.read_text()

    def pages(self):
        return self.read().count("database")

    def cleanup(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self._mine)
        assert not REPORT.search(self.errors.read_text()), self.errors.read_text()


def test_kubectl_finds_it(namespace, config, plugin):
    put(namespace, "px-10", report("px-10", role="replica"))
    put(namespace, "px-9", report("px-9"))
    put(namespace, "web", None)
    env = environment(KUBECONFIG=str(config))
    done = subprocess.run([BIN / "kubectl", "certrotate"], capture_output=True, text=True, env=env, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    first, empty, head, *rows = done.stdout.splitlines()
    assert (first, empty) == ("2 pods of 1 database: all well", "")
    assert head.split() == "DATABASE POD ROLE SERVED UNTIL AGREE PHASE STATE LAST ERROR".split()
    assert [row.split()[:3] for row in rows] == [["px", "px-9", "primary"], ["px", "px-10", "replica"]]
    assert "\033" not in done.stdout and max(map(len, rows)) <= 100
    for words, says in ((["--help"], "usage: certrotate status"), (["status", "px-9"], "1 pod of 1 database"),
                        (["px", "-o=wide"], "mariadb 10.11.6"), (["version"], "OpenSSL"),
                        (["-n", namespace.name, "px-10"], "1 pod")):
        done = subprocess.run([BIN / "kubectl", "certrotate", *words], capture_output=True, text=True, env=env, timeout=60)
        assert done.returncode == 0 and says in done.stdout, (words, done)


def test_what_is_wrong_comes_first(namespace, config):
    put(namespace, "px-0", report("px-0", plan={"phase": "trust", "generation": 1, "done": True}))
    put(namespace, "px-1", report("px-1", degraded=True, error={"reason": "Timeout", "message": "no answer at all"}))
    put(namespace, "px-2", "{not JSON")
    put(namespace, "old", report("old", until="2021-01-01T00:00:00Z"), database="legacy")
    code, out, err = run("status", "--kubeconfig", config)
    assert (code, err) == (1, "")
    assert out.startswith("4 pods of 2 databases: 1 degraded (px-1), 1 bad report (px-2), 1 expired (old)\n")
    assert lines_of(out, "trust") and lines_of(out, "px-1")[0][-3:] == ["answer", "at", "all"]
    code, out, err = run("status", "--kubeconfig", config, "-o", "json")
    items = {item["pod"]: item for item in json.loads(out)["items"]}
    assert code == 1 and list(items) == ["old", "px-0", "px-1", "px-2"]
    assert items["px-0"]["well"] and items["px-0"]["report"]["plan"]["phase"] == "trust"
    assert items["px-2"]["report"] is None and "JSON" in items["px-2"]["problem"]


def test_only_what_is_asked_for(cluster, namespace, config):
    put(namespace, "px-0", report("px-0"), tier="db")
    put(namespace, "sdb-0", report("sdb-0"), database="sdb", tier="memory")
    put(namespace, "sdb-1", report("sdb-1"), database="sdb")
    pods = lambda *args: [item["pod"] for item in json.loads(  # noqa: E731
        run("status", "--kubeconfig", config, "-o", "json", *args)[1])["items"]]
    assert pods() == ["px-0", "sdb-0", "sdb-1"]
    assert pods("sdb") == ["sdb-0", "sdb-1"] and pods("sdb-1", "px") == ["px-0", "sdb-1"]
    assert pods("-l", "tier in (db,memory),!other") == ["px-0", "sdb-0"]
    assert pods("-ltier=db") == ["px-0"]
    assert pods("-n", "kube-system") == []
    code, out, err = run("status", "--kubeconfig", config, "sdb", "px-7")
    assert code == 1 and "sdb-0" in out and f"no database or pod 'px-7' in namespace '{namespace.name}'" in err
    code, out, err = run("status", "--kubeconfig", config, "-n", "kube-system")
    assert (code, out) == (1, "") and "no pod with certrotate in namespace 'kube-system'" in err
    code, out, err = run("status", "--kubeconfig", config, "-A", "-o", "json")
    assert {"px-0", "sdb-0", "sdb-1"} <= {item["pod"] for item in json.loads(out)["items"]
                                          if item["namespace"] == namespace.name}
    code, out, err = run("status", "--kubeconfig", config, "-l", "tier=")
    assert code == 1 and "no pod" in err
    code, out, err = run("status", "--kubeconfig", config, "-l", "a==b==c")
    assert code == 1 and "expected: ',' or 'end of string'" in err and err.count("\n") == 1


def test_pods_without_a_report(namespace, config):
    namespace.pod("px-0", annotations={"certrotate.io/inject": "true"})
    namespace.pod("px-1", annotations={"certrotate.io/inject": "false"})
    code, out, _ = run("status", "--kubeconfig", config)
    assert code == 1 and lines_of(out, "pending") and "px-1" not in out
    namespace.pod_status("px-0")
    code, out, _ = run("status", "--kubeconfig", config)
    assert code == 1 and out.startswith("1 pod of 1 database: 1 no report (px-0)\n")


def test_watch(namespace, config, tmp_path, tidy):
    put(namespace, "px-0", report("px-0"))
    watcher = tidy(Watcher(tmp_path, "--kubeconfig", config))
    watcher.wait("1 pod of 1 database: all well")
    tell(namespace, "px-0", report("px-0", step="apply"))
    watcher.wait("1 rotating")
    tell(namespace, "px-0", report("px-0", source="b", served="b"))
    wait_for("it rests again", lambda: watcher.read().count("all well") == 2)
    pages = watcher.pages()
    namespace.patch("pods/px-0", {"metadata": {"annotations": {"unrelated": "x"}}})
    put(namespace, "web", None)
    stays("no page without news", lambda: watcher.pages() == pages, 1.5)
    put(namespace, "px-1", report("px-1"))
    watcher.wait("2 pods of 1 database")
    namespace.delete("pods/px-0")
    namespace.delete("pods/px-1")
    watcher.wait("no pods")
    assert "\033" not in watcher.said


def test_watch_on_a_terminal(namespace, config, tmp_path, tidy):
    put(namespace, "px-0", report("px-0"))
    watcher = tidy(Watcher(tmp_path, "--kubeconfig", config, terminal=True, TERM="xterm"))
    watcher.wait("\033[32m1 pod of 1 database: all well")
    tell(namespace, "px-0", report("px-0", degraded=True))
    watcher.wait("\033[31mdegraded\033[0m")
    assert watcher.said.count("\033[H\033[2J") == 2


def test_watch_goes_on_after_a_restart_of_the_server(cluster, namespace, config, tmp_path, tidy):
    put(namespace, "px-0", report("px-0"))
    put(namespace, "px-1", report("px-1"))
    watcher = tidy(Watcher(tmp_path, "--kubeconfig", config))
    watcher.wait("2 pods of 1 database: all well")
    cluster.down(signal.SIGKILL)
    watcher.wait("not live: ")
    cluster.up()
    namespace.delete("pods/px-1")
    tell(namespace, "px-0", report("px-0", step="verify"))
    watcher.wait("1 pod of 1 database: 1 rotating")
    assert "not live" not in watcher.said.rpartition("1 rotating")[2]


def test_who_may_not(cluster, namespace, home, tmp_path, tidy):
    put(namespace, "px-0", report("px-0"))
    eve = cluster.kubeconfig(home / "eve", bundle=cluster.client_bundle("eve"), namespace=namespace.name)
    for words in ([], ["--watch"]):
        code, out, err = run("status", "--kubeconfig", eve, *words)
        assert (code, out) == (1, "") and err.count("\n") == 1
        assert f"the right to list pods in namespace '{namespace.name}' is missing: " in err and 'User "eve"' in err
    code, _, err = run("status", "--kubeconfig", eve, "-A")
    assert code == 1 and "the right to list pods in all namespaces is missing: " in err
    grant(namespace, ["list"], {"kind": "User", "name": "eve", "apiGroup": "rbac.authorization.k8s.io"})
    wait_for("she may list", lambda: run("status", "--kubeconfig", eve)[0] == 0)
    watcher = tidy(Watcher(tmp_path, "--kubeconfig", eve))
    watcher.wait(f"not live: the right to watch pods in namespace '{namespace.name}' is missing: ")
    assert "1 pod of 1 database: all well" in watcher.said


def test_no_way_to_the_server(cluster, namespace, home):
    stranger = cluster.kubeconfig(home / "stranger", token="nobody-knows-it")
    code, out, err = run("status", "--kubeconfig", stranger)
    assert (code, out) == (1, "") and "401" in err and err.count("\n") == 1
    nowhere = cluster.kubeconfig(home / "nowhere", token=cluster.token, port=free_port())
    code, out, err = run("status", "--kubeconfig", nowhere)
    assert (code, out) == (1, "") and "127.0.0.1" in err and err.count("\n") == 1
    untrusted = home / "untrusted"
    untrusted.write_text("".join(line for line in stranger.read_text().splitlines(True)
                                 if "certificate-authority" not in line))
    code, out, err = run("status", "--kubeconfig", untrusted)
    assert (code, out) == (1, "") and err.count("\n") == 1


def test_which_cluster(cluster, namespace, config, home, monkeypatch):
    """--kubeconfig, KUBECONFIG, ~/.kube/config, in that order; none of them is said."""
    put(namespace, "px-0", report("px-0"))
    code, out, err = run("status", "-n", namespace.name)
    assert (code, out) == (1, "") and err.count("\n") == 1
    assert "no cluster to ask, give --kubeconfig" in err and f"{home}/.kube/config" in err
    code, _, err = run("status")
    assert code == 1 and "no agent found at '/run/certrotate/control.sock'" in err and "--kubeconfig" in err
    (home / ".kube").mkdir()
    (home / ".kube/config").symlink_to(config)
    assert "px-0" in run("status")[1]  # no socket of an agent, but a cluster
    monkeypatch.setenv("KUBECONFIG", str(home / "none"))
    code, _, err = run("status")
    assert code == 1 and "no agent found" in err
    assert run("status", "--kubeconfig", config)[0] == 0
    code, _, err = run("status", "--kubeconfig", config, "--context", "other")
    assert code == 2 and "other" in err


@pytest.mark.skipif(subprocess.run(["unshare", "-rm", "true"], check=False).returncode != 0,
                    reason="this machine gives no mount namespace")
def test_in_a_pod(namespace, home):
    """No kubeconfig: the account of the pod, and its namespace."""
    put(namespace, "px-0", report("px-0"))
    volume = namespace.account_volume(home / "account", "default", "px-0")
    ask = lambda *args: run(*IN_POD[1:], volume.path, BINARY, "status", *args, binary=IN_POD[0],  # noqa: E731
                            **namespace.in_pod())
    code, out, err = ask()
    assert (code, out) == (1, "") and f"the right to list pods in namespace '{namespace.name}' is missing" in err
    grant(namespace, ["list"], {"kind": "ServiceAccount", "name": "default", "namespace": namespace.name})
    wait_for("the account may list", lambda: ask()[0] == 0)
    assert lines_of(ask()[1], "px-0")


@pytest.mark.parametrize("args, says", [
    (["--socket", "/x", "-n", "demo"], "give one kind"), (["--url", "http://127.0.0.1:1", "px-0"], "give one kind"),
    (["-n", "demo", "-A"], "give one of --namespace and --all-namespaces"),
    (["--kubeconfig", "/nonexistent"], "/nonexistent"), (["-o", "yaml"], "is not one of"),
    (["--namespce", "x"], "did you mean '--namespace'")])
def test_usage(home, args, says):
    code, out, err = run("status", *args)
    assert (code, out) == (2, "") and says in err and err.count("\n") == 1, err


def test_names_that_are_none(config):
    for name in ("Demo", "a/../b", "", "-"):
        code, out, err = run("status", "--kubeconfig", config, f"--namespace={name}")
        assert (code, out) == (2, "") and "is no name of a namespace" in err
