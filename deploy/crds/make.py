#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Writes the CustomResourceDefinitions beside it, one file a kind: `./make.py` after a change here, and commit both. The
lint test crds.py compares. Nothing runs this on a cluster.

Every rule that fails says in one sentence which field and what to do. Sizes are bounded everywhere: the API server
refuses a CRD whose rules could cost too much.
"""

from pathlib import Path

from schema import array, boolean, forbidden, integer, mapping, name, obj, opaque, required, rule, text
from writer import document

HERE = Path(__file__).parent
SPAN = "^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,6}([.][0-9]{1,9})?m)?([0-9]{1,6}([.][0-9]{1,9})?s)?$"
PHASES = ["Pending", "Progressing", "Successful", "WaitingForApproval", "Failed", "Approved", "Denied", "Skipped"]
# A request of the type needs its section; how each is called. Restart, RotateAuth and others need none.
SECTIONS = {"UpdateVersion": "updateVersion", "HorizontalScaling": "horizontalScaling",
            "VerticalScaling": "verticalScaling", "VolumeExpansion": "volumeExpansion", "StorageMigration": "migration"}
TYPES = ["UpdateVersion", "HorizontalScaling", "VerticalScaling", "VolumeExpansion", "Restart", "Reconfigure",
         "ReconfigureTLS", "RotateAuth", "StorageMigration"]
CNF = ("name.matches('^[a-zA-Z0-9][-._a-zA-Z0-9]{0,238}[.]cnf$')",
       "files of applyConfig must be named like my-apply.cnf: letters, digits, '-', '_' and '.', ending in .cnf")
DRUID_ROLES = ("coordinators", "overlords", "historicals", "middleManagers", "brokers", "routers")
DRUID_FILES = ["common.runtime.properties", *(f"{role}.{kind}" for kind in ("properties", "jvm.config")
                                              for role in DRUID_ROLES)]


def named(*names):
    """(rule, message) for engines that read files of these names only."""
    told = names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
    return f"name in [{', '.join(repr(n) for n in names)}]", f"files of applyConfig must be named {told}"


class Kind:
    """One kind of database: what differs from the others."""

    def __init__(self, kind, database, short, aliases, files, *, article="a", tls=None, counts=(), modes=(),
                 tls_rules=(), roles=(), configuration=None, configuration_rules=(), types=(), sections=None):
        self.kind, self.database, self.short, self.aliases, self.files = kind, database, short, aliases, files
        self.article = article
        self.tls = tls or {}  # further fields of spec.tls
        self.counts = counts  # those of them that are a change of their own, as issuerRef and certificates are
        self.modes = modes  # those that go with any change, and alone too
        self.tls_rules = tls_rules
        self.roles = roles  # nodes that are configured apart
        self.configuration = configuration or {}  # further fields of spec.configuration, each a change of its own
        self.configuration_rules = configuration_rules
        self.types = types  # further values of spec.type
        self.sections = sections or {}  # and their sections

    @property
    def singular(self):
        return self.kind.lower()

    @property
    def plural(self):
        return self.singular + "s"


# --- spec.tls

def issuer_ref(description):
    return obj(description, {
        "apiGroup": text("cert-manager.io, also when left out.", enum=["cert-manager.io"]),
        "kind": text("Issuer, in the namespace of the request, or ClusterIssuer.", enum=["Issuer", "ClusterIssuer"]),
        "name": name("The name of the issuer.", "orders-issuer")}, needs=["kind", "name"])


def is_span(field):
    """Go's durations as people write them, short enough to be no overflow."""
    return f"{field} != '' && {field}.matches('{SPAN}')"


def span(description, least, such_as):
    return text(description, 32, rules=[
        rule(f"{is_span('self')} && duration(self) >= duration('{least}')",
             f"must be a time of at least {least}, such as {such_as}")])


def subject():
    parts = {"organizations": "O", "countries": "C", "organizationalUnits": "OU", "localities": "L", "provinces": "ST",
             "streetAddresses": "STREET", "postalCodes": "postalCode"}
    one_line = [rule("self.matches('^[^[:cntrl:]]+$')", "must be a text on one line")]
    fields = {part: array(f"{short} of the subject.", text("", 128, rules=one_line), 16)
              for part, short in parts.items()}
    return obj("The subject, beside the common name.", {
        **fields, "serialNumber": text("serialNumber of the subject.", 128, rules=one_line)})


DNS = r"^([*][.])?[a-zA-Z0-9_]([-a-zA-Z0-9_]{0,61}[a-zA-Z0-9_])?([.][a-zA-Z0-9_]([-a-zA-Z0-9_]{0,61}[a-zA-Z0-9_])?)*$"
IPV4 = r"^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])([.]|$)){4}$"
IPV6 = r"^([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}$"
IPV6_SHORT = r"^(([0-9a-fA-F]{1,4}:){0,6}[0-9a-fA-F]{1,4})?::(([0-9a-fA-F]{1,4}:){0,6}[0-9a-fA-F]{1,4})?$"


def names_fields():
    """Subject alternative names."""
    dns = rule(f"self.matches('{DNS}') && !self.matches('^[0-9.]+$')",
               "must be a DNS name such as db.example.com or *.example.com (IP addresses go into ipAddresses)")
    address = rule(
        f"self.matches('{IPV4}') || self.matches('{IPV6}') || "
        f"self.matches('{IPV6_SHORT}') && self.split(':').filter(group, group != '').size() <= 7",
        "must be an IP address such as 10.0.0.7 or fd00::7 (names go into dnsNames)")
    uri = rule("self.matches('^[a-zA-Z][-+.a-zA-Z0-9]*:[!-~]+$')",
               "must be a URI with a scheme, such as spiffe://example.com/db")
    email = rule("self.matches('^[!-?A-~]+@[!-?A-~]+$')", "must be an e-mail address such as db@example.com")
    return {
        "dnsNames": array("Further DNS names, beside those of the services and pods.", text("", 253, rules=[dns]), 64),
        "ipAddresses": array("Further IP addresses, beside 127.0.0.1.", text("", 45, rules=[address]), 64),
        "uris": array("URIs.", text("", 512, rules=[uri]), 16),
        "emailAddresses": array("E-mail addresses.", text("", 254, rules=[email]), 16)}


def certificate(kind):
    told_already = f"!({is_span('self.renewBefore')}) || has(self.duration) && !({is_span('self.duration')})"
    shorter = "duration(self.renewBefore) < (has(self.duration) ? duration(self.duration) : duration('2160h'))"
    return obj("", {
        "alias": text("Which certificate of the database.", enum=kind.aliases),
        "issuerRef": issuer_ref("Who signs this certificate; spec.tls.issuerRef when left out."),
        "secretName": name("The Secret that holds it; <database>-<alias>-cert when left out.", "orders-server-cert"),
        "subject": subject(),
        "duration": span("How long it is valid; 2160h (90 days) when left out.", "1h", "24h or 2160h"),
        "renewBefore": span("How long before its end it is renewed.", "5m", "15m or 360h"),
        **names_fields(),
        "privateKey": obj("The private key.", {"encoding": text("How it is written.", enum=["PKCS1", "PKCS8"])}),
    }, needs=["alias"], rules=[
        rule(f"!has(self.renewBefore) || {told_already} || {shorter}",
             "renewBefore must be shorter than duration (2160h when that is left out)", path=".renewBefore")])


def changes(kind, more=()):
    """What spec.tls may change, as people write it."""
    words = ["issuerRef", "certificates", *kind.counts, *more]
    return ", ".join(words[:-1]) + " or " + words[-1]


def tls(kind):
    change = " || ".join(f"has(self.{field})" for field in ("issuerRef", "certificates", *kind.counts))
    rotates = ["rotateCertificates", *(field for field in kind.tls if field == "rotateGrpcCertificates")]
    rotate = " || ".join(f"has(self.{field}) && self.{field}" for field in rotates)
    remove = "has(self.remove) && self.remove"
    alone = " (clientTLS alone changes no certificate)" if "clientTLS" in kind.tls else ""
    alone = " (sentinel alone changes no certificate)" if "sentinel" in kind.tls else alone
    return obj("What to do for type ReconfigureTLS: issuerRef, certificates; rotateCertificates; or remove.", {
        "issuerRef": issuer_ref("Who signs: adds TLS to a database without, changes the issuer of one with."),
        "certificates": array("What the certificates hold, one entry an alias.", certificate(kind), 8, 1, rules=[
            rule("self.all(c, self.exists_one(d, d.alias == c.alias))", "each alias may be used in one entry only"),
            rule("self.all(c, !has(c.secretName) || "
                 "self.exists_one(d, has(d.secretName) && d.secretName == c.secretName))",
                 "each secretName may be used in one entry only")]),
        "rotateCertificates": boolean("Issues every certificate anew, once."),
        "remove": boolean("Takes TLS off the database."),
        **kind.tls,
    }, rules=[
        required(" || ".join([remove, rotate, change, *(f"has(self.{mode})" for mode in kind.modes)]),
                 f"set {changes(kind, kind.modes)}, or rotateCertificates: true, or remove: true{alone}"),
        forbidden(f"[{remove}, {rotate}, {change}].filter(x, x).size() <= 1",
                  f"remove, rotateCertificates and a change ({changes(kind)}) need a request each"),
        *kind.tls_rules])


# --- spec.configuration

def reconfiguration(kind, description, extra=None, extra_rules=()):
    cel, message = kind.files
    asks = ["has(self.configSecret)", "has(self.applyConfig)",
            "has(self.removeCustomConfig) && self.removeCustomConfig", *(f"has(self.{field})" for field in extra or {})]
    words = ["configSecret", "applyConfig", *(extra or {})]
    return obj(description, {
        "configSecret": obj("Replaces the Secret with configuration files that was named before.", {
            "name": name("A Secret in the namespace of the request.", "orders-settings")}, needs=["name"]),
        "applyConfig": mapping("Files and their text, merged with what was applied before, key by key.",
                               text("", 65536), 16, 1, rules=[rule(f"self.all(name, {cel})", message)]),
        "removeCustomConfig": boolean("Drops Secret and files of before; what this request brings comes after."),
        "restart": text("Whether the database is restarted: auto, when it has to be.", enum=["auto", "true", "false"],
                        default="auto"),
        **(extra or {}),
    }, rules=[required(" || ".join(asks), f"set {', '.join(words)} or removeCustomConfig: true"),
              *extra_rules])


def configuration(kind):
    about = "What to do for type Reconfigure."
    if not kind.roles:
        return reconfiguration(kind, about, kind.configuration, kind.configuration_rules)
    alone, *together = kind.roles
    either = " || ".join(f"has(self.{role})" for role in together)
    return obj(about, {
        alone: reconfiguration(kind, f"The {alone} of a standalone database."),
        **{role: reconfiguration(kind, f"The {role} nodes of a cluster.") for role in together},
    }, rules=[
        required(f"has(self.{alone}) || {either}",
                 f"set {alone} (standalone), or {' and/or '.join(together)} (cluster)"),
        forbidden(f"!(has(self.{alone}) && ({either}))",
                  f"{alone} is for a standalone database, {' and '.join(together)} are for a cluster: "
                  "use one or the other")])


# --- the whole

def section_rules(kind):
    need = "self.type != '{0}' || has(self.{1})"
    told = {"tls": changes(kind, kind.modes) + ", rotateCertificates or remove",
            "configuration": ", ".join(kind.roles[:-1]) + " or " + kind.roles[-1] if kind.roles else
            ", ".join(("configSecret", "applyConfig", *kind.configuration)) + " or removeCustomConfig"}
    for type_, field in {"ReconfigureTLS": "tls", "Reconfigure": "configuration", **SECTIONS, **kind.sections}.items():
        hint = f" with {told[field]}" if field in told else ""
        yield required(need.format(type_, field), f"type {type_} needs spec.{field}{hint}", path="." + field)
    for type_, other, field in (("ReconfigureTLS", "Reconfigure", "configuration"),
                                ("Reconfigure", "ReconfigureTLS", "tls")):
        yield forbidden(f"self.type != '{type_}' || !has(self.{field})",
                        f"spec.{field} does not belong to type {type_}: make a request of type {other} for it",
                        path="." + field)


def spec(kind):
    types = [*TYPES, *kind.types]
    others = {field: opaque(f"For type {type_}, which certrotate leaves to other operators.")
              for type_, field in {**SECTIONS, **kind.sections}.items()}
    return obj("What to do. It cannot be changed later.", {
        "databaseRef": obj("The database.", {
            "name": text("The name of the database, in the namespace of the request.", 63, rules=[
                rule("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                     "must be the name of a database: lower-case letters, digits and '-', such as orders-db")])},
            needs=["name"]),
        "type": text("The operation. certrotate does ReconfigureTLS and Reconfigure.", enum=types),
        "tls": tls(kind),
        "configuration": configuration(kind),
        "timeout": span("How long each step may take; the request fails when one takes longer.", "1s",
                        "90s, 5m or 1h30m"),
        "apply": text("IfReady: only while the database is ready; Always: whatever its state.",
                      enum=["IfReady", "Always"], default="IfReady"),
        "maxRetries": integer("How often a failed step is tried again.", 0, 100, default=1),
        "restart": opaque("For type Restart, which certrotate leaves to other operators."),
        "authentication": opaque("For type RotateAuth, which certrotate leaves to other operators."),
        **others,
    }, needs=["databaseRef", "type"], rules=[
        forbidden("self == oldSelf", "a request cannot be changed: create a new one"), *section_rules(kind)])


def status():
    condition = obj("", {
        "type": text("The step; <step>--<pod> for a pod's own.", 316, 1),
        "status": text("Whether it is so.", enum=["True", "False", "Unknown"]),
        "observedGeneration": integer("The generation of the request that it is about.", 0, size="int64"),
        "severity": text("How bad it is, when status is False.", enum=["Error", "Warning", "Info", ""]),
        "lastTransitionTime": {"description": "When status last changed.", "type": "string", "format": "date-time"},
        "reason": text("Why, in one word.", 1024),
        "message": text("Why, for people.", 32768)}, needs=["lastTransitionTime", "status", "type"])
    conditions = array("What has happened; the order means nothing.", condition, 4096)
    conditions |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    return obj("How far it is.", {
        "phase": text("Where the request stands.", enum=PHASES),
        "observedGeneration": integer("The generation of the request that this is about.", 0, size="int64"),
        "conditions": conditions,
        "pausedBackups": array("Backups that are paused meanwhile.", obj("", {
            "apiGroup": text("Its group.", 253), "kind": text("Its kind.", 63),
            "name": text("Its name.", 253), "namespace": text("Its namespace.", 63)}, needs=["name"]), 256)})


def definition(kind):
    columns = [("Type", ".spec.type", "string"), ("Status", ".status.phase", "string"),
               ("Age", ".metadata.creationTimestamp", "date")]
    schema = obj(f"{kind.kind} asks for an operation on {kind.article} {kind.database} database.", {
        "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
        "spec": spec(kind), "status": status()}, needs=["spec"])
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.ops.kubedb.com", "labels": {"app.kubernetes.io/part-of": "certrotate"}},
        "spec": {
            "group": "ops.kubedb.com", "scope": "Namespaced", "conversion": {"strategy": "None"},
            "names": {"kind": kind.kind, "listKind": kind.kind + "List", "plural": kind.plural,
                      "singular": kind.singular, "shortNames": [kind.short],
                      "categories": ["ops", "kubedb", "appscode"]},
            "versions": [{
                "name": "v1alpha1", "served": True, "storage": True, "subresources": {"status": {}},
                "additionalPrinterColumns": [{"name": n, "jsonPath": p, "type": t} for n, p, t in columns],
                "schema": {"openAPIV3Schema": schema}}]}}


def require_ssl():
    return {"requireSSL": boolean("Whether the server refuses connections without TLS.")}


def sentinel():
    return opaque("The RedisSentinel to use with or without TLS, and whether the old one goes.")


EXPORTER = ["server", "client", "metrics-exporter"]
KINDS = [
    Kind("SinglestoreOpsRequest", "SingleStore", "sdbops", EXPORTER, CNF, roles=("node", "aggregator", "leaf")),
    Kind("MSSQLServerOpsRequest", "SQL Server", "msops", ["server", "client", "endpoint"], named("mssql.conf"),
         article="an", tls={"clientTLS": boolean("Whether clients must use TLS.")}, tls_rules=[
            forbidden("!(has(self.remove) && self.remove && has(self.clientTLS) && self.clientTLS)",
                      "clientTLS: true does not go with remove: true, leave it out", path=".clientTLS")]),
    Kind("PerconaXtraDBOpsRequest", "Percona XtraDB", "pxcops", EXPORTER, CNF, tls=require_ssl(),
         counts=("requireSSL",)),
    Kind("DruidOpsRequest", "Druid", "drops", ["server", "client"], named(*DRUID_FILES)),
    Kind("MariaDBOpsRequest", "MariaDB", "mariaops", EXPORTER, CNF, tls=require_ssl(), counts=("requireSSL",)),
    Kind("MySQLOpsRequest", "MySQL", "myops", [*EXPORTER, "router"], CNF, tls=require_ssl(), counts=("requireSSL",),
         types=["ReplicationModeTransformation"],
         sections={"ReplicationModeTransformation": "replicationModeTransformation"}),
    Kind("PostgresOpsRequest", "PostgreSQL", "pgops",
         [*EXPORTER, "archiver", "grpc-ca", "grpc-server", "grpc-client"], named("user.conf"), tls={
            "sslMode": text("How clients must connect.",
                            enum=["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
            "clientAuthMode": text("How clients prove who they are.", enum=["md5", "scram", "cert"]),
            "rotateGrpcCertificates": boolean("Issues the certificates between the coordinators anew, once.")},
         modes=("sslMode", "clientAuthMode"), tls_rules=[
            forbidden("!(has(self.remove) && self.remove && has(self.sslMode) && "
                      "self.sslMode in ['require', 'verify-ca', 'verify-full'])",
                      "this sslMode needs TLS and does not go with remove: true", path=".sslMode"),
            forbidden("!(has(self.remove) && self.remove && has(self.clientAuthMode) && self.clientAuthMode == 'cert')",
                      "clientAuthMode: cert needs TLS and does not go with remove: true", path=".clientAuthMode")],
         configuration={"tuning": opaque("Values by the machine's size, which certrotate leaves to other operators.")},
         configuration_rules=[
            forbidden("!(self.restart == 'false' && has(self.removeCustomConfig) && self.removeCustomConfig)",
                      "restart: \"false\" does not go with removeCustomConfig: true, which needs a restart",
                      path=".restart")],
         types=["ReconnectStandby", "ForceFailOver", "SetRaftKeyPair"]),
    Kind("RedisOpsRequest", "Redis", "rdops", EXPORTER, named("redis.conf", "valkey.conf"),
         tls={"sentinel": sentinel()}, types=["ReplaceSentinel", "Announce"],
         configuration={"auth": opaque("Users and their rights, which certrotate leaves to other operators.")},
         sections={"ReplaceSentinel": "sentinel", "Announce": "announce"}),
]


def texts():
    """{file name: text}"""
    head = "# SPDX-License-Identifier: Apache-2.0\n# Written by make.py, which tells why: change it there.\n"
    return {f"ops.kubedb.com_{kind.plural}.yaml": head + document(definition(kind)) for kind in KINDS}


if __name__ == "__main__":
    for file, content in texts().items():
        (HERE / file).write_text(content)
