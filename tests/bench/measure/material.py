# SPDX-License-Identifier: Apache-2.0
"""Certificates: one authority, one intermediate, many leaves with a key each, as an issuer with key rotation hands out."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = localhost
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth,clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost,DNS:database.bench.svc,IP:127.0.0.1
"""
KEYS = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["-newkey", "rsa:2048"]}
WORKERS = 2


@dataclass
class Material:
    bundles: Path  # 0000, 0001, …
    count: int
    samples: list  # folders named ec and rsa, for validation


def certificate(folder, name, kind, section, subject, days, signer=None):
    signed = ["-CA", f"{folder}/{signer}.crt", "-CAkey", f"{folder}/{signer}.key"] if signer else []
    subprocess.run(["openssl", "req", "-x509", "-config", f"{folder}/openssl.cnf", "-extensions", section, *KEYS[kind],
                    "-nodes", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.crt", "-subj", f"/CN={subject}",
                    "-days", str(days), *signed], check=True, capture_output=True, stdin=subprocess.DEVNULL)


def make_authority(folder, kind):
    folder.mkdir(parents=True)
    (folder / "openssl.cnf").write_text(CONFIG)
    certificate(folder, "root", kind, "authority", "Bench Root", 3650)
    certificate(folder, "between", kind, "authority", "Bench Intermediate", 1825, "root")
    return folder


def make_bundle(authority, kind, to):
    certificate(authority, to.name, kind, "leaf", "database.bench.svc", 90, "between")
    to.mkdir(parents=True)
    (to / "tls.crt").write_text((authority / f"{to.name}.crt").read_text() + (authority / "between.crt").read_text())
    shutil.move(authority / f"{to.name}.key", to / "tls.key")
    shutil.copy(authority / "root.crt", to / "ca.crt")


def make_material(folder, count):
    ec, rsa = make_authority(folder / "ec-authority", "ec"), make_authority(folder / "rsa-authority", "rsa")
    bundles = folder / "bundles"
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda i: make_bundle(ec, "ec", bundles / f"{i:04d}"), range(count)))
    samples = [folder / "samples" / "ec", folder / "samples" / "rsa"]
    make_bundle(ec, "ec", samples[0])
    make_bundle(rsa, "rsa", samples[1])
    return Material(bundles, count, samples)
