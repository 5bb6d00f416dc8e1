# SPDX-License-Identifier: Apache-2.0
"""
Every member's handshake with every other's group link, over and over, with the files that are published for it: what
a reconnect of the cluster would meet at that moment.
"""

import os
import socket
import ssl
import threading


class Links:
    def __init__(self, members):
        self.members, self.refusals, self.rounds = members, [], 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _context(self, member):
        """Of one generation, whatever is swapped meanwhile. TLS 1.2: there a refusal comes inside the handshake."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        folder = os.path.realpath(member.published / "..data")
        context.load_verify_locations(f"{folder}/ca.crt")
        context.load_cert_chain(f"{folder}/tls.crt", f"{folder}/tls.key")
        return context

    def _shake(self, member, peer, again=False):
        try:
            context = self._context(member)
        except FileNotFoundError:
            return  # swapped and swept in between
        try:
            with socket.create_connection(("127.0.0.1", peer.group), timeout=5) as sock:
                with context.wrap_socket(sock):
                    pass
        except (ConnectionError, TimeoutError, socket.timeout):
            return  # a node that is down or coming refuses nobody
        except ssl.SSLError as e:
            if "UNEXPECTED_EOF" in str(e) or "timed out" in str(e):
                return
            # Either side's judgement of a certificate counts at once. A handshake that a node garbles, or has nothing
            # to offer for, as it comes or goes is no judgement, unless it stays so.
            judged = isinstance(e, ssl.SSLCertVerificationError) or "CERTIFICATE" in str(e) or "UNKNOWN_CA" in str(e)
            if again or judged:
                self.refusals.append(f"{member.name} -> {peer.name}: {e}")
            else:
                self._end.wait(0.5)
                self._shake(member, peer, again=True)

    def _watch(self):
        while not self._end.is_set():
            for member in self.members:
                for peer in self.members:
                    self._shake(member, peer)
            self.rounds += 1
            self._end.wait(0.02)

    def check(self):
        assert self.rounds > 3, f"only {self.rounds} rounds"
        assert not self.refusals, f"{len(self.refusals)} refusals:\n" + "\n".join(self.refusals[:10])

    def cleanup(self):
        self._end.set()
        self._thread.join()
