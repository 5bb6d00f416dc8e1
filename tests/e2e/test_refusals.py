# SPDX-License-Identifier: Apache-2.0
"""
A bad bundle is refused before it touches the database: each with its own sentence, the old one stays served
and published, no client sees anything, and the next good one is taken. One server for the whole file.
"""

import re

import pytest

from support.poll import stays
from support.stack import Stack


@pytest.fixture(scope="module")
def shared(tmp_path_factory, template, authority):
    stack = Stack(tmp_path_factory.mktemp("refusals"), template, authority)
    try:
        stack.up()
        stack.clients = stack.load()
        yield stack
    finally:
        stack.cleanup()


def refusals(stack):
    """A bundle that was judged, or a source that cannot even be read."""
    return stack.agent.find("bundle_refused") + stack.agent.find("source_unreadable")


def torn(ca, foreign):
    return ca.issue().files(key=ca.issue().key)


CASES = {
    # name: (files of the volume, what the refusal says)
    "torn-pair": (torn, "key-mismatch.*key"),
    "wrong-authority": (lambda ca, foreign: foreign.issue(ca=ca.root).files(), "untrusted"),
    "expired": (lambda ca, foreign: ca.issue(start=-7200, seconds=-5).files(), "expired"),
    "not-yet-valid": (lambda ca, foreign: ca.issue(start=3600, days=9).files(), "not-yet-valid"),
    "empty-certificate": (lambda ca, foreign: ca.issue().files(cert=b""), r"tls\.crt"),
    "empty-key": (lambda ca, foreign: ca.issue().files(key=b""), r"tls\.key"),
    "missing-key": (lambda ca, foreign: ca.issue().files(key=None), r"tls\.key"),
    "missing-certificate": (lambda ca, foreign: ca.issue().files(cert=None), r"tls\.crt"),
    "garbage-certificate": (lambda ca, foreign: ca.issue().files(cert=b"\x00\xff not PEM \n" * 40), r"tls\.crt"),
    "garbage-key": (lambda ca, foreign: ca.issue().files(key=b"-----BEGIN " b"PRIVATE KEY-----\n????\n"), r"tls\.key"),
    "truncated": (lambda ca, foreign: ca.issue().files(cert=ca.issue().cert[:-60]), r"tls\.crt"),
    "authorities-empty": (lambda ca, foreign: ca.issue().files(ca=b""), "authorities-empty|ca\\.crt"),
    "authorities-garbage": (lambda ca, foreign: ca.issue().files(ca=b"hello\n"), "authorities-empty|ca\\.crt"),
    "client-only": (lambda ca, foreign: ca.issue(usage="clientAuth").files(), "usage"),
    "weak-key": (lambda ca, foreign: ca.issue(kind="rsa1024").files(), "weak-key"),
    "authority-as-leaf": (lambda ca, foreign: ca.issue().files(
        cert=ca.root, key=(ca.dir / "root.key").read_bytes()), "ca-as-leaf|usage"),
    "huge": (lambda ca, foreign: ca.issue().files(cert=b"#\n" * (3 << 20)), "tls.crt|bytes|limit"),
}


@pytest.mark.parametrize("case", CASES)
def test_refused_and_recovered(shared, authority, foreign, case):
    make, sentence = CASES[case]
    good = shared.bundle
    generation = (shared.published / "..data").readlink()
    shared.agent.forget()
    shared.volume.write(make(authority, foreign))
    shared.agent.wait("a refusal", lambda: refusals(shared))
    said = refusals(shared)[0]
    assert re.search(sentence, said["error"]), said
    stays("the good one is served", lambda: shared.served_fp() == good.fp, 0.3, explain=shared.tail)
    assert (shared.published / "..data").readlink() == generation, "something was published"
    assert len(refusals(shared)) == 1, "said more than once" + shared.tail()
    shared.rotate()
    assert not shared.clients.failures, shared.clients.failures[:3]


def test_empty_volume(shared):
    """The whole Secret emptied: a state, not an error; the published one stays."""
    shared.agent.forget()
    shared.volume.write({})
    shared.agent.wait_event("source_unreadable")
    stays("the good one is served", lambda: shared.served_fp() == shared.bundle.fp, 0.3, explain=shared.tail)
    shared.rotate()
    assert not shared.clients.failures


def test_accepted_when_its_time_comes(shared, authority):
    """Nobody touches the volume again: time alone makes it good."""
    shared.agent.forget()
    bundle = authority.issue(start=5, days=9)
    shared.volume.publish(bundle)
    shared.wait_refused("not-yet-valid")
    assert shared.served_fp() == shared.bundle.fp
    shared.wait_proven(bundle, 30)
    shared.assert_serves(bundle)
    shared.bundle = bundle


def test_a_known_bad_one_is_not_tried_again(shared, authority, foreign):
    shared.agent.forget()
    shared.volume.write(torn(authority, foreign))
    shared.wait_refused("key-mismatch")
    for _ in range(3):
        shared.volume.current_swapped_again()
    stays("judged once", lambda: len(shared.agent.find("bundle_refused")) == 1, 1, explain=shared.tail)
    shared.rotate()


def test_no_client_saw_any_of_it(shared):
    """Last in the file: all the refusals above happened under these connections."""
    assert shared.clients.check(50)
