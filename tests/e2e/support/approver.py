# SPDX-License-Identifier: Apache-2.0
"""
An approver with a policy of its own, in place of cert-manager's: it judges every CertificateRequest of a namespace, and
changes its mind when a test says so. cert-manager itself need not be started anew for that.
"""

import threading

from .certificates import deny, judge
from .kube_api import ApiError
from .namespace import CERTIFICATES

PAUSE = 0.2


def approve(namespace, request):
    return judge(namespace, request, "Approved", "Allowed", "by the policy of a test")


def wait(*_):
    """No word so far."""


class Approver:
    """policy: approve, deny, wait."""

    def __init__(self, namespace):
        namespace.plane.run_cert_manager(without="certificaterequests-approver")
        self.namespace, self.policy = namespace, approve
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._judge, daemon=True)
        self._thread.start()

    def _judge(self):
        while not self._end.wait(PAUSE):
            try:
                for request in self.namespace.call("GET", "certificaterequests", group=CERTIFICATES)["items"]:
                    self.policy(self.namespace, request)
            except (ApiError, OSError):
                continue  # cert-manager has written meanwhile, or the server is away: at the next look

    def cleanup(self):
        self._end.set()
        self._thread.join()
        self.namespace.plane.run_cert_manager()
