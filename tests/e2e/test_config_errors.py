# SPDX-License-Identifier: Apache-2.0
"""SH9: a wrong configuration ends with 2 and names file, line and column; nothing is created."""

import re

import pytest

from support.agent import run

GOOD = """database: mariadb
source: {dir}/secret
publish: {dir}/published
admin:
  socket: {dir}/none.sock
"""
# name: (text to replace, replacement, line, what is said)
CASES = {
    "unknown key": ("source:", "surce:", 2, "surce"),
    "unknown key in a map": ("  socket:", "  sockett:", 5, "sockett"),
    "duplicate key": ("publish:", "source: /x\npublish:", 3, "source"),
    "unknown database": ("mariadb\n", "oracle\n", 1, "oracle"),
    "wrong type": ("socket: {dir}/none.sock", "port: lots", 5, "port"),
    "out of range": ("socket: {dir}/none.sock", "port: 70000", 5, "port"),
    "tab": ("  socket", "\tsocket", 5, ""),
    "anchor": ("database: mariadb", "database: &a mariadb", 1, "anchor"),
    "second document": ("admin:\n", "---\nadmin:\n", 4, "document"),
}


@pytest.mark.parametrize("case", CASES)
def test_says_where(tmp_path, case):
    old, new, line, word = CASES[case]
    path = tmp_path / "certrotate.yaml"
    path.write_text(GOOD.replace(old, new, 1).format(dir=tmp_path))
    code, out, err = run("run", "--config", path, timeout=20)
    assert code == 2, err
    assert re.search(rf"certrotate\.yaml:{line}:\d+: ", err), err
    assert word in err and len(err.splitlines()) <= 3, err
    assert not (tmp_path / "published").exists() and not out


@pytest.mark.parametrize("missing", ["source", "publish", "database"])
def test_missing_is_named(tmp_path, missing):
    path = tmp_path / "certrotate.yaml"
    path.write_text("".join(line + "\n" for line in GOOD.format(dir=tmp_path).splitlines()
                            if not line.startswith(missing)))
    code, _, err = run("run", "--config", path, timeout=20)
    assert code == 2 and missing in err, err


def test_no_such_file(tmp_path):
    code, _, err = run("run", "--config", tmp_path / "none.yaml", timeout=20)
    assert code == 2 and "none.yaml" in err, err


def test_unknown_option():
    code, _, err = run("run", "--nonsense", timeout=20)
    assert code == 2 and "--nonsense" in err, err


def test_unknown_endpoint_scheme(tmp_path):
    path = tmp_path / "certrotate.yaml"
    path.write_text(GOOD.format(dir=tmp_path) + "endpoints: ['gopher://x:1']\n")
    code, _, err = run("run", "--config", path, timeout=20)
    assert code == 2 and "gopher" in err, err
