# SPDX-License-Identifier: Apache-2.0
"""Waiting with a deadline. No test sleeps for a guessed time: it polls for what it needs."""

import ctypes
import os
import random
import signal
import socket
import time

# Sanitizer builds on a busy machine are slow; CI may stretch every deadline at once.
STRETCH = float(os.environ.get("E2E_STRETCH", "1"))


_prctl = ctypes.CDLL(None).prctl
PR_SET_PDEATHSIG = 1


def end_with_parent():
    """preexec_fn: a test run that is killed leaves no server behind."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for(what, predicate, deadline=15.0, interval=0.02, explain=None):
    """The first true value of predicate(), or AssertionError with explain() behind it."""
    end = time.monotonic() + deadline * STRETCH
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            more = "\n" + explain() if explain else ""
            raise AssertionError(f"{what}: not within {deadline * STRETCH:g} s{more}")
        time.sleep(interval)


def stays(what, predicate, seconds, interval=0.05, explain=None):
    """predicate() must hold all the time: for things that must not happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not predicate():
            more = "\n" + explain() if explain else ""
            raise AssertionError(f"{what}: no longer so{more}")
        time.sleep(interval)


_given = set()  # of this run: a server that takes its time has not bound its port yet
WORKERS_MAX = 4
_share = (32000 - 15000) // WORKERS_MAX
_first = 15000 + _share * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS_MAX)


def free_ports(n):
    """n ports that nobody listens on now, none given before by any worker, and below the range of outgoing connections."""
    if len(_given) > _share // 2:
        _given.clear()
    found = []
    while len(found) < n:
        port = random.randrange(_first, _first + _share)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            found.append(port)
    return found


def free_port():
    return free_ports(1)[0]


def tail(path, lines=40):
    try:
        with open(path, errors="replace") as f:
            return "".join(f.readlines()[-lines:])
    except OSError as e:
        return f"({e})\n"
