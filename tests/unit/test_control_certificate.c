// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates of cert-manager: what is read from one, and what is written into it. Which conditions the real
 * one shows is held by test_cert_manager.py.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "certificate_scene.h"

#define META                                                                                                 \
        "'metadata':{'name':'px-server-cert','namespace':'demo','generation':3,"                             \
        "'resourceVersion':'7','uid':'u'}"
#define SPEC "'spec':{'secretName':'s'}"

static void read_whole(void **state UNUSED)
{
        AUTO(json_free_p)
        cJSON *object = parse("{'kind':'Certificate','metadata':{'name':'px-server-cert','namespace':'demo',"
                              "'generation':3,'resourceVersion':'7','uid':'u-1',"
                              "'labels':{'app.kubernetes.io/instance':'px','certrotate.io/alias':'other'}},"
                              "'spec':{'secretName':'s','issuerRef':{'kind':'ClusterIssuer','name':'ca'}},"
                              "'status':{'revision':4,'notBefore':'2026-11-25T12:00:00Z',"
                              "'notAfter':'2027-01-01T00:00:00Z','conditions':["
                              "{'type':'Ready','status':'True','observedGeneration':3}]}}");
        AUTO(certificate_free_p) struct certificate *seen = NULL;
        struct err err;

        assert_int_equal(certificate_read(object, &seen, &err), 0);
        assert_string_equal(seen->namespace, "demo");
        assert_string_equal(seen->name, "px-server-cert");
        assert_string_equal(seen->database, "px");
        assert_string_equal(seen->alias, "other");
        assert_string_equal(seen->secret, "s");
        assert_string_equal(seen->version, "7");
        assert_string_equal(seen->uid, "u-1");
        assert_string_equal(seen->issuer, "ClusterIssuer/ca");
        assert_int_equal(seen->generation, 3);
        assert_int_equal(seen->revision, 4);
        assert_int_equal(seen->not_before.s, 1795608000);
        assert_int_equal(seen->not_after.s, 1798761600);
        assert_true(seen->is_ready && !seen->is_issuing && !seen->is_denied);
        assert_null(seen->problem);
}

static void aliases_by_name(void **state UNUSED)
{
        static const struct {
                const char *name, *database, *alias;
        } cases[] = {
                { "px-server-cert", "px", "server" },
                { "px-metrics-exporter-cert", "px", "metrics-exporter" },
                { "px--cert", "px", "" },
                { "px-cert", "px", "" },
                { "px-server", "px", "" },
                { "pxserver-cert", "px", "" },
                { "qx-server-cert", "px", "" },
                { "px-server-cert", "", "" },
                { "px-server-cert", "not a name", "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p)
                char *text =
                        mem_printf("{'metadata':{'name':'%s','namespace':'n','labels':{'%s':'%s'}}," SPEC "}",
                                   cases[i].name, CERTIFICATE_INSTANCE, cases[i].database);
                AUTO(json_free_p) cJSON *object = parse(text);
                AUTO(certificate_free_p) struct certificate *seen = NULL;
                struct err err;

                assert_int_equal(certificate_read(object, &seen, &err), 0);
                if (strcmp(seen->alias, cases[i].alias) != 0)
                        fail_msg("%s of '%s': '%s'", cases[i].name, cases[i].database, seen->alias);
        }
}

static void conditions_as_they_count(void **state UNUSED)
{
        static const struct {
                const char *conditions;
                bool ready, issuing, denied;
                const char *problem;
        } cases[] = {
                { "[]", false, false, false, "cert-manager has not looked at it yet" },
                { "{}", false, false, false, "cert-manager has not looked at it yet" },
                { "[{'type':'Ready','status':'True','observedGeneration':2}]", false, false, false,
                  "cert-manager has not looked at it yet" },
                { "[{'type':'Ready','status':'True'}]", true, false, false, NULL },
                { "[{'type':'Ready','status':'False','observedGeneration':3,'message':'m'}]", false, false,
                  false, "m" },
                { "[{'type':'Ready','status':'False','reason':'DoesNotExist'}]", false, false, false,
                  "DoesNotExist" },
                { "[{'type':'Ready','status':'False','message':'m'},{'type':'Issuing',"
                  "'status':'True'}]",
                  false, true, false, "m" },
                { "[{'type':'Ready','status':'True'},{'type':'Issuing','status':'True'}]", true, true, false,
                  NULL },
                { "[{'type':'Ready','status':'True'},{'type':'Issuing','status':'False',"
                  "'message':'no',"
                  "'observedGeneration':3}]",
                  true, false, true, "no" },
                { "[{'type':'Ready','status':'True'},{'type':'Issuing','status':'False',"
                  "'message':'of before',"
                  "'observedGeneration':2}]",
                  true, false, false, NULL },
                { "[{'type':'Ready','status':'Unknown'},5,null,{'type':3}]", false, false, false, "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p)
                char *text =
                        mem_printf("{" META "," SPEC ",'status':{'conditions':%s}}", cases[i].conditions);
                AUTO(json_free_p) cJSON *object = parse(text);
                AUTO(certificate_free_p) struct certificate *seen = NULL;
                struct err err;

                assert_int_equal(certificate_read(object, &seen, &err), 0);
                if (seen->is_ready != cases[i].ready || seen->is_issuing != cases[i].issuing ||
                    seen->is_denied != cases[i].denied ||
                    strcmp(seen->problem == NULL ? "none" : seen->problem,
                           cases[i].problem == NULL ? "none" : cases[i].problem) != 0)
                        fail_msg("%s: %d %d %d %s", cases[i].conditions, seen->is_ready, seen->is_issuing,
                                 seen->is_denied, seen->problem);
        }
}

static void long_problems_are_cut_between_characters(void **state UNUSED)
{
        AUTO(mem_free_p) char *message = mem_new(CERTIFICATE_TEXT_BYTES + 10);
        AUTO(mem_free_p) char *text = NULL;
        AUTO(json_free_p) cJSON *object = NULL;
        AUTO(certificate_free_p) struct certificate *seen = NULL;
        struct err err;

        memset(message, 'x', CERTIFICATE_TEXT_BYTES - 1);
        memcpy(message + CERTIFICATE_TEXT_BYTES - 1, "\xe2\x82\xac", 4);
        text = mem_printf("{" META "," SPEC ",'status':{'conditions':[{'type':'Ready','status':'False',"
                          "'message':'%s'}]}}",
                          message);
        object = parse(text);
        assert_int_equal(certificate_read(object, &seen, &err), 0);
        assert_int_equal(strlen(seen->problem), CERTIFICATE_TEXT_BYTES - 1);
}

static void no_certificates(void **state UNUSED)
{
        static const char *const cases[] = {
                "{}",
                "[]",
                "{'kind':'Issuer'," META "," SPEC "}",
                "{'metadata':{'name':'a'}," SPEC "}",
                "{'metadata':{'name':'../a','namespace':'n'}," SPEC "}",
                "{'metadata':{'name':'a','namespace':'n/m'}," SPEC "}",
                "{" META "}",
                "{" META ",'spec':{'secretName':'a/b'}}",
                "{" META ",'spec':{'secretName':5}}",
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(json_free_p) cJSON *object = parse(cases[i]);
                struct certificate *seen = NULL;
                struct err err;

                assert_int_equal(certificate_read(object, &seen, &err), -1);
                assert_int_equal(err.kind, ERR_PROTOCOL);
                assert_null(seen);
        }
}

static void told_to_issue(void **state UNUSED)
{
        AUTO(json_free_p)
        cJSON *have = parse("{'metadata':{'resourceVersion':'7','generation':3},'status':{'conditions':["
                            "{'type':'Issuing','status':'False'},{'type':'Ready','status':'True'}]}}");
        AUTO(json_free_p) cJSON *fresh = parse("{'metadata':{'resourceVersion':'8'}}");
        AUTO(json_free_p) cJSON *none = parse("{'metadata':{}}");
        AUTO(mem_free_p) char *text = certificate_issuing_patch(have, "px-rotate", (struct wall){ 0 });
        AUTO(mem_free_p) char *first = certificate_issuing_patch(fresh, "r", (struct wall){ 0 });
        AUTO(json_free_p) cJSON *patch = parse(text);

        assert_json(patch, "{'metadata':{'resourceVersion':'7'},'status':{'conditions':["
                           "{'type':'Ready','status':'True'},{'type':'Issuing','status':'True',"
                           "'reason':'ManuallyTriggered','message':'asked for by OpsRequest px-rotate',"
                           "'lastTransitionTime':'1970-01-01T00:00:00Z','observedGeneration':3}]}}");
        assert_non_null(strstr(first, "\"conditions\":[{\"type\":\"Issuing\""));
        assert_null(certificate_issuing_patch(none, "r", (struct wall){ 0 }));
}

static void made_anew(void **state UNUSED)
{
        AUTO(json_free_p)
        cJSON *saved = parse("{'kind':'Secret','metadata':{'name':'s','namespace':'n','uid':'u',"
                             "'resourceVersion':'1',"
                             "'generation':2,'creationTimestamp':'t','deletionTimestamp':'t',"
                             "'deletionGracePeriodSeconds':0,"
                             "'managedFields':[],'selfLink':'x','labels':{'a':'b'},'annotations':{"
                             "'c':'d'},"
                             "'ownerReferences':[{'kind':'Certificate','uid':'1'},{'kind':'Druid',"
                             "'uid':'2'},"
                             "{'kind':'Certificate','uid':'3'}]},'data':{'k':'dg=='},'status':{}}");
        AUTO(json_free_p)
        cJSON *owned = parse("{'metadata':{'name':'s','ownerReferences':[{'kind':'Certificate'}]}}");
        AUTO(json_free_p) cJSON *made = certificate_renewed(saved);
        AUTO(json_free_p) cJSON *free_one = certificate_renewed(owned);

        assert_json(made, "{'kind':'Secret','metadata':{'name':'s','namespace':'n','labels':{'a':"
                          "'b'},"
                          "'annotations':{'c':'d'},'ownerReferences':[{'kind':'Druid','uid':'2'}]},"
                          "'data':{'k':'dg=='}}");
        assert_json(free_one, "{'metadata':{'name':'s'}}");
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(read_whole),
                cmocka_unit_test(aliases_by_name),
                cmocka_unit_test(conditions_as_they_count),
                cmocka_unit_test(long_problems_are_cut_between_characters),
                cmocka_unit_test(no_certificates),
                cmocka_unit_test(told_to_issue),
                cmocka_unit_test(made_anew),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
