# SPDX-License-Identifier: Apache-2.0
"""Sources that are no kubelet volume, or stop being one: plain directories, removed and made anew, late, at rest."""

import os
import shutil

import pytest

from support.kubelet import KubeletVolume


def put(folder, bundle, order=("tls.crt", "tls.key", "ca.crt")):
    folder.mkdir(exist_ok=True)
    for name in order:
        (folder / (name + ".new")).write_bytes(bundle.files()[name])
        os.rename(folder / (name + ".new"), folder / name)


@pytest.fixture
def plain(stack):
    folder = stack.dir / "plain"
    stack.agent.config["source"] = str(folder)
    return folder


@pytest.mark.parametrize("order", [("tls.crt", "tls.key", "ca.crt"), ("tls.key", "ca.crt", "tls.crt")])
def test_plain_directory(stack, plain, authority, order):
    """Files arrive one by one, in any order: taken when they fit, nothing torn is ever published."""
    first = authority.issue()
    put(plain, first, order)
    stack.agent.start()
    stack.agent.wait("published", lambda: stack.published_fp() == first.fp)
    stack.db.start()
    stack.wait_proven(first)
    for _ in range(3):
        bundle = authority.issue()
        put(plain, bundle, order)
        stack.wait_proven(bundle)
        stack.assert_serves(bundle)
    assert not stack.agent.find("rotation_rolled_back")


def test_half_written_for_a_while(stack, plain, authority):
    """Certificate now, key a second later: not refused, waited for."""
    first, second = authority.issue(), authority.issue()
    put(plain, first)
    stack.agent.start()
    stack.agent.wait("published", lambda: stack.published_fp() == first.fp)
    stack.db.start()
    stack.wait_proven(first)
    stack.agent.forget()
    put(plain, second, ("tls.crt",))
    stack.agent.wait_event("source_changed")
    assert stack.published_fp() == first.fp and not stack.agent.find("bundle_refused")
    put(plain, second, ("tls.key",))
    stack.wait_proven(second)


def test_rewritten_in_place(stack, plain, authority):
    """EX4: a change that shows as a write only."""
    first, second = authority.issue(), authority.issue()
    put(plain, first)
    stack.agent.start()
    stack.agent.wait("published", lambda: stack.published_fp() == first.fp)
    stack.db.start()
    stack.wait_proven(first)
    for name, data in second.files().items():
        with open(plain / name, "r+b") as f:
            f.truncate()
            f.write(data)
    stack.wait_proven(second)


def test_source_comes_late(stack, authority):
    """SH12: no directory at start; it comes; the rescan finds it."""
    stack.agent.config["rescan"] = "1s"
    shutil.rmtree(stack.volume.path)
    stack.agent.start()
    stack.agent.wait_event("source_unreadable")
    stack.volume = KubeletVolume(stack.volume.path)
    bundle = authority.issue()
    stack.volume.publish(bundle)
    stack.agent.wait("published", lambda: stack.published_fp() == bundle.fp)
    assert len(stack.agent.find("source_unreadable")) <= 2, "said again at every scan"


def test_volume_removed_and_made_anew(stack, authority):
    """EX8: the directory itself goes and comes back; its next changes are seen at once again."""
    stack.agent.config["rescan"] = "1s"
    stack.up()
    shutil.rmtree(stack.volume.path)
    stack.agent.wait_event("source_unreadable")
    assert stack.served_fp() == stack.bundle.fp
    stack.volume = KubeletVolume(stack.volume.path)
    stack.rotate()
    stack.rotate()


def test_certificate_returns(stack, authority):
    """EX11: an older certificate that re-appears is said to be going back."""
    stack.up(authority.issue(start=-7200))
    old = stack.bundle
    stack.rotate()
    stack.volume.publish(old)
    stack.agent.wait_event("bundle_finding", code="going-back|ends-earlier")


def test_published_files_tampered_with(stack, authority):
    """CM9: somebody rewrites a published file; the next rotation makes it whole."""
    stack.up()
    (stack.published / "tls.key").unlink()
    (stack.published / "tls.key").write_bytes(b"not a key\n")
    new = authority.issue()
    stack.volume.publish(new)
    stack.wait_proven(new)
    stack.assert_serves(new)
