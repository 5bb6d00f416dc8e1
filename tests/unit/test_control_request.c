// SPDX-License-Identifier: Apache-2.0
/*
 * OpsRequests as they are read: whose, what is asked for, how far they are, and the texts of times.
 */
#include "control/request.h"

#include "request_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void all_of_it(void **state UNUSED)
{
        AUTO(request_free_p)
        struct request *request = scene_read(
                "{'apiVersion':'ops.kubedb.com/v1alpha1','kind':'PerconaXtraDBOpsRequest','metadata':{'name':"
                "'px-tls','namespace':'demo','uid':'7f1c','generation':2,'creationTimestamp':"
                "'2026-11-22T10:00:00Z'},'spec':{'type':'ReconfigureTLS','databaseRef':{'name':'px'},'apply':"
                "'Always','timeout':'1h30m','maxRetries':3,'tls':{'requireSSL':true,'issuerRef':{'apiGroup':"
                "'cert-manager.io','kind':'Issuer','name':'px-issuer'},'certificates':[{'alias':'server'},"
                "{'alias':'client','issuerRef':{'kind':'ClusterIssuer','name':'clients'}}]}},"
                "'status':{'phase':'Progressing'}}");

        assert_string_equal(request->kind->database, "PerconaXtraDB");
        assert_string_equal(request->namespace, "demo");
        assert_string_equal(request->name, "px-tls");
        assert_string_equal(request->uid, "7f1c");
        assert_string_equal(request->database, "px");
        assert_int_equal(request->created.s, 1795341600);
        assert_int_equal(request->generation, 2);
        assert_int_equal(request->type, REQUEST_TLS);
        assert_int_equal(request->phase, REQUEST_PROGRESSING);
        assert_true(request->apply_always);
        assert_int_equal(request->timeout_ms, 5400000);
        assert_int_equal(request->max_retries, 3);
        assert_int_equal(request->tls, REQUEST_CHANGE);
        assert_int_equal(request->required, REQUIRED_YES);
        assert_false(request->renewal != NULL || request->is_auto);
        assert_null(request->wrong);
        assert_string_equal(json_get_str(request_issuer(request, "server"), "name"), "px-issuer");
        assert_string_equal(json_get_str(request_issuer(request, "metrics-exporter"), "name"), "px-issuer");
        assert_string_equal(json_get_str(request_issuer(request, "client"), "name"), "clients");
        assert_string_equal(json_get_str(request_certificate(request, "client"), "alias"), "client");
        assert_null(request_certificate(request, "metrics-exporter"));
}

static void what_is_not_said(void **state UNUSED)
{
        AUTO(request_free_p)
        struct request *request = scene_spec("Druid", "'type':'ReconfigureTLS','tls':{'certificates':"
                                                      "[{'alias':'client','duration':null}]}");

        assert_null(request->wrong);
        assert_false(request->apply_always);
        assert_int_equal(request->timeout_ms, 0);
        assert_int_equal(request->max_retries, 1);
        assert_int_equal(request->required, REQUIRED_UNSAID);
        assert_string_equal(request->uid, "");
        assert_int_equal(request->created.s, 0);
        assert_null(request_issuer(request, "client"));
}

static void phases(void **state UNUSED)
{
        static const struct {
                const char *status;
                enum request_phase phase;
                bool ended;
        } cases[] = {
                { "{}", REQUEST_PENDING, false },
                { "{'phase':null}", REQUEST_PENDING, false },
                { "{'phase':''}", REQUEST_PENDING, false },
                { "{'phase':'Pending'}", REQUEST_PENDING, false },
                { "{'phase':'Approved'}", REQUEST_PENDING, false },
                { "{'phase':'Progressing'}", REQUEST_PROGRESSING, false },
                { "{'phase':'WaitingForApproval'}", REQUEST_WAITING, false },
                { "{'phase':'Denied'}", REQUEST_WAITING, false },
                { "{'phase':'Of a later KubeDB'}", REQUEST_WAITING, false },
                { "{'phase':7}", REQUEST_WAITING, false },
                { "{'phase':'Successful'}", REQUEST_SUCCESSFUL, true },
                { "{'phase':'Failed'}", REQUEST_FAILED, true },
                { "{'phase':'Skipped'}", REQUEST_SKIPPED, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(request_free_p)
                struct request *request =
                        scene_whole("MariaDB", "'type':'ReconfigureTLS','tls':{'rotateCertificates':true}",
                                    "", cases[i].status);

                assert_int_equal(request->phase, cases[i].phase);
                assert_int_equal(request_has_ended(request), cases[i].ended);
                /* What has ended keeps little. */
                assert_int_equal(request->spec == NULL, cases[i].ended);
                assert_string_equal(request_operation(request), "rotate");
        }
}

static void what_has_ended_is_not_judged(void **state UNUSED)
{
        AUTO(request_free_p)
        struct request *request =
                scene_whole("MariaDB", "'type':'ReconfigureTLS','tls':{}", "", "{'phase':'Failed'}");

        assert_null(request->wrong);
        assert_null(request->spec);
}

static void operations(void **state UNUSED)
{
        static const struct {
                const char *kind, *spec, *operation;
                enum request_required required;
        } cases[] = {
                { "MySQL", "'type':'ReconfigureTLS','tls':{'remove':true}", "remove", REQUIRED_UNSAID },
                { "MySQL", "'type':'ReconfigureTLS','tls':{'rotateCertificates':true}", "rotate",
                  REQUIRED_UNSAID },
                { "MySQL", "'type':'ReconfigureTLS','tls':{'requireSSL':false}", "change", REQUIRED_NO },
                { "MSSQLServer", "'type':'ReconfigureTLS','tls':{'remove':true,'clientTLS':false}", "remove",
                  REQUIRED_NO },
                { "MSSQLServer", "'type':'ReconfigureTLS','tls':{'rotateCertificates':true,'clientTLS':true}",
                  "rotate", REQUIRED_YES },
                { "Postgres", "'type':'ReconfigureTLS','tls':{'sslMode':'prefer'}", "change", REQUIRED_NO },
                { "Postgres", "'type':'ReconfigureTLS','tls':{'sslMode':'disable','remove':true}", "remove",
                  REQUIRED_NO },
                { "Postgres", "'type':'ReconfigureTLS','tls':{'sslMode':'require'}", "change", REQUIRED_YES },
                { "Postgres", "'type':'ReconfigureTLS','tls':{'sslMode':'verify-full'}", "change",
                  REQUIRED_YES },
                { "Postgres", "'type':'ReconfigureTLS','tls':{'clientAuthMode':'cert'}", "change",
                  REQUIRED_UNSAID },
                { "Postgres", "'type':'ReconfigureTLS','tls':{'rotateGrpcCertificates':true}", "rotate",
                  REQUIRED_UNSAID },
                { "Redis", "'type':'Reconfigure','configuration':{'removeCustomConfig':true}", "configure",
                  REQUIRED_UNSAID },
                /* Nobody's business here, and never wrong. */
                { "Redis", "'type':'Announce'", "other", REQUIRED_UNSAID },
                { "Druid", "'type':'Restart','tls':{'remove':7}", "other", REQUIRED_UNSAID },
                { "Druid", "'typo':'Restart'", "other", REQUIRED_UNSAID },
                { "Postgres", "'type':'Reconfigure','configuration':{'tuning':{}}", "other",
                  REQUIRED_UNSAID },
                { "Redis", "'type':'Reconfigure','configuration':{'auth':{},'removeCustomConfig':true}",
                  "other", REQUIRED_UNSAID },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(request_free_p) struct request *request = scene_spec(cases[i].kind, cases[i].spec);

                assert_null(request->wrong);
                assert_string_equal(request_operation(request), cases[i].operation);
                assert_int_equal(request->required, cases[i].required);
                assert_int_equal(request->spec == NULL, request->type == REQUEST_OTHER);
        }
}

static void what_is_rotated(void **state UNUSED)
{
        static const struct {
                const char *tls;
                bool server, grpc;
        } cases[] = {
                { "{'rotateCertificates':true}", true, true },
                { "{'rotateGrpcCertificates':true}", false, true },
                { "{'rotateGrpcCertificates':true,'rotateCertificates':false}", false, true },
                { "{'certificates':[{'alias':'server'}]}", false, false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p)
                char *spec = mem_printf("'type':'ReconfigureTLS','tls':%s", cases[i].tls);
                AUTO(request_free_p) struct request *request = scene_spec("Postgres", spec);

                assert_int_equal(request_rotates(request, "server"), cases[i].server);
                assert_int_equal(request_rotates(request, "grpc-server"), cases[i].grpc);
        }
}

static void marks(void **state UNUSED)
{
        static const struct {
                const char *meta, *tls;
                bool renewal, automatic;
        } cases[] = {
                { ",'annotations':{'certrotate.io/renewal':'px-server-cert 4'}",
                  "{'rotateCertificates':true}", true, false },
                { ",'labels':{'certrotate.io/auto':'true'}", "{'rotateCertificates':true}", false, true },
                { ",'labels':{'certrotate.io/auto':'false'}", "{'rotateCertificates':true}", false, false },
                /* A change that issues nothing would be none. */
                { ",'annotations':{'certrotate.io/renewal':'x'}", "{'certificates':[{'alias':'server'}]}",
                  false, false },
                { ",'annotations':{'certrotate.io/renewal':7},'labels':[]", "{'rotateCertificates':true}",
                  false, false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p)
                char *spec = mem_printf("'type':'ReconfigureTLS','tls':%s", cases[i].tls);
                AUTO(request_free_p)
                struct request *request = scene_whole("PerconaXtraDB", spec, cases[i].meta, "{}");

                assert_int_equal(request->renewal != NULL, cases[i].renewal);
                if (cases[i].renewal)
                        assert_string_equal(request->renewal, "px-server-cert 4");
                assert_int_equal(request->is_auto, cases[i].automatic);
        }
}

static void what_it_was_told(void **state UNUSED)
{
        static const char spec[] = "'type':'ReconfigureTLS','tls':{'rotateCertificates':true}";
        static const char label[] = ",'labels':{'certrotate.io/auto':'true'}";
        static const struct {
                const char *meta, *status, *scheduled;
        } cases[] = {
                { label, "{'conditions':[{'type':7},{'type':'Scheduled','message':'at noon'}]}", "at noon" },
                { label, "{'conditions':[{'type':'Scheduled','message':7}]}", NULL },
                { label, "{'conditions':{'type':'Scheduled'}}", NULL },
                { label, "{'phase':'Failed','conditions':[{'type':'Scheduled','message':'at noon'}]}", NULL },
                { "", "{'conditions':[{'type':'Scheduled','message':'at noon'}]}", NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(request_free_p)
                struct request *request = scene_whole("MariaDB", spec, cases[i].meta, cases[i].status);

                if (cases[i].scheduled == NULL)
                        assert_null(request->scheduled);
                else
                        assert_string_equal(request->scheduled, cases[i].scheduled);
        }
}

static void what_is_no_request(void **state UNUSED)
{
        static const char *const cases[] = {
                "{}",
                "[]",
                "7",
                "{'kind':'MariaDB','metadata':{'name':'a','namespace':'b'}}",
                "{'kind':'MongoDBOpsRequest','metadata':{'name':'a','namespace':'b'}}",
                ("{'apiVersion':'ops.kubedb.com/v2','kind':'MariaDBOpsRequest','metadata':{'name':'a',"
                 "'namespace':'b'}}"),
                "{'kind':'MariaDBOpsRequest','metadata':{'name':'a'}}",
                "{'kind':'MariaDBOpsRequest','metadata':{'namespace':'b'}}",
                "{'kind':'MariaDBOpsRequest','metadata':{'name':'../a','namespace':'b'}}",
                "{'kind':'MariaDBOpsRequest','metadata':{'name':'a','namespace':'b.c'}}",
                "{'kind':['MariaDBOpsRequest'],'metadata':7}",
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(json_free_p) cJSON *tree = scene_json(cases[i]);
                struct request *request = NULL;
                struct err err = ERR_INIT;

                assert_int_equal(request_read(tree, &request, &err), -1);
                assert_int_equal(err.kind, ERR_PROTOCOL);
                assert_null(request);
        }
}

static void times(void **state UNUSED)
{
        static const struct {
                const char *text;
                int64_t ms; /* -1: none */
        } cases[] = {
                { "90s", 90000 },
                { "1h30m", 5400000 },
                { "2160h0m0s", INT64_C(7776000000) },
                { "0s", 0 },
                { "1.5h", 5400000 },
                { "1m0.25s", 60250 },
                { "999999.999999999h", INT64_C(3599999999999) },
                { "", -1 },
                { "90", -1 },
                { "s", -1 },
                { "-5m", -1 },
                { "+5m", -1 },
                { " 5m", -1 },
                { "5m ", -1 },
                { "1m1h", -1 },
                { "5m5m", -1 },
                { "500ms", -1 },
                { "1d", -1 },
                { "1.h", -1 },
                { ".5h", -1 },
                { "1.0000000000h", -1 },
                { "1000000h", -1 },
                { "1e3s", -1 },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct err err = ERR_INIT;
                int64_t ms = -1;

                assert_int_equal(request_duration(cases[i].text, &ms, &err), cases[i].ms < 0 ? -1 : 0);
                assert_int_equal(ms, cases[i].ms);
                assert_int_equal(err.kind, cases[i].ms < 0 ? ERR_PARSE : ERR_NONE);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_of_it),
                cmocka_unit_test(what_is_not_said),
                cmocka_unit_test(phases),
                cmocka_unit_test(what_has_ended_is_not_judged),
                cmocka_unit_test(operations),
                cmocka_unit_test(what_is_rotated),
                cmocka_unit_test(marks),
                cmocka_unit_test(what_it_was_told),
                cmocka_unit_test(what_is_no_request),
                cmocka_unit_test(times),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
