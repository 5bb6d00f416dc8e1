# SPDX-License-Identifier: Apache-2.0
"""
A SingleStore node for tests: the protocol, the settings and the manners of the real one where they are documented,
none of its data. Standard library only; shares nothing with the agent.

    server.py --config DIR/memsql.cnf --topology cluster.json --node 1 --control faults.json

It ends gracefully on SIGTERM and does not start with a pair that does not fit. The file of faults is read whenever
something happens:

    start               false: ends at once
    greeting            {"error": [code, text]} · "garbage" · "http" · "silence" · "close"
    trickle             bytes sent at once before TLS
    tls                 "drop": closes in the middle of the handshake · "stall"
    login               {"error": [code, text]}
    statements          {"SSL_RELOAD": {"error": [code, state, text]} or {"wait": seconds} or "drop"}
    reload_lies         "keeps" the old context · [cert, key, ca]: takes another · "fails"; all but the last report success
    reload_unseen       true: the two times do not move
    reload_says_error   true: a failed reload is an SQL error, too
    time_grain          "s" or "us"
    ended_is_refused    true: no TLS handshake with a certificate that has ended
    variables           {"max_connections": "7"}: what they are, whatever the settings say
    leaf_states, partition_states   {"3": "offline"}, {"3/replica": "recovering"}
"""

import argparse
import os
import secrets
import signal
import socket
import sys
import threading
import time

import settings
from cluster import INTERNAL_USER, Cluster
from node import MYSQL_VERSION, BadTLS, Node
from statements import Statements
from wire import OFFERED, PLUGIN, SSL, Channel, Gone, Login, Refused, greeting, scramble

COM_QUIT, COM_INIT_DB, COM_QUERY, COM_PING = 1, 2, 3, 14
IDLE_S = 3600


def log(text):
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


class Connection:
    def __init__(self, server, sock, number, local):
        self.server, self.node = server, server.node
        self.channel, self.number, self.local = Channel(sock), number, local
        self.secure, self.user = False, None

    def serve(self):
        try:
            if self._greet() and self._log_in():
                while self._command():
                    pass
        except Refused as e:
            self.channel.send_error(e)
        except Gone as e:
            log(f"connection {self.number}: {e}")

    # --- up to the login

    def _fault_greeting(self, fault):
        if isinstance(fault, dict):
            code, text = fault["error"]
            self.channel.send_error(Refused(code, "", text), greeted=False)
        elif fault == "garbage":
            self.channel.send_raw(os.urandom(512))
        elif fault == "http":
            self.channel.send_raw(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        elif fault == "silence":
            self.server.ending.wait(5)
        return False

    def _greet(self):
        fault = self.node.fault("greeting")
        self.channel.piece = self.node.fault("trickle")
        if fault:
            return self._fault_greeting(fault)
        self.salt = bytes(secrets.choice(range(1, 127)) for _ in range(20))
        offered = OFFERED | (SSL if self.node.tls.serves and not self.local else 0)
        self.channel.send(greeting(MYSQL_VERSION, self.number, self.salt, offered))
        return True

    def _start_tls(self):
        fault, tls = self.node.fault("tls"), self.node.tls
        if fault == "drop":
            self.channel.sock.recv(64)
            raise Gone("dropped in the middle of the handshake")
        if fault == "stall":
            self.server.ending.wait(60)
            raise Gone("stalled")
        if self.node.fault("ended_is_refused") and tls.has_ended():
            raise Gone("the certificate has ended")
        self.channel.sock = tls.serves.wrap_socket(self.channel.sock, server_side=True)
        self.channel.piece = None
        self.secure = True

    def _log_in(self):
        login = Login(self.channel.read())
        if login.is_ssl_request:
            if not self.node.tls.serves:
                raise Gone("TLS asked for, though it is off")
            self._start_tls()
            login = Login(self.channel.read())
        self.channel.piece = None
        fault = self.node.fault("login")
        if fault:
            raise Refused(fault["error"][0], "HY000", fault["error"][1])
        if login.user == INTERNAL_USER:
            self.channel.send_ok()
            self.user = login.user
            return True
        answer = login.answer
        if login.plugin != PLUGIN:
            self.channel.send(b"\xfe" + PLUGIN + b"\0" + self.salt + b"\0")
            answer = self.channel.read()
        user = self.node.users.get(login.user)
        if user is None or answer.rstrip(b"\0") != scramble(user["password"], self.salt).rstrip(b"\0") or \
                (user["require"] and not self.secure):
            raise Refused(1045, "28000", f"Access denied for user '{login.user}'@'127.0.0.1' (using password: "
                          f"{'YES' if login.answer else 'NO'})")
        self.user = login.user
        self.channel.send_ok()
        return True

    # --- statements

    def _fault_statement(self, sql):
        for words, fault in (self.node.fault("statements") or {}).items():
            if words.upper() not in sql.upper() or self.user == INTERNAL_USER:
                continue
            if fault == "drop":
                raise Gone(f"dropped at {words}")
            if "error" in fault:
                raise Refused(*fault["error"])
            self.server.ending.wait(fault["wait"])

    def _query(self, sql):
        try:
            self._fault_statement(sql)
            result = self.server.statements.run(sql, self.user)
        except Refused as e:
            self.channel.send_error(e)
            return
        if self.user != INTERNAL_USER:
            log(f"{self.user}: {sql}")
        if result is None:
            self.channel.send_ok()
        else:
            self.channel.send_rows(*result)

    def _command(self):
        payload = self.channel.read()
        command = payload[0] if payload else 0
        if command == COM_QUIT:
            return False
        if command == COM_QUERY:
            self._query(payload[1:].decode(errors="replace"))
        elif command in (COM_PING, COM_INIT_DB):
            self.channel.send_ok()
        else:
            self.channel.send_error(Refused(1047, "08S01", "Unknown command"))
        return True


class Server:
    def __init__(self, node, address=None):
        self.node, self.cluster, self.address = node, Cluster(node, log), address or node.me["host"]
        self.statements = Statements(node, self.cluster)
        self.ending = threading.Event()
        self._open, self._lock, self._number = {}, threading.Lock(), 0

    def _one(self, sock, local):
        with self._lock:
            self._number += 1
            number = self._number
            self._open[number] = sock
        connection = Connection(self, sock, number, local)
        try:
            sock.settimeout(IDLE_S)
            if not local:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.serve()
        except (OSError, ValueError) as e:  # ssl.SSLError is an OSError
            log(f"connection {number}: {e}")
        finally:
            with self._lock:
                self._open.pop(number, None)
            connection.channel.sock.close()

    def _accept(self, listener, local):
        while not self.ending.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(sock, local), daemon=True).start()

    def run(self):
        listeners = [(socket.create_server((self.address, self.node.me["port"])), False)]
        path = self.node.values.get("socket")
        if path:
            if os.path.exists(path):
                os.unlink(path)
            local = socket.socket(socket.AF_UNIX)
            local.bind(path)
            local.listen(64)
            listeners.append((local, True))
        for listener, is_local in listeners:
            threading.Thread(target=self._accept, args=(listener, is_local), daemon=True).start()
        log(f"node {self.node.me['id']} ({self.node.role}) is up, TLS {'on' if self.node.tls.serves else 'off'}")
        signal.sigwait([signal.SIGTERM])
        self.ending.set()
        for listener, _ in listeners:
            listener.close()
        with self._lock:
            for sock in self._open.values():
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        log("ended gracefully")


def main():
    parser = argparse.ArgumentParser()
    for name in ("config", "topology", "control"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--node", type=int, required=True)
    parser.add_argument("--pid-file")
    parser.add_argument("--address", help="to listen at, when the topology has a name instead")
    args = parser.parse_args()
    try:
        node = Node(args.config, args.topology, args.node, args.control)
    except (settings.BadSettings, BadTLS) as e:
        log(f"cannot start: {e}")
        return 1
    if node.fault("start") is False:
        log("cannot start: the test says so")
        return 1
    # A handler would not do: a thread that has just been made may take the signal, and the main one sleeps on.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    server = Server(node, args.address)
    if args.pid_file:
        with open(args.pid_file, "w") as f:
            f.write(f"{os.getpid()}\n")
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
