// SPDX-License-Identifier: Apache-2.0
/*
 * What a request may ask for: every shape of the samples is right, and what is wrong is said with its field.
 * All rules of deploy/crds are tried in tests/e2e/test_request.py; here are the sentences, and what those
 * rules leave.
 */
#include "control/request.h"

#include "request_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TLS(fields)           "'type':'ReconfigureTLS','tls':{" fields "}"
#define CONFIGURATION(fields) "'type':'Reconfigure','configuration':{" fields "}"
#define CERT(fields)          TLS("'certificates':[{'alias':'server'," fields "}]")
#define ISSUER                "'issuerRef':{'apiGroup':'cert-manager.io','kind':'Issuer','name':'orders-issuer'}"

/* deploy/samples/opsrequests, shape by shape. */
static void samples(void **state UNUSED)
{
        static const struct {
                const char *kind, *spec;
        } cases[] = {
                { "Singlestore",
                  TLS(ISSUER
                      ",'certificates':[{'alias':'server','subject':{'organizations':['orders']},"
                      "'dnsNames':['orders.example.com']},{'alias':'client','subject':{'organizations':["
                      "'orders'],'organizationalUnits':['client']}}]") ",'timeout':'10m'" },
                { "Singlestore", TLS(ISSUER) },
                { "Singlestore",
                  CONFIGURATION(
                          "'aggregator':{'applyConfig':{'sdb-apply.cnf':'max_connections = 550'}},'leaf':"
                          "{'applyConfig':{'sdb-apply.cnf':'max_connections = 550'}}") },
                { "Singlestore", CONFIGURATION("'aggregator':{'removeCustomConfig':true}") },
                { "Singlestore", CONFIGURATION("'aggregator':{'configSecret':{'name':'orders-sdb-settings'}},"
                                               "'leaf':{'configSecret':{'name':'orders-sdb-settings'}}") },
                { "Singlestore",
                  CONFIGURATION("'node':{'applyConfig':{'sdb-apply.cnf':'a = 1'},'restart':'auto'}") },
                { "Singlestore", TLS("'remove':true") },
                { "Singlestore", TLS("'rotateCertificates':true") ",'timeout':'5m','apply':'IfReady'" },
                { "Singlestore", CERT("'subject':{'organizations':['orders','team:data']},'emailAddresses':["
                                      "'dba@example.com'],'duration':'720h','renewBefore':'240h'") },
                { "MSSQLServer", TLS("'clientTLS':true," ISSUER ",'certificates':[{'alias':'server'}]") },
                { "MSSQLServer",
                  TLS("'certificates':[{'alias':'server','dnsNames':['orders.example.com'],'ipAddresses':["
                      "'10.20.0.7']},{'alias':'endpoint','duration':'720h'}]") },
                { "MSSQLServer", CONFIGURATION("'applyConfig':{'mssql.conf':'[memory]'},'restart':'true'") },
                { "PerconaXtraDB", TLS("'requireSSL':true," ISSUER ",'certificates':[{'alias':'server',"
                                       "'dnsNames':['localhost'],'ipAddresses':['127.0.0.1']}]") },
                { "PerconaXtraDB", TLS("'certificates':[{'alias':'server'},{'alias':'metrics-exporter',"
                                       "'privateKey':{'encoding':'PKCS8'}}]") },
                { "PerconaXtraDB",
                  CONFIGURATION("'configSecret':{'name':'orders-pxc-settings'}") ",'timeout':'5m'" },
                { "Druid",
                  CERT("'dnsNames':['*.events.example.com'],'uris':['spiffe://example.com/events']") },
                { "Druid", CONFIGURATION("'removeCustomConfig':true,'applyConfig':{"
                                         "'common.runtime.properties':'a=b'}") },
                { "MariaDB", CERT("'secretName':'db-server-cert'") },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(request_free_p) struct request *request = scene_spec(cases[i].kind, cases[i].spec);

                if (request->wrong != NULL)
                        fail_msg("%s", request->wrong);
                assert_non_null(request->spec);
                assert_int_not_equal(request->type, REQUEST_OTHER);
        }
}

static void is_said(const char *kind, const char *spec, const char *says)
{
        AUTO(request_free_p) struct request *request = scene_spec(kind, spec);

        if (request->wrong == NULL)
                fail_msg("nothing is wrong with %s", spec);
        assert_string_equal(request->wrong, says);
        assert_null(request->spec);
}

static void what_is_wrong_with_tls(void **state UNUSED)
{
        static const struct {
                const char *kind, *spec, *says;
        } cases[] = {
                { "MariaDB", "'type':'ReconfigureTLS'",
                  "spec.tls: is missing, type ReconfigureTLS needs it" },
                { "MariaDB", TLS(""),
                  "spec.tls: set issuerRef, certificates or requireSSL, or rotateCertificates: true, or "
                  "remove: true" },
                { "MSSQLServer", TLS("'clientTLS':true"),
                  "spec.tls: set issuerRef or certificates, or rotateCertificates: true, or remove: true "
                  "(clientTLS alone changes no certificate)" },
                { "Postgres", TLS("'clientTLS':true"),
                  "spec.tls: set issuerRef, certificates, sslMode or clientAuthMode, or rotateCertificates: "
                  "true, or remove: true" },
                { "Druid", TLS("'remove':true,'rotateCertificates':true"),
                  "spec.tls: remove, rotateCertificates and a change (issuerRef or certificates) need a "
                  "request each" },
                { "MSSQLServer", TLS("'remove':true,'clientTLS':true"),
                  "spec.tls.clientTLS: true does not go with remove: true, leave it out" },
                { "Postgres", TLS("'remove':true,'sslMode':'verify-ca'"),
                  "spec.tls.sslMode: 'verify-ca' needs TLS and does not go with remove: true" },
                { "Redis", TLS(ISSUER ",'sentinel':{}"),
                  "spec.tls.sentinel: certrotate does not change which RedisSentinel is used, make a request "
                  "of type ReplaceSentinel for it" },
                { "Druid", TLS("'remove':'yes'"), "spec.tls.remove: must be true or false" },
                { "Druid", TLS("'remove':true") ",'configuration':{}",
                  "spec.configuration: does not belong to type ReconfigureTLS: make a request of type "
                  "Reconfigure for it" },
                { "Druid", TLS("'issuerRef':{'kind':'Secret','name':'x'}"),
                  "spec.tls.issuerRef.kind: 'Secret' is none of: Issuer, ClusterIssuer" },
                { "Druid", TLS("'issuerRef':{'kind':'Issuer'}"),
                  "spec.tls.issuerRef.name: is missing, use the name of the issuer" },
                { "Druid", TLS("'issuerRef':{'kind':'Issuer','name':'x/../y'}"),
                  "spec.tls.issuerRef.name: 'x/../y' is no name of an object: lower-case letters, digits, "
                  "'-' "
                  "and '.'" },
                { "Druid", TLS("'issuerRef':{'kind':'Issuer','name':'x','apiGroup':'a.cert-manager.io'}"),
                  "spec.tls.issuerRef.apiGroup: 'a.cert-manager.io' is none of: cert-manager.io" },
                { "Druid", TLS("'remove':true") ",'timeout':'5'",
                  "spec.timeout: '5' is not a time such as 1s" },
                { "Druid", TLS("'remove':true") ",'timeout':'0.5s'",
                  "spec.timeout: '0.5s' is too short, use 1s or more" },
                { "Druid", TLS("'remove':true") ",'maxRetries':1.5",
                  "spec.maxRetries: must be a whole number from 0 to 100" },
                { "Druid", TLS("'remove':true") ",'apply':'Now'",
                  "spec.apply: 'Now' is none of: IfReady, Always" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                is_said(cases[i].kind, cases[i].spec, cases[i].says);
}

static void what_is_wrong_with_certificates(void **state UNUSED)
{
        static const struct {
                const char *kind, *spec, *says;
        } cases[] = {
                { "MariaDB", TLS("'certificates':[{'alias':'client'},{'alias':'serverr'}]"),
                  "spec.tls.certificates[1].alias: 'serverr' is none of this kind's: server, client, "
                  "metrics-exporter" },
                { "Druid", TLS("'certificates':[{}]"),
                  "spec.tls.certificates[0].alias: is missing, use one of: server, client" },
                { "Druid", TLS("'certificates':[]"),
                  "spec.tls.certificates: is empty, name at least one or leave it out" },
                { "Druid", TLS("'certificates':[7]"), "spec.tls.certificates[0]: must be an object" },
                { "Druid", TLS("'certificates':[{'alias':'client'},{'alias':'server'},{'alias':'client'}]"),
                  "spec.tls.certificates[2].alias: 'client' is used in certificates[0] already" },
                { "MariaDB",
                  TLS("'certificates':[{'alias':'metrics-exporter','secretName':'a'},{'alias':'client',"
                      "'secretName':'a'}]"),
                  "spec.tls.certificates[1].secretName: 'a' is used in certificates[0] already" },
                { "MariaDB", CERT("'secretName':'mine'"),
                  "spec.tls.certificates[0].secretName: 'mine' is not where agents look: they read the "
                  "certificate 'server' from the Secret db-server-cert, leave secretName out" },
                { "MariaDB", TLS("'certificates':[{'alias':'client','secretName':'db-server-cert'}]"),
                  "spec.tls.certificates[0].secretName: 'db-server-cert' is the Secret of the alias "
                  "'server'" },
                { "MariaDB", TLS("'certificates':[{'alias':'client','secretName':'db-certrotate-saved'}]"),
                  "spec.tls.certificates[0].secretName: 'db-certrotate-saved' is a name that certrotate uses "
                  "itself" },
                { "Druid", CERT("'issuerRef':{'name':'a'}"),
                  "spec.tls.certificates[0].issuerRef.kind: is missing, use Issuer or ClusterIssuer" },
                { "Druid", CERT("'dnsNames':['a.example.com','10.0.0.7']"),
                  "spec.tls.certificates[0].dnsNames[1]: '10.0.0.7' is no DNS name such as db.example.com or "
                  "*.example.com (IP addresses go into ipAddresses)" },
                { "Druid", CERT("'uris':[7]"), "spec.tls.certificates[0].uris[0]: must be a text" },
                { "Druid", CERT("'duration':'24h','renewBefore':'24h'"),
                  "spec.tls.certificates[0].renewBefore: must be shorter than duration (2160h when that is "
                  "left "
                  "out)" },
                { "Druid", CERT("'duration':'59m'"),
                  "spec.tls.certificates[0].duration: '59m' is too short, use 1h or more" },
                { "Druid", CERT("'subject':{'countries':['DE','a\\u0007b']}"),
                  "spec.tls.certificates[0].subject.countries[1]: must be a text on one line" },
                { "Druid", CERT("'privateKey':{'encoding':'pkcs8'}"),
                  "spec.tls.certificates[0].privateKey.encoding: 'pkcs8' is none of: PKCS1, PKCS8" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                is_said(cases[i].kind, cases[i].spec, cases[i].says);
}

static void what_is_wrong_with_configurations(void **state UNUSED)
{
        static const struct {
                const char *kind, *spec, *says;
        } cases[] = {
                { "Druid", "'type':'Reconfigure'",
                  "spec.configuration: is missing, type Reconfigure needs it" },
                { "Singlestore", CONFIGURATION("'removeCustomConfig':true"),
                  "spec.configuration: set node (standalone), or aggregator and/or leaf (cluster)" },
                { "Singlestore",
                  CONFIGURATION("'node':{'removeCustomConfig':true},'leaf':{'removeCustomConfig':true}"),
                  "spec.configuration: node is for a standalone database, aggregator and leaf are for a "
                  "cluster: use one or the other" },
                { "Singlestore", CONFIGURATION("'leaf':{'restart':'true'}"),
                  "spec.configuration.leaf: set configSecret, applyConfig or removeCustomConfig: true" },
                { "Singlestore", CONFIGURATION("'leaf':{'configSecret':{}}"),
                  "spec.configuration.leaf.configSecret.name: is missing, use the name of a Secret" },
                { "MSSQLServer", CONFIGURATION("'applyConfig':{}"),
                  "spec.configuration.applyConfig: must hold 1 to 16 files" },
                { "MSSQLServer", CONFIGURATION("'applyConfig':{'mssql.cnf':''}"),
                  "spec.configuration.applyConfig: 'mssql.cnf' is none of this kind's files: mssql.conf" },
                { "MySQL", CONFIGURATION("'applyConfig':{'../my.cnf':''}"),
                  "spec.configuration.applyConfig: '../my.cnf' must be named like my-apply.cnf: letters, "
                  "digits, "
                  "'-', '_' and '.', ending in .cnf" },
                { "MSSQLServer", CONFIGURATION("'applyConfig':{'mssql.conf':7}"),
                  "spec.configuration.applyConfig: 'mssql.conf' must be a text of at most 65536 bytes" },
                { "MSSQLServer", CONFIGURATION("'removeCustomConfig':true,'restart':true"),
                  "spec.configuration.restart: must be a text" },
                { "Postgres", CONFIGURATION("'removeCustomConfig':true,'restart':'false'"),
                  "spec.configuration.restart: 'false' does not go with removeCustomConfig: true, which "
                  "needs a "
                  "restart" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                is_said(cases[i].kind, cases[i].spec, cases[i].says);
}

/* Where a text of the user's stands in the sentence, it is short and harmless. */
static void what_a_user_wrote_is_shown_tame(void **state UNUSED)
{
        is_said("Druid", TLS("'certificates':[{'alias':'a\\u001b[2Jb\\u202e'}]"),
                "spec.tls.certificates[0].alias: 'a?[2Jb?' is none of this kind's: server, client");
        is_said("Druid", TLS("'certificates':[{'alias':'ääääääääääääääääääääääääääääääääääääääääää'}]"),
                "spec.tls.certificates[0].alias: 'ääääääääääääääääääääääääääääää...' is none of this kind's: "
                "server, client");
        /* No half characters at the cut. */
        is_said("Druid", TLS("'certificates':[{'alias':'xääääääääääääääääääääääääääääääääääääääää'}]"),
                "spec.tls.certificates[0].alias: 'xäääääääääääääääääääääääääääää...' is none of this kind's: "
                "server, client");
}

static void whose_it_is(void **state UNUSED)
{
        static const struct {
                const char *reference, *says;
        } cases[] = {
                { "{}", "spec.databaseRef.name: is missing, use the name of the database" },
                { "{'name':7}", "spec.databaseRef.name: is missing, use the name of the database" },
                { "{'name':'a.b'}",
                  "spec.databaseRef.name: 'a.b' is no name of a database: lower-case letters, "
                  "digits and '-', at most 63 of them" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p)
                char *text = mem_printf("{'kind':'DruidOpsRequest','metadata':{'name':'a','namespace':'b'},"
                                        "'spec':{'databaseRef':%s," TLS("'remove':true") "}}",
                                        cases[i].reference);
                AUTO(request_free_p) struct request *request = scene_read(text);

                assert_string_equal(request->database, "");
                assert_string_equal(request->wrong, cases[i].says);
        }
}

static void a_name_that_no_plan_holds(void **state UNUSED)
{
        for (int len = 127; len <= 128; len++) {
                AUTO(mem_free_p)
                char *text =
                        mem_printf("{'kind':'DruidOpsRequest','metadata':{'name':'%0*d','namespace':'b'},"
                                   "'spec':{'databaseRef':{'name':'db'}," TLS("'remove':true") "}}",
                                   len, 7);
                AUTO(request_free_p) struct request *request = scene_read(text);

                if (len == 127)
                        assert_null(request->wrong);
                else
                        assert_string_equal(request->wrong,
                                            "metadata.name: is longer than 127 characters, use a "
                                            "shorter one");
        }
}

/* As much as fits in anywhere, and one more. */
static void sizes(void **state UNUSED)
{
        static const struct {
                size_t len;
                const char *says;
        } cases[] = {
                { 65536, NULL },
                { 65537, "spec.configuration.applyConfig: 'my.cnf' must be a text of at most 65536 bytes" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p) char *file = mem_new(cases[i].len + 1);
                AUTO(mem_free_p) char *spec = NULL;

                memset(file, 'a', cases[i].len);
                spec = mem_printf(CONFIGURATION("'applyConfig':{'my.cnf':'%s'}"), file);
                if (cases[i].says != NULL) {
                        is_said("MariaDB", spec, cases[i].says);
                } else {
                        AUTO(request_free_p) struct request *request = scene_spec("MariaDB", spec);

                        assert_null(request->wrong);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(samples),
                cmocka_unit_test(what_is_wrong_with_tls),
                cmocka_unit_test(what_is_wrong_with_certificates),
                cmocka_unit_test(what_is_wrong_with_configurations),
                cmocka_unit_test(what_a_user_wrote_is_shown_tame),
                cmocka_unit_test(whose_it_is),
                cmocka_unit_test(a_name_that_no_plan_holds),
                cmocka_unit_test(sizes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
