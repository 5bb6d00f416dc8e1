# SPDX-License-Identifier: Apache-2.0
"""`certrotate engines`, and the tables of engines in the documents, which must name every driver and none besides."""

import json
import re
from pathlib import Path

import pytest

from support.agent import ROOT, run


def engines():
    code, out, err = run("engines", "--output", "json")
    assert (code, err) == (0, "")
    return {engine["name"]: engine for engine in json.loads(out)}


def test_list():
    code, out, err = run("engines")
    assert (code, err) == (0, "") and "\033" not in out
    for name, engine in engines().items():
        (ways,) = [line for line in out.splitlines() if re.match(rf"{name} +(yes|no) ", line)]
        assert ways.split()[1:3] == ["yes" if engine[key] else "no" for key in ("reloads", "restarts")]
        for text in [file["name"] for file in engine["files"]] + engine["endpoints"] + engine["roles"]:
            assert text in ways, (name, text)
        for key in ("settingsFile", "notReloaded"):
            assert engine.get(key, "") in out


def test_one():
    for name, engine in engines().items():
        code, out, _ = run("engines", name)
        assert code == 0 and engine["summary"] in out
        code, out, _ = run("engines", name, "--output", "json")
        assert code == 0 and json.loads(out) == engine


@pytest.mark.parametrize("path", ["README.md", "hooks/README.md"])
def test_documents_have_the_same_engines(path):
    text = (Path(ROOT) / path).read_text()
    table = text[re.search(r"^\| (`database`|driver) ", text, re.M).end():].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([\w-]+)`", table, re.M)) == set(engines())


def test_manual_has_the_same_engines():
    text = (Path(ROOT) / "deploy/man/certrotate.conf.5").read_text()
    entry = text[text.index(".It Ic database"):].partition(".It Ic instance")[0]
    assert set(re.findall(r"^\.Cm ([\w-]+)", entry, re.M)) == set(engines())


@pytest.mark.parametrize("args, says", [(["mysq"], "did you mean 'mysql'"), (["oracle"], "is no engine"),
                                        (["mysql", "mariadb"], "takes one engine"), (["--output", "yaml"], "output")])
def test_usage(args, says):
    code, out, err = run("engines", *args)
    assert (code, out) == (2, "") and says in err, err
