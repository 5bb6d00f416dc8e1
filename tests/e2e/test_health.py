# SPDX-License-Identifier: Apache-2.0
"""Probes, metrics and status of a real agent, over TCP as kubelet and Prometheus ask, and through its socket."""

import http.client
import json
import re
import signal
import socket

from support.agent import run
from support.authority import openssl
from support.poll import free_port, wait_for


def get(port, path, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def not_after(pem):
    import calendar
    import time
    text = openssl("x509", "-noout", "-enddate", "-dateopt", "iso_8601", stdin=pem).decode()
    return calendar.timegm(time.strptime(text.strip().split("=")[1], "%Y-%m-%d %H:%M:%SZ"))


def test_probes_follow_the_life(stack, authority):
    """SH11: not ready before the first publish, ready when proven, alive all the time."""
    port = free_port()
    stack.agent.config["listen"] = f"127.0.0.1:{port}"
    stack.volume.path.mkdir(exist_ok=True)
    stack.agent.start()
    stack.agent.wait("listens", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    assert [get(port, p)[0] for p in ("/startupz", "/readyz", "/livez")] == [503, 503, 200]
    bundle = authority.issue()
    stack.volume.publish(bundle)
    stack.agent.wait("started", lambda: get(port, "/startupz")[0] == 200)
    assert get(port, "/readyz")[0] == 503
    stack.db.start()
    stack.wait_proven(bundle)
    stack.agent.wait("ready", lambda: get(port, "/readyz")[0] == 200)
    assert get(port, "/healthz")[0] == 200 and get(port, "/nothing")[0] == 404
    assert get(port, "/readyz", "HEAD")[0] == 200 and get(port, "/readyz", "POST")[0] in (405, 501)
    assert json.loads(get(port, "/readyz?verbose")[1])
    # A bad bundle afterwards: what is served is still right.
    stack.volume.publish(authority.issue(), key=bundle.key)
    stack.wait_refused("key-mismatch")
    assert get(port, "/readyz")[0] == 200


def test_metrics_tell_the_truth(stack):
    stack.up()
    new = stack.rotate()
    metrics = stack.agent.metrics()
    ends = {re.search(r'stage="(\w+)"', k)[1]: v for k, v in metrics.items()
            if k.startswith("certrotate_certificate_not_after_timestamp_seconds")}
    assert ends == dict.fromkeys(("source", "published", "served"), not_after(new.cert))
    total = {k: v for k, v in metrics.items() if k.startswith("certrotate_rotations_total")}
    assert sum(total.values()) == 2 and [v for k, v in total.items() if 'result="success"' in k] == [2]
    assert [v for k, v in metrics.items() if k.startswith("certrotate_last_rotation_successful")] == [1]
    for name in ("certrotate_build_info", "certrotate_rollbacks_total", "certrotate_rotation_step_seconds_bucket",
                 "certrotate_detection_seconds_count", "certrotate_last_rotation_success_timestamp_seconds"):
        assert any(k.startswith(name) for k in metrics), name


def test_no_stale_series(stack):
    """EX26: the number of series is the same after any number of rotations."""
    stack.up()
    stack.rotate()
    names = set(stack.agent.metrics())
    for _ in range(3):
        stack.rotate()
    assert set(stack.agent.metrics()) == names


def test_status_command(stack):
    stack.up()
    code, out, err = run("status", "--socket", stack.agent.control, "--output", "json")
    assert code == 0, err
    assert stack.bundle.fp in out.replace(":", "").lower()
    code, out, err = run("status", "--socket", stack.agent.control)
    assert code == 0 and "\033" not in out, err


def test_port_taken(stack):
    """GT9: a clear error, nothing half-bound."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        stack.agent.config["listen"] = f"127.0.0.1:{taken.getsockname()[1]}"
        stack.agent.start()
        assert stack.agent.wait_end(20) in (1, 2)
        stack.agent.process = None
        assert str(taken.getsockname()[1]) in "\n".join(stack.agent.raw)


def test_slow_and_rude_clients(stack):
    """Connections that say nothing, garbage or too much cost nothing and disturb no rotation."""
    port = free_port()
    stack.agent.config["listen"] = f"127.0.0.1:{port}"
    stack.up()
    before = stack.agent.fds()
    rude = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    for i, connection in enumerate(rude):
        try:
            connection.sendall([b"", b"\0" * 9000, b"GET / HTTP/1.1\r\nX: " + b"a" * 90000, b"GET "][i % 4])
        except OSError:
            pass
    stack.rotate()
    for connection in rude:
        connection.close()
    wait_for("descriptors are back", lambda: stack.agent.fds() <= before, 30, explain=stack.tail)
    assert get(port, "/livez")[0] == 200


def test_liveness_red_when_it_stands_still(stack):
    """EX15: a stopped process does not answer; a going one does. (Bounds of scans and steps: unit tests.)"""
    stack.up()
    stack.agent.signal(signal.SIGSTOP)
    stack.agent.signal(signal.SIGCONT)
    assert stack.agent.get("/livez")[0] == 200
