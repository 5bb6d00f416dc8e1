# SPDX-License-Identifier: Apache-2.0
"""A listener in front of a server, which passes on what both say and keeps it."""

import socket
import threading


class Relay:
    """listener: where clients come; connect(): to the server. said: what the clients sent, heard: the servers."""

    def __init__(self, listener, connect):
        self.listener, self.connect = listener, connect
        self.said, self.heard = b"", b""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = self.connect()
            except OSError:
                client.close()
                continue
            for names in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=names, daemon=True).start()

    def _pass(self, source, target, from_client):
        try:
            while data := self.read(source, from_client):
                if from_client:
                    self.said += data
                else:
                    self.heard += data
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def read(self, source, from_client):
        return source.recv(65536)

    def cleanup(self):
        self.listener.close()


def relay_to_port(port):
    """On a port of loopback; .port tells which."""
    listener = socket.create_server(("127.0.0.1", 0))
    relay = Relay(listener, lambda: socket.create_connection(("127.0.0.1", port)))
    relay.port = listener.getsockname()[1]
    return relay
