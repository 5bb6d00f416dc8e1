# SPDX-License-Identifier: Apache-2.0
"""mssql.conf, read once at start, and the TLS contexts that come of it."""

import configparser
import ssl
import subprocess
from pathlib import Path

VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2,
            "1.3": ssl.TLSVersion.TLSv1_3}
MEMORY_MB, MEMORY_LEAST_MB = 6400, 2000  # of this machine as the server sees it
FALSE, TRUE = ("0", "false", "no", "off"), ("1", "true", "yes", "on")


class Refused(Exception):
    """The server does not start."""


class Conf:
    def __init__(self, home):
        self.home = Path(home)
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        try:
            parser.read(self.home / "mssql.conf")
        except (configparser.Error, UnicodeDecodeError) as e:
            raise Refused(f"mssql.conf: {e}") from None
        network = parser["network"] if parser.has_section("network") else {}
        self.cert, self.key = network.get("tlscert"), network.get("tlskey")
        self.protocols = [p.strip() for p in network.get("tlsprotocols", "1.2,1.1,1.0").split(",")]
        self.force_encryption = self._flag(network, "forceencryption")
        self.force_strict = self._flag(network, "forcestrict")
        for protocol in self.protocols:
            if protocol not in VERSIONS:
                raise Refused(f"tlsprotocols: '{protocol}'")
        memory = parser.get("memory", "memorylimitmb", fallback=str(MEMORY_MB))
        if not memory.isdigit() or int(memory) < MEMORY_LEAST_MB:
            raise Refused(f"This program requires a machine with at least {MEMORY_LEAST_MB} megabytes of memory.")
        self.memory_mb = int(memory)
        if bool(self.cert) != bool(self.key):
            raise Refused("tlscert and tlskey come together")

    @staticmethod
    def _flag(network, name):
        word = network.get(name, "0").lower()
        if word not in FALSE + TRUE:
            raise Refused(f"{name}: '{word}'")
        return word in TRUE

    def pair(self):
        """Paths of certificate and key. Without configured ones a self-signed pair is made, anew at each start."""
        if self.cert:
            return self.cert, self.key
        cert, key = self.home / "data/self-signed.crt", self.home / "data/self-signed.key"
        cert.parent.mkdir(exist_ok=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-subj",
                        "/CN=SSL_Self_Signed_Fallback", "-keyout", key, "-out", cert], check=True, capture_output=True)
        return cert, key

    def contexts(self, pair=None):
        """(inside PRELOGIN, strict)"""
        cert, key = pair or self.pair()
        both = []
        for strict in (False, True):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            try:
                context.load_cert_chain(cert, key)
            except (OSError, ssl.SSLError) as e:
                raise Refused(f"unable to load user-specified certificate [{cert}]: {e}. The server will not accept a "
                              "connection") from None
            versions = sorted(VERSIONS[p] for p in self.protocols)
            context.minimum_version = versions[0]
            context.maximum_version = versions[-1] if strict else min(versions[-1], ssl.TLSVersion.TLSv1_2)
            if strict:
                context.maximum_version = ssl.TLSVersion.TLSv1_3
                context.set_alpn_protocols(["tds/8.0"])
            both.append(context)
        return both
