# SPDX-License-Identifier: Apache-2.0
"""
The facts about cert-manager that the controller rests on, seen from outside, and that certificate.c says the same of
the same objects (program drive_certificate). When one fails with another cert-manager, its policies have changed:
internal/controller/certificates/policies in its source.
"""

import json
import time

import pytest

from support.authority import openssl
from support.certificates import Asked, Certificates
from support.kube_api import MERGE, ApiError
from support.namespace import CERTIFICATES, cert_manager_missing
from support.poll import stays, tail, wait_for

pytestmark = pytest.mark.skipif(bool(cert_manager_missing()), reason=str(cert_manager_missing()))
QUIET_S = 5  # this long nothing may happen: cert-manager acts upon an event within a second


@pytest.fixture
def asked(tidy):
    return tidy(Asked())


@pytest.fixture
def certificates(namespace):
    namespace.issuer()
    return Certificates(namespace)


def public_key(namespace, secret):
    return openssl("x509", "-noout", "-pubkey", stdin=namespace.secret_files(secret)["tls.crt"])


def settle(certificates, names, deadline=90):
    for name in names:
        wait_for(f"{name} is settled", lambda name=name: certificates.is_settled(name), deadline, 0.2,
                 lambda name=name: json.dumps(certificates.get(name).get("status"), indent=1))


def build(asked, have, namespace, given=None, **issuer):
    wish = {"namespace": namespace.name, "database": "px", "alias": "server", **({"given": given} if given else {}),
            **({"issuerRef": issuer} if issuer else {})}
    answer = asked("build", have, wish=wish)
    assert "want" in answer, answer
    return answer["want"]


@pytest.fixture
def px(asked, certificates, namespace):
    """The Certificate that the controller makes for alias server of px, issued."""
    certificates.create(build(asked, None, namespace, apiGroup="cert-manager.io", kind="Issuer", name="issuer"))
    settle(certificates, ["px-server-cert"])
    return "px-server-cert"


def issue(asked, certificates, name, have=None):
    """As the controller does it: the condition Issuing. Returns the Certificate that it was read from."""
    while True:
        seen = have or certificates.get(name)
        patch = asked("patch", seen, request="px-rotate")["patch"]
        try:
            certificates.namespace.call("PATCH", f"certificates/{name}/status", patch, CERTIFICATES, MERGE)
            return seen
        except ApiError as e:
            if e.status != 409 or have:
                raise


# --- one revision

def test_issuing_once_is_one_revision_and_a_new_key(asked, certificates, namespace, px):
    before = public_key(namespace, px)
    seen = issue(asked, certificates, px)
    with pytest.raises(ApiError) as refused:  # the same decision, taken once more from what was known before
        issue(asked, certificates, px, have=seen)
    assert refused.value.status == 409
    wait_for("revision 2", lambda: certificates.revision(px) == 2, 60, 0.1)
    settle(certificates, [px])
    stays("two revisions, two requests",
          lambda: certificates.revision(px) == 2 and len(certificates.requests(px)) == 2, QUIET_S, 0.2)
    assert public_key(namespace, px) != before
    assert asked("read", certificates.get(px)) == {
        "alias": "server", "database": "px", "issuer": "Issuer/issuer", "revision": 2, "ready": True,
        "issuing": False, "denied": False, "problem": None}


def test_two_reasons_at_one_time_are_one_revision(asked, certificates, px):
    """Told to issue right behind a change that cert-manager acts upon by itself."""
    certificates.change(px, {"subject": {"organizations": ["orders"]}})
    try:
        issue(asked, certificates, px, have=certificates.get(px))
    except ApiError as e:
        assert e.status == 409, e  # cert-manager was faster
    wait_for("revision 2", lambda: certificates.revision(px) == 2, 60, 0.1)
    settle(certificates, [px])
    stays("two revisions", lambda: certificates.revision(px) == 2 and len(certificates.requests(px)) == 2, QUIET_S, 0.2)


def test_a_key_is_kept_unless_it_is_to_change(asked, certificates, namespace):
    """cert-manager before 1.18: why new Certificates say rotationPolicy."""
    certificates.make("kept", privateKey={"algorithm": "ECDSA", "size": 256})
    settle(certificates, ["kept"])
    before = public_key(namespace, "kept")
    issue(asked, certificates, "kept")
    wait_for("revision 2", lambda: certificates.revision("kept") == 2, 60, 0.1)
    assert public_key(namespace, "kept") == before


# --- which changes it acts upon by itself

CHANGES = {
    # name: (what it has beside the common, what is changed, issued anew by itself)
    "issuer": ({}, {"issuerRef": {"name": "other"}}, True),
    "dns-added": ({}, {"dnsNames": ["localhost", "db.test", "new.test"]}, True),
    "dns-order": ({}, {"dnsNames": ["db.test", "localhost"]}, False),
    "ip": ({}, {"ipAddresses": ["127.0.0.1"]}, True),
    "uri": ({}, {"uris": ["spiffe://db.test/x"]}, True),
    "email": ({}, {"emailAddresses": ["db@db.test"]}, True),
    "cn": ({}, {"commonName": "localhost"}, True),
    "organization": ({}, {"subject": {"organizations": ["orders"]}}, True),
    "serial-number": ({}, {"subject": {"serialNumber": "7"}}, True),
    "usages": ({}, {"usages": ["server auth"]}, True),
    "is-ca": ({}, {"isCA": True}, True),
    "secret-name": ({}, {"secretName": "elsewhere"}, True),
    "algorithm": ({}, {"privateKey": {"algorithm": "RSA", "size": 2048}}, True),
    "key-size": ({}, {"privateKey": {"size": 384}}, True),
    "key-size-said": ({"privateKey": {"algorithm": "ECDSA", "rotationPolicy": "Always"}}, {"privateKey": {"size": 256}}, False),
    "duration": ({"duration": "2160h"}, {"duration": "2000h"}, True),
    "duration-new": ({}, {"duration": "2000h"}, False),
    "duration-form": ({"duration": "2160h"}, {"duration": "2160h0m0s"}, False),
    "renew-before": ({}, {"renewBefore": "100h"}, False),
    "encoding": ({}, {"privateKey": {"encoding": "PKCS8"}}, False),
    "key-store": ({}, {"keystores": {"pkcs12": {"create": True, "passwordSecretRef": {"name": "word", "key": "p"}}}}, False),
    "template": ({}, {"secretTemplate": {"labels": {"a": "b"}}}, False),
    "policy": ({}, {"privateKey": {"rotationPolicy": "Never"}}, False),
}
# The same after a roll back: there is no CertificateRequest to compare with.
LATER = {
    "issuer": True, "dns-added": True, "ip": True, "cn": False, "algorithm": True, "secret-name": True,
    "organization": False, "usages": False, "duration": False, "encoding": False,
}


def word(namespace):
    namespace.call("POST", "secrets", {"metadata": {"name": "word"}, "stringData": {"p": "changeit"}})


def change_all(asked, certificates, names, revision):
    """{name: issued anew}, which certificate_is_reissued has foretold."""
    told = {}
    for name in names:
        before, after = certificates.change(name, CHANGES[name][1])
        told[name] = asked("compare", before, want=after)
        assert told[name]["same"] == (name in ("dns-order", "duration-form")), (name, told[name])
    settle(certificates, names)
    wait_for("what was foretold", lambda: all(
        certificates.revision(name) > revision for name in names if told[name]["reissued"]), 60, 0.5,
        lambda: str({name: certificates.revision(name) for name in names}))
    settle(certificates, names)
    found = {name: certificates.revision(name) for name in names}
    stays("revisions", lambda: {name: certificates.revision(name) for name in names} == found, QUIET_S, 0.5)
    assert {name: told[name]["reissued"] for name in names} == {name: found[name] > revision for name in names}
    assert all(at <= revision + 1 for at in found.values()), found
    return {name: at > revision for name, at in found.items()}


def test_which_changes_are_issued_by_themselves(asked, certificates, namespace):
    namespace.issuer("other")
    word(namespace)
    for name, (more, _, _) in CHANGES.items():
        certificates.make(name, **more)
    settle(certificates, CHANGES)
    assert change_all(asked, certificates, list(CHANGES), 1) == {name: case[2] for name, case in CHANGES.items()}


def test_which_changes_are_issued_after_a_roll_back(asked, certificates, namespace):
    namespace.issuer("other")
    for name in LATER:
        certificates.make(name, **CHANGES[name][0])
    settle(certificates, LATER)
    for name in LATER:
        put_back(asked, certificates, *save(certificates, name))
    settle(certificates, LATER)
    assert [name for name in LATER if certificates.revision(name) != 0] == []
    assert change_all(asked, certificates, list(LATER), 0) == LATER


def test_the_issuer_is_not_written_in_other_words(asked, certificates, namespace, px):
    """cert-manager 1.11 would issue anew for an issuerRef that says Issuer where it was left out before."""
    certificates.change(px, {"issuerRef": {"kind": None, "group": None}})
    wait_for("another revision for nothing", lambda: certificates.revision(px) == 2, 60, 0.2)
    settle(certificates, [px])
    have = certificates.get(px)
    want = build(asked, have, namespace, apiGroup="cert-manager.io", kind="Issuer", name="issuer")
    assert want["spec"] == have["spec"]
    assert asked("compare", have, want=want) == {"same": True, "reissued": False}


# --- back

def save(certificates, name):
    have = certificates.get(name)
    return have, certificates.namespace.get(f"secrets/{have['spec']['secretName']}")


def all_is_heard(certificates, canary):
    """
    cert-manager hears of Certificates and of Secrets by two watches, each in order: when it has issued one more, it
    knows what was before. A Certificate that it takes for alive claims the Secret of its name, and writes into it what
    it last saw of it. The controller cannot know, and gives it time.
    """
    certificates.make(canary)
    settle(certificates, [canary])


def put_back(asked, certificates, certificate, secret, anew=False):
    """The order that leaves cert-manager nothing to do. anew: the Secret belongs to the Certificate, and goes with it."""
    namespace, name, where = certificates.namespace, certificate["metadata"]["name"], f"secrets/{secret['metadata']['name']}"
    certificates.delete(name)
    body = asked("renewed", secret)["want"]
    if anew:
        all_is_heard(certificates, "the-certificate-is-gone")
        try:
            namespace.delete(where)
        except ApiError as e:  # the garbage collector may have been there before
            if e.status != 404:
                raise
        wait_for("the Secret is gone", lambda: not namespace.get(where), 60, 0.1)
        namespace.call("POST", "secrets", body)
        all_is_heard(certificates, "the-secret-is-back")
    else:
        body["metadata"]["resourceVersion"] = namespace.get(where)["metadata"]["resourceVersion"]
        namespace.call("PUT", where, body)
        time.sleep(1)  # as the controller waits
    certificates.create(asked("renewed", certificate)["want"])


def stays_put_back(asked, certificates, name, secret):
    where = f"secrets/{secret['metadata']['name']}"

    def differences():
        found = certificates.namespace.get(where)
        if not found:
            return ["the Secret is gone"]
        return [key for key in ("data", "type") if found[key] != secret[key]] + [
            f"{key}: {found['metadata'].get(key)} instead of {secret['metadata'].get(key)}" for key in ("annotations", "labels")
            if found["metadata"].get(key) != secret["metadata"].get(key)] + [
            f"requested: {request['metadata']['name']}" for request in certificates.requests(name)]

    def explain():
        found = certificates.namespace.get(where) or {"metadata": {}}
        return "\n".join([*differences(), f"Secret {json.dumps(found['metadata'], indent=1)}",
                          json.dumps(certificates.get(name), indent=1), tail(certificates.namespace.plane.cert_manager.log)])
    stays(f"{name} is as it was", lambda: not differences(), QUIET_S, 0.1, explain)
    settle(certificates, [name])
    stays(f"{name} is as it was", lambda: not differences(), 1, 0.1, explain)
    seen = asked("read", certificates.get(name))
    assert seen["ready"] and seen["revision"] == 0 and seen["problem"] is None and not seen["issuing"], seen


def rotate(asked, certificates, namespace, name):
    issue(asked, certificates, name)


def change_issuer(asked, certificates, namespace, name):
    namespace.issuer("other")

    def changed(have):
        want = build(asked, have, namespace, apiGroup="cert-manager.io", kind="Issuer", name="other")
        assert asked("compare", have, want=want) == {"same": False, "reissued": True}
        return want
    certificates.replace(name, changed)


def change_names(asked, certificates, namespace, name):
    certificates.replace(name, lambda have: build(asked, have, namespace, given={
        "alias": "server", "dnsNames": ["orders.test"], "subject": {"organizations": ["orders"]}, "duration": "2000h"}))


@pytest.mark.parametrize("what", [rotate, change_issuer, change_names])
def test_put_back_nothing_is_issued(asked, certificates, namespace, px, what):
    namespace.plane.run_manager()  # with it the old requests go
    certificate, secret = save(certificates, px)
    what(asked, certificates, namespace, px)
    wait_for("revision 2", lambda: certificates.revision(px) == 2, 60, 0.1)
    settle(certificates, [px])
    assert namespace.get(f"secrets/{px}")["data"] != secret["data"]

    put_back(asked, certificates, certificate, secret)
    stays_put_back(asked, certificates, px, secret)
    assert certificates.get(px)["spec"] == certificate["spec"]

    issue(asked, certificates, px)  # and it can be rotated later
    wait_for("revision 1", lambda: certificates.revision(px) == 1, 60, 0.1)
    settle(certificates, [px])
    assert len(certificates.requests(px)) == 1
    assert namespace.get(f"secrets/{px}")["data"] != secret["data"]


def test_put_back_while_it_is_issuing(asked, certificates, namespace, px):
    """The request fails while an issuer that is not there is waited for."""
    namespace.plane.run_manager()
    certificate, secret = save(certificates, px)
    certificates.replace(px, lambda have: build(asked, have, namespace, kind="Issuer", name="nobody"))
    wait_for("it waits", lambda: asked("read", certificates.get(px))["issuing"], 60, 0.1)
    put_back(asked, certificates, certificate, secret)
    stays_put_back(asked, certificates, px, secret)


def test_put_back_where_secrets_belong_to_certificates(asked, certificates, namespace, px):
    """With --enable-certificate-owner-ref the garbage collector deletes the Secret after its Certificate."""
    namespace.plane.run_manager()
    namespace.plane.run_cert_manager("--enable-certificate-owner-ref=true")
    wait_for("it is owned", lambda: "ownerReferences" in namespace.get(f"secrets/{px}")["metadata"], 60, 0.1)
    certificate, secret = save(certificates, px)
    issue(asked, certificates, px)
    wait_for("revision 2", lambda: certificates.revision(px) == 2, 60, 0.1)
    settle(certificates, [px])
    put_back(asked, certificates, certificate, secret, anew=True)
    stays_put_back(asked, certificates, px, secret)


# --- what it says when it cannot

def seen_as(asked, certificates, name, **want):
    last = {}

    def matches():
        last.update(asked("read", certificates.get(name)))
        return all(last[key] == value for key, value in want.items())
    wait_for(f"{name} is seen as {want}", matches, 60, 0.2, lambda: str(last))
    return last["problem"]


@pytest.fixture
def made(asked, certificates, namespace):
    def make(issuer):
        certificates.create(build(asked, None, namespace, kind="Issuer", name=issuer))
        return "px-server-cert"
    return make


WAITING = {"ready": False, "issuing": True, "denied": False}
FAILED = {"ready": False, "issuing": False, "denied": True}


@pytest.mark.parametrize("issuer, said", [("nobody", "not found"), ("poor", "does not have a Ready status condition")])
def test_an_issuer_that_is_not_there_is_waited_for(asked, certificates, namespace, made, issuer, said):
    """Why is said in the CertificateRequest only."""
    namespace.apply("issuers/poor", {"spec": {"ca": {"secretName": "nothing"}}}, CERTIFICATES)
    name = made(issuer)
    seen_as(asked, certificates, name, problem="Issuing certificate as Secret does not exist", **WAITING)
    wait_for("the request says why", lambda: [
        c for r in certificates.requests(name) for c in r.get("status", {}).get("conditions", [])
        if c["type"] == "Ready" and c["reason"] == "Pending" and said in c["message"]], 60, 0.2)
    stays("it is waited for", lambda: asked("read", certificates.get(name))["issuing"], QUIET_S, 0.5)


def test_an_issuer_that_fails(asked, certificates, namespace, made):
    namespace.issuer("other")
    torn = {"tls.crt": namespace.get("secrets/issuer-authority")["data"]["tls.crt"],
            "tls.key": namespace.get("secrets/other-authority")["data"]["tls.key"]}
    namespace.call("POST", "secrets", {"metadata": {"name": "torn"}, "data": torn})
    namespace.apply("issuers/torn", {"spec": {"ca": {"secretName": "torn"}}}, CERTIFICATES)
    assert "Error signing certificate" in seen_as(asked, certificates, made("torn"), **FAILED)


def test_a_first_request_that_is_denied(asked, certificates, namespace, made):
    namespace.plane.run_cert_manager(without="certificaterequests-approver")
    name = made("issuer")
    certificates.deny(name)
    assert "not by this policy" in seen_as(asked, certificates, name, **FAILED)


def test_a_later_request_that_is_denied(asked, certificates, namespace, px):
    """The certificate that is there stays. cert-manager 1.11 makes no second try over a denied request."""
    certificate, secret = save(certificates, px)
    namespace.plane.run_manager()
    namespace.plane.run_cert_manager(without="certificaterequests-approver")
    issue(asked, certificates, px)
    certificates.deny(px)
    assert "not by this policy" in seen_as(asked, certificates, px, denied=True, issuing=False, ready=True, revision=1)
    put_back(asked, certificates, certificate, secret)
    stays_put_back(asked, certificates, px, secret)
    issue(asked, certificates, px)
    wait_for("a request that nobody has judged", lambda: [
        r for r in certificates.requests(px) if not r.get("status", {}).get("conditions")], 60, 0.1)
    namespace.plane.run_cert_manager()
    wait_for("revision 1", lambda: certificates.revision(px) == 1, 60, 0.1)
