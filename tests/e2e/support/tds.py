# SPDX-License-Identifier: Apache-2.0
"""
The part of a SQL Server that clients meet before they are logged in: PRELOGIN, TLS (inside PRELOGIN packets, or
strict: from the first byte), and a login that is refused with error 18456 - which a client only sees when it took
everything before that. Written from [MS-TDS]; shares nothing with the agent.
"""

import socket
import ssl
import struct
import threading

PRELOGIN, REPLY, LOGIN7 = 0x12, 0x04, 0x10
NOT_SUPPORTED, ON, REQUIRED = 2, 1, 3


class Gone(Exception):
    pass


def packet(kind, payload):
    return struct.pack(">BBHHBB", kind, 1, len(payload) + 8, 0, 1, 0) + payload


def prelogin_reply(encryption):
    values = [(0, bytes([16, 0, 0x10, 0x27, 0, 0])), (1, bytes([encryption])), (2, b"\0"), (3, b""), (4, b"\0")]
    table, data, at = b"", b"", 5 * len(values) + 1
    for token, value in values:
        table += struct.pack(">BHH", token, at + len(data), len(value))
        data += value
    return table + b"\xff" + data


def login_refused():
    text = "Login failed for user 'sa'."
    error = struct.pack("<IBBH", 18456, 1, 14, len(text)) + text.encode("utf-16-le") + b"\0\0" + struct.pack("<I", 1)
    return b"\xaa" + struct.pack("<H", len(error)) + error + b"\xfd" + struct.pack("<HHQ", 2, 0, 0)


class TDSServer:
    """
    strict      TDS 8.0: TLS first, ALPN tds/8.0, nothing else is accepted
    encryption  what PRELOGIN answers
    kind        type of the packets that carry TLS: servers differ
    piece       bytes sent at once; 1 trickles
    garbage     sent instead of TLS once the client has begun
    """

    def __init__(self, bundle, folder, strict=False, encryption=ON, kind=PRELOGIN, piece=1 << 20, garbage=None):
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in bundle.files().items():
            (folder / name).write_bytes(data)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        if strict:
            self.context.set_alpn_protocols(["tds/8.0"])
        else:
            self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.strict, self.encryption, self.kind, self.piece, self.garbage = strict, encryption, kind, piece, garbage
        self.alpn = []  # of each strict client
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        client.settimeout(20)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            (self._strict if self.strict else self._wrapped)(client)
        except (Gone, OSError):
            pass
        finally:
            client.close()

    def _send(self, client, data):
        for at in range(0, len(data), self.piece):
            client.sendall(data[at:at + self.piece])

    @staticmethod
    def _exactly(read, n):
        data = b""
        while len(data) < n:
            more = read(n - len(data))
            if not more:
                raise Gone
            data += more
        return data

    def _packet(self, read):
        kind, _, length = struct.unpack(">BBHxxxx", self._exactly(read, 8))
        return kind, self._exactly(read, length - 8)

    def _strict(self, client):
        tls = self.context.wrap_socket(client, server_side=True)
        self.alpn.append(tls.selected_alpn_protocol())
        self._packet(tls.recv)
        tls.sendall(packet(REPLY, prelogin_reply(self.encryption)))
        self._packet(tls.recv)
        tls.sendall(packet(REPLY, login_refused()))

    def _wrapped(self, client):
        kind, _ = self._packet(client.recv)
        if kind != PRELOGIN:
            raise Gone
        self._send(client, packet(REPLY, prelogin_reply(self.encryption)))
        if self.encryption == NOT_SUPPORTED:
            self._packet(client.recv)
            raise Gone
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(into, out, server_side=True)
        self._handshake(client, tls, into, out)
        self._packet(lambda n: self._read(client, tls, into, n))  # LOGIN7; TLS is bare by now
        tls.write(packet(REPLY, login_refused()))
        client.sendall(out.read())

    @staticmethod
    def _read(client, tls, into, n):
        while True:
            try:
                return tls.read(n)
            except ssl.SSLWantReadError:
                more = client.recv(4096)
                if not more:
                    raise Gone from None
                into.write(more)

    def _handshake(self, client, tls, into, out):
        while True:
            done = False
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            flight = out.read()
            if flight:
                self._send(client, packet(self.kind, flight) if self.garbage is None else self.garbage)
            if done:
                return
            kind, payload = self._packet(client.recv)
            if kind != PRELOGIN:
                raise Gone
            into.write(payload)

    def cleanup(self):
        self.socket.close()
