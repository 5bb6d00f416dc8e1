# SPDX-License-Identifier: Apache-2.0
"""
Alerts and dashboard: read by Prometheus' own tool, fed with series, and every name one that agent and controller expose.
"""

import json
import re
import shutil
import subprocess

import pytest

from support.agent import ROOT
from support.webhook import Webhook

FOLDER = ROOT / "deploy/kubernetes/monitoring"
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
RULES = (FOLDER / "rules.yaml").read_text()


def names(text):
    """Of metrics, those of a histogram without what stands behind its name."""
    found = set(re.findall(r"\bcertrotate_[a-z_]+", text))
    return {re.sub(r"_(bucket|sum|count)$", "", name) if "seconds_" in name else name for name in found}


def promtool(*words, check=True):
    if shutil.which("promtool") is None:
        pytest.fail("promtool is not installed: apt-get install prometheus")
    done = subprocess.run(["promtool", *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def groups(tmp_path):
    """The groups alone, which are a rule file."""
    file = tmp_path / "rules.yaml"
    lines = RULES[RULES.index("  groups:"):].splitlines()
    file.write_text("\n".join(line[2:] for line in lines) + "\n")
    return file


def test_alerts_are_rules(groups):
    said = promtool("check", "rules", "--lint-fatal", groups)[1]
    assert f"{groups.read_text().count('alert: ')} rules found" in said, said
    for alert in re.split(r"\n    - alert: ", RULES)[1:]:
        assert re.search(r"^      labels: \{severity: (critical|warning)\}$", alert, re.M), alert
        assert re.search(r"^        summary: ", alert, re.M) and re.search(r"^        action: ", alert, re.M), alert


def test_queries_are_queries(tmp_path):
    assert len(QUERIES) > 20
    file = tmp_path / "queries.yaml"
    rules = [{"record": f"query_{i}", "expr": query.replace("$__rate_interval", "5m").replace("$namespace", ".*")}
             for i, query in enumerate(QUERIES)]
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", file)


def test_a_dashboard_of_four_things():
    """Expiry, rotations, failures, lag; panels have numbers of their own and do not lie over each other."""
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Expiry", "Rotations", "Failures", "Lag", "Controller"]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells


DAY = 86400
AGENT = '{namespace="demo",pod="px-0"%s}'


def dates(stage, start, end):
    more = AGENT % f',stage="{stage}"'
    return [(f"certrotate_certificate_not_before_timestamp_seconds{more}", str(start)),
            (f"certrotate_certificate_not_after_timestamp_seconds{more}", str(end))]


# What the series are, the alerts that come of it within two hours (which begin at 0), and that else none does.
CASES = {
    "all is well": ([*dates("source", -DAY, 9 * DAY), *dates("served", -DAY, 9 * DAY),
                     ("certrotate_degraded" + AGENT % "", "0"), ("certrotate_last_rotation_successful" + AGENT % "", "1"),
                     ("certrotate_missed_injections", "0"), ('certrotate_controller_databases_expiring{days="1"}', "0")], set()),
    "expired": (dates("served", -DAY, 60), {"CertrotateCertificateExpired", "CertrotateCertificateEndsSoon"}),
    "a tenth of a year": (dates("served", -340 * DAY, 25 * DAY), {"CertrotateCertificateEndsSoon"}),
    "a fifth of a day": (dates("served", -DAY // 2, DAY), set()),
    "not served": ([*dates("source", -DAY, 20 * DAY), *dates("served", -2 * DAY, 9 * DAY)],
                   {"CertrotateRenewalNotServed"}),
    "failed": ([("certrotate_last_rotation_successful" + AGENT % "", "0")], {"CertrotateRotationFailed"}),
    "degraded": ([("certrotate_degraded" + AGENT % "", "1")], {"CertrotateDegraded"}),
    "pending": ([("certrotate_reload_pending" + AGENT % "", "1")], {"CertrotateReloadPending"}),
    "endpoint": ([("certrotate_endpoint_up" + AGENT % ',url="mysql://a:1"', "0")], {"CertrotateEndpointDown"}),
    "configuration": ([("certrotate_configuration_error" + AGENT % "", "1")], {"CertrotateConfigurationFailed"}),
    "ready": ([('certrotate_controller_ready{pod="c"}', "0")], {"CertrotateControllerNotReady"}),
    "failures": ([('certrotate_controller_reconciles_total{result="failed"}', "0+3")], {"CertrotateReconcilesFail"}),
    "work": ([('certrotate_controller_reconciles_total{result="changed"}', "0+3")], set()),
    "missed": ([("certrotate_missed_injections", "1")], {"CertrotateInjectionMissed"}),
    "webhook": ([('certrotate_controller_webhook_certificate_expiry_timestamp_seconds{pod="c"}', "0")],
                {"CertrotateWebhookCertificate"}),
    "webhook is well": ([('certrotate_controller_webhook_certificate_expiry_timestamp_seconds{pod="c"}', str(DAY))], set())}
LEADER = [('certrotate_controller_leader{pod="a"}', "1"), ('certrotate_controller_leader{pod="b"}', "0")]
CASES.update({name: (series + LEADER, alerts) for name, (series, alerts) in CASES.items()})
CASES["no controller"] = ([], {"CertrotateControllerLeader"})
CASES["two lead"] = ([(name, "1") for name, _ in LEADER], {"CertrotateControllerLeader"})


def test_alerts_come_and_others_do_not(groups, tmp_path):
    """`ALERTS` of each case, two hours on: what fires, and nothing besides."""
    tests = []
    for series, alerts in CASES.values():
        tests.append({
            "interval": "1m", "input_series": [
                {"series": name, "values": f"{value}x150" if "+" in value else f"{value}+0x150"} for name, value in series],
            "promql_expr_test": [{
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})', "eval_time": "2h",
                "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(alerts)]}]})
    file = tmp_path / "tests.yaml"
    file.write_text(json.dumps({"rule_files": [str(groups)], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", file)
    every = set().union(*(alerts for _, alerts in CASES.values()))
    assert every == set(re.findall(r"- alert: (\w+)", RULES)), "an alert that no case has seen"


def test_names_are_exposed(cluster, namespace, stack, tmp_path, tidy):
    """By an agent that has served, and one controller with its webhook."""
    stack.up()
    agent = names(stack.agent.get("/metrics")[1])
    webhook = Webhook(cluster, namespace, tmp_path, tidy)
    one = webhook.controller().start().wait_ready()
    exposed = agent | names(one.get("/metrics")[1])
    one.stop()
    # Those of a database's configuration files are there when it has some (golden/metrics.txt).
    golden = names((ROOT / "tests/golden/metrics.txt").read_text())
    exposed |= {name for name in golden if name.startswith("certrotate_configuration_")}
    asked = names("\n".join(QUERIES) + re.sub(r"^\s+(summary|action|name|- name): .*$", "", RULES, flags=re.M))
    asked = {name for name in asked if not name.startswith("certrotate_io")}
    assert asked and asked <= exposed, asked - exposed
