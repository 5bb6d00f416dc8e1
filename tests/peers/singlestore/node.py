# SPDX-License-Identifier: Apache-2.0
"""
One node: its settings, variables, users and TLS, and the one statement this is all about.

SSL_RELOAD as documented: reads ssl_key, ssl_cert, ssl_ca and ssl_capath from the configuration file, tries to make new
contexts, keeps the old ones on failure, leaves connections alone, is local to the node, needs SUPER. TLS or authorities
that appear or vanish take a restart. What is not documented is an option here: whether a reload that fails says so
(`reload_says_error`), and how fine the two times are (`time_grain`: "s" or "us").
"""

import json
import ssl
import subprocess
import threading
import time
from pathlib import Path

import settings
from wire import Refused

MYSQL_VERSION, MEMSQL_VERSION = "5.7.32", "8.7.10"
DEFAULTS = {
    "max_connections": "100000", "wait_timeout": "28800", "redundancy_level": "1", "hostname": "localhost",
    "version": MYSQL_VERSION, "memsql_version": MEMSQL_VERSION, "version_comment":
    "SingleStoreDB source distribution (compatible; MySQL Enterprise & MySQL Commercial)",
    # The 21 rows of '%ssl%'.
    "default_user_require_ssl": "OFF", "exporter_ssl_ca": "", "exporter_ssl_capath": "", "exporter_ssl_cert": "",
    "exporter_ssl_key": "", "exporter_ssl_key_passphrase": "[redacted]", "jwks_ssl_ca_certificate": "",
    "node_replication_ssl_only": "OFF", "openssl_version": "805306480", "processlist_rpc_json_max_size": "2048",
    "ssl_ca": "", "ssl_capath": "", "ssl_cert": "", "ssl_cipher": "", "ssl_fips_mode": "OFF", "ssl_key": "",
    "ssl_key_passphrase": "[redacted]", "ssl_last_reload_attempt_time": "", "ssl_last_successful_reload_time": "",
    "have_openssl": "OFF", "have_ssl": "OFF",
}
NOT_VARIABLES = {"datadir", "socket"}
NUMBERS = ("max_connections", "wait_timeout")


class BadTLS(Exception):
    pass


class TLS:
    """What one reading of the files gives: a context to serve with, and one to reach other nodes with (None: plain)."""

    def __init__(self, values):
        self.cert, self.key, self.ca = (values.get(name, "") for name in settings.FILES)
        self.serves = self.connects = None
        self.not_after = None
        if bool(self.cert) != bool(self.key):
            raise BadTLS("ssl_cert and ssl_key must be given together")
        if not self.cert:
            return
        try:
            self.serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.serves.load_cert_chain(self.cert, self.key)
            if self.ca:
                self.connects = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                self.connects.check_hostname = False  # the chain must verify; names are not compared
                self.connects.load_verify_locations(self.ca)
        except (OSError, ssl.SSLError) as e:
            raise BadTLS(f"{self.cert}, {self.key}, {self.ca}: {e}") from None
        shown = subprocess.run(["openssl", "x509", "-in", self.cert, "-noout", "-enddate"], capture_output=True, text=True)
        self.not_after = ssl.cert_time_to_seconds(shown.stdout.strip().partition("=")[2])

    def has_ended(self):
        return self.not_after is not None and time.time() > self.not_after


class Node:
    def __init__(self, config, topology, node_id, control):
        self.config, self.control = Path(config), Path(control)
        self.lock = threading.RLock()
        self.values = settings.read(config)
        self._check()
        self.tls = TLS(self.values)
        self.topology = json.loads(Path(topology).read_text())
        self.me = next(n for n in self.topology["nodes"] if n["id"] == node_id)
        self.reload_times = {"ssl_last_reload_attempt_time": "", "ssl_last_successful_reload_time": ""}
        self.users_path = self.config.parent / "users.json"
        self.users = {"root": {"password": "", "rights": ["ALL"], "require": ""}}
        if self.users_path.exists():
            self.users = json.loads(self.users_path.read_text())

    def _check(self):
        """What a node does not start with."""
        for name in NUMBERS:
            if not self.values.get(name, "0").isdecimal():
                raise settings.BadSettings(f"{name} = {self.values[name]}: this is no number")

    # --- what the test asks for

    def fault(self, name, default=None):
        """Read anew each time: a test changes it while the node runs."""
        try:
            return json.loads(self.control.read_text()).get(name, default)
        except (OSError, ValueError):
            return default

    # --- roles

    @property
    def role(self):
        return self.me["role"]

    def is_aggregator(self):
        return self.role in ("master", "aggregator")

    def nodes(self, *roles):
        return [n for n in self.topology["nodes"] if n["role"] in roles]

    # --- variables

    def variables(self):
        with self.lock:
            found = {**DEFAULTS, "port": str(self.me["port"]), "redundancy_level": str(self.topology["redundancy"])}
            found.update({k: v for k, v in self.values.items() if k not in NOT_VARIABLES})
            found.update(zip(settings.FILES, (self.tls.cert, self.tls.key, self.tls.ca)))
            found.update(self.reload_times)
            found.update(self.fault("variables", {}))
            found["have_ssl"] = found["have_openssl"] = "ON" if self.tls.serves else "OFF"
            return found

    # --- users

    def save_users(self):
        self.users_path.write_text(json.dumps(self.users))

    # --- SSL_RELOAD

    def _now(self):
        now = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
        return f"{stamp}.{int(now % 1 * 1e6):06d}" if self.fault("time_grain", "s") == "us" else stamp

    def _fresh_tls(self):
        values = settings.read(self.config)
        fresh = TLS(values)
        if bool(fresh.cert) != bool(self.tls.cert):
            raise BadTLS("ssl_cert and ssl_key appear or vanish: this takes a restart")
        if bool(fresh.ca) != bool(self.tls.ca):
            raise BadTLS("ssl_ca appears or vanishes: this takes a restart")
        return fresh

    def ssl_reload(self):
        with self.lock:
            lie = self.fault("reload_lies")
            if not self.fault("reload_unseen"):
                self.reload_times["ssl_last_reload_attempt_time"] = self._now()
            try:
                fresh = self._fresh_tls()
                if lie == "fails":
                    raise BadTLS("made to fail by the test")
            except (settings.BadSettings, BadTLS) as e:
                if self.fault("reload_says_error"):
                    raise Refused(2474, "HY000", f"SSL_RELOAD failed: {e}") from None
                return
            if lie == "keeps":
                pass
            elif lie:
                self.tls = TLS(dict(zip(settings.FILES, lie)))
            else:
                self.tls = fresh
            if not self.fault("reload_unseen"):
                self.reload_times["ssl_last_successful_reload_time"] = self._now()
