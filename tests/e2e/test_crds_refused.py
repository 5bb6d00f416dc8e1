# SPDX-License-Identifier: Apache-2.0
"""
Requests that are wrong in one place, and all that the API server says about each: the field and what to do. Sentences
of ours end the lines; the server's own are here as well, so that nobody finds one that helps nobody.
"""

import pytest

from support.opsrequests import ISSUER, KINDS, configuration, create, tls, verdict

pytestmark = pytest.mark.usefixtures("requests_defined")


def spec(**fields):
    return {"databaseRef": {"name": "orders"}, **fields}


def cert(**fields):
    return tls(certificates=[{"alias": "server", **fields}])


# kind, spec, the lines that kubectl prints
WRONG = [
    ("singlestore", {},
     "spec.databaseRef: Required value",
     "spec.type: Required value"),
    ("singlestore", spec(),
     "spec.type: Required value"),
    ("singlestore", {"type": "Restart"},
     "spec.databaseRef: Required value"),
    ("singlestore", {"type": "Restart", "databaseRef": {}},
     "spec.databaseRef.name: Required value"),
    ("singlestore", {"type": "Restart", "databaseRef": {"name": ""}},
     'spec.databaseRef.name: Invalid value: "string": must be the name of a database: lower-case letters, digits '
     "and '-', such as orders-db"),
    ("singlestore", {"type": "Restart", "databaseRef": {"name": "Orders_DB"}},
     'spec.databaseRef.name: Invalid value: "string": must be the name of a database: lower-case letters, digits '
     "and '-', such as orders-db"),
    ("singlestore", {"type": "Restart", "databaseRef": {"name": "a" * 64}},
     "spec.databaseRef.name: Too long: may not be more than 63 bytes"),
    ("singlestore", spec(type="RotateTLS"),
     'spec.type: Unsupported value: "RotateTLS": supported values: "UpdateVersion", "HorizontalScaling", '
     '"VerticalScaling", "VolumeExpansion", "Restart", "Reconfigure", "ReconfigureTLS", "RotateAuth", '
     '"StorageMigration"'),
    ("singlestore", spec(type="reconfiguretls", tls={"remove": True}),
     'spec.type: Unsupported value: "reconfiguretls": supported values: "UpdateVersion", "HorizontalScaling", '
     '"VerticalScaling", "VolumeExpansion", "Restart", "Reconfigure", "ReconfigureTLS", "RotateAuth", '
     '"StorageMigration"'),
    ("druid", spec(type="ReplicationModeTransformation"),
     'spec.type: Unsupported value: "ReplicationModeTransformation": supported values: "UpdateVersion", '
     '"HorizontalScaling", "VerticalScaling", "VolumeExpansion", "Restart", "Reconfigure", "ReconfigureTLS", '
     '"RotateAuth", "StorageMigration"'),
    ("singlestore", spec(type="Restart", apply="Now"),
     'spec.apply: Unsupported value: "Now": supported values: "IfReady", "Always"'),
    ("singlestore", spec(type="Restart", maxRetries=-1),
     "spec.maxRetries: Invalid value: -1: spec.maxRetries in body should be greater than or equal to 0"),
    ("singlestore", spec(type="Restart", maxRetries=101),
     "spec.maxRetries: Invalid value: 101: spec.maxRetries in body should be less than or equal to 100"),
    ("singlestore", spec(type="Restart", maxRetries="1"),
     'spec.maxRetries: Invalid value: "string": spec.maxRetries in body must be of type integer: "string"'),
    ("singlestore", spec(type="Restart", timeout="5"),
     'spec.timeout: Invalid value: "string": must be a time of at least 1s, such as 90s, 5m or 1h30m'),
    ("singlestore", spec(type="Restart", timeout="5 minutes"),
     'spec.timeout: Invalid value: "string": must be a time of at least 1s, such as 90s, 5m or 1h30m'),
    ("singlestore", spec(type="Restart", timeout=""),
     'spec.timeout: Invalid value: "string": must be a time of at least 1s, such as 90s, 5m or 1h30m'),
    ("singlestore", spec(type="Restart", timeout="-5m"),
     'spec.timeout: Invalid value: "string": must be a time of at least 1s, such as 90s, 5m or 1h30m'),
    ("singlestore", spec(type="Restart", timeout="0s"),
     'spec.timeout: Invalid value: "string": must be a time of at least 1s, such as 90s, 5m or 1h30m'),
    ("singlestore", spec(type="Restart", timeout="1d"),
     'spec.timeout: Invalid value: "string": must be a time of at least 1s, such as 90s, 5m or 1h30m'),
    ("singlestore", spec(type="Restart", timeout=300),
     'spec.timeout: Invalid value: "integer": spec.timeout in body must be of type string: "integer"'),
    ("singlestore", spec(type="Restart", timeout="9" * 40 + "h"),
     "spec.timeout: Too long: may not be more than 32 bytes"),
    ("singlestore", spec(type="ReconfigureTLS"),
     "spec.tls: Required value: type ReconfigureTLS needs spec.tls with issuerRef or certificates, "
     "rotateCertificates or remove"),
    ("perconaxtradb", spec(type="ReconfigureTLS"),
     "spec.tls: Required value: type ReconfigureTLS needs spec.tls with issuerRef, certificates or requireSSL, "
     "rotateCertificates or remove"),
    ("singlestore", spec(type="Reconfigure"),
     "spec.configuration: Required value: type Reconfigure needs spec.configuration with node, aggregator or leaf"),
    ("redis", spec(type="Reconfigure"),
     "spec.configuration: Required value: type Reconfigure needs spec.configuration with configSecret, "
     "applyConfig, auth or removeCustomConfig"),
    ("singlestore", spec(type="HorizontalScaling"),
     "spec.horizontalScaling: Required value: type HorizontalScaling needs spec.horizontalScaling"),
    ("singlestore", spec(type="UpdateVersion"),
     "spec.updateVersion: Required value: type UpdateVersion needs spec.updateVersion"),
    ("singlestore", spec(type="VerticalScaling"),
     "spec.verticalScaling: Required value: type VerticalScaling needs spec.verticalScaling"),
    ("singlestore", spec(type="VolumeExpansion"),
     "spec.volumeExpansion: Required value: type VolumeExpansion needs spec.volumeExpansion"),
    ("singlestore", spec(type="StorageMigration"),
     "spec.migration: Required value: type StorageMigration needs spec.migration"),
    ("singlestore", {**configuration(leaf={"removeCustomConfig": True}), "tls": {"remove": True}},
     "spec.tls: Forbidden: spec.tls does not belong to type Reconfigure: make a request of type ReconfigureTLS for it"),
    ("mysql", spec(type="ReplicationModeTransformation"),
     "spec.replicationModeTransformation: Required value: type ReplicationModeTransformation needs "
     "spec.replicationModeTransformation"),
    ("redis", spec(type="Announce"),
     "spec.announce: Required value: type Announce needs spec.announce"),
    ("singlestore", {**tls(remove=True), "configuration": {"node": {"removeCustomConfig": True}}},
     "spec.configuration: Forbidden: spec.configuration does not belong to type ReconfigureTLS: make a request "
     "of type Reconfigure for it"),
    ("druid", {**configuration(removeCustomConfig=True), "tls": {"remove": True}},
     "spec.tls: Forbidden: spec.tls does not belong to type Reconfigure: make a request of type ReconfigureTLS "
     "for it"),
    ("singlestore", tls(),
     "spec.tls: Required value: set issuerRef or certificates, or rotateCertificates: true, or remove: true"),
    ("mssqlserver", tls(clientTLS=True),
     "spec.tls: Required value: set issuerRef or certificates, or rotateCertificates: true, or remove: true "
     "(clientTLS alone changes no certificate)"),
    ("redis", tls(sentinel={"ref": {"name": "x"}}),
     "spec.tls: Required value: set issuerRef or certificates, or rotateCertificates: true, or remove: true "
     "(sentinel alone changes no certificate)"),
    ("perconaxtradb", tls(),
     "spec.tls: Required value: set issuerRef, certificates or requireSSL, or rotateCertificates: true, or "
     "remove: true"),
    ("postgres", tls(),
     "spec.tls: Required value: set issuerRef, certificates, sslMode or clientAuthMode, or rotateCertificates: "
     "true, or remove: true"),
    ("singlestore", tls(remove=False),
     "spec.tls: Required value: set issuerRef or certificates, or rotateCertificates: true, or remove: true"),
    ("singlestore", tls(remove=False, rotateCertificates=False),
     "spec.tls: Required value: set issuerRef or certificates, or rotateCertificates: true, or remove: true"),
    ("singlestore", tls(remove=True, rotateCertificates=True),
     "spec.tls: Forbidden: remove, rotateCertificates and a change (issuerRef or certificates) need a request "
     "each"),
    ("singlestore", tls(remove=True, issuerRef=ISSUER),
     "spec.tls: Forbidden: remove, rotateCertificates and a change (issuerRef or certificates) need a request "
     "each"),
    ("singlestore", tls(rotateCertificates=True, certificates=[{"alias": "server"}]),
     "spec.tls: Forbidden: remove, rotateCertificates and a change (issuerRef or certificates) need a request "
     "each"),
    ("mysql", tls(remove=True, requireSSL=False),
     "spec.tls: Forbidden: remove, rotateCertificates and a change (issuerRef, certificates or requireSSL) need "
     "a request each"),
    ("perconaxtradb", tls(rotateCertificates=True, requireSSL=True),
     "spec.tls: Forbidden: remove, rotateCertificates and a change (issuerRef, certificates or requireSSL) need "
     "a request each"),
    ("postgres", tls(issuerRef=ISSUER, rotateGrpcCertificates=True),
     "spec.tls: Forbidden: remove, rotateCertificates and a change (issuerRef or certificates) need a request "
     "each"),
    ("mssqlserver", tls(remove=True, clientTLS=True),
     "spec.tls.clientTLS: Forbidden: clientTLS: true does not go with remove: true, leave it out"),
    ("postgres", tls(remove=True, sslMode="verify-full"),
     "spec.tls.sslMode: Forbidden: this sslMode needs TLS and does not go with remove: true"),
    ("postgres", tls(remove=True, clientAuthMode="cert"),
     "spec.tls.clientAuthMode: Forbidden: clientAuthMode: cert needs TLS and does not go with remove: true"),
    ("postgres", tls(issuerRef=ISSUER, sslMode="on"),
     'spec.tls.sslMode: Unsupported value: "on": supported values: "disable", "allow", "prefer", "require", '
     '"verify-ca", "verify-full"'),
    ("postgres", tls(issuerRef=ISSUER, clientAuthMode="password"),
     'spec.tls.clientAuthMode: Unsupported value: "password": supported values: "md5", "scram", "cert"'),
    ("singlestore", tls(remove="yes"),
     'spec.tls.remove: Invalid value: "string": spec.tls.remove in body must be of type boolean: "string"'),
    ("singlestore", tls(issuerRef={"kind": "Issuer"}),
     "spec.tls.issuerRef.name: Required value"),
    ("singlestore", tls(issuerRef={"name": "orders-issuer"}),
     "spec.tls.issuerRef.kind: Required value"),
    ("singlestore", tls(issuerRef={**ISSUER, "kind": "AWSPCAIssuer"}),
     'spec.tls.issuerRef.kind: Unsupported value: "AWSPCAIssuer": supported values: "Issuer", "ClusterIssuer"'),
    ("singlestore", tls(issuerRef={**ISSUER, "apiGroup": "awspca.cert-manager.io"}),
     'spec.tls.issuerRef.apiGroup: Unsupported value: "awspca.cert-manager.io": supported values: '
     '"cert-manager.io"'),
    ("singlestore", tls(issuerRef={**ISSUER, "name": "Orders Issuer"}),
     'spec.tls.issuerRef.name: Invalid value: "string": must be the name of an object: lower-case letters, '
     "digits, '-' and '.', such as orders-issuer"),
    ("singlestore", tls(issuerRef={**ISSUER, "name": ""}),
     'spec.tls.issuerRef.name: Invalid value: "string": must be the name of an object: lower-case letters, '
     "digits, '-' and '.', such as orders-issuer"),
    ("singlestore", tls(issuerRef={**ISSUER, "name": "a" * 254}),
     "spec.tls.issuerRef.name: Too long: may not be more than 253 bytes"),
    ("singlestore", tls(issuerRef="orders-issuer"),
     'spec.tls.issuerRef: Invalid value: "string": spec.tls.issuerRef in body must be of type object: "string"'),
    ("singlestore", tls(certificates=[]),
     "spec.tls.certificates: Invalid value: 0: spec.tls.certificates in body should have at least 1 items"),
    ("singlestore", tls(certificates=[{"dnsNames": ["a"]}]),
     "spec.tls.certificates[0].alias: Required value"),
    ("singlestore", cert(alias="endpoint"),
     'spec.tls.certificates[0].alias: Unsupported value: "endpoint": supported values: "server", "client", '
     '"metrics-exporter"'),
    ("druid", cert(alias="metrics-exporter"),
     'spec.tls.certificates[0].alias: Unsupported value: "metrics-exporter": supported values: "server", "client"'),
    ("singlestore", tls(certificates=[{"alias": "server"}, {"alias": "server"}]),
     'spec.tls.certificates: Invalid value: "array": each alias may be used in one entry only'),
    ("singlestore", tls(certificates=[{"alias": "server", "secretName": "x"}, {"alias": "client", "secretName": "x"}]),
     'spec.tls.certificates: Invalid value: "array": each secretName may be used in one entry only'),
    ("singlestore", cert(issuerRef={**ISSUER, "kind": "Secret"}),
     'spec.tls.certificates[0].issuerRef.kind: Unsupported value: "Secret": supported values: "Issuer", '
     '"ClusterIssuer"'),
    ("singlestore", cert(secretName="Server_Cert"),
     'spec.tls.certificates[0].secretName: Invalid value: "string": must be the name of an object: lower-case '
     "letters, digits, '-' and '.', such as orders-server-cert"),
    ("singlestore", cert(dnsNames=["orders db"]),
     'spec.tls.certificates[0].dnsNames[0]: Invalid value: "string": must be a DNS name such as db.example.com '
     "or *.example.com (IP addresses go into ipAddresses)"),
    ("singlestore", cert(dnsNames=["10.0.0.7"]),
     'spec.tls.certificates[0].dnsNames[0]: Invalid value: "string": must be a DNS name such as db.example.com '
     "or *.example.com (IP addresses go into ipAddresses)"),
    ("singlestore", cert(dnsNames=["orders.example.com:3306"]),
     'spec.tls.certificates[0].dnsNames[0]: Invalid value: "string": must be a DNS name such as db.example.com '
     "or *.example.com (IP addresses go into ipAddresses)"),
    ("singlestore", cert(dnsNames=["a.*.example.com"]),
     'spec.tls.certificates[0].dnsNames[0]: Invalid value: "string": must be a DNS name such as db.example.com '
     "or *.example.com (IP addresses go into ipAddresses)"),
    ("singlestore", cert(dnsNames=["a." * 127 + "com"]),
     "spec.tls.certificates[0].dnsNames[0]: Too long: may not be more than 253 bytes"),
    ("singlestore", cert(dnsNames=["a"] * 65),
     "spec.tls.certificates[0].dnsNames: Too many: 65: must have at most 64 items"),
    ("singlestore", cert(ipAddresses=["10.0.0.256"]),
     'spec.tls.certificates[0].ipAddresses[0]: Invalid value: "string": must be an IP address such as 10.0.0.7 '
     "or fd00::7 (names go into dnsNames)"),
    ("singlestore", cert(ipAddresses=["localhost"]),
     'spec.tls.certificates[0].ipAddresses[0]: Invalid value: "string": must be an IP address such as 10.0.0.7 '
     "or fd00::7 (names go into dnsNames)"),
    ("singlestore", cert(ipAddresses=["fd00:::7"]),
     'spec.tls.certificates[0].ipAddresses[0]: Invalid value: "string": must be an IP address such as 10.0.0.7 '
     "or fd00::7 (names go into dnsNames)"),
    ("singlestore", cert(uris=["example.com/db"]),
     'spec.tls.certificates[0].uris[0]: Invalid value: "string": must be a URI with a scheme, such as '
     "spiffe://example.com/db"),
    ("singlestore", cert(emailAddresses=["dba"]),
     'spec.tls.certificates[0].emailAddresses[0]: Invalid value: "string": must be an e-mail address such as '
     "db@example.com"),
    ("singlestore", cert(duration="30m"),
     'spec.tls.certificates[0].duration: Invalid value: "string": must be a time of at least 1h, such as 24h or '
     "2160h"),
    ("singlestore", cert(duration="90d"),
     'spec.tls.certificates[0].duration: Invalid value: "string": must be a time of at least 1h, such as 24h or '
     "2160h"),
    ("singlestore", cert(renewBefore="1m"),
     'spec.tls.certificates[0].renewBefore: Invalid value: "string": must be a time of at least 5m, such as 15m '
     "or 360h"),
    ("singlestore", cert(duration="24h", renewBefore="24h"),
     'spec.tls.certificates[0].renewBefore: Invalid value: "object": renewBefore must be shorter than duration '
     "(2160h when that is left out)"),
    ("singlestore", cert(renewBefore="2160h"),
     'spec.tls.certificates[0].renewBefore: Invalid value: "object": renewBefore must be shorter than duration '
     "(2160h when that is left out)"),
    ("singlestore", cert(duration="1d", renewBefore="1d"),
     'spec.tls.certificates[0].duration: Invalid value: "string": must be a time of at least 1h, such as 24h or '
     "2160h",
     'spec.tls.certificates[0].renewBefore: Invalid value: "string": must be a time of at least 5m, such as 15m '
     "or 360h"),
    ("singlestore", cert(subject={"organizations": "orders"}),
     'spec.tls.certificates[0].subject.organizations: Invalid value: "string": '
     'spec.tls.certificates[0].subject.organizations in body must be of type array: "string"'),
    ("singlestore", cert(subject={"organizations": ["o" * 129]}),
     "spec.tls.certificates[0].subject.organizations[0]: Too long: may not be more than 128 bytes"),
    ("singlestore", cert(subject={"organizations": [""]}),
     'spec.tls.certificates[0].subject.organizations[0]: Invalid value: "string": must be a text on one line'),
    ("singlestore", cert(privateKey={"encoding": "PKCS12"}),
     'spec.tls.certificates[0].privateKey.encoding: Unsupported value: "PKCS12": supported values: "PKCS1", '
     '"PKCS8"'),
    ("singlestore", configuration(),
     "spec.configuration: Required value: set node (standalone), or aggregator and/or leaf (cluster)"),
    ("singlestore", configuration(node={"removeCustomConfig": True}, leaf={"removeCustomConfig": True}),
     "spec.configuration: Forbidden: node is for a standalone database, aggregator and leaf are for a "
     "cluster: use one or the other"),
    ("singlestore", configuration(aggregator={}),
     "spec.configuration.aggregator: Required value: set configSecret, applyConfig or removeCustomConfig: true"),
    ("singlestore", configuration(leaf={"restart": "true"}),
     "spec.configuration.leaf: Required value: set configSecret, applyConfig or removeCustomConfig: true"),
    ("singlestore", configuration(leaf={"applyConfig": {"settings": "a=1"}}),
     'spec.configuration.leaf.applyConfig: Invalid value: "object": files of applyConfig must be named like '
     "my-apply.cnf: letters, digits, '-', '_' and '.', ending in .cnf"),
    ("perconaxtradb", configuration(),
     "spec.configuration: Required value: set configSecret, applyConfig or removeCustomConfig: true"),
    ("perconaxtradb", configuration(removeCustomConfig=False),
     "spec.configuration: Required value: set configSecret, applyConfig or removeCustomConfig: true"),
    ("perconaxtradb", configuration(applyConfig={}),
     "spec.configuration.applyConfig: Invalid value: 0: spec.configuration.applyConfig in body should have at "
     "least 1 properties"),
    ("perconaxtradb", configuration(applyConfig={"my.conf": "a=1"}),
     'spec.configuration.applyConfig: Invalid value: "object": files of applyConfig must be named like '
     "my-apply.cnf: letters, digits, '-', '_' and '.', ending in .cnf"),
    ("perconaxtradb", configuration(applyConfig={"../my.cnf": "a=1"}),
     'spec.configuration.applyConfig: Invalid value: "object": files of applyConfig must be named like '
     "my-apply.cnf: letters, digits, '-', '_' and '.', ending in .cnf"),
    ("perconaxtradb", configuration(applyConfig={"a" * 240 + ".cnf": "a=1"}),
     'spec.configuration.applyConfig: Invalid value: "object": files of applyConfig must be named like '
     "my-apply.cnf: letters, digits, '-', '_' and '.', ending in .cnf"),
    ("perconaxtradb", configuration(applyConfig={f"{i}.cnf": "" for i in range(17)}),
     "spec.configuration.applyConfig: Too many: 17: must have at most 16 items"),
    ("perconaxtradb", configuration(applyConfig={"a.cnf": "x" * 65537}),
     "spec.configuration.applyConfig.a.cnf: Too long: may not be more than 65536 bytes"),
    ("perconaxtradb", configuration(applyConfig={"a.cnf": 1}),
     'spec.configuration.applyConfig.a.cnf: Invalid value: "integer": spec.configuration.applyConfig.a.cnf in '
     'body must be of type string: "integer"'),
    ("perconaxtradb", configuration(configSecret={}),
     "spec.configuration.configSecret.name: Required value"),
    ("perconaxtradb", configuration(configSecret={"name": ""}),
     'spec.configuration.configSecret.name: Invalid value: "string": must be the name of an object: lower-case '
     "letters, digits, '-' and '.', such as orders-settings"),
    ("perconaxtradb", configuration(configSecret={"name": "a" * 254}),
     "spec.configuration.configSecret.name: Too long: may not be more than 253 bytes"),
    ("perconaxtradb", configuration(configSecret="settings"),
     'spec.configuration.configSecret: Invalid value: "string": spec.configuration.configSecret in body must be '
     'of type object: "string"'),
    ("perconaxtradb", configuration(removeCustomConfig=True, restart=True),
     'spec.configuration.restart: Invalid value: "boolean": spec.configuration.restart in body must be of type '
     'string: "boolean"',
     'spec.configuration.restart: Unsupported value: true: supported values: "auto", "true", "false"'),
    ("perconaxtradb", configuration(removeCustomConfig=True, restart="never"),
     'spec.configuration.restart: Unsupported value: "never": supported values: "auto", "true", "false"'),
    ("mssqlserver", configuration(applyConfig={"mssql.cnf": "a=1"}),
     'spec.configuration.applyConfig: Invalid value: "object": files of applyConfig must be named mssql.conf'),
    ("druid", configuration(applyConfig={"middleManager.properties": "a=1"}),
     'spec.configuration.applyConfig: Invalid value: "object": files of applyConfig must be named '
     "common.runtime.properties, coordinators.properties, overlords.properties, historicals.properties, "
     "middleManagers.properties, brokers.properties, routers.properties, coordinators.jvm.config, "
     "overlords.jvm.config, historicals.jvm.config, middleManagers.jvm.config, brokers.jvm.config or "
     "routers.jvm.config"),
    ("postgres", configuration(applyConfig={"postgresql.conf": "a=1"}),
     'spec.configuration.applyConfig: Invalid value: "object": files of applyConfig must be named user.conf'),
    ("postgres", configuration(removeCustomConfig=True, restart="false"),
     'spec.configuration.restart: Forbidden: restart: "false" does not go with removeCustomConfig: true, which '
     "needs a restart"),
    ("postgres", configuration(restart="auto"),
     "spec.configuration: Required value: set configSecret, applyConfig, tuning or removeCustomConfig: true"),
    ("redis", configuration(applyConfig={"my.conf": "a=1"}),
     'spec.configuration.applyConfig: Invalid value: "object": files of applyConfig must be named redis.conf or '
     "valkey.conf"),
    ("redis", configuration(restart="auto"),
     "spec.configuration: Required value: set configSecret, applyConfig, auth or removeCustomConfig: true"),
    ("singlestore", cert(subject={"serialNumber": "a\nb"}),
     'spec.tls.certificates[0].subject.serialNumber: Invalid value: "string": must be a text on one line'),
    ("singlestore", cert(emailAddresses=["dbä@example.com"]),
     'spec.tls.certificates[0].emailAddresses[0]: Invalid value: "string": must be an e-mail address such as '
     "db@example.com"),
    ("singlestore", cert(emailAddresses=["a@b@c"]),
     'spec.tls.certificates[0].emailAddresses[0]: Invalid value: "string": must be an e-mail address such as '
     "db@example.com"),
    ("singlestore", cert(uris=["spiffe://example.com/a b"]),
     'spec.tls.certificates[0].uris[0]: Invalid value: "string": must be a URI with a scheme, such as '
     "spiffe://example.com/db"),
    ("singlestore", cert(ipAddresses=["1:2:3:4:5:6:7:8:9"]),
     'spec.tls.certificates[0].ipAddresses[0]: Invalid value: "string": must be an IP address such as 10.0.0.7 '
     "or fd00::7 (names go into dnsNames)"),
    ("singlestore", cert(ipAddresses=["10.0.0.0/8"]),
     'spec.tls.certificates[0].ipAddresses[0]: Invalid value: "string": must be an IP address such as 10.0.0.7 '
     "or fd00::7 (names go into dnsNames)"),
    ("singlestore", cert(dnsNames=["orders.example.com."]),
     'spec.tls.certificates[0].dnsNames[0]: Invalid value: "string": must be a DNS name such as db.example.com '
     "or *.example.com (IP addresses go into ipAddresses)"),
    ("singlestore", cert(dnsNames=[""]),
     'spec.tls.certificates[0].dnsNames[0]: Invalid value: "string": must be a DNS name such as db.example.com '
     "or *.example.com (IP addresses go into ipAddresses)"),
    ("singlestore", cert(dnsNames=["a" * 64 + ".com"]),
     'spec.tls.certificates[0].dnsNames[0]: Invalid value: "string": must be a DNS name such as db.example.com '
     "or *.example.com (IP addresses go into ipAddresses)"),
    ("singlestore", cert(dnsNames=["*"]),
     'spec.tls.certificates[0].dnsNames[0]: Invalid value: "string": must be a DNS name such as db.example.com '
     "or *.example.com (IP addresses go into ipAddresses)"),
    ("redis", spec(type="ReplaceSentinel"),
     "spec.sentinel: Required value: type ReplaceSentinel needs spec.sentinel"),
    ("singlestore", tls(certificates=[{"alias": "server"}, {"alias": "client"}, {"alias": "server"}]),
     'spec.tls.certificates: Invalid value: "array": each alias may be used in one entry only'),
    ("singlestore", tls(certificates=[{"alias": "server"}] * 9),
     "spec.tls.certificates: Too many: 9: must have at most 8 items"),
    ("singlestore", tls(remove=True, rotateCertificates=True, issuerRef=ISSUER),
     "spec.tls: Forbidden: remove, rotateCertificates and a change (issuerRef or certificates) need a request "
     "each"),
    ("singlestore", tls(requireSSL=True),
     "spec.tls: Required value: set issuerRef or certificates, or rotateCertificates: true, or remove: true"),
    ("druid", tls(clientTLS=True),
     "spec.tls: Required value: set issuerRef or certificates, or rotateCertificates: true, or remove: true"),
    ("singlestore", configuration(removeCustomConfig=True),
     "spec.configuration: Required value: set node (standalone), or aggregator and/or leaf (cluster)"),
    ("druid", configuration(node={"removeCustomConfig": True}),
     "spec.configuration: Required value: set configSecret, applyConfig or removeCustomConfig: true"),
    ("mariadb", tls(rotateCertificates=True, requireSSL=True),
     "spec.tls: Forbidden: remove, rotateCertificates and a change (issuerRef, certificates or requireSSL) need a "
     "request each"),
    ("mariadb", tls(certificates=[{"alias": "router"}]),
     'spec.tls.certificates[0].alias: Unsupported value: "router": supported values: "server", "client", '
     '"metrics-exporter"'),
    ("mariadb", configuration(applyConfig={"my.ini": ""}),
     'spec.configuration.applyConfig: Invalid value: "object": files of applyConfig must be named like my-apply.cnf: '
     "letters, digits, '-', '_' and '.', ending in .cnf"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong(namespace, number):
    kind, wrong, *said = WRONG[number]
    found = [f"{field}: {complaint}" for field, complaint in verdict(namespace, kind, wrong)]
    assert sorted(found) == sorted(said), wrong
    assert all(line.startswith("spec") for line in found)


def test_the_table_has_every_kind():
    assert len(WRONG) >= 60 and {kind for kind, *_ in WRONG} == set(KINDS)


def test_no_spec_at_all(namespace):
    with pytest.raises(AssertionError, match="spec: Required value"):
        create(namespace, "druid", None)


def test_each_wrong_place_is_told_at_once(namespace):
    """Three mistakes, three complaints: nobody has to try thrice."""
    wrong = tls(remove=True, issuerRef={**ISSUER, "name": "Orders"}, certificates=[
        {"alias": "server", "dnsNames": ["ok.example.com", "not ok"]}])
    assert {field for field, _ in verdict(namespace, "mysql", {**wrong, "timeout": "5"})} == {
        "spec.tls", "spec.timeout", "spec.tls.issuerRef.name", "spec.tls.certificates[0].dnsNames[1]"}
