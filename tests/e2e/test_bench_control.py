# SPDX-License-Identifier: Apache-2.0
"""
The load benchmark of the controller: that its crowd plays the agents by their rules and sees what must not be, and that
a small load of it comes to an end with numbers that are counted, not guessed.
"""

import json
import subprocess
import sys
import threading

import pytest

from support.agent import BINARY, ROOT
from support.fleet import databases_group
from support.kube import missing
from support.poll import STRETCH

BENCH = ROOT / "tests/bench"
sys.path.insert(0, str(BENCH))

from crowd.players import Database  # noqa: E402
from crowd.wires import Crew, Refused, Watch  # noqa: E402

OLD, NEW = "0a" * 32, "0b" * 32


class Script:
    """Stands in for the crew: what is to be done, in its order, and done when a test says so."""

    def __init__(self):
        self.jobs, self.sent = [], []

    def after(self, seconds, fn, *args):
        self.jobs.append((seconds, fn, args))

    def do(self, word):
        """The first job of that name."""
        job = next(job for job in self.jobs if job[1].__name__ == word)
        self.jobs.remove(job)
        job[1](self, *job[2])
        return job[0]

    def report(self):
        """Whatever is to be reported is; how long after its cause, each."""
        waited = []
        while "_want" in self.names() or "_report" in self.names():
            waited.append(self.do("_want" if "_want" in self.names() else "_report"))
        return waited

    def names(self):
        return [fn.__name__ for _, fn, _ in self.jobs]

    def merge(self, path, body):
        self.sent.append(json.loads(body["metadata"]["annotations"]["certrotate.io/report"]))


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def database(script):
    return Database(script, 7, OLD, 0.2, [])


def plan(generation, *turn):
    return {"request": "rotate", "generation": generation, "turn": list(turn)}


def served(report):
    return report["bundles"][0]["served"]["fingerprint"]


def test_a_pod_waits_for_its_turn(script, database):
    database.take_plan(plan(2))
    database.take_leaf(NEW)
    script.report()
    assert script.sent[0]["plan"] == {"request": "rotate", "generation": 2, "phase": "", "turn": False, "held": True,
                                      "done": False, "message": ""}
    assert served(script.sent[0]) == OLD and "_acted" not in script.names()
    database.take_plan(plan(2, "db-00007-0"))
    assert script.do("_acted") == 0.2
    script.report()
    assert all(r["step"] == "idle" for r in script.sent), "it is over within a second"
    told = next(r for r in script.sent if r["instance"] == "db-00007-0" and r["plan"]["turn"])
    assert served(told) == NEW and told["plan"]["done"] and not told["plan"]["held"] and database.faults == []


def test_one_report_a_second(script, database):
    database.take_plan(plan(2))
    assert script.names() == ["_want"] * 3
    assert script.report() == [0.05] * 3 + [0] * 3
    database.take_leaf(NEW)
    database.take_plan(plan(3))
    while "_want" in script.names():
        assert script.do("_want") == 0.05
    assert script.names() == ["_report"] * 3, "both in one"
    assert all(seconds > 0.05 for seconds, _, _ in script.jobs)
    database.take_leaf(OLD)
    database.take_plan(plan(2))
    script.report()
    assert len(script.sent) == 3 and script.names() == [], "nothing that is there already is written"


def test_work_that_takes_long_is_reported(script):
    database = Database(script, 7, OLD, 5, [])
    database.take_leaf(NEW)
    database.take_plan(plan(2, "db-00007-0"))
    assert max(script.report()) > 0.5
    assert "apply" in [r["step"] for r in script.sent]
    assert script.names() == ["_conditions", "_acted"] and [seconds for seconds, _, _ in script.jobs] == [1, 5]


def test_two_at_once_are_a_fault(script, database):
    database.take_leaf(NEW)
    database.take_plan(plan(2, "db-00007-0"))
    assert database.faults == []
    database.take_plan(plan(2, "db-00007-1"))
    assert database.faults == ["db-00007-1 and db-00007-0 are at work at the same time"]


def test_the_crew_tells_its_faults(cluster, tidy):
    crew = Crew(cluster.api, cluster.token, 2)
    try:
        seen = []
        crew.all(lambda wire, name: seen.append(wire.call("GET", f"/api/v1/namespaces/{name}")["metadata"]["name"]),
                 ["default", "kube-system"])
        assert sorted(seen) == ["default", "kube-system"] and crew.reads() == 2 and crew.writes() == 0
        with pytest.raises(AssertionError, match="404"):
            crew.all(lambda wire, name: wire.call("GET", f"/api/v1/namespaces/{name}"), ["nobody"])
    finally:
        crew.stop()


def test_a_watch_tells_what_is_there_and_what_comes(cluster, namespace):
    crew, names, heard = Crew(cluster.api, cluster.token, 1), [], threading.Event()

    def told(kind, found):
        names.append((kind, found["metadata"]["name"]))
        if names[-1] == ("ADDED", "later"):
            heard.set()
    namespace.config_map("before")
    watch = Watch(crew, namespace.path("configmaps"), None, told)
    try:
        assert watch.listed.wait(30 * STRETCH)
        namespace.config_map("later")
        assert heard.wait(30 * STRETCH), names
        assert names.index(("ADDED", "before")) < names.index(("ADDED", "later"))
        crew.check()
        with pytest.raises(Refused, match="404"):
            crew.wires[0].call("GET", namespace.path("mariadbs/none", databases_group("mariadb")))
    finally:
        watch.stop()
        crew.stop()


@pytest.mark.skipif(bool(missing()), reason=str(missing()))
def test_a_small_load(tmp_path):
    """Three databases, two rotations: what the API server has counted is what the controller says it has sent."""
    out = tmp_path / "out.json"
    done = subprocess.run([sys.executable, "-B", BENCH / "control.py", "--databases", "3", "--requests", "2", "--many", "5",
                           "--idle", "1", "--act", "20", "--controller", BINARY, "--json", out, "--limit", "200"],
                          capture_output=True, text=True, timeout=500 * STRETCH)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(out.read_text())
    busy = result["busy"]
    assert busy["faults"] == [] and len(busy["times_s"]) == 2
    assert busy["asked"]["patch certificates/status"] == 4, "two Certificates each, told to issue once"
    assert busy["asked"]["patch configmaps"] + busy["asked"].get("patch configmaps 409", 0) >= 2 * 4
    assert 0 < busy["writes"] < busy["requests"] and busy["writes"] <= busy["all_writes"]
    assert busy["events"] > 0 and busy["cpu_s"] > 0 and set(busy["steps_s"]) >= {"hold", "walk"}
    assert result["rest"]["rss_kib"] > 0 and result["many"]["peak_kib"] >= result["many"]["rss_kib"]
    assert "writes for each pod" in done.stdout
