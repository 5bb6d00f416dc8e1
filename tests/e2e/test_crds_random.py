# SPDX-License-Identifier: Apache-2.0
"""
Random requests against an oracle: the rules a second time, in Python, from the contract and not from the definitions.
Both must blame the same fields.
"""

import ipaddress
import random
import re

import pytest

from support.opsrequests import ISSUER, KINDS, verdict

pytestmark = pytest.mark.usefixtures("requests_defined")

NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
UNITS = {"h": 3600, "m": 60, "s": 1}
# What counts as a change of TLS, what may stand alone besides, what turns certificates over.
CHANGES = dict.fromkeys(KINDS, {"issuerRef", "certificates"}) | dict.fromkeys(
    ("perconaxtradb", "mysql", "mariadb"), {"issuerRef", "certificates", "requireSSL"})
MODES = {"postgres": {"sslMode", "clientAuthMode"}}
TURNS = {"postgres": ("rotateCertificates", "rotateGrpcCertificates")}
OWN = {"postgres": {"sslMode", "clientAuthMode", "rotateGrpcCertificates"}, "mssqlserver": {"clientTLS"},
       "redis": {"sentinel"}, **dict.fromkeys(("perconaxtradb", "mysql", "mariadb"), {"requireSSL"})}
DRUID = {"common.runtime.properties"} | {f"{role}.{end}" for end in ("properties", "jvm.config") for role in (
    "coordinators", "overlords", "historicals", "middleManagers", "brokers", "routers")}
FILES = {"mssqlserver": {"mssql.conf"}, "postgres": {"user.conf"}, "redis": {"redis.conf", "valkey.conf"},
         "druid": DRUID}
BESIDES = {"postgres": {"tuning"}, "redis": {"auth"}}


# --- the oracle

class Blame:
    """Blamed fields. After a `hard` one the server looks at no rule; `plain` ones it tells in any case."""

    def __init__(self):
        self.hard, self.plain, self.soft = set(), set(), set()

    def fields(self):
        return self.plain | (self.hard or self.soft)

    def all(self):
        return self.plain | self.hard | self.soft

    def unless(self, right, field):
        if not right:
            self.soft.add(field)


def seconds(word):
    """None: it is no duration as we take them."""
    terms = re.findall(r"([0-9]+(?:\.[0-9]+)?)([hms])", word)
    ordered = [unit for _, unit in terms] == [u for u in "hms" if u in [unit for _, unit in terms]]
    whole = "".join(number + unit for number, unit in terms) == word
    small = all(float(number) < 1e6 for number, _ in terms)
    return sum(float(n) * UNITS[u] for n, u in terms) if terms and whole and ordered and small else None


def is_dns(word):
    labels = word.removeprefix("*.").split(".")
    return all(re.fullmatch(r"[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?", label) for label in labels) \
        and not re.fullmatch(r"[0-9.]+", word)


def is_address(word):
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def judge_span(blame, word, least, field):
    value = seconds(word)
    blame.unless(value is not None and value >= least, field)
    return value


def judge_issuer(blame, issuer, field):
    for key, allowed in (("kind", ("Issuer", "ClusterIssuer")), ("apiGroup", ("cert-manager.io",))):
        if key in issuer and issuer[key] not in allowed:
            blame.hard.add(f"{field}.{key}")
    for key in {"kind", "name"} - set(issuer):
        blame.hard.add(f"{field}.{key}")
    blame.unless(NAME.fullmatch(issuer.get("name", "a")), f"{field}.name")


def judge_certificate(blame, kind, entry, field):
    if entry.get("alias") not in KINDS[kind].aliases:
        blame.hard.add(f"{field}.alias")
    if "issuerRef" in entry:
        judge_issuer(blame, entry["issuerRef"], f"{field}.issuerRef")
    blame.unless(NAME.fullmatch(entry.get("secretName", "a")), f"{field}.secretName")
    for key, right in (("dnsNames", is_dns), ("ipAddresses", is_address)):
        for i, word in enumerate(entry.get(key, [])):
            blame.unless(right(word), f"{field}.{key}[{i}]")
    lasts = judge_span(blame, entry.get("duration", "2160h"), 3600, f"{field}.duration")
    if "renewBefore" in entry:
        before = judge_span(blame, entry["renewBefore"], 300, f"{field}.renewBefore")
        blame.unless(lasts is None or before is None or before < lasts, f"{field}.renewBefore")


def judge_tls(blame, kind, tls):
    tls = {key: value for key, value in tls.items() if key in OWN.get(kind, set()) | {
        "issuerRef", "certificates", "remove", "rotateCertificates"}}
    asked = [bool(tls.get("remove")), any(tls.get(turn) for turn in TURNS.get(kind, ("rotateCertificates",))),
             bool(CHANGES[kind] & set(tls))]
    blame.unless(any(asked) or MODES.get(kind, set()) & set(tls), "spec.tls")
    blame.unless(sum(asked) <= 1, "spec.tls")
    if tls.get("remove"):
        blame.unless(not tls.get("clientTLS"), "spec.tls.clientTLS")
        blame.unless(tls.get("sslMode", "disable") in ("disable", "allow", "prefer"), "spec.tls.sslMode")
        blame.unless(tls.get("clientAuthMode") != "cert", "spec.tls.clientAuthMode")
    if "issuerRef" in tls:
        judge_issuer(blame, tls["issuerRef"], "spec.tls.issuerRef")
    entries = tls.get("certificates", [])
    for i, entry in enumerate(entries):
        judge_certificate(blame, kind, entry, f"spec.tls.certificates[{i}]")
    for key in ("alias", "secretName"):
        used = [entry[key] for entry in entries if key in entry]
        blame.unless(len(used) == len(set(used)), "spec.tls.certificates")
    if "certificates" in tls and not entries:
        blame.plain.add("spec.tls.certificates")


def judge_configuration(blame, kind, part, field):
    asks = set(part) & ({"configSecret", "applyConfig"} | BESIDES.get(kind, set()))
    blame.unless(asks or part.get("removeCustomConfig"), field)
    files = part.get("applyConfig")
    if files is not None:
        cnf = re.compile(r"[A-Za-z0-9][-._A-Za-z0-9]{0,238}\.cnf")
        right = all(name in FILES[kind] if kind in FILES else cnf.fullmatch(name) for name in files)
        blame.unless(right, f"{field}.applyConfig")
        if not files:
            blame.plain.add(f"{field}.applyConfig")
    if part.get("restart", "auto") not in ("auto", "true", "false"):
        blame.hard.add(f"{field}.restart")
    if kind == "postgres":
        blame.unless(part.get("restart") != "false" or not part.get("removeCustomConfig"), f"{field}.restart")
    if "configSecret" in part:
        blame.unless(NAME.fullmatch(part["configSecret"]["name"]), f"{field}.configSecret.name")


def judge(kind, spec):
    return blames(kind, spec).fields()


def blames(kind, spec):
    blame = Blame()
    if spec["type"] not in ("ReconfigureTLS", "Reconfigure", "Restart"):
        blame.hard.add("spec.type")
    blame.unless(re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", spec["databaseRef"]["name"]), "spec.databaseRef.name")
    for type_, needs, forbids in (("ReconfigureTLS", "tls", "configuration"), ("Reconfigure", "configuration", "tls")):
        if spec["type"] == type_:
            blame.unless(needs in spec, f"spec.{needs}")
            blame.unless(forbids not in spec, f"spec.{forbids}")
    if "timeout" in spec:
        judge_span(blame, spec["timeout"], 1, "spec.timeout")
    if "tls" in spec:
        judge_tls(blame, kind, spec["tls"])
    if "configuration" in spec and kind == "singlestore":
        roles = {role: part for role, part in spec["configuration"].items() if role in ("node", "aggregator", "leaf")}
        blame.unless(roles and ("node" not in roles or len(roles) == 1), "spec.configuration")
        for role, part in roles.items():
            judge_configuration(blame, kind, part, f"spec.configuration.{role}")
    elif "configuration" in spec:
        judge_configuration(blame, kind, spec["configuration"], "spec.configuration")
    return blame


# --- the requests

class Maker:
    """Right parts mostly, so that a request is right as often as wrong."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def often(self, *words):
        return self.random.random() < (words[0] if words else 0.5)

    def one(self, right, wrong, much=0.93):
        return self.random.choice(right if self.often(much) else wrong)

    def put(self, into, key, chance, make):
        if self.often(chance):
            into[key] = make()

    def issuer(self):
        made = {**ISSUER, "name": self.one(["a", "orders-issuer", "a.b"], ["", "A", "a_b", "-a", "a..b"])}
        made["kind"] = self.one(["Issuer", "ClusterIssuer"], ["Secret", ""], 0.97)
        made["apiGroup"] = self.one(["cert-manager.io"], ["awspca.cert-manager.io"], 0.97)
        for key in made if self.often(0.03) else ():
            del made[key]
            break
        if self.often(0.2):
            made.pop("apiGroup", None)
        return made

    def span(self):
        return self.one(["24h", "1h30m", "2160h0m0s", "6h", "90m", "1.5h", "3600s"],
                        ["1d", "", "5", "0s", "-1h", "1m1h", "1h ", "h", "1..5h", "1e3h", "99999999h", "30s"], 0.85)

    def address(self):
        drawn = self.random.choice([
            lambda: str(ipaddress.IPv4Address(self.random.getrandbits(32))),
            lambda: str(ipaddress.IPv6Address(self.random.getrandbits(128))),
            lambda: str(ipaddress.IPv6Address(self.random.getrandbits(128) & self.random.choice(
                [0xffff, 0xffff << 64, 0xffff << 112, 0]))),
            lambda: ":".join(f"{self.random.getrandbits(4):x}" for _ in range(8))])()
        if self.often(0.15):
            at = self.random.randrange(len(drawn) + 1)
            drawn = drawn[:at] + self.random.choice(":.g9 0") + drawn[at + self.random.randrange(2):]
        return drawn

    def dns(self):
        return self.one(["localhost", "a.example.com", "*.a-b.example", "A_1.b", "1a.2"],
                        ["", "a b", "*", "a..b", ".a", "a.", "*.*.b", "-a", "a-.b", "1.2.3.4", "a:1", "a" * 64,
                         "ä.de", "a\n"])

    def certificate(self, kind):
        entry = {"alias": self.one(KINDS[kind].aliases, ["", "Server", "nobody", "endpoint", "router"], 0.97)}
        self.put(entry, "issuerRef", 0.15, self.issuer)
        self.put(entry, "secretName", 0.3, lambda: self.one(["a", "b", "c.d"], ["", "A", "a/b"]))
        self.put(entry, "dnsNames", 0.3, lambda: [self.dns() for _ in range(self.random.randrange(3))])
        self.put(entry, "ipAddresses", 0.4, lambda: [self.address() for _ in range(self.random.randrange(3))])
        self.put(entry, "duration", 0.3, self.span)
        self.put(entry, "renewBefore", 0.3, self.span)
        return entry

    def tls(self, kind):
        made = {}
        self.put(made, "issuerRef", 0.4, self.issuer)
        self.put(made, "certificates", 0.4, lambda: [
            self.certificate(kind) for _ in range(self.random.randrange(3))])
        for key in ("remove", "rotateCertificates", "rotateGrpcCertificates", "requireSSL", "clientTLS"):
            self.put(made, key, 0.25, self.often)
        self.put(made, "sslMode", 0.2, lambda: self.random.choice(["disable", "prefer", "require", "verify-full"]))
        self.put(made, "clientAuthMode", 0.2, lambda: self.random.choice(["md5", "scram", "cert"]))
        self.put(made, "sentinel", 0.2, dict)
        return made

    def configuration(self, kind):
        made = {}
        right = sorted(FILES.get(kind, ("a.cnf", "my-apply.cnf", "a.b_c.cnf")))
        wrong = ["", "a", ".cnf", "a b.cnf", "../a.cnf", "mssql.conf", "a.cnf ", "user.conf", "brokers.properties",
                 "..cnf"]
        self.put(made, "applyConfig", 0.4, lambda: {
            self.one(right, wrong): "a=1" for _ in range(self.random.randrange(3))})
        self.put(made, "configSecret", 0.4, lambda: {"name": self.one(["a", "a.b"], ["", "A"])})
        self.put(made, "removeCustomConfig", 0.4, self.often)
        self.put(made, "restart", 0.4, lambda: self.one(["auto", "true", "false"], ["never", ""], 0.97))
        self.put(made, "tuning", 0.1, dict)
        self.put(made, "auth", 0.1, dict)
        return made

    def spec(self, kind):
        made = {"type": self.one(["ReconfigureTLS", "Reconfigure"], ["Restart", "Rotate"], 0.95),
                "databaseRef": {"name": self.one(["orders", "a", "0-9"], ["", "a.b", "A", "a-"], 0.97)}}
        with_tls = self.often(0.97 if made["type"] == "ReconfigureTLS" else 0.03)
        with_configuration = self.often(0.97 if made["type"] == "Reconfigure" else 0.03)
        if with_tls:
            made["tls"] = self.tls(kind)
        if with_configuration and kind == "singlestore":
            roles = [role for role in ("node", "aggregator", "leaf", "standalone") if self.often(0.35)]
            made["configuration"] = {role: self.configuration(kind) for role in roles}
        elif with_configuration:
            made["configuration"] = self.configuration(kind)
        self.put(made, "timeout", 0.2, self.span)
        return made


@pytest.mark.parametrize("kind", KINDS)
def test_random(namespace, kind, long):
    maker, admitted, count = Maker(f"{kind} 1"), 0, 3000 if long else 300
    for _ in range(count):
        spec = maker.spec(kind)
        blamed = {field for field, _ in verdict(namespace, kind, spec)}
        assert blamed == judge(kind, spec), spec
        admitted += not blamed
    assert count / 10 < admitted < count * 9 / 10, f"{admitted} of {count} were right: this proves little"


def test_the_oracle_is_no_yes_man():
    """It has opinions of its own on requests that need no server."""
    right = {"type": "ReconfigureTLS", "databaseRef": {"name": "a"}, "tls": {"remove": True}}
    assert judge("druid", right) == set()
    assert judge("druid", {**right, "tls": {}}) == {"spec.tls"}
    assert judge("mssqlserver", {**right, "tls": {"clientTLS": True}}) == {"spec.tls"}
    assert judge("mysql", {**right, "tls": {"requireSSL": False}}) == set()
    assert judge("redis", {**right, "tls": {"requireSSL": False}}) == {"spec.tls"}
