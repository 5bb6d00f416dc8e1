# SPDX-License-Identifier: Apache-2.0
"""The generic driver on a real nginx: reload by signal, by command and by HTTP call, each proven on the wire."""

import http.server
import os
import shutil
import signal
import subprocess
import threading

import pytest

from support import wire
from support.agent import Agent
from support.authority import fingerprint
from support.kubelet import KubeletVolume
from support.poll import end_with_parent, free_port, tail, wait_for


class Nginx:
    def __init__(self, folder, files):
        self.dir, self.port = folder, free_port()
        folder.mkdir()
        self.pid_file, self.conf = folder / "nginx.pid", folder / "nginx.conf"
        self.conf.write_text(f"""daemon off; pid {self.pid_file}; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
server {{ listen 127.0.0.1:{self.port} ssl; ssl_certificate {files}/tls.crt; ssl_certificate_key {files}/tls.key; }} }}
""")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(["nginx", "-e", self.dir / "error.log", "-c", self.conf, "-p", self.dir],
                                        preexec_fn=end_with_parent)
        wait_for("nginx answers", lambda: wire.served_or_none(self.port, wire.served_direct), explain=self.tail)

    def tail(self):
        return tail(self.dir / "error.log")

    def cleanup(self):
        if self.process:
            self.process.terminate()
            self.process.wait(20)


@pytest.fixture
def nginx(tmp_path, tidy):
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    return tidy(Nginx(tmp_path / "nginx", tmp_path / "published"))


@pytest.fixture
def run_agent(tmp_path, tidy, nginx, authority, volume):
    def start(generic, **more):
        agent = tidy(Agent(tmp_path / "agent", {
            "database": "generic", "source": str(volume.path), "publish": str(tmp_path / "published"),
            "endpoints": [f"https://127.0.0.1:{nginx.port}"], "generic": generic, **more}))
        first = authority.issue()
        volume.publish(first)
        agent.start()
        agent.wait("published", lambda: (tmp_path / "published/tls.crt").exists())
        nginx.start()
        agent.wait_event("rotation_succeeded", 40, fingerprint=first.fp[:16])
        return agent
    return start


def rotates(agent, nginx, volume, authority, n=3):
    for _ in range(n):
        bundle = authority.issue()
        volume.publish(bundle)
        agent.wait_event("rotation_succeeded", 30, fingerprint=bundle.fp[:16])
        # A worker of before the reload may still accept for a moment: nginx lets it go after the new one is up.
        wait_for("served", lambda b=bundle: wire.served_direct(nginx.port, authority.ca_file()) == b.fp, 10)


def test_by_signal(run_agent, nginx, volume, authority):
    agent = run_agent({"reload": {"signal": "HUP"}, "pid-file": str(nginx.pid_file), "executable": "nginx"})
    rotates(agent, nginx, volume, authority)


def test_by_command(run_agent, nginx, volume, authority):
    agent = run_agent({"reload": {"command": ["nginx", "-e", f"{nginx.dir}/error.log", "-c", str(nginx.conf), "-p",
                                              str(nginx.dir), "-s", "reload"]}})
    rotates(agent, nginx, volume, authority)


def test_command_that_was_too_early(run_agent, nginx, tmp_path):
    """It fails since nobody is there yet; then somebody is, who has refused nothing."""
    calls = tmp_path / "calls"
    script = 'echo >> "$1"; [ "$(wc -l < "$1")" -gt 1 ] || { until [ -s "$2" ]; do sleep 0.1; done; sleep 1; exit 1; }'
    agent = run_agent({"reload": {"command": ["sh", "-c", script, "sh", str(calls), str(nginx.pid_file)]}})
    assert not agent.find("rotation_failed") and calls.read_text().count("\n") == 2


def test_by_http_call(run_agent, nginx, volume, authority):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            os.kill(int(nginx.pid_file.read_text()), signal.SIGHUP)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        agent = run_agent({"reload": {"http": {"url": f"http://127.0.0.1:{server.server_port}/-/reload"}}})
        rotates(agent, nginx, volume, authority)
    finally:
        server.shutdown()


def test_command_that_lies(run_agent, nginx, volume, authority, tmp_path):
    """EX18 again: exit 0 and nothing happened."""
    agent = run_agent({"reload": {"command": ["true"]}}, **{"verify-limit": "1s"})
    old = wire.served_direct(nginx.port)
    volume.publish(authority.issue())
    agent.wait_event("rotation_rolled_back", 30, reason="ServedMismatch")
    assert fingerprint((tmp_path / "published/tls.crt").read_bytes()) == old == wire.served_direct(nginx.port)


def test_command_that_fails_or_hangs(run_agent, nginx, volume, authority, tmp_path):
    """SH6 and the time limit: arguments arrive untouched, the whole process group is killed."""
    marker = tmp_path / "it's $HOME;`x` \"q\""
    script = 'echo "$#" > "$1"; sleep 600 & echo $! >> "$1"; wait'
    agent = run_agent({"reload": {"command": ["nginx", "-v"]}}, **{"verify-limit": "1s"})
    agent.stop()
    agent.config["generic"] = {"reload": {"command": ["sh", "-c", script, "sh", str(marker), ""]},
                               "command-limit": "2s"}
    agent.start()
    old = wire.served_direct(nginx.port)
    volume.publish(authority.issue())
    agent.wait("timeout named", lambda: any("Timeout" in str(e.get("reason")) for e in agent.events), 40)
    count, sleeper = marker.read_text().split()[:2]
    assert count == "2"
    wait_for("the group is gone", lambda: not os.path.exists(f"/proc/{sleeper}"), 10, explain=agent.tail)
    assert wire.served_direct(nginx.port) == old
