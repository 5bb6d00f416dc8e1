# SPDX-License-Identifier: Apache-2.0
"""
TDS 7.4 and 8.0 as bytes: packets, PRELOGIN, LOGIN7, requests and the tokens of an answer. Written from [MS-TDS];
pure but for reading from a transport.
"""

import datetime
import struct
import uuid

SQL_BATCH, RPC, REPLY, ATTENTION, TRANSACTION, LOGIN7, PRELOGIN = 0x01, 0x03, 0x04, 0x06, 0x0e, 0x10, 0x12
END_OF_MESSAGE = 1
ENCRYPT_OFF, ENCRYPT_ON, NOT_SUPPORTED, REQUIRED = 0, 1, 2, 3
TDS_74, TDS_80 = 0x74000004, 0x08000000
MAX_MESSAGE = 1 << 20
COLLATION = bytes([0x09, 0x04, 0xd0, 0x00, 0x34])  # SQL_Latin1_General_CP1_CI_AS
DONE_MORE, DONE_ERROR, DONE_IN_TRANSACTION, DONE_COUNT, DONE_ATTENTION = 1, 2, 4, 0x10, 0x20
DONE, DONE_PROC, DONE_IN_PROC = 0xfd, 0xfe, 0xff
EPOCH = datetime.datetime(1900, 1, 1)


class Malformed(Exception):
    pass


# --- packets

def packets(kind, payload, size):
    """A message, cut into packets."""
    room = size - 8
    pieces = [payload[at:at + room] for at in range(0, len(payload), room)] or [b""]
    return b"".join(struct.pack(">BBHHBB", kind, END_OF_MESSAGE if piece is pieces[-1] else 0, len(piece) + 8, 0,
                                (number + 1) & 0xff, 0) + piece for number, piece in enumerate(pieces))


def read_packet(read):
    kind, status, length = struct.unpack(">BBHxxxx", read(8))
    if length < 8:
        raise Malformed(f"a packet of {length} bytes")
    return kind, status, read(length - 8)


def read_message(read):
    data = b""
    while True:
        kind, status, payload = read_packet(read)
        data += payload
        if len(data) > MAX_MESSAGE:
            raise Malformed("a message that has no end")
        if status & END_OF_MESSAGE:
            return kind, data


# --- before the login

def prelogin_options(payload):
    options, at = {}, 0
    while at < len(payload) and payload[at] != 0xff:
        token, offset, length = struct.unpack_from(">BHH", payload, at)
        options[token] = payload[offset:offset + length]
        at += 5
    return options


def prelogin_reply(version, encryption, asked):
    major, minor, build = version
    values = [(0, struct.pack(">BBHH", major, minor, build, 0)), (1, bytes([encryption])), (2, b"\0"), (3, b""),
              (4, b"\0")]
    if 6 in asked:  # federated authentication: not here
        values.append((6, b"\0"))
    table, data, at = b"", b"", 5 * len(values) + 1
    for token, value in values:
        table += struct.pack(">BHH", token, at + len(data), len(value))
        data += value
    return table + b"\xff" + data


class Login:
    """LOGIN7. The password travels as UTF-16 with nibbles swapped and 0xA5 over it: hidden from eyes, not from foes."""

    def __init__(self, data):
        if len(data) < 94:
            raise Malformed("LOGIN7 is too short")
        self.tds, self.packet_size = struct.unpack_from("<II", data, 4)
        self.packet_size = min(max(self.packet_size or 4096, 512), 32767)
        self.user = self._text(data, 40)
        self.application = self._text(data, 48)
        self.database = self._text(data, 68)
        at, length = struct.unpack_from("<HH", data, 44)
        swapped = bytes(b ^ 0xa5 for b in data[at:at + 2 * length])
        self.password = bytes((b >> 4 | b << 4) & 0xff for b in swapped).decode("utf-16-le", "replace")

    @staticmethod
    def _text(data, where):
        at, length = struct.unpack_from("<HH", data, where)
        return data[at:at + 2 * length].decode("utf-16-le", "replace")


# --- requests

def without_headers(data):
    """ALL_HEADERS stands before batches, procedure calls and transaction requests since TDS 7.2."""
    if len(data) < 4:
        raise Malformed("a request without headers")
    return data[min(struct.unpack_from("<I", data)[0], len(data)):]


def batch_text(data):
    return without_headers(data).decode("utf-16-le", "replace")


PROCEDURES = {10: "sp_executesql", 11: "sp_prepare", 12: "sp_execute", 13: "sp_prepexec", 15: "sp_unprepare"}


def call(data):
    """(name, values) of the first procedure called; reads the types that statements come in."""
    data = without_headers(data)
    length = struct.unpack_from("<H", data)[0]
    if length == 0xffff:
        name, at = PROCEDURES.get(struct.unpack_from("<H", data, 2)[0], "?"), 4
    else:
        name, at = data[2:2 + 2 * length].decode("utf-16-le"), 2 + 2 * length
    at += 2  # options
    values = []
    while at < len(data) and data[at] not in (0x80, 0xff):
        at += 1 + 2 * data[at] + 1
        value, at = _value(data, at)
        values.append(value)
    return name, values


def _value(data, at):
    kind = data[at]
    if kind == 0x26:  # INTN
        size = data[at + 2]
        return int.from_bytes(data[at + 3:at + 3 + size], "little", signed=True) if size else None, at + 3 + size
    if kind in (0xe7, 0xef):  # NVARCHAR, NCHAR
        widest, at = struct.unpack_from("<H", data, at + 1)[0], at + 8
        if widest == 0xffff:
            return _in_chunks(data, at + 8)
        size = struct.unpack_from("<H", data, at)[0]
        return (None, at + 2) if size == 0xffff else (data[at + 2:at + 2 + size].decode("utf-16-le"), at + 2 + size)
    if kind == 0x63:  # NTEXT
        size = struct.unpack_from("<I", data, at + 10)[0]
        return data[at + 14:at + 14 + size].decode("utf-16-le"), at + 14 + size
    raise Malformed(f"a parameter of type 0x{kind:02x}")


def _in_chunks(data, at):
    text = b""
    while True:
        size = struct.unpack_from("<I", data, at)[0]
        at += 4
        if size == 0:
            return text.decode("utf-16-le"), at
        text += data[at:at + size]
        at += size


# --- tokens

def _short_text(text):
    return bytes([len(text)]) + text.encode("utf-16-le")


def _token(kind, body):
    return bytes([kind]) + struct.pack("<H", len(body)) + body


def env_change(kind, new, old=""):
    return _token(0xe3, bytes([kind]) + _short_text(new) + _short_text(old))


def env_collation():
    return _token(0xe3, bytes([7, len(COLLATION)]) + COLLATION + b"\0")


def env_transaction(kind, new, old):
    return _token(0xe3, bytes([kind, len(new)]) + new + bytes([len(old)]) + old)


def message(number, severity, text, server, line=1, state=1):
    body = struct.pack("<IBBH", number, state, severity, len(text)) + text.encode("utf-16-le")
    return _token(0xaa if severity > 10 else 0xab, body + _short_text(server) + _short_text("") + struct.pack("<I", line))


def login_ack(version, tds):
    name = "Microsoft SQL Server"
    major, minor, build = version
    return _token(0xad, struct.pack(">BI", 1, tds) + _short_text(name) + struct.pack(">BBH", major, minor, build))


def done(status=0, rows=None, kind=DONE):
    return struct.pack("<BHHQ", kind, status | (DONE_COUNT if rows is not None else 0), 0xc1 if rows is not None else 0,
                       rows or 0)


def return_status(value=0):
    return b"\x79" + struct.pack("<i", value)


def return_handle(value):
    """The output parameter of sp_prepexec."""
    return b"\xac" + struct.pack("<H", 0) + _short_text("") + b"\x01" + struct.pack("<IH", 0, 0) + b"\x26\x04\x04" + \
        struct.pack("<i", value)


# --- rows: nvarchar, int, bigint, bit, datetime, uniqueidentifier, varbinary

_TYPES = {"nvarchar": b"\xe7\x40\x1f" + COLLATION, "int": b"\x26\x04", "bigint": b"\x26\x08", "tinyint": b"\x26\x01",
          "bit": b"\x68\x01", "datetime": b"\x6f\x08", "uniqueidentifier": b"\x24\x10", "varbinary": b"\xa5\x40\x1f"}
_SIZES = {"int": 4, "bigint": 8, "tinyint": 1, "bit": 1}


def columns(described):
    """described: [(name, type)]"""
    out = b"\x81" + struct.pack("<H", len(described))
    for name, kind in described:
        out += struct.pack("<IH", 0, 9) + _TYPES[kind] + _short_text(name)
    return out


def row(described, values):
    out = b"\xd1"
    for (_, kind), value in zip(described, values):
        if kind in ("nvarchar", "varbinary"):
            raw = None if value is None else value.encode("utf-16-le") if kind == "nvarchar" else value
            out += b"\xff\xff" if raw is None else struct.pack("<H", len(raw)) + raw
        elif value is None:
            out += b"\0"
        elif kind == "datetime":
            since = value - EPOCH
            ticks = round((since.seconds + since.microseconds / 1e6) * 300)
            out += b"\x08" + struct.pack("<iI", since.days, ticks)
        elif kind == "uniqueidentifier":
            out += b"\x10" + uuid.UUID(value).bytes_le
        else:
            out += bytes([_SIZES[kind]]) + int(value).to_bytes(_SIZES[kind], "little", signed=kind != "tinyint" and
                                                              kind != "bit")
    return out
