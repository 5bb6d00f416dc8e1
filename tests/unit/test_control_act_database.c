// SPDX-License-Identifier: Apache-2.0
/*
 * spec.tls of the database object, by kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "act_scene.h"

#define REFUSAL "{\"kind\":\"Status\",\"message\":\"the server's own sentence\"}"
#define DB(version, spec, conditions)                                                                        \
        "{\"metadata\":{\"name\":\"px\",\"resourceVersion\":\"" version                                      \
        "\",\"generation\":5},\"spec\":{" spec "},\"status\":{\"conditions\":[" conditions "]}}"
#define DB_PATCH(spec) "{\"metadata\":{\"resourceVersion\":\"21\"},\"spec\":{" spec "}}"
#define GET_DB         "GET " DATABASE
#define PATCH_DB       "PATCH " DATABASE BY
#define ISSUER         "\"issuerRef\":{\"kind\":\"Issuer\",\"name\":\"new\"}"
#define OLD_CERTS      "\"certificates\":[{\"alias\":\"server\",\"duration\":\"1h\"},{\"alias\":\"client\"}]"
#define NEW_CERTS                                                                                            \
        "\"certificates\":[{\"alias\":\"server\",\"duration\":\"1h\",\"dnsNames\":[\"x\"]},{\"alias\":"      \
        "\"client\"}]"
#define ASKED "{" ISSUER ",\"certificates\":[{\"alias\":\"server\",\"dnsNames\":[\"x\"]}]}"

static const struct {
        const char *name;
        bool is_on;
        enum request_required required;
        enum err_kind kind;
        struct exchange calls[EXCHANGES];
} databases_cases[] = {
        { "on",
          true,
          REQUIRED_YES,
          ERR_NONE,
          { { GET_DB, "", 200, DB("21", "\"tls\":{" OLD_CERTS "},\"version\":\"8\"", "") },
            { PATCH_DB, DB_PATCH("\"tls\":{" NEW_CERTS "," ISSUER "},\"requireSSL\":true"), 200, "{}" } } },
        { "on before",
          true,
          REQUIRED_YES,
          ERR_NONE,
          { { GET_DB, "", 200, DB("21", "\"tls\":{" NEW_CERTS "," ISSUER "},\"requireSSL\":true", "") } } },
        { "nothing said of required",
          true,
          REQUIRED_UNSAID,
          ERR_NONE,
          { { GET_DB, "", 200, DB("21", "", "") },
            { PATCH_DB,
              DB_PATCH("\"tls\":{" ISSUER ",\"certificates\":[{\"alias\":\"server\",\"dnsNames\":[\"x\"]}]}"),
              200, "{}" } } },
        { "off",
          false,
          REQUIRED_UNSAID,
          ERR_NONE,
          { { GET_DB, "", 200, DB("21", "\"tls\":{" ISSUER "},\"requireSSL\":true", "") },
            { PATCH_DB, DB_PATCH("\"tls\":null,\"requireSSL\":false"), 200, "{}" } } },
        { "off before", false, REQUIRED_UNSAID, ERR_NONE, { { GET_DB, "", 200, DB("21", "", "") } } },
        { "none", true, REQUIRED_UNSAID, ERR_NONE, { { GET_DB, "", 404, REFUSAL } } },
        { "changed by others",
          false,
          REQUIRED_UNSAID,
          ERR_NONE,
          { { GET_DB, "", 200, DB("20", "\"requireSSL\":true", "") },
            { PATCH_DB, NULL, 409, REFUSAL },
            { GET_DB, "", 200, DB("21", "\"requireSSL\":true", "") },
            { PATCH_DB, DB_PATCH("\"tls\":null,\"requireSSL\":false"), 200, "{}" } } },
        { "refused",
          false,
          REQUIRED_UNSAID,
          ERR_REFUSED,
          { { GET_DB, "", 200, DB("21", "\"requireSSL\":true", "") }, { PATCH_DB, NULL, 422, REFUSAL } } },
};

static void databases(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(databases_cases); i++) {
                struct act_scene scene;

                act_scene_open(&scene);
                act_scene_spec(&scene, ASKED);
                scene.request.required = databases_cases[i].required;
                act_scene_add(&scene, ACTION_DATABASE)->is_true = databases_cases[i].is_on;
                act_scene_play(&scene, databases_cases[i].name, databases_cases[i].calls);
                act_scene_ends(&scene, databases_cases[i].name, databases_cases[i].kind, NULL);
        }
}

#define AT(group, resource) "/apis/kubedb.com/" group "/namespaces/demo/" resource "/px"

static const struct {
        const char *kind;
        bool is_on;
        enum request_required required;
        struct exchange calls[EXCHANGES];
} databases_of_kinds_cases[] = {
        { "MSSQLServerOpsRequest",
          true,
          REQUIRED_YES,
          { { "GET " AT("v1alpha2", "mssqlservers"), "", 200, DB("21", "\"tls\":{" ISSUER "}", "") },
            { "PATCH " AT("v1alpha2", "mssqlservers") BY, DB_PATCH("\"tls\":{" ISSUER ",\"clientTLS\":true}"),
              200, "{}" } } },
        { "MSSQLServerOpsRequest",
          false,
          REQUIRED_UNSAID,
          { { "GET " AT("v1alpha2", "mssqlservers"), "", 200,
              DB("21", "\"tls\":{" ISSUER ",\"clientTLS\":true}", "") },
            { "PATCH " AT("v1alpha2", "mssqlservers") BY,
              DB_PATCH("\"tls\":{" ISSUER ",\"clientTLS\":false}"), 200, "{}" } } },
        { "DruidOpsRequest",
          true,
          REQUIRED_UNSAID,
          { { "GET " AT("v1alpha2", "druids"), "", 200, DB("21", "", "") },
            { "PATCH " AT("v1alpha2", "druids") BY, DB_PATCH("\"tls\":{" ISSUER "},\"enableSSL\":true"), 200,
              "{}" } } },
        { "DruidOpsRequest",
          false,
          REQUIRED_UNSAID,
          { { "GET " AT("v1alpha2", "druids"), "", 200, DB("21", "\"enableSSL\":true", "") },
            { "PATCH " AT("v1alpha2", "druids") BY, DB_PATCH("\"tls\":null,\"enableSSL\":false"), 200,
              "{}" } } },
};

/* SQL Server keeps spec.tls, Druid has a switch of its own. */
static void databases_of_kinds(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(databases_of_kinds_cases); i++) {
                struct act_scene scene;

                act_scene_open(&scene);
                act_scene_spec(&scene, "{" ISSUER "}");
                scene.request.kind = kind_of_request(databases_of_kinds_cases[i].kind);
                scene.request.required = databases_of_kinds_cases[i].required;
                act_scene_add(&scene, ACTION_DATABASE)->is_true = databases_of_kinds_cases[i].is_on;
                act_scene_play(&scene, databases_of_kinds_cases[i].kind, databases_of_kinds_cases[i].calls);
                act_scene_ends(&scene, databases_of_kinds_cases[i].kind, ERR_NONE, NULL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(databases),
                cmocka_unit_test(databases_of_kinds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
