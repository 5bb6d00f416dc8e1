# SPDX-License-Identifier: Apache-2.0
"""
The MySQL protocol up to TLS and a login without password, written apart from the C code on purpose: it is
what the agent's claims are held against.
"""

import hashlib
import socket
import ssl
import struct

LONG_PASSWORD, PROTOCOL_41, SSL, SECURE, PLUGIN_AUTH = 0x1, 0x200, 0x800, 0x8000, 0x80000
CAPABILITIES = LONG_PASSWORD | PROTOCOL_41 | SSL | SECURE | PLUGIN_AUTH


class WireError(Exception):
    pass


def _exactly(sock, n):
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            raise WireError("connection closed")
        data += more
    return data


def read_packet(sock, with_number=False):
    head = _exactly(sock, 4)
    payload = _exactly(sock, int.from_bytes(head[:3], "little"))
    return (head[3], payload) if with_number else payload


def send_packet(sock, seq, payload):
    sock.sendall(len(payload).to_bytes(3, "little") + bytes([seq]) + payload)


def open_tls(port, context, host="127.0.0.1", server_name="localhost", timeout=10):
    """TCP, greeting, SSLRequest, TLS."""
    sock = socket.create_connection((host, port), timeout=timeout)
    try:
        greeting = read_packet(sock)
        if greeting[:1] == b"\xff":
            raise WireError("greeting is an error: " + greeting[3:].decode(errors="replace"))
        at = greeting.index(b"\0", 1) + 1 + 4 + 8 + 1
        if not struct.unpack_from("<H", greeting, at)[0] & SSL:
            raise WireError("TLS is off")
        send_packet(sock, 1, struct.pack("<IIB23x", CAPABILITIES, 1 << 24, 45))
        return context.wrap_socket(sock, server_hostname=server_name)
    except BaseException:
        sock.close()
        raise


def open_direct(port, context, host="127.0.0.1", server_name="localhost", timeout=10):
    """TLS from the first byte."""
    sock = socket.create_connection((host, port), timeout=timeout)
    try:
        return context.wrap_socket(sock, server_hostname=server_name)
    except BaseException:
        sock.close()
        raise


def login(tls, user):
    """A login with an empty password; raises with the server's words when refused."""
    send_packet(tls, 2, struct.pack("<IIB23x", CAPABILITIES, 1 << 24, 45) + user.encode() + b"\0" + b"\0" +
                b"mysql_native_password\0")
    answer = read_packet(tls)
    if answer[:1] == b"\xfe":
        send_packet(tls, 4, b"")
        answer = read_packet(tls)
    if answer[:1] != b"\0":
        raise WireError("login refused: " + answer[9:].decode(errors="replace"))
    send_packet(tls, 0, b"\x01")  # COM_QUIT


def trusting(ca_file=None):
    """A client context: verifies chain and name against ca_file, or nothing at all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = ca_file is not None
    context.verify_mode = ssl.CERT_NONE if ca_file is None else ssl.CERT_REQUIRED
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _digest(tls):
    return hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest()


def served(port, ca_file=None, host="127.0.0.1"):
    """Fingerprint of the leaf that a MySQL port serves; raises when it serves none."""
    with open_tls(port, trusting(ca_file), host) as tls:
        return _digest(tls)


def served_x(port):
    """The same of the X protocol (port 33060): CapabilitiesSet tls=true, OK, TLS."""
    capability = bytes.fromhex("0a11 0a0f 0a03 746c73 1208 0801 1204 0807 4001")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(struct.pack("<IB", len(capability) + 1, 2) + capability)
        kind = 11
        while kind == 11:  # a notice
            length, kind = struct.unpack("<IB", _exactly(sock, 5))
            text = _exactly(sock, length - 1)
        if kind != 0:
            raise WireError(f"X protocol: message {kind}: {text!r}")
        with trusting().wrap_socket(sock, server_hostname="localhost") as tls:
            return _digest(tls)


def served_postgres(port):
    """The same of PostgreSQL: SSLRequest, S, TLS."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(struct.pack(">II", 8, 80877103))
        answer = _exactly(sock, 1)
        if answer != b"S":
            raise WireError(f"TLS is off: {answer!r}")
        with trusting().wrap_socket(sock, server_hostname="localhost") as tls:
            return _digest(tls)


def served_direct(port, ca_file=None, server_name="localhost", client=None):
    """The same for direct TLS (HTTPS, Galera group links). client: (cert file, key file)."""
    context = trusting(ca_file)
    if client:
        context.load_cert_chain(*client)
    with open_direct(port, context, server_name=server_name) as tls:
        return _digest(tls)


def served_or_none(port, probe=served):
    try:
        return probe(port)
    except (OSError, WireError, ValueError):
        return None
