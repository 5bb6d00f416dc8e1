# SPDX-License-Identifier: Apache-2.0
"""A Secret volume, written in exactly kubelet's steps (pkg/volume/util/atomic_writer.go)."""

import os
import random
import shutil
import time
from pathlib import Path


class KubeletVolume:
    """
    path/..2026_11_23_10_00_00.123456789/tls.crt     a generation
    path/..data -> ..2026_…                          renamed over
    path/tls.crt -> ..data/tls.crt                   one link a file
    """

    def __init__(self, path):
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)

    def current(self):
        try:
            return os.readlink(self.path / "..data")
        except FileNotFoundError:
            return None

    def write(self, files):
        """One update. Returns the moment of the swap (monotonic); nothing happens when nothing changed."""
        old = self.current()
        if old is not None and self._payload(old) == files:
            return None
        stamp = time.strftime("..%Y_%m_%d_%H_%M_%S.") + str(random.randrange(10**9, 10**10))
        fresh = self.path / stamp
        fresh.mkdir(mode=0o755)
        for name, data in files.items():
            (fresh / name).write_bytes(data)
            (fresh / name).chmod(0o640)
        os.symlink(stamp, self.path / "..data_tmp")
        os.rename(self.path / "..data_tmp", self.path / "..data")
        swapped = time.monotonic()
        for name in files:
            if not os.path.lexists(self.path / name):
                os.symlink("..data/" + name, self.path / name)
        for link in self.path.iterdir():
            if not link.name.startswith("..") and link.name not in files:
                link.unlink()
        if old is not None:
            shutil.rmtree(self.path / old)
        return swapped

    def publish(self, bundle, **changed):
        return self.write(bundle.files(**changed))

    def _payload(self, generation):
        return {f.name: f.read_bytes() for f in (self.path / generation).iterdir()}

    def touch(self):
        """Metadata only: no change."""
        for link in self.path.iterdir():
            os.utime(link, follow_symlinks=True)

    def current_swapped_again(self):
        """A new generation of the same content, as after a metadata-only change of the Secret."""
        old = self.current()
        fresh = old.split("-")[0] + f"-{time.monotonic_ns()}"
        shutil.copytree(self.path / old, self.path / fresh)
        os.symlink(fresh, self.path / "..data_tmp")
        os.rename(self.path / "..data_tmp", self.path / "..data")
        shutil.rmtree(self.path / old)
