# SPDX-License-Identifier: Apache-2.0
"""
Images of everything that is not the product, without a registry and without Docker: a docker-archive is a layer, a
configuration and a manifest in a tar, which `ctr images import` takes. The same files give the same image.
"""

import hashlib
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path


class Layer:
    """A tar in the making; every file is root's and of the year 1970."""

    def __init__(self):
        self.raw = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.raw, mode="w", format=tarfile.GNU_FORMAT)
        self.have = set()

    def _entry(self, path, mode):
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.mode, entry.uid, entry.gid, entry.mtime = mode, 0, 0, 0
        return entry

    def folder(self, path, mode=0o755):
        if path.strip("/") and path not in self.have:
            self.folder(os.path.dirname(path))
            self.have.add(path)
            entry = self._entry(path, mode)
            entry.type = tarfile.DIRTYPE
            self.tar.addfile(entry)

    def data(self, path, data, mode=0o644):
        if path not in self.have:
            self.folder(os.path.dirname(path))
            self.have.add(path)
            entry = self._entry(path, mode)
            entry.size = len(data)
            self.tar.addfile(entry, io.BytesIO(data))

    def file(self, path, source, mode=0o644):
        self.data(path, Path(source).read_bytes(), mode)

    def bytes(self):
        self.tar.close()
        return self.raw.getvalue()


def _add(tar, name, data):
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def write(archive, name, layer, entrypoint=None, user=None, command=None):
    """layer: bytes of a tar, or the path of one. Returns name, the image's own."""
    if isinstance(layer, bytes):
        digest = hashlib.sha256(layer).hexdigest()
    else:
        with open(layer, "rb") as f:
            digest = hashlib.file_digest(f, "sha256").hexdigest()
    settings = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
    settings.update({key: value for key, value in (("Entrypoint", entrypoint), ("Cmd", command), ("User", user))
                     if value})
    config = json.dumps({"architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z", "config": settings,
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": [f"{digest}/layer.tar"]}]
    with tarfile.open(archive, "w") as tar:
        if isinstance(layer, bytes):
            _add(tar, f"{digest}/layer.tar", layer)
        else:
            tar.add(layer, f"{digest}/layer.tar")
        _add(tar, config_name, config)
        _add(tar, "manifest.json", json.dumps(manifest).encode())
    return name


def pause(archive, folder, name="localhost/pause:1"):
    binary = Path(folder) / "pause"
    subprocess.run(["cc", "-O2", "-static", "-s", "-o", binary, Path(__file__).with_name("pause.c")], check=True)
    layer = Layer()
    layer.file("/pause", binary, 0o755)
    return write(archive, name, layer.bytes(), ["/pause"])


def single(archive, binary, name):
    """A static program and nothing else."""
    layer = Layer()
    place = "/" + Path(binary).name
    layer.file(place, binary, 0o755)
    return write(archive, name, layer.bytes(), [place])


def database(archive, tree, name):
    """A whole tree, as mmdebstrap makes it."""
    return write(archive, name, tree, command=["/bin/bash"])
