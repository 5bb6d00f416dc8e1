# SPDX-License-Identifier: Apache-2.0
"""One connection, from PRELOGIN to its end."""

import re
import socket
import ssl
import struct
import time

import protocol as tds
from instance import VERSION, Session
from sql import SQLError
from transport import Gone, Plain, Strict, Wrapped


class Connection:
    def __init__(self, instance, sock, number):
        self.instance, self.sock, self.number = instance, sock, number
        self.faults = instance.faults()
        self.size = 4096
        self.transaction = b"\0" * 8

    def serve(self):
        self.sock.settimeout(60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            transport, encrypted = self._greet()
            if transport and self._login(transport, encrypted):
                self._requests()
        except (Gone, OSError, ssl.SSLError, struct.error, IndexError, tds.Malformed, UnicodeDecodeError):
            pass
        finally:
            self.instance.sessions.pop(self.number, None)
            self.sock.close()

    # --- PRELOGIN and TLS

    def _greet(self):
        """The transport that LOGIN7 comes over, and whether it stays encrypted."""
        if self.faults.get("drop") == "connect":
            raise Gone
        if self.faults.get("silent"):
            time.sleep(3600)
        first = self.sock.recv(1, socket.MSG_PEEK)
        if first == b"\x16":
            transport = Strict(self.sock, self.instance.strict)
            self.sock = transport.tls  # the bare one is detached
            self.instance.log(f"strict client: {transport.alpn}")
            if transport.alpn != "tds/8.0":
                raise Gone
            self._prelogin(transport, strict=True)
            self.transport = transport
            return transport, True
        if self.instance.conf.force_strict:
            raise Gone
        return self._greet_in_packets()

    def _greet_in_packets(self):
        plain = Plain(self.sock, self.faults.get("piece", 1 << 20), self.faults.get("pause", 0))
        if "another_protocol" in self.faults:
            plain.write(self.faults["another_protocol"].encode())
            raise Gone
        encryption = self._prelogin(plain)
        self.transport = plain
        if encryption == tds.NOT_SUPPORTED:
            return plain, False
        garbage = self.faults.get("garbage")
        wrapped = Wrapped(plain, self.instance.in_prelogin, self.faults.get("kind", tds.PRELOGIN),
                          None if garbage is None else bytes.fromhex(garbage), self.faults.get("drop") == "handshake")
        if encryption != tds.ENCRYPT_OFF:
            self.transport = wrapped
        return wrapped, encryption != tds.ENCRYPT_OFF

    def _prelogin(self, transport, strict=False):
        kind, payload = tds.read_message(transport.read)
        if kind != tds.PRELOGIN:
            raise Gone
        asked = tds.prelogin_options(payload)
        wish = (asked.get(1) or b"\x02")[0]
        if strict:
            answer = tds.NOT_SUPPORTED if wish == tds.NOT_SUPPORTED else tds.ENCRYPT_ON
        elif "encryption" in self.faults:
            answer = self.faults["encryption"]
        elif self.instance.conf.force_encryption:
            answer = tds.REQUIRED
        else:
            answer = {tds.ENCRYPT_OFF: tds.ENCRYPT_OFF, tds.NOT_SUPPORTED: tds.NOT_SUPPORTED}.get(wish, tds.ENCRYPT_ON)
        transport.write(tds.packets(tds.REPLY, tds.prelogin_reply(VERSION, answer, asked), self.size))
        if self.faults.get("drop") == "prelogin" or (answer == tds.REQUIRED and wish == tds.NOT_SUPPORTED):
            raise Gone
        return answer

    # --- login

    def _login(self, transport, encrypted):
        kind, data = tds.read_message(transport.read)
        if kind != tds.LOGIN7:
            raise Gone
        if self.faults.get("drop") == "login":
            raise Gone
        login, name = tds.Login(data), self.instance.name
        number = self.faults.get("login_error") or self.instance.login(login.user, login.password)
        if number or self.instance.ending.is_set():
            number = number or 6005
            texts = {18456: f"Login failed for user '{login.user}'.", 6005: "SHUTDOWN is in progress.",
                     18470: f"Login failed for user '{login.user}'. Reason: The account is disabled.",
                     18401: f"Login failed for user '{login.user}'. Reason: Server is in script upgrade mode. Only "
                            "administrator can connect at this time."}
            self._answer(tds.message(number, 14, texts.get(number, f"error {number}"), name) + tds.done(tds.DONE_ERROR))
            return False
        self.session = Session(self.instance, self.number, login.user, encrypted, login.tds)
        self.instance.sessions[self.number] = self.session
        version = tds.TDS_80 if login.tds == tds.TDS_80 else tds.TDS_74
        self._answer(tds.env_change(1, "master", "master") + tds.message(5701, 0, "Changed database context to 'master'.",
                                                                         name) +
                     tds.env_collation() + tds.env_change(2, "us_english") +
                     tds.message(5703, 0, "Changed language setting to us_english.", name) +
                     tds.login_ack(VERSION, version) + tds.env_change(4, str(login.packet_size), "4096") + tds.done())
        self.size = login.packet_size
        return True

    def _answer(self, payload):
        self.transport.write(tds.packets(tds.REPLY, payload, self.size))

    # --- requests

    def _requests(self):
        self.sock.settimeout(None)
        while True:
            kind, data = tds.read_message(self.transport.read)
            if kind == tds.SQL_BATCH:
                self._batch(tds.batch_text(data))
            elif kind == tds.RPC:
                self._call(*tds.call(data))
            elif kind == tds.TRANSACTION:
                self._transact(tds.without_headers(data))
            elif kind == tds.ATTENTION:
                self._answer(tds.done(tds.DONE_ATTENTION))
            else:
                raise Gone

    def _statements(self, text, kind):
        """Tokens of all results; the last says that no more follow. True: SHUTDOWN was asked for."""
        results, shutdown = [], False
        try:
            for what, *more in self.session.run(text):
                results.append(self._result(what, more, kind))
                shutdown = shutdown or what == "shutdown"
        except SQLError as e:
            results.append(tds.message(e.number, e.severity, str(e), self.instance.name) + tds.done(
                tds.DONE_MORE | tds.DONE_ERROR, kind=kind))
        return b"".join(results), shutdown

    def _result(self, what, more, kind):
        if what == "rows":
            described, rows = more
            self.counted = len(rows)
            return tds.columns(described) + b"".join(tds.row(described, r) for r in rows)
        if what == "info":
            return tds.message(more[0], 0, more[1], self.instance.name)
        if what == "begin":
            self.transaction = struct.pack("<Q", self.number << 8 | 1)
            return tds.env_transaction(8, self.transaction, b"")
        if what == "end":
            return tds.env_transaction(9, b"", self.transaction)
        if what == "done":
            counted, self.counted = getattr(self, "counted", None), None
            return tds.done(tds.DONE_MORE, counted, kind)
        return b""

    def _batch(self, text):
        self.instance.log(f"batch {self.session.user}: {re.sub(r'0x[0-9A-Fa-f]{16,}', '0x…', text)}")
        if self.faults.get("drop") == "batch":
            raise Gone
        if self.faults.get("slow"):
            time.sleep(self.faults["slow"])
        body, shutdown = self._statements(text, tds.DONE)
        self._answer(body + tds.done())
        if shutdown:
            self.instance.end(self.session.user)
            time.sleep(3600)  # the connection ends with the process

    def _call(self, name, values):
        self.instance.log(f"call {name}: {values[:2]}")
        at = {"sp_executesql": 0, "sp_prepexec": 2, "sp_prepare": 2}.get(name.lower())
        if at is not None:
            body, _ = self._statements(str(values[at]), tds.DONE_IN_PROC)
            more = b"" if at == 0 else tds.return_handle(1)
            self._answer(body + tds.return_status() + more + tds.done(kind=tds.DONE_PROC))
        elif name.lower() in ("sp_unprepare", "sp_reset_connection"):
            self._answer(tds.return_status() + tds.done(kind=tds.DONE_PROC))
        else:
            self._answer(tds.message(2812, 16, f"Could not find stored procedure '{name}'.", self.instance.name) +
                         tds.done(tds.DONE_ERROR, kind=tds.DONE_PROC))

    def _transact(self, data):
        """Drivers begin and end transactions by a request of its own."""
        request = struct.unpack_from("<H", data)[0]
        if request == 5:
            self.session.depth = 1
            self.transaction = struct.pack("<Q", self.number << 8 | 1)
            self._answer(tds.env_transaction(8, self.transaction, b"") + tds.done())
        elif request in (7, 8):
            self.session.depth = 0
            self._answer(tds.env_transaction(9 if request == 7 else 10, b"", self.transaction) + tds.done())
        else:
            self._answer(tds.done())
