# SPDX-License-Identifier: Apache-2.0
"""What OpenSSL's own client sees of a listener, and its own server: they share nothing with the agent."""

import re
import socket
import subprocess

from .authority import fingerprint
from .poll import end_with_parent, free_port, wait_for

PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n", re.S)


def chain_seen(port, *more):
    """The certificates served, as PEM, leaf first; s_client prints each as it came over the wire."""
    done = subprocess.run(["openssl", "s_client", "-showcerts", "-connect", f"127.0.0.1:{port}", *more], input=b"",
                          capture_output=True, timeout=30)
    return b"".join(PEM.findall(done.stdout.partition(b"---\nServer certificate\n")[0]))


def seen_by_openssl(port, starttls="mysql"):
    """The fingerprint of the leaf."""
    return fingerprint(chain_seen(port, "-starttls", starttls))


def serves_no_tls(port, host="127.0.0.1"):
    done = subprocess.run(["openssl", "s_client", "-starttls", "mysql", "-connect", f"{host}:{port}"], input=b"",
                          capture_output=True, timeout=30)
    return b"does not support SSL" in done.stderr


class OpenSSLServer:
    """files: folder with tls.crt and tls.key, of which only the leaf is served unless more says otherwise."""

    def __init__(self, files, *more):
        self.port = free_port()
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", files / "tls.crt", "-key",
             files / "tls.key", "-quiet", *map(str, more)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent)
        wait_for("s_server", self.listens, 10)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def cleanup(self):
        self.process.kill()
        self.process.wait()
