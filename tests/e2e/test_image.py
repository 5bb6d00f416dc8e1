# SPDX-License-Identifier: Apache-2.0
"""
The image of deploy/Dockerfile: built as it stands, small, without a shell, for a user without rights, the same bits
twice, and with a list of what is in it. The second build is only with --long.
"""

import hashlib
import json
import os
import re
import shutil

import pytest

from support.agent import ROOT
from support.image import Image, missing

GOAL = 25 << 20
PROGRAM = "usr/bin/certrotate"


@pytest.fixture(autouse=True)
def watchdog():
    """In place of that of all tests: a build may take long on a machine that is busy."""


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    if missing():
        pytest.skip(missing())
    return Image(tmp_path_factory.mktemp("image"))


def test_small(image):
    size = sum(entry.size for entry in image.files())
    print(f"{size / 2**20:.1f} MiB, {image.packed / 2**20:.1f} MiB packed, {len(image.files())} files")
    assert size <= GOAL


def test_nobody_has_rights_in_it(image):
    """A user without rights, to whom nothing belongs; no shell, nor any other program."""
    assert image.config["User"] == "65532:65532" and image.config["Entrypoint"] == ["/usr/bin/certrotate"]
    assert image.config["Env"] == ["PATH=/usr/bin"] and not image.config.get("Volumes")
    programs = [e.name for e in image.files() if e.mode & 0o111 and ".so" not in e.name]
    assert programs == [PROGRAM]
    assert not [e.name for e in image.entries if (e.uid, e.gid) != (0, 0) or e.mode & 0o7022 and not e.issym()]
    for name in ("sh", "/bin/sh", "bash", "ls"):
        code, _, said = image.run(name)
        assert code == 127 and "No such file" in said, name


def test_it_runs(image):
    code, out, err = image.run("certrotate", "--version")
    assert code == 0 and out.startswith("certrotate 0.1.0 (OpenSSL 3"), err
    code, out, err = image.run("certrotate", "controller", "--help")
    assert code == 0 and "--webhook-image" in out, err
    code, _, err = image.run("certrotate", "check", "/nowhere")
    assert code == 1 and "/nowhere" in err, err


def test_every_library_finds_its_own(image):
    libraries = [f"/{e.name}" for e in image.files() if ".so" in e.name and "ld-linux" not in e.name]
    assert any("libsybdb" in name for name in libraries) and any("libmariadb3/plugin" in name for name in libraries)
    assert any("gconv/UTF-16" in name for name in libraries) and any("libcurl" in name for name in libraries)
    loader = next(f"/{e.name}" for e in image.files() if "ld-linux" in e.name)
    for name in [f"/{PROGRAM}", *libraries]:
        code, out, err = image.run(loader, "--list", name)
        assert (code == 0 or "statically linked" in out + err) and "not found" not in out + err, f"{name}: {out}{err}"


def test_the_list_of_what_is_in_it(image):
    """SPDX: every program and library with its checksum, every package with the version that dpkg knew."""
    bill = json.loads((image.root / "usr/share/doc/certrotate/sbom.spdx.json").read_text())
    assert bill["spdxVersion"] == "SPDX-2.3" and bill["dataLicense"] == "CC0-1.0"
    assert bill["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
    told = {file["fileName"].removeprefix("./"): file for file in bill["files"]}
    binary = [e.name for e in image.files() if e.mode & 0o111]
    assert binary and set(binary) <= set(told)
    for name, file in told.items():
        data = (image.root / name).read_bytes()
        assert {c["algorithm"]: c["checksumValue"] for c in file["checksums"]} == {
            "SHA1": hashlib.sha1(data).hexdigest(), "SHA256": hashlib.sha256(data).hexdigest()}, name
    packages = {package["name"]: package for package in bill["packages"]}
    assert {"certrotate", "libc6", "libssl3", "libcurl4", "libsybdb5", "ca-certificates"} <= set(packages)
    for package in os.listdir(image.root / "var/lib/dpkg/status.d"):
        status = (image.root / "var/lib/dpkg/status.d" / package).read_text()
        version = re.search(r"^Version: (.*)$", status, re.M)[1]
        assert packages.pop(package)["versionInfo"] == version
        assert (image.root / "usr/share/doc" / package / "copyright").stat().st_size
    assert list(packages) == ["certrotate"] and packages["certrotate"]["licenseDeclared"] == "Apache-2.0"
    assert packages["certrotate"]["versionInfo"] == "0.1.0"
    ids = {x["SPDXID"] for x in (*bill["packages"], *bill["files"], bill)}
    assert len(ids) == 1 + len(bill["packages"]) + len(bill["files"])
    contained = set()
    for relation in bill["relationships"]:
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= ids
        if relation["relationshipType"] == "CONTAINS":
            contained.add(relation["relatedSpdxElement"])
    assert contained == {file["SPDXID"] for file in bill["files"]}


@pytest.mark.long
def test_the_same_bits_twice(image, tmp_path):
    """Compiled again, from another folder, with other times and another umask."""
    again = tmp_path / "elsewhere"
    before = os.umask(0o077)
    try:
        shutil.copytree(ROOT, again, copy_function=shutil.copy, ignore=shutil.ignore_patterns("build", ".git"))
        with open(again / "CMakeLists.txt", "a") as f:
            f.write("# Nothing of the layers that were built before can be used.\n")
        assert Image(tmp_path / "second", again).digest == image.digest
    finally:
        os.umask(before)
