# SPDX-License-Identifier: Apache-2.0
"""
The tree of the image, on a Debian machine that has the program's libraries: PROGRAM LICENCE TREE. Every file is root's
and of the time SOURCE_DATE_EPOCH; who the files belong to is in the SBOM, and in dpkg's own words for scanners.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import sbom

PROGRAM = "/usr/bin/certrotate"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# What no linker knows of, since it is loaded by name: HTTP calls, SQL Server, and what these load in turn: logins of
# MariaDB and MySQL, old PKCS#12 files, and the encodings in which SQL Server speaks.
LIBRARIES = ("libcurl.so.4", "libsybdb.so.5")
PLUGINS = ("libmariadb3/plugin/*.so", "ossl-modules/*.so", "gconv/gconv-modules", "gconv/ISO8859-1.so",
           "gconv/UTF-16.so", "gconv/UNICODE.so")
TEXTS = {
    "/etc/passwd": "root:x:0:0::/:/sbin/nologin\ncertrotate:x:65532:65532::/:/sbin/nologin\n",
    "/etc/group": "root:x:0:\ncertrotate:x:65532:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def output(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def loaded(binary):
    """Where the loader looks for each library of it, and for itself."""
    lines = output("ldd", binary).splitlines()
    missing = [line.split()[0] for line in lines if "not found" in line]
    if missing:
        sys.exit(f"rootfs: {binary} needs {', '.join(missing)}, which is not on this machine")
    return {match[1] for match in (re.search(r"(/\S+) \(0x", line) for line in lines) if match}


def closure(program):
    """{path in the image: file of this machine}: paths without a link in them, but for the loader's own name."""
    system = next(Path(path).resolve().parent for path in loaded(program) if path.endswith("/libc.so.6"))
    extra = [system / name for name in LIBRARIES] + [path for glob in PLUGINS for path in sorted(system.glob(glob))]
    found = {PROGRAM: Path(program)}
    for binary in (Path(program), *extra):
        if binary.suffix == ".so" or ".so." in binary.name or binary == Path(program):
            found.update(place(path) for path in loaded(binary))
        found.update([place(str(binary))] if binary != Path(program) else [])
    return found


def place(path):
    folder, name = os.path.split(path)
    return (path if "ld-linux" in name else f"{os.path.realpath(folder)}/{name}"), Path(path)


def lay(tree, path, data, mode=0o644):
    target = Path(f"{tree}{path}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    target.chmod(mode)


def settle(tree, moment):
    """The umask and the moment of the build leave no trace."""
    for path in sorted(tree.rglob("*"), reverse=True):
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (moment, moment))
    tree.chmod(0o755)
    os.utime(tree, (moment, moment))


def main(program, licence, tree):
    moment, tree = int(os.environ.get("SOURCE_DATE_EPOCH") or 0), Path(tree)
    shutil.rmtree(tree, ignore_errors=True)
    files = closure(program)
    for path, source in files.items():
        lay(tree, path, source.read_bytes(), 0o755 if ".so" in path or path == PROGRAM else 0o644)
    for path in (AUTHORITIES, "/etc/os-release"):
        files[path] = Path(path)
        lay(tree, path, Path(path).read_bytes())
    for path, text in TEXTS.items():
        lay(tree, path, text.encode())
    lay(tree, "/usr/share/doc/certrotate/copyright", Path(licence).read_bytes())
    packages = sbom.packages({path: source for path, source in files.items() if path != PROGRAM})
    for package in packages:
        terms = f"/usr/share/doc/{package.name}/copyright"
        lay(tree, terms, Path(terms).read_bytes())
        lay(tree, f"/var/lib/dpkg/status.d/{package.name}", package.status.encode())
    version = output(program, "--version").split()[1]
    lay(tree, "/usr/share/doc/certrotate/sbom.spdx.json", sbom.document(tree, PROGRAM, version, packages, moment))
    settle(tree, moment)


if __name__ == "__main__":
    main(*sys.argv[1:])
