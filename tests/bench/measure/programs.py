# SPDX-License-Identifier: Apache-2.0
"""The programs of the benchmark: built by CMake and, in a cache of their own, by Go at exact versions."""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

RELOADER = "github.com/prometheus-operator/prometheus-operator/cmd/prometheus-config-reloader"
# name: folder below peers/, package, module whose version names the cache folder
PEERS = {
    "certwatcher": ("certwatcher", ".", "sigs.k8s.io/controller-runtime"),
    "prometheus-config-reloader": ("config-reloader", RELOADER, "github.com/prometheus-operator/prometheus-operator"),
    "govalidate": ("govalidate", ".", None),
}
OURS = ("bench_client", "bench_floor", "bench_reload_helper")


class Failure(Exception):
    pass


@dataclass
class Built:
    path: dict = field(default_factory=dict)     # name: program
    version: dict = field(default_factory=dict)  # name: "module@version"
    skipped: dict = field(default_factory=dict)  # name: why


def run(command, cwd, what, **env):
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, **env})
    if done.returncode != 0:
        raise Failure(f"{what} failed:\n" + "\n".join((done.stdout + done.stderr).splitlines()[-25:]))
    return done.stdout


def build_ours(root, built, got, say):
    say("building the release and the benchmark's programs")
    run(["cmake", "--preset", "bench"], root, "cmake --preset bench")
    targets = list(OURS)
    out = root / "build" / "release"
    if (root / "tests" / "bench" / "validate.c").exists():
        targets.append("bench_validate")
    if not got.agent:
        targets.append("certrotate")
    run(["cmake", "--build", "--preset", "bench", "--target", *targets], root, "the build")
    for target in targets:
        built.path[target.removeprefix("bench_")] = out / target if target == "certrotate" else out / "tests" / "bench" / target
    if got.agent:
        built.path["certrotate"] = Path(got.agent).resolve()


def module_version(folder, module):
    if module is None:
        return "own"
    found = re.search(rf"^(?:require )?\s*{re.escape(module)} (v\S+)", (folder / "go.mod").read_text(), re.M)
    return f"{module}@{found[1]}"


def go_version():
    """(major, minor) of the Go that is installed, None when there is none."""
    if shutil.which("go") is None:
        return None
    said = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True).stdout
    found = re.match(r"go(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else None


def stamp(folder):
    """Of everything that decides what Go builds: the sources and the exact versions of all modules."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def build_peer(root, name, built, say):
    folder, package, module = PEERS[name]
    folder = root / "tests" / "bench" / "peers" / folder
    version = module_version(folder, module)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "certrotate-bench"
    program = cache / version.replace("/", "_") / name
    wanted, mark = stamp(folder), program.with_name(f"{name}.sha256")
    if not program.exists() or not mark.exists() or mark.read_text() != wanted:
        say(f"building {name} ({version}); the first time takes minutes")
        program.parent.mkdir(parents=True, exist_ok=True)
        run(["go", "build", "-trimpath", "-ldflags=-s -w", "-o", f"{program}.new", package], folder,
            f"go build {package}", CGO_ENABLED="0", GOFLAGS="-mod=readonly -buildvcs=false")
        os.replace(f"{program}.new", program)
        mark.write_text(wanted)
    built.path[name], built.version[name] = program, version


def is_wanted(name, got):
    return "validation" in got.parts if name == "govalidate" else not got.variant or name in got.variant


def build(root, got, say):
    built = Built()
    build_ours(root, built, got, say)
    have = go_version()
    for name in filter(lambda n: is_wanted(n, got), PEERS):
        wanted = re.search(r"^go (\d+)\.(\d+)", (root / "tests/bench/peers" / PEERS[name][0] / "go.mod").read_text(), re.M)
        if have is None or have < (1, 21):
            built.skipped[name] = (f"needs Go {wanted[1]}.{wanted[2]}, and this machine has "
                                   f"{'none' if have is None else '%d.%d' % have} (Debian 12's own is 1.19): see go.dev/dl")
            say(f"skipped: {name} {built.skipped[name]}")
            continue
        try:
            build_peer(root, name, built, say)
        except Failure as e:
            built.skipped[name] = str(e).splitlines()[-1]
            say(f"skipped: {name}: {e}")
    return built


def closure(program):
    """Bytes of the shared libraries that a program loads; 0 for a static one."""
    said = subprocess.run(["ldd", str(program)], capture_output=True, text=True).stdout
    return sum(Path(p).stat().st_size for p in {os.path.realpath(p) for p in re.findall(r"(/\S+) \(0x", said)})


def sizes(built, work):
    rows = {}
    for name in ("certrotate", "floor", "certwatcher", "prometheus-config-reloader"):
        if name not in built.path:
            continue
        copy = work / f"stripped-{name}"
        run(["strip", "-o", copy, built.path[name]], work, f"strip {name}")
        said = subprocess.run(["ldd", str(copy)], capture_output=True, text=True).stdout
        rows[name] = {"bytes": copy.stat().st_size, "libraries": len(re.findall(r"\(0x", said)),
                      "libraries_bytes": closure(copy)}
    return rows
