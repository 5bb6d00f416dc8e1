# SPDX-License-Identifier: Apache-2.0
"""One database and its controller for all tests of a file."""

from contextlib import contextmanager

from .controller import Controller
from .flows import Flows


@contextmanager
def staged(fleet, issuers=(), flows=Flows):
    """The flows, with fleet and controller up; both end in any case."""
    namespace = fleet.namespace
    controller = Controller(fleet.dir / "controller", namespace.plane, namespace=namespace.name, step_timeout="60s")
    try:
        fleet.up()
        for name in issuers:
            namespace.issuer(name)
        controller.start()
        yield flows(fleet, controller)
    finally:
        try:
            controller.cleanup()
        finally:
            fleet.cleanup()
