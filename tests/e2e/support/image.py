# SPDX-License-Identifier: Apache-2.0
"""deploy/Dockerfile, built as it stands without a registry, and what came out: configuration and files."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from .agent import ROOT
from .kube import CACHE
from .poll import STRETCH

DEBIAN = CACHE / "images/debian-12.tar"
BASE = "docker.io/library/debian:12-slim"
STORE = CACHE / "buildah"
NAME = "registry.example.com/certrotate:0.1.0"  # as the READMEs call it
MOMENT = 1700000000
LAYERS_MAX = 400  # each change of the tree leaves some 15 behind


def missing():
    """Why no image can be built here; None: it can."""
    if os.geteuid() != 0:
        return "an image is built by root only"
    if shutil.which("buildah") is None:
        return "buildah is not installed: apt-get install buildah"
    return None if DEBIAN.exists() else f"{DEBIAN} is not there (tests/stages/install.sh makes it)"


def buildah(*words, check=True):
    command = ["buildah", "--root", STORE / "storage", "--runroot", STORE / "run", "--storage-driver", "overlay",
               *words]
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert not check or done.returncode == 0, f"buildah {words[0]}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.returncode, done.stdout.strip()


def want_base():
    """Debian 12 under the name that the Dockerfile has for it; kept, so that packages are installed into it once."""
    mark = f"localhost/debian:{hashlib.sha256(str(DEBIAN.stat().st_mtime_ns).encode()).hexdigest()[:12]}"
    if buildah("inspect", "--type", "image", mark, check=False)[0] == 0:
        return
    _, container = buildah("from", "scratch")
    buildah("add", "--quiet", container, DEBIAN, "/")
    buildah("config", "--cmd", "/bin/bash", "--env",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
    buildah("commit", "--quiet", "--rm", container, mark)
    buildah("tag", mark, BASE)


def build(context=ROOT, moment=MOMENT):
    """
    Id of the image that the Dockerfile in the tree `context` gives. What was built before comes from the store; one at a
    time builds.
    """
    with open(CACHE / "buildah.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _build(context, moment)


def _build(context, moment):
    if len(buildah("images", "--all", "--quiet")[1].splitlines()) > LAYERS_MAX:
        buildah("rmi", "--all", "--force")
    want_base()
    with tempfile.NamedTemporaryFile("r") as told:
        buildah("bud", "--isolation", "chroot", "--pull-never", "--layers", "--timestamp", moment, "--build-arg",
                f"SOURCE_DATE_EPOCH={moment}", "-f", Path(context) / "deploy/Dockerfile", "--iidfile", told.name,
                "-t", "localhost/certrotate:test", context)
        return told.read().strip().removeprefix("sha256:")


def save(image, archive, name=NAME):
    """As a docker-archive, which `ctr images import` takes."""
    buildah("push", "--quiet", image, f"docker-archive:{archive}:{name}")
    return name


class Image:
    def __init__(self, folder, context=ROOT):
        """Built of the tree `context`; what it is made of lies in `folder` afterwards."""
        self.folder, self.root = Path(folder), Path(folder) / "root"
        self.root.mkdir(parents=True)
        buildah("push", "--quiet", build(context), f"oci:{self.folder / 'oci'}:test")
        self.digest = json.loads((self.folder / "oci/index.json").read_text())["manifests"][0]["digest"]
        self.manifest = json.loads(self._blob(self.digest).read_text())
        self.whole = json.loads(self._blob(self.manifest["config"]["digest"]).read_text())
        self.config = self.whole["config"]
        self.packed = sum(layer["size"] for layer in self.manifest["layers"])
        self.entries = []
        for layer in self.manifest["layers"]:
            with tarfile.open(self._blob(layer["digest"])) as tar:
                self.entries += tar.getmembers()
                tar.extractall(self.root)

    def _blob(self, digest):
        return self.folder / "oci/blobs" / digest.replace(":", "/")

    def files(self):
        return [entry for entry in self.entries if entry.isfile()]

    def run(self, *words):
        """In it, as its user, and with nothing else of this machine than the kernel."""
        inside = ["/usr/bin/unshare", "--net", "--ipc", "--uts", "/usr/sbin/chroot",
                  f"--userspec={self.config['User']}", str(self.root)]
        done = subprocess.run([*inside, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60 * STRETCH, env=dict(pair.split("=", 1) for pair in self.config["Env"]))
        return done.returncode, done.stdout, done.stderr
