// SPDX-License-Identifier: Apache-2.0
/*
 * Conditions by KubeDB's rule: what is put in, what is left as it is, and when nothing is to be written.
 */
#include "kube/conditions.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "testgolden.h"

#define AT ((struct wall){ 1795600800 }) /* 2026-11-25T10:00:00Z */

#define OLD                                                                                                  \
        "{\"metadata\":{\"resourceVersion\":\"7\",\"generation\":2},\"status\":{\"phase\":\"Progressing\","  \
        "\"conditions\":[{\"type\":\"ReconfigureTLS\",\"status\":\"True\",\"observedGeneration\":1,"         \
        "\"lastTransitionTime\":\"2026-11-25T09:00:00Z\",\"reason\":\"ReconfigureTLS\",\"message\":\"m\","   \
        "\"severity\":\"Info\"},"                                                                            \
        "{\"type\":\"ReloadTLS--px-0\",\"status\":\"False\",\"observedGeneration\":2,"                       \
        "\"lastTransitionTime\":\"2026-11-25T09:00:01Z\",\"message\":\"old\"},"                              \
        "{\"type\":\"ReloadTLS--px-1\",\"status\":\"True\",\"observedGeneration\":2,"                        \
        "\"lastTransitionTime\":\"2026-11-25T09:00:02Z\",\"message\":\"theirs\"}]}}"

static char *patch(const char *text, const struct kube_condition *given, size_t n)
{
        AUTO(json_free_p) cJSON *request = NULL;
        struct err err = ERR_INIT;
        char *out = NULL;

        assert_int_equal(json_parse(text, strlen(text), &request, &err), 0);
        assert_int_equal(kube_conditions_patch(request, given, n, &out, &err), 0);
        return out;
}

static void replaced_and_appended(void **state UNUSED)
{
        const struct kube_condition given[] = {
                { .type = "ReloadTLS--px-0", .is_true = true, .message = "reload tls", .at = AT },
                { .type = "CheckServedCertificate--px-0", .is_true = false, .reason = "R", .at = AT },
        };
        AUTO(mem_free_p) char *body = patch(OLD, given, ARRAY_LEN(given));
        AUTO(json_free_p) cJSON *tree = NULL;
        AUTO(mem_free_p) char *pretty = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(json_parse(body, strlen(body), &tree, &err), 0);
        pretty = json_print(tree, true);
        testgolden_compare("kube-conditions.json", pretty);
}

/* One after another what may be there already; NULL: nothing is to be written. */
static void when_it_is_written(void **state UNUSED)
{
#define REQUEST(conditions)                                                                                  \
        "{\"metadata\":{\"resourceVersion\":\"7\",\"generation\":2},\"status\":{\"conditions\":" conditions  \
        "}}"
#define MINE(rest) "{\"type\":\"T\",\"lastTransitionTime\":\"x\"," rest "}"
        static const struct {
                const char *request;
                bool writes;
                int n; /* conditions afterwards */
        } cases[] = {
                { "{\"metadata\":{\"resourceVersion\":\"7\"}}", true, 1 },
                { "{\"metadata\":{\"resourceVersion\":\"7\"},\"status\":null}", true, 1 },
                { REQUEST("null"), true, 1 },
                { REQUEST("[]"), true, 1 },
                { REQUEST("[17,null,\"x\"]"), true, 4 },
                { REQUEST("[" MINE("\"status\":\"True\",\"message\":\"m\",\"observedGeneration\":2") "]"),
                  false, 1 },
                { REQUEST("[" MINE("\"status\":\"True\",\"message\":\"m\",\"observedGeneration\":2,"
                                   "\"reason\":\"\"") "]"),
                  false, 1 },
                { REQUEST("[" MINE("\"status\":\"False\",\"message\":\"m\",\"observedGeneration\":2") "]"),
                  true, 1 },
                { REQUEST("[" MINE("\"status\":\"True\",\"message\":\"n\",\"observedGeneration\":2") "]"),
                  true, 1 },
                { REQUEST("[" MINE("\"status\":\"True\",\"message\":\"m\",\"observedGeneration\":2,"
                                   "\"reason\":\"r\"") "]"),
                  true, 1 },
                { REQUEST("[" MINE("\"status\":\"True\",\"message\":\"m\",\"observedGeneration\":1") "]"),
                  true, 1 },
                { REQUEST("[" MINE("\"status\":\"True\",\"message\":\"m\"") "]"), true, 1 },
                /* observed of a later generation than the one we read: somebody knows more */
                { REQUEST("[" MINE("\"status\":\"False\",\"message\":\"x\",\"observedGeneration\":3") "]"),
                  false, 1 },
                /* twice: the first is kept */
                { REQUEST("[" MINE("\"status\":\"True\",\"message\":\"m\",\"observedGeneration\":2") "," MINE(
                          "\"status\":\"False\"") "]"),
                  true, 1 },
        };
        const struct kube_condition given = { .type = "T", .is_true = true, .message = "m", .at = AT };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p) char *body = patch(cases[i].request, &given, 1);
                AUTO(json_free_p) cJSON *tree = NULL;
                struct err err = ERR_INIT;

                if ((body != NULL) != cases[i].writes)
                        fail_msg("%s", cases[i].request);
                if (body == NULL)
                        continue;
                assert_int_equal(json_parse(body, strlen(body), &tree, &err), 0);
                assert_string_equal(json_get_str(json_get(tree, "metadata"), "resourceVersion"), "7");
                assert_int_equal(cJSON_GetArraySize(json_get(json_get(tree, "status"), "conditions")),
                                 cases[i].n);
        }
}

/* What was written once is there: a second time nothing is to be done. */
static void once_is_enough(void **state UNUSED)
{
        const struct kube_condition given[] = {
                { .type = "A--px-0", .is_true = true, .reason = "R", .message = "m", .at = AT },
                { .type = "B--px-0", .is_true = false, .at = AT },
        };
        AUTO(mem_free_p) char *first = patch(OLD, given, ARRAY_LEN(given));
        AUTO(mem_free_p) char *second = NULL;
        AUTO(json_free_p) cJSON *tree = NULL;
        AUTO(mem_free_p) char *text = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(json_parse(first, strlen(first), &tree, &err), 0);
        json_add_int(cJSON_GetObjectItemCaseSensitive(tree, "metadata"), "generation", 2);
        text = json_print(tree, false);
        second = patch(text, given, ARRAY_LEN(given));
        assert_null(second);
}

static void what_is_no_request(void **state UNUSED)
{
        static const char *const texts[] = { "{}",
                                             "[]",
                                             "null",
                                             "{\"metadata\":{\"resourceVersion\":7}}",
                                             "{\"metadata\":{\"resourceVersion\":\"\"}}",
                                             REQUEST("{}"),
                                             REQUEST("\"x\"") };
        const struct kube_condition given = { .type = "T", .is_true = true, .at = AT };

        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                AUTO(json_free_p) cJSON *request = NULL;
                struct err err = ERR_INIT;
                char *out = NULL;

                assert_int_equal(json_parse(texts[i], strlen(texts[i]), &request, &err), 0);
                assert_int_equal(kube_conditions_patch(request, &given, 1, &out, &err), -1);
                assert_int_equal(err.kind, ERR_PROTOCOL);
                assert_null(out);
        }
}

static void ends(void **state UNUSED)
{
        static const struct {
                const char *text;
                bool is_final;
        } cases[] = {
                { "{}", false },
                { "{\"status\":{\"phase\":\"Pending\"}}", false },
                { "{\"status\":{\"phase\":\"Progressing\"}}", false },
                { "{\"status\":{\"phase\":\"Successful\"}}", true },
                { "{\"status\":{\"phase\":\"Failed\"}}", true },
                { "{\"status\":{\"phase\":\"Skipped\"}}", true },
                { "{\"status\":{\"phase\":[\"Failed\"]}}", false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(json_free_p) cJSON *request = NULL;
                struct err err = ERR_INIT;

                assert_int_equal(json_parse(cases[i].text, strlen(cases[i].text), &request, &err), 0);
                assert_int_equal(kube_conditions_are_final(request), cases[i].is_final);
        }
}

static void whose(void **state UNUSED)
{
        assert_true(kube_conditions_is_own("ReloadTLS--px-0", "px-0"));
        assert_true(kube_conditions_is_own("ReloadTLS", "px-0"));
        assert_true(kube_conditions_is_own("ReloadTLS--px--0", "px--0"));
        assert_false(kube_conditions_is_own("ReloadTLS--px-1", "px-0"));
        assert_false(kube_conditions_is_own("ReloadTLS--px-01", "px-0"));
        assert_false(kube_conditions_is_own("ReloadTLS--", "px-0"));
        assert_false(kube_conditions_is_own("ReloadTLS--a--px-0", "px-0"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(replaced_and_appended),
                cmocka_unit_test(when_it_is_written),
                cmocka_unit_test(once_is_enough),
                cmocka_unit_test(what_is_no_request),
                cmocka_unit_test(ends),
                cmocka_unit_test(whose),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
