# SPDX-License-Identifier: Apache-2.0
"""
`certrotate convert`: every form is read back by the program that people use for it: openssl for PEM and
PKCS#12, the JDK's keytool for the stores. When one fails, run keytool on the file it names.
"""

import os
import re
import shutil
import stat
import subprocess

import pytest

from support.agent import BINARY
from support.authority import fingerprint, openssl

PASSWORD = "changeit"
needs_java = pytest.mark.skipif(shutil.which("keytool") is None,
                                reason="keytool is not installed: apt-get install openjdk-17-jre-headless")


def convert(*args, code=0):
    done = subprocess.run([BINARY, "convert", *map(str, args)], capture_output=True, timeout=60)
    assert done.returncode == code, f"convert {args}: {done.returncode}\n{done.stderr.decode()}"
    return done


def keytool(*args, code=0):
    done = subprocess.run(["keytool", "-J-Duser.language=en", *map(str, args)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120)
    assert (done.returncode == 0) == (code == 0), f"keytool {args}: {done.stdout}{done.stderr}"
    return done.stdout


def entries(text):
    return int(re.search(r"Your keystore contains (\d+) entr", text)[1])


def sha256(text):
    return [one.replace(":", "").lower() for one in re.findall(r"SHA256: ([0-9A-F:]{95})", text)]


def lay(folder, bundle, **changed):
    folder.mkdir(exist_ok=True)
    for name, data in bundle.files(**changed).items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def password(tmp_path):
    (tmp_path / "password").write_text(PASSWORD + "\n")
    return tmp_path / "password"


@pytest.fixture
def chained(tmp_path_factory):
    from support.authority import Authority
    return Authority(tmp_path_factory.mktemp("chained"), name="Chained", intermediate=True)


@needs_java
@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519"])
def test_keytool_reads_the_key_store(tmp_path, chained, password, kind):
    bundle = chained.issue(kind=kind)
    store, copy = tmp_path / "key.p12", tmp_path / "copy.p12"
    convert("--to", "pkcs12", "--alias", "db", "--password-file", password, "-o", store, lay(tmp_path / "in", bundle))
    text = keytool("-list", "-v", "-keystore", store, "-storepass", PASSWORD)
    assert entries(text) == 1
    assert "Alias name: db" in text and "PrivateKeyEntry" in text and "Certificate chain length: 2" in text
    assert sha256(text)[0] == bundle.fp
    keytool("-list", "-keystore", store, "-storepass", "wrong!", code=1)
    # Only a key that Java could decrypt comes out of an import.
    keytool("-importkeystore", "-noprompt", "-srckeystore", store, "-srcstorepass", PASSWORD, "-destkeystore", copy,
            "-deststoretype", "PKCS12", "-deststorepass", "another", "-srcalias", "db")
    key = openssl("pkcs12", "-in", copy, "-nocerts", "-nodes", "-passin", "pass:another")
    assert openssl("pkey", "-pubout", stdin=key) == openssl("pkey", "-pubout", stdin=bundle.key)


@needs_java
def test_keytool_reads_stores_without_password(tmp_path, authority):
    folder = lay(tmp_path / "in", authority.issue())
    convert("--to", "pkcs12", "-o", tmp_path / "key.p12", folder)
    convert("--to", "truststore", "-o", tmp_path / "trust.p12", folder)
    assert "PrivateKeyEntry" in keytool("-list", "-keystore", tmp_path / "key.p12", "-storepass", "")
    assert "trustedCertEntry" in keytool("-list", "-keystore", tmp_path / "trust.p12", "-storepass", "")


@needs_java
def test_keytool_reads_the_trust_store(tmp_path, authority, foreign, password):
    folder = lay(tmp_path / "in", authority.issue(), ca=authority.root + foreign.root)
    store = tmp_path / "trust.p12"
    convert("--to", "truststore", "--password-file", password, "-o", store, folder)
    text = keytool("-list", "-v", "-keystore", store, "-storepass", PASSWORD)
    assert entries(text) == 2 and text.count("trustedCertEntry") == 2
    assert "Alias name: ca-1" in text and "Alias name: ca-2" in text
    assert sha256(text) == [fingerprint(authority.root), fingerprint(foreign.root)]
    keytool("-list", "-keystore", store, "-storepass", "wrong!", code=1)


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519"])
def test_openssl_reads_the_key_store(tmp_path, chained, password, kind):
    bundle = chained.issue(kind=kind)
    store = tmp_path / "key.p12"
    convert("--to", "pkcs12", "--password-file", password, "-o", store, lay(tmp_path / "in", bundle))
    done = subprocess.run(["openssl", "pkcs12", "-in", store, "-info", "-nodes", "-passin", f"pass:{PASSWORD}"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "MAC: sha256" in done.stderr and "PBES2" in done.stderr and "AES-256-CBC" in done.stderr
    assert "friendlyName: certrotate" in done.stdout
    assert done.stdout.count("BEGIN CERTIFICATE") == 2
    wrong = subprocess.run(["openssl", "pkcs12", "-in", store, "-nodes", "-passin", "pass:wrong"], capture_output=True)
    assert wrong.returncode != 0


def test_pem_forms(tmp_path, chained):
    bundle = chained.issue()
    folder = lay(tmp_path / "in", bundle)
    public = openssl("pkey", "-pubout", stdin=bundle.key)
    pkcs8 = convert("--to", "pkcs8", "-o", "-", folder).stdout
    assert pkcs8.startswith(b"-----BEGIN PRIVATE KEY-----\n") and b"CERTIFICATE" not in pkcs8
    assert openssl("pkey", "-pubout", stdin=pkcs8) == public
    combined = convert("--to", "combined", "-o", "-", folder).stdout
    assert openssl("pkey", "-pubout", stdin=combined) == public
    assert fingerprint(combined) == bundle.fp and combined.count(b"BEGIN CERTIFICATE") == 2
    chain = convert("--to", "chain", "-o", "-", folder).stdout
    assert fingerprint(chain) == bundle.fp and b"PRIVATE" not in chain
    ca = convert("--to", "ca", "-o", "-", folder).stdout
    assert fingerprint(ca) == fingerprint(bundle.ca)


def test_authorities_alone_need_no_key(tmp_path, authority):
    (tmp_path / "root.pem").write_bytes(authority.root)
    convert("--to", "truststore", "-o", tmp_path / "trust.p12", tmp_path / "root.pem")
    shown = openssl("pkcs12", "-in", tmp_path / "trust.p12", "-nokeys", "-passin", "pass:", "-nomacver")
    assert fingerprint(shown) == fingerprint(authority.root)
    (tmp_path / "empty.pem").write_bytes(b"")
    assert b"no certificate" in convert("--to", "truststore", "-o", tmp_path / "x", tmp_path / "empty.pem", code=1).stderr
    assert not (tmp_path / "x").exists()


def test_mode_and_replacement(tmp_path, authority):
    folder, out = lay(tmp_path / "in", authority.issue()), tmp_path / "out.pem"
    out.write_text("old")
    old = out.stat().st_ino
    convert("--to", "combined", "-o", out, folder)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600 and out.stat().st_ino != old
    convert("--to", "combined", "--mode", "0640", "-o", out, folder)
    assert stat.S_IMODE(out.stat().st_mode) == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out.pem"]


def test_refusals_leave_the_old_file(tmp_path, authority):
    bundle, out = authority.issue(), tmp_path / "out.pem"
    out.write_text("old")
    torn = lay(tmp_path / "torn", bundle, key=authority.issue().key)
    for form in ("pkcs12", "truststore", "combined", "pkcs8", "chain", "ca"):
        assert b"does not belong" in convert("--to", form, "-o", out, torn, code=1).stderr
    bare = lay(tmp_path / "bare", bundle, ca=None)
    for form in ("truststore", "ca"):
        assert b"authority" in convert("--to", form, "-o", out, bare, code=1).stderr
    assert out.read_text() == "old"
    full = lay(tmp_path / "full", bundle)
    convert("--to", "combined", "-o", tmp_path / "no" / "such", full, code=1)
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".tmp"]


def test_a_full_disk_is_told(tmp_path, authority):
    folder = lay(tmp_path / "in", authority.issue())
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BINARY, "convert", "--to", "combined", "-o", "-", folder], stdout=full,
                              stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1 and b"No space left" in done.stderr


def test_encrypted_key_in(tmp_path, authority, password):
    bundle = authority.issue()
    crypted = openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", f"pass:{PASSWORD}", stdin=bundle.key)
    folder = lay(tmp_path / "in", bundle, key=crypted)
    plain = convert("--to", "pkcs8", "--key-password-file", password, "-o", "-", folder).stdout
    assert openssl("pkey", "-pubout", stdin=plain) == openssl("pkey", "-pubout", stdin=bundle.key)
    convert("--to", "pkcs8", "-o", "-", folder, code=1)


@pytest.mark.parametrize("args", [
    ("-o", "x", "."), ("--to", "jks", "-o", "x", "."), ("--to", "ca", "."), ("--to", "ca", "-o", "x"),
    ("--to", "ca", "-o", "x", "--mode", "9999", "."), ("--to", "ca", "-o", "x", "--alias", "a", "."),
    ("--to", "ca", "-o", "x", "--password-file", "/dev/null", "."), ("--to", "ca", "-o", "/dev/null", "."),
    ("--to", "ca", "-o", "/", "."),
])
def test_usage_errors(tmp_path, args):
    device = os.stat("/dev/null").st_rdev
    done = subprocess.run([BINARY, "convert", *args], capture_output=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 2 and b"--help" in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == [] and os.stat("/dev/null").st_rdev == device
