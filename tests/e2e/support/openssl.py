# SPDX-License-Identifier: Apache-2.0
"""What OpenSSL's own client sees of a listener: it shares nothing with the agent."""

import re
import subprocess

from .authority import fingerprint

PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n", re.S)


def chain_seen(port, *more):
    """The certificates served, as PEM, leaf first; s_client prints each as it came over the wire."""
    done = subprocess.run(["openssl", "s_client", "-showcerts", "-connect", f"127.0.0.1:{port}", *more], input=b"",
                          capture_output=True, timeout=30)
    return b"".join(PEM.findall(done.stdout.partition(b"\n---\nServer certificate")[0]))


def seen_by_openssl(port, starttls="mysql"):
    """The fingerprint of the leaf."""
    return fingerprint(chain_seen(port, "-starttls", starttls))


def serves_no_tls(port):
    done = subprocess.run(["openssl", "s_client", "-starttls", "mysql", "-connect", f"127.0.0.1:{port}"], input=b"",
                          capture_output=True, timeout=30)
    return b"does not support SSL" in done.stderr
