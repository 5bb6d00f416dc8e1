# SPDX-License-Identifier: Apache-2.0
"""memsql.cnf and what lies in conf.d beside it: read in the order of their names, the last value of a name wins."""

from pathlib import Path

SECTION = "server"
FILES = ("ssl_cert", "ssl_key", "ssl_ca")


class BadSettings(Exception):
    pass


def _read(path, values):
    section = None
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            if line[-1] != "]":
                raise BadSettings(f"{path}:{number}: a section without its end")
            section = line[1:-1].strip()
        elif section is None:
            raise BadSettings(f"{path}:{number}: a setting before any section")
        elif section == SECTION:
            name, _, value = line.partition("=")
            values[name.strip().replace("-", "_")] = value.strip().strip("'\"")


def read(config):
    """{name: text} of the section [server]."""
    config, values = Path(config), {}
    for path in [config, *sorted((config.parent / "conf.d").glob("*.cnf"))]:
        if path.exists():
            _read(path, values)
    # A relative path is looked for beside memsql.cnf first.
    for name in FILES:
        if values.get(name) and not values[name].startswith("/") and (config.parent / values[name]).exists():
            values[name] = str(config.parent / values[name])
    return values
