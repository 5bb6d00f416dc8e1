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


def _digest(layer):
    if isinstance(layer, bytes):
        return hashlib.sha256(layer).hexdigest()
    with open(layer, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def write(archive, name, layers, entrypoint=None, user=None, command=None):
    """layers: each the bytes of a tar, or the path of one. Returns name, the image's own."""
    layers = [(layer, _digest(layer)) for layer in layers]
    settings = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
    settings.update({key: value for key, value in (("Entrypoint", entrypoint), ("Cmd", command), ("User", user))
                     if value})
    config = json.dumps({"architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z", "config": settings,
                         "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for _, digest in layers]}}).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    places = [f"{digest}/layer.tar" for _, digest in layers]
    with tarfile.open(archive, "w") as tar:
        for (layer, _), place in zip(layers, places):
            if isinstance(layer, bytes):
                _add(tar, place, layer)
            else:
                tar.add(layer, place)
        _add(tar, config_name, config)
        _add(tar, "manifest.json", json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": places}]).encode())
    return name


def pause(archive, folder, name="localhost/pause:1"):
    binary = Path(folder) / "pause"
    subprocess.run(["cc", "-O2", "-static", "-s", "-o", binary, Path(__file__).with_name("pause.c")], check=True)
    layer = Layer()
    layer.file("/pause", binary, 0o755)
    return write(archive, name, [layer.bytes()], ["/pause"])


def single(archive, binary, name):
    """A static program and nothing else."""
    layer = Layer()
    place = "/" + Path(binary).name
    layer.file(place, binary, 0o755)
    return write(archive, name, [layer.bytes()], [place])


def database(archive, tree, name):
    """A whole tree, as mmdebstrap makes it."""
    return write(archive, name, [tree], command=["/bin/bash"])


SQLSERVR = """#!/bin/sh
cd /var/opt/mssql && mkdir -p data
test -e data/master.json || printf '{"logins": {"sa": {"password": "%s", "rights": ["CONTROL SERVER"]}}, "certificates": {},
        "endpoints": {}, "master_key": true}' "$MSSQL_SA_PASSWORD" >data/master.json
exec python3 -B /opt/peer/server.py --home /var/opt/mssql --port 1433 --address 0.0.0.0 --name "$HOSTNAME"
"""


def sqlserver(archive, tree, name, peer):
    """What plays SQL Server (peer: its folder), where the vendor's image has it and told by the same variables."""
    layer = Layer()
    for path in sorted(Path(peer).glob("*.py")):
        layer.file(f"/opt/peer/{path.name}", path)
    layer.data("/opt/mssql/bin/sqlservr", SQLSERVR.encode(), 0o755)
    return write(archive, name, [tree, layer.bytes()], command=["/opt/mssql/bin/sqlservr"])
