# SPDX-License-Identifier: Apache-2.0
"""The MySQL protocol, both ends of it, as far as nodes and clients of SingleStore need it. Knows nothing of SQL."""

import hashlib
import struct

LONG_PASSWORD, FOUND_ROWS, LONG_FLAG, CONNECT_WITH_DB, PROTOCOL_41 = 0x1, 0x2, 0x4, 0x8, 0x200
SSL, TRANSACTIONS, SECURE, PLUGIN_AUTH, CONNECT_ATTRS, LENENC_AUTH = 0x800, 0x2000, 0x8000, 0x80000, 0x100000, 0x200000
OFFERED = (LONG_PASSWORD | FOUND_ROWS | LONG_FLAG | CONNECT_WITH_DB | PROTOCOL_41 | TRANSACTIONS | SECURE | PLUGIN_AUTH |
           CONNECT_ATTRS | LENENC_AUTH)
PLUGIN = b"mysql_native_password"
UTF8 = 33
AUTOCOMMIT = 2
MAX_PACKET = 1 << 20


class Gone(Exception):
    """The other end has closed, or speaks something else."""


class Refused(Exception):
    """An ERR packet that was sent to us, or is to be sent."""

    def __init__(self, code, state, text):
        super().__init__(f"{text} ({code})")
        self.code, self.state, self.text = code, state, text


class Channel:
    """Packets over a socket, which may be changed for a TLS one in the middle. piece: bytes sent at once."""

    def __init__(self, sock):
        self.sock, self.seq, self.piece = sock, 0, None

    def _exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise Gone("closed")
            data += more
        return data

    def read(self):
        head = self._exactly(4)
        length = int.from_bytes(head[:3], "little")
        if length > MAX_PACKET:
            raise Gone("not a packet of this protocol")
        self.seq = (head[3] + 1) & 0xff
        return self._exactly(length)

    def send(self, payload):
        self.send_raw(len(payload).to_bytes(3, "little") + bytes([self.seq]) + payload)
        self.seq = (self.seq + 1) & 0xff

    def send_raw(self, data):
        step = self.piece or len(data) or 1
        for at in range(0, len(data), step):
            self.sock.sendall(data[at:at + step])

    def send_error(self, error, greeted=True):
        """Before the greeting an ERR packet has no SQL state."""
        state = b"#" + error.state.encode() if greeted else b""
        self.send(b"\xff" + struct.pack("<H", error.code) + state + error.text.encode())

    def send_ok(self, affected=0):
        self.send(b"\0" + bytes([affected, 0]) + struct.pack("<HH", AUTOCOMMIT, 0))

    def _send_eof(self):
        self.send(b"\xfe" + struct.pack("<HH", 0, AUTOCOMMIT))

    def send_rows(self, columns, rows):
        self.send(bytes([len(columns)]))
        for name in columns:
            self.send(lenenc(b"def") + lenenc(b"") * 3 + lenenc(name.encode()) * 2 +
                      b"\x0c" + struct.pack("<HIBHBxx", UTF8, 1024, 0xfd, 0, 0))
        self._send_eof()
        for row in rows:
            self.send(b"".join(b"\xfb" if value is None else lenenc(str(value).encode()) for value in row))
        self._send_eof()


def lenenc(data):
    if len(data) < 251:
        return bytes([len(data)]) + data
    return b"\xfc" + struct.pack("<H", len(data)) + data


def take_lenenc(data, at):
    first = data[at]
    if first < 251:
        return data[at + 1:at + 1 + first], at + 1 + first
    length = struct.unpack_from("<H", data, at + 1)[0]
    return data[at + 3:at + 3 + length], at + 3 + length


def greeting(version, connection, salt, offered):
    return (b"\x0a" + version.encode() + b"\0" + struct.pack("<I", connection) + salt[:8] + b"\0" +
            struct.pack("<HBHH", offered & 0xffff, UTF8, AUTOCOMMIT, offered >> 16) + bytes([len(salt) + 1]) +
            bytes(10) + salt[8:] + b"\0" + PLUGIN + b"\0")


class Login:
    """What a client answers to the greeting."""

    def __init__(self, payload):
        if len(payload) < 32:
            raise Gone("not a login")
        self.capabilities = struct.unpack_from("<I", payload)[0]
        self.is_ssl_request = len(payload) == 32 and bool(self.capabilities & SSL)
        self.user, self.answer, self.plugin = "", b"", PLUGIN
        if self.is_ssl_request:
            return
        end = payload.index(b"\0", 32)
        self.user, at = payload[32:end].decode(errors="replace"), end + 1
        self.answer, at = take_lenenc(payload, at)
        if self.capabilities & CONNECT_WITH_DB:
            at = payload.index(b"\0", at) + 1
        if self.capabilities & PLUGIN_AUTH:
            end = payload.find(b"\0", at)
            self.plugin = payload[at:end if end != -1 else len(payload)]


def scramble(password, salt):
    """mysql_native_password's answer."""
    if not password:
        return b""
    once = hashlib.sha1(password.encode()).digest()
    mask = hashlib.sha1(salt + hashlib.sha1(once).digest()).digest()
    return bytes(a ^ b for a, b in zip(once, mask))


def parse_error(payload):
    code, text = struct.unpack_from("<H", payload, 1)[0], payload[3:]
    if text[:1] == b"#":
        return Refused(code, text[1:6].decode(), text[6:].decode(errors="replace"))
    return Refused(code, "HY000", text.decode(errors="replace"))


def connect(sock, user, context):
    """
    A node's own client: logs in without a password at another node. context: TLS is a must; None: never TLS.
    Returns the channel.
    """
    channel = Channel(sock)
    hello = channel.read()
    if hello[:1] == b"\xff":
        raise parse_error(hello)
    at = hello.index(b"\0", 1) + 1 + 4 + 8 + 1
    offered = struct.unpack_from("<H", hello, at)[0]
    wanted = LONG_PASSWORD | PROTOCOL_41 | SECURE | PLUGIN_AUTH
    if context is not None:
        if not offered & SSL:
            raise Gone("the other node has no TLS")
        wanted |= SSL
        channel.send(struct.pack("<IIB23x", wanted, MAX_PACKET, UTF8))
        channel.sock = context.wrap_socket(sock)
    channel.send(struct.pack("<IIB23x", wanted, MAX_PACKET, UTF8) + user.encode() + b"\0\0" + PLUGIN + b"\0")
    answer = channel.read()
    if answer[:1] != b"\0":
        raise parse_error(answer) if answer[:1] == b"\xff" else Gone("login not understood")
    return channel


def ask(channel, sql):
    """Rows of texts, through a channel of connect()."""
    channel.seq = 0
    channel.send(b"\x03" + sql.encode())
    first = channel.read()
    if first[:1] == b"\xff":
        raise parse_error(first)
    if first[:1] == b"\0":
        return []
    for _ in range(first[0] + 1):
        channel.read()
    rows = []
    while True:
        packet = channel.read()
        if packet[:1] == b"\xfe" and len(packet) < 9:
            return rows
        row, at = [], 0
        while at < len(packet):
            if packet[at] == 0xfb:
                row.append(None)
                at += 1
            else:
                value, at = take_lenenc(packet, at)
                row.append(value.decode())
        rows.append(row)
