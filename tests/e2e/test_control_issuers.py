# SPDX-License-Identifier: Apache-2.0
"""
Whole requests with ClusterIssuers, and with an approver that denies: two MariaDB servers with an agent each, the
controller, cert-manager with its own idea of who may have a certificate.
"""

import base64

import pytest

from support.certificates import deny
from support.fleet import Fleet
from support.flows import issuer_ref
from support.kube_api import ApiError
from support.namespace import CERTIFICATES, Namespace
from support.poll import stays, wait_for
from support.stage import staged

EVERYWHERE, HOLLOW = "everywhere", "hollow-everywhere"


def cluster_ref(name):
    return {"apiGroup": "cert-manager.io", "kind": "ClusterIssuer", "name": name}


@pytest.fixture(scope="module")
def stage(cluster, tmp_path_factory, template, requests_defined):
    namespace = Namespace(cluster, "control-issuers")
    fleet = Fleet(namespace, tmp_path_factory.mktemp("issuers"), template, pods=2)
    try:
        namespace.cluster_issuer(EVERYWHERE)
        namespace.cluster_issuer(HOLLOW, secret="nobody-has-it")
        # A name says nothing without its kind.
        namespace.apply("issuers/only-here", {"spec": {"ca": {"secretName": "issuer-authority"}}}, CERTIFICATES)
        with staged(fleet, ["issuer"]) as flows:
            yield flows
    finally:
        cluster.kubectl("delete", "clusterissuers", EVERYWHERE, HOLLOW, "--ignore-not-found")


@pytest.fixture
def flows(stage):
    stage.namespace.plane.run_cert_manager()
    return stage


def of_issuer(flows, kind, name):
    """All Certificates, and what is served."""
    for certificate in flows.certificates().values():
        ref = certificate["spec"]["issuerRef"]
        assert (ref["kind"], ref["name"]) == (kind, name)
    assert flows.serve_the_secret().issuer == f"CN={name} authority"


# --- ClusterIssuers

@pytest.mark.parametrize("name, says", [
    ("nobody", "ClusterIssuer nobody does not exist"), ("only-here", "ClusterIssuer only-here does not exist"),
    (HOLLOW, f"ClusterIssuer {HOLLOW} is not ready: ")])
def test_add_with_none_that_is_ready(flows, name, says):
    flows.without_tls()
    flows.fail("add", ["Timeout: ", says], "4s", issuerRef=cluster_ref(name))
    flows.fleet.assert_plain()
    assert flows.certificates() == {} and flows.fleet.secret_fp() is None


def test_add(flows):
    flows.without_tls()
    flows.succeed("add", issuerRef=cluster_ref(EVERYWHERE))
    of_issuer(flows, "ClusterIssuer", EVERYWHERE)


def test_from_one_kind_to_the_other_and_back(flows):
    flows.without_tls()
    flows.succeed("add", issuerRef=issuer_ref("issuer"))
    of_issuer(flows, "Issuer", "issuer")
    starts = flows.fleet.starts()
    authorities = [flows.namespace.secret_files("issuer-authority")["tls.crt"], authority_of(flows, EVERYWHERE)]
    with flows.clients(*authorities) as clients:
        flows.succeed("issuer", issuerRef=cluster_ref(EVERYWHERE))
        clients.check()
        of_issuer(flows, "ClusterIssuer", EVERYWHERE)
        flows.succeed("issuer", issuerRef=issuer_ref("issuer"))
        clients.check()
    of_issuer(flows, "Issuer", "issuer")
    assert flows.fleet.starts() == starts


def authority_of(flows, name):
    found = flows.namespace.plane.api.call("GET", f"/api/v1/namespaces/kube-system/secrets/{name}-authority")
    return base64.b64decode(found["data"]["tls.crt"])


@pytest.mark.parametrize("name, says", [("nobody", "does not exist"), (HOLLOW, "is not ready: ")])
def test_change_to_none_that_is_ready(flows, name, says):
    flows.with_tls()
    before = flows.picture()
    flows.fail("issuer", [f"ClusterIssuer {name}", says], "4s", issuerRef=cluster_ref(name))
    flows.same_as(before)


# --- denied

def denied(flows, name, only=None):
    """Waits for the end of the request, and denies all that is asked for meanwhile; only: of one Certificate."""
    def ended():
        for request in flows.namespace.call("GET", "certificaterequests", group=CERTIFICATES)["items"]:
            of = request["metadata"]["annotations"]["cert-manager.io/certificate-name"]
            try:
                deny(flows.namespace, request) if only in (None, of) else None
            except ApiError as e:
                if e.status not in (404, 409):
                    raise
        return flows.fleet.phase(name) in ("Failed", "Successful")
    wait_for("the request has ended", ended, 120, 0.1, lambda: flows.fleet.explain(name))
    conditions = flows.wait_failure(name, ["was not issued: ", "not by this policy"])
    assert not conditions["ReconfigureTLS"]["message"].startswith("Timeout"), "it was known at once"


def test_a_rotation_that_is_denied(flows):
    flows.with_tls()
    before, starts = flows.picture(), flows.fleet.starts()
    flows.namespace.plane.run_cert_manager(without="certificaterequests-approver")
    denied(flows, flows.ask("rotate", "60s", rotateCertificates=True))
    flows.same_as(before)
    assert flows.fleet.starts() == starts
    flows.namespace.plane.run_cert_manager()
    revisions = flows.revisions()
    stays("nothing is issued for what was denied", lambda: flows.revisions() == revisions, 3)
    flows.succeed("rotate", rotateCertificates=True)
    assert flows.serve_the_secret().fingerprint != before["served"][0].fingerprint


def test_an_issuer_that_is_denied(flows):
    """One of the two Certificates only; the other waits for its judgement for ever."""
    flows.with_tls()
    before = flows.picture()
    other = cluster_ref(EVERYWHERE) if before["served"][0].issuer == "CN=issuer authority" else issuer_ref("issuer")
    flows.namespace.plane.run_cert_manager(without="certificaterequests-approver")
    denied(flows, flows.ask("issuer", "60s", issuerRef=other), only="px-client-cert")
    flows.same_as(before)


def test_a_first_certificate_that_is_denied(flows):
    flows.without_tls()
    flows.namespace.plane.run_cert_manager(without="certificaterequests-approver")
    denied(flows, flows.ask("add", "60s", issuerRef=issuer_ref("issuer")))
    flows.fleet.assert_plain()
    assert flows.certificates() == {} and flows.fleet.secret_fp() is None
