# SPDX-License-Identifier: Apache-2.0
"""The commands and examples of the READMEs as they stand, where no other test has them."""

import json
from pathlib import Path

import pytest

from support.agent import BINARY, ROOT, run
from support.fleet import databases_group, define_database
from support.kube import ControlPlane, missing
from support.namespace import Namespace
from support.readme import blocks, commands, shell
from support.reports import put, report

# Folder of the README, and where its commands are at home.
HERE = {"deploy/crds": ".", "deploy/kubernetes/agent": "deploy/kubernetes/agent",
        "deploy/kubernetes/controller": "deploy/kubernetes/controller", "deploy/kubernetes/webhook": "deploy/kubernetes/webhook"}
ELSEWHERE = {"deploy": "test_install.py", "deploy/chart/certrotate": "test_install.py", "deploy/image": "test_image.py",
             "deploy/kubernetes/monitoring": "test_install.py", "deploy/samples": "tests/cluster/test_samples.py"}
TOOLS = ("kubectl ", "helm ", "sed ", "docker ", "buildah ")


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """With a database `px` in `demo`, as KubeDB would have it."""
    if missing():
        pytest.skip(missing())
    plane = ControlPlane(tmp_path_factory.mktemp("readmes") / "plane")
    try:
        plane.up()
        plane.run_manager()
        for name in ("demo", "shop"):
            plane.kubectl("create", "namespace", name)
        define_database(plane, "mariadb")
        plane.kubectl("apply", "-f", "-", namespace="demo", stdin=json.dumps(
            {"apiVersion": databases_group("mariadb"), "kind": "MariaDB", "metadata": {"name": "px"}, "spec": {}}))
        yield plane
    finally:
        plane.cleanup()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/kubectl-certrotate").symlink_to(Path(BINARY).resolve())
    return tmp_path


def test_none_is_forgotten():
    """Whoever writes commands into another README says here who runs them."""
    found = {str(readme.parent.relative_to(ROOT)) for readme in ROOT.glob("**/README.md")
             if "build" not in readme.relative_to(ROOT).parts[:1]
             and any(command.startswith(TOOLS) for _, command in commands(readme))}
    assert found == {".", *HERE, *ELSEWHERE}


def test_commands(plane, folder):
    """In this order: what one README installs the next may need."""
    for readme, cwd in HERE.items():
        for _, command in commands(ROOT / readme / "README.md"):
            said = shell(plane, folder, command, cwd=ROOT / cwd)
            if command.endswith("deploy/crds"):  # people type more slowly than definitions are taken up
                plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", ROOT / "deploy/crds")
    assert "certrotate" in said
    put(Namespace(plane, "demo", make=False), "px-0", report("px-0"))
    for command in commands(ROOT / "README.md", "In a pod"):
        said = shell(plane, folder, command)
    assert said.startswith("1 pod of 1 database: all well"), said


def test_configurations(tmp_path):
    """The front page's: of a host, and what a pod has beside it."""
    database, in_a_pod = (text for text in blocks(ROOT / "README.md") if "annotations:" not in text)
    path = tmp_path / "certrotate.yaml"
    path.write_text(database + in_a_pod)
    code, out, err = run("run", "--config", path, "--print-config")
    assert code == 0 and "lease: px-certrotate" in out, err
