#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
A SQL Server as clients and administrators see it: server.py --home DIR --port N [--name NAME] [--group DIR]

DIR plays /var/opt/mssql: mssql.conf, data/, log/errorlog; faults.json says what is to go wrong.
"""

import argparse
import itertools
import signal
import socket
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True

from conf import Refused  # noqa: E402
from instance import Instance  # noqa: E402
from session import Connection  # noqa: E402


def accept(instance, listener):
    for number in itertools.count(51):
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=Connection(instance, client, number).serve, daemon=True).start()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--home", required=True)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--address", default="127.0.0.1")
    options.add_argument("--name", default="sql-0")
    options.add_argument("--group")
    given = options.parse_args()
    for folder in ("log", "data"):
        (Path(given.home) / folder).mkdir(parents=True, exist_ok=True)
    ended_by_signal = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended_by_signal.set())
    try:
        instance = Instance(given.home, given.name, given.group)
    except Refused as e:
        with open(Path(given.home) / "log/errorlog", "a") as f:
            f.write(f"TDSSNIClient initialization failed: {e}\n")
        print(e, file=sys.stderr)
        return 1
    listener = socket.create_server((given.address, given.port), backlog=64)
    threading.Thread(target=accept, args=(instance, listener), daemon=True).start()
    instance.log("SQL Server is now ready for client connections.")
    while not instance.ending.wait(0.05):
        if ended_by_signal.is_set():
            instance.end()
    listener.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
