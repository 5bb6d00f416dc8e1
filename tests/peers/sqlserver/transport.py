# SPDX-License-Identifier: Apache-2.0
"""
How bytes travel: bare; in TLS that was shaken hands inside PRELOGIN packets and is bare TLS from then on; in TLS from
the first byte. Each has read(n), exactly n bytes, and write(data).
"""

import ssl
import time

from protocol import PRELOGIN, packets, read_packet


class Gone(Exception):
    """The client, or what it sent was not worth an answer."""


class Plain:
    def __init__(self, sock, piece=1 << 20, pause=0):
        self.sock, self.piece, self.pause = sock, piece, pause

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise Gone
            data += more
        return data

    def write(self, data):
        for at in range(0, len(data), self.piece):
            self.sock.sendall(data[at:at + self.piece])
            if self.pause:
                time.sleep(self.pause)


class Wrapped:
    """TLS 1.2 at most: newer clients that get 1.3 in here wait for ever (FreeTDS does)."""

    def __init__(self, plain, context, kind=PRELOGIN, garbage=None, drop=False):
        self.plain = plain
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.into, self.out, server_side=True)
        self._handshake(kind, garbage, drop)

    def _handshake(self, kind, garbage, drop):
        while True:
            finished = False
            try:
                self.tls.do_handshake()
                finished = True
            except ssl.SSLWantReadError:
                pass
            flight = self.out.read()
            if flight:
                if drop:
                    raise Gone
                self.plain.write(packets(kind, flight, 32767) if garbage is None else garbage)
            if finished:
                return
            kind_read, _, payload = read_packet(self.plain.read)
            if kind_read != PRELOGIN:
                raise Gone
            self.into.write(payload)

    def read(self, n):
        data = b""
        while len(data) < n:
            try:
                more = self.tls.read(n - len(data))
                if not more:
                    raise Gone
                data += more
            except ssl.SSLWantReadError:
                more = self.plain.sock.recv(16384)
                if not more:
                    raise Gone from None
                self.into.write(more)
        return data

    def write(self, data):
        self.tls.write(data)
        self.plain.write(self.out.read())


class Strict:
    def __init__(self, sock, context):
        self.tls = context.wrap_socket(sock, server_side=True)
        self.alpn = self.tls.selected_alpn_protocol()

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.tls.recv(n - len(data))
            if not more:
                raise Gone
            data += more
        return data

    def write(self, data):
        self.tls.sendall(data)
