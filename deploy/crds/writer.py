# SPDX-License-Identifier: Apache-2.0
"""YAML for people: as much as the definitions need."""

import re

WIDTH = 120
# What reads the same with and without quotes. Texts that YAML takes for something else, such as true or 1, do not.
PLAIN = re.compile(r"[A-Za-z./][-A-Za-z0-9_./ (),';+<>=]*[-A-Za-z0-9_./)'>]|[A-Za-z]")
NOT_TEXT = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if PLAIN.fullmatch(value) and value.lower() not in NOT_TEXT:
        return value
    if "'" in value and '"' not in value and "\\" not in value:
        return f'"{value}"'
    return "'" + value.replace("'", "''") + "'"


def folded(value, indent):
    """A long text on lines of its own; only single spaces become line ends, so that reading it gives the same."""
    lines, line = [], ""
    for word in re.split(r"(?<=[^ ]) (?=[^ ])", value):
        if line and indent + len(line) + 1 + len(word) > WIDTH:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return ">-\n" + "\n".join(" " * indent + each for each in [*lines, line])


def flow(value):
    """On one line, when it is short and flat."""
    if isinstance(value, list) and all(not isinstance(v, (list, dict)) for v in value):
        return "[" + ", ".join(scalar(v) if isinstance(v, int) or re.fullmatch(r"[-A-Za-z0-9_./]+", v) and
                               v.lower() not in NOT_TEXT else f'"{v}"' for v in value) + "]"
    return "{}" if value == {} else None


def write(value, indent):
    """The lines of a mapping or list."""
    pad = " " * indent
    if isinstance(value, list):
        for item in value:
            if not isinstance(item, (list, dict)):
                yield f"{pad}- {scalar(item)}"
                continue
            lines = list(write(item, indent + 2))
            yield pad + "- " + lines[0].lstrip()
            yield from lines[1:]
        return
    for key, inner in value.items():
        start = f"{pad}{key}:"
        short = scalar(inner) if not isinstance(inner, (list, dict)) else flow(inner)
        if short is None or isinstance(inner, list) and len(start) + 1 + len(short) > WIDTH:
            yield start
            yield from write(inner, indent if isinstance(inner, list) else indent + 2)
        elif len(start) + 1 + len(short) <= WIDTH or not isinstance(inner, str):
            yield f"{start} {short}"
        else:
            yield from f"{start} {folded(inner, indent + 2)}".split("\n")


def document(value):
    return "\n".join(write(value, 0)) + "\n"
