# SPDX-License-Identifier: Apache-2.0
"""
`certrotate check`: the exit codes and words that scripts and people rely on. The sentences themselves are in
tests/golden/policy.txt. When one fails, run the command it shows by hand.
"""

import json
import os
import subprocess

import pytest

from support.agent import BINARY
from support.authority import openssl


def check(*args, code, env=None):
    done = subprocess.run([BINARY, "check", *map(str, args)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(env or {})})
    assert done.returncode == code, f"check {args}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def check_json(*args, code):
    return json.loads(check("--output", "json", *args, code=code).stdout)


def codes(report):
    return [(one["code"], one["severity"]) for one in report["findings"]]


def lay(folder, files):
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def good(tmp_path, authority):
    return lay(tmp_path / "good", authority.issue().files())


def test_a_good_bundle_is_fine(good):
    text = check(good, code=0).stdout
    for word in ("CN=db.test", "DNS:db.test", "IP:127.0.0.1", "CN=Test Authority", "left)", "fine"):
        assert word in text
    assert "\033" not in text  # no terminal, no colour
    report = check_json("--name", "db.test", "--name", "127.0.0.1", good, code=0)
    assert report["ok"] is True and report["findings"] == []
    assert report["bundle"]["leaf"]["subject"] == "CN=db.test"
    assert "change" not in report
    assert "PRIVATE" not in json.dumps(report)


def test_a_secret_volume_is_read(volume, authority):
    bundle = authority.issue()
    volume.publish(bundle)
    assert check_json(volume.path, code=0)["bundle"]["leaf"]["fingerprint"] == bundle.fp


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_files_in_any_order_under_any_name(tmp_path, authority, order):
    bundle = authority.issue()
    folder = lay(tmp_path / "odd", {"z-server": bundle.cert, "b.txt": bundle.key, "a-root": bundle.ca})
    names = ["z-server", "b.txt", "a-root"]
    report = check_json(*[folder / names[i] for i in order], code=0)
    assert report["bundle"]["leaf"]["fingerprint"] == bundle.fp
    assert len(report["bundle"]["authorities"]) == 1


def test_findings_name_the_real_files(tmp_path, authority):
    folder = lay(tmp_path / "odd", {"server.pem": authority.issue().cert, "server.key": authority.issue().key,
                                    "root.pem": authority.root})
    report = check_json(*sorted(folder.iterdir()), code=1)
    assert codes(report) == [("key-mismatch", "refuse")]
    assert report["findings"][0]["message"].startswith("server.key does not belong to the certificate in server.pem")


def test_one_file_with_everything(tmp_path, authority):
    bundle = authority.issue()
    folder = lay(tmp_path / "one", {"all.pem": bundle.key + bundle.cert})
    report = check_json(folder / "all.pem", code=0)
    assert codes(report) == [("authorities-missing", "warn")]


def test_refusals(tmp_path, authority, foreign):
    bundle = authority.issue()
    cases = {
        "key-mismatch": bundle.files(key=authority.issue().key),
        "untrusted": bundle.files(ca=foreign.root),
        "expired": authority.issue(start=-3600, seconds=-60).files(),
        "not-yet-valid": authority.issue(start=3600).files(),
        "authorities-empty": bundle.files(ca=b""),
        "usage": authority.issue(usage="clientAuth").files(),
        "weak-key": authority.issue(kind="rsa1024").files(),
    }
    for code, files in cases.items():
        report = check_json(lay(tmp_path / code, files), code=1)
        assert (code, "refuse") in codes(report), code
        assert report["ok"] is False
        assert len(report["findings"]) == 1, (code, report["findings"])
        text = check(tmp_path / code, code=1).stdout
        assert f"refuse  {code}" in text and "refused" in text


def test_names_and_time(good):
    assert codes(check_json("--name", "other.test", good, code=1)) == [("name-missing", "refuse")]
    assert codes(check_json("--now", "2999-01-01T00:00:00Z", good, code=1))[0] == ("untrusted", "refuse")
    assert ("expired", "refuse") in codes(check_json("--now", "2999-01-01T00:00:00Z", good, code=1))
    assert ("not-yet-valid", "refuse") in codes(check_json("--now", "1999-01-01T00:00:00Z", good, code=1))


def test_policy_is_obeyed(good):
    args = ("--name", "other.test", good)
    assert codes(check_json("--policy", "name-missing=warn", *args, code=0)) == [("name-missing", "warn")]
    assert codes(check_json("--policy", "name-missing=ignore", *args, code=0)) == []


def test_comparison_with_the_served_one(tmp_path, authority, foreign):
    served = authority.issue(days=90, san="DNS:db.test,DNS:old.test")
    (tmp_path / "served.pem").write_bytes(served.cert)
    fresh = lay(tmp_path / "fresh", authority.issue(days=30, san="DNS:db.test").files())
    report = check_json("--served", tmp_path / "served.pem", fresh, code=0)
    assert {"ends-earlier", "name-dropped"} <= {code for code, _ in codes(report)}
    assert report["change"] == "names"
    assert "change" in check("--served", tmp_path / "served.pem", fresh, code=0).stdout
    moved = lay(tmp_path / "moved", foreign.issue(san="DNS:db.test,DNS:old.test").files())
    assert check_json("--served", tmp_path / "served.pem", moved, code=0)["change"] == "new-authority"
    same = lay(tmp_path / "same", served.files())
    assert check_json("--served", tmp_path / "served.pem", same, code=0)["findings"] == []


def test_encrypted_keys(tmp_path, authority):
    bundle = authority.issue()
    crypted = openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:s3cret", stdin=bundle.key)
    folder = lay(tmp_path / "crypted", bundle.files(key=crypted))
    (tmp_path / "right").write_text("s3cret\n")
    (tmp_path / "wrong").write_text("guess\n")
    (tmp_path / "none").write_text("\n")
    check("--key-password-file", tmp_path / "right", folder, code=0)
    assert "key-password-file" in check(folder, code=1).stderr
    assert "tls.key" in check("--key-password-file", tmp_path / "wrong", folder, code=1).stderr
    assert "password" in check("--key-password-file", tmp_path / "none", folder, code=1).stderr


def test_the_unreadable_is_named(tmp_path, good):
    (good / "tls.crt").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n")
    assert "tls.crt" in check(good, code=1).stderr
    report = check_json(good, code=1)
    assert report["ok"] is False and "tls.crt" in report["error"] and report["reason"]
    (good / "tls.crt").write_bytes(os.urandom(5000))
    assert "tls.crt" in check(good, code=1).stderr
    (good / "tls.crt").unlink()
    assert "certificate" in check(good, code=1).stderr
    assert "nowhere" in check(tmp_path / "nowhere", code=1).stderr


@pytest.mark.parametrize("args", [
    (), ("--nam", "x", "."), ("--now", "yesterday", "."), ("--policy", "expired", "."), ("--policy", "x=warn", "."),
    ("--policy", "expired=maybe", "."), ("--output", "xml", "."), (".", "."), ("--name",),
])
def test_usage_errors(args):
    done = check(*args, code=2)
    assert "--help" in done.stderr and done.stdout == ""


def test_help_tells_every_option():
    text = check("--help", code=0).stdout
    for option in ("--name", "--now", "--served", "--policy", "--key-password-file", "--output"):
        assert option in text
