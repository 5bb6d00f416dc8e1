# SPDX-License-Identifier: Apache-2.0
"""One database and its controller for all tests of a file; with an engine, also what makes its requests fail."""

from contextlib import contextmanager

from .approver import Approver
from .controller import Controller
from .failures import Failures
from .flows import Flows


@contextmanager
def staged(fleet, issuers=(), flows=Flows, step_timeout="60s"):
    """The flows, with fleet and controller up; both end in any case."""
    namespace = fleet.namespace
    controller = Controller(fleet.dir / "controller", namespace.plane, namespace=namespace.name, step_timeout=step_timeout)
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


@contextmanager
def failing(flows, engine, foreign):
    """The flows, with `failures`."""
    approver = Approver(flows.namespace)
    try:
        flows.failures = Failures(flows, approver, foreign, engine)
        yield flows
    finally:
        approver.cleanup()
