// SPDX-License-Identifier: Apache-2.0
/*
 * What is saved, discarded and forgotten: Certificates, their Secrets, and configuration files.
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
#define NAME    "px-server-cert"
#define META(rest)                                                                                           \
        "\"metadata\":{\"name\":\"" NAME                                                                     \
        "\",\"namespace\":\"demo\",\"labels\":{\"app.kubernetes.io/instance\":\"px\"}" rest "}"
#define SPEC(dns)                                                                                            \
        "\"spec\":{\"secretName\":\"" NAME "\",\"dnsNames\":[\"" dns "\"],\"issuerRef\":{\"name\":\"i\"}}"
#define KIND "\"apiVersion\":\"cert-manager.io/v1\",\"kind\":\"Certificate\""
#define LIVE(uid, dns, status)                                                                               \
        "{" KIND "," META(",\"uid\":\"" uid "\",\"resourceVersion\":\"11\",\"generation\":1") "," SPEC(      \
                dns) ",\"status\":{" status "}}"
#define REVISION "\"revision\":3"
#define MANAGED  ",\"managedFields\":[{\"manager\":\"x\"}]"
#define KEPT_META                                                                                            \
        "\"labels\":{\"l\":\"1\"},\"annotations\":{\"cert-manager.io/certificate-name\":\"" NAME "\"}"
#define DATA(key) "\"data\":{\"tls.crt\":\"Y3J0\",\"tls.key\":\"" key "\"}"
#define SECRET(key, more)                                                                                    \
        "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"" NAME                          \
        "\",\"namespace\":\"demo\"," KEPT_META more "},\"type\":\"kubernetes.io/tls\"," DATA(key) "}"
#define OLD_KEY    "a2V5"
#define NEW_KEY    "bmV3"
#define VERSIONED  ",\"uid\":\"s1\",\"resourceVersion\":\"31\""
#define SAVED_PATH CORE "secrets/px-certrotate-saved"
#define GET_SAVED  "GET " SAVED_PATH
#define GET_CERT   "GET " CM "/" NAME
#define GET_SECRET "GET " CORE "secrets/" NAME
#define SAVED_(uid, data)                                                                                    \
        "{\"metadata\":{\"name\":\"px-certrotate-saved\",\"uid\":\"s9\",\"annotations\":{\"certrotate.io/"   \
        "request\":\"" uid "\"}}," data "}"
#define SAVED_CERT                                                                                           \
        "{" KIND "," META(",\"uid\":\"c1\",\"resourceVersion\":\"11\",\"generation\":1") "," SPEC(           \
                "px") ",\"status\":{" REVISION "}}"
#define SAVED_SECRET_VALUE "{\"type\":\"kubernetes.io/tls\"," KEPT_META "," DATA(OLD_KEY) "}"
#define SAVED_JSON                                                                                           \
        "{\"certificates\":[" SAVED_CERT "],\"secrets\":{\"" NAME "\":" SAVED_SECRET_VALUE "},\"files\":{}}"

struct one {
        const char *name;
        enum err_kind kind;
        const char *text;
        struct exchange calls[EXCHANGES];
};

/* The text inside of stringData is looked at as JSON too. */
static void says_saved(const struct kube_call *call, const char *want)
{
        AUTO(json_free_p) cJSON *body = NULL;
        AUTO(json_free_p) cJSON *have = NULL;
        AUTO(json_free_p) cJSON *tree = NULL;
        struct err err = ERR_INIT;
        const char *text;

        assert_int_equal(json_parse(call->body, strlen(call->body), &body, &err), 0);
        assert_string_equal(
                json_get_str(json_get(json_get(body, "metadata"), "annotations"), "certrotate.io/request"),
                "request-uid");
        assert_string_equal(json_get_str(body, "type"), "Opaque");
        assert_null(json_get(body, "data"));
        text = json_get_str(json_get(body, "stringData"), "saved.json");
        assert_non_null(text);
        assert_int_equal(json_parse(text, strlen(text), &have, &err), 0);
        assert_int_equal(json_parse(want, strlen(want), &tree, &err), 0);
        if (!cJSON_Compare(have, tree, true))
                fail_msg("%s\nis not\n%s", text, want);
}

static void add_save(struct act_scene *scene, enum request_type type)
{
        act_scene_open(scene);
        scene->request.type = type;
        act_scene_certificate(scene, NAME, "server", NAME);
        act_scene_certificate(scene, "px-client-cert", "client", "px-client-cert");
        (void)act_scene_add(scene, ACTION_SAVE);
}

static void saves(void **state UNUSED)
{
        for (int stale = 0; stale <= 1; stale++) {
                struct act_scene scene;
                struct kube_call *call;

                add_save(&scene, REQUEST_TLS);
                act_scene_start(&scene);
                kube_fake_answer(scene_call(&scene.on, 1, "GET", SAVED_PATH), stale ? 200 : 404,
                                 stale ? SAVED_("of-before", "\"data\":{}") : REFUSAL);
                kube_fake_answer(scene_call(&scene.on, 2, "GET", CM "/" NAME), 200,
                                 "{" KIND
                                 "," META(",\"uid\":\"c1\",\"resourceVersion\":\"11\",\"generation\":"
                                          "1" MANAGED) "," SPEC("px") ",\"status\":{" REVISION "}}");
                kube_fake_answer(scene_call(&scene.on, 3, "GET", CORE "secrets/" NAME), 200,
                                 SECRET(OLD_KEY, VERSIONED MANAGED));
                kube_fake_answer(scene_call(&scene.on, 4, "GET", CM "/px-client-cert"), 404, REFUSAL);
                kube_fake_answer(scene_call(&scene.on, 5, "GET", SAVED_PATH), stale ? 200 : 404,
                                 stale ? "{\"metadata\":{\"resourceVersion\":\"5\"}}" : REFUSAL);
                call = stale ? scene_call(&scene.on, 6, "PUT", SAVED_PATH BY)
                             : scene_call(&scene.on, 6, "POST", CORE "secrets" BY);
                says_saved(call, SAVED_JSON);
                if (stale)
                        assert_non_null(strstr(call->body, "\"resourceVersion\":\"5\""));
                kube_fake_answer(call, 201, "{}");
                act_scene_ends(&scene, "saved", ERR_NONE, NULL);
        }
}

static void saves_files(void **state UNUSED)
{
        struct act_scene scene;
        struct kube_call *call;

        add_save(&scene, REQUEST_CONFIG);
        scene.request.kind = kind_of_request("SinglestoreOpsRequest");
        act_scene_start(&scene);
        kube_fake_answer(scene_call(&scene.on, 1, "GET", SAVED_PATH), 404, REFUSAL);
        kube_fake_answer(scene_call(&scene.on, 2, "GET", CORE "secrets/px-certrotate-files-node"), 404,
                         REFUSAL);
        kube_fake_answer(scene_call(&scene.on, 3, "GET", CORE "secrets/px-certrotate-files-aggregator"), 200,
                         "{\"metadata\":{},\"type\":\"Opaque\",\"data\":{\"a.cnf\":\"YQ==\"}}");
        kube_fake_answer(scene_call(&scene.on, 4, "GET", CORE "secrets/px-certrotate-files-leaf"), 404,
                         REFUSAL);
        kube_fake_answer(scene_call(&scene.on, 5, "GET", SAVED_PATH), 404, REFUSAL);
        call = scene_call(&scene.on, 6, "POST", CORE "secrets" BY);
        says_saved(call,
                   "{\"certificates\":[],\"secrets\":{},\"files\":{\"px-certrotate-files-node\":null,"
                   "\"px-certrotate-files-aggregator\":{\"type\":\"Opaque\",\"data\":{\"a.cnf\":\"YQ==\"}},"
                   "\"px-certrotate-files-leaf\":null}}");
        kube_fake_answer(call, 201, "{}");
        act_scene_ends(&scene, "files", ERR_NONE, NULL);
}

static void saved_before(void **state UNUSED)
{
        static const struct one cases[] = {
                { "saved before",
                  ERR_NONE,
                  NULL,
                  { { GET_SAVED, "", 200, SAVED_("request-uid", "\"data\":{}") } } },
                { "no right to read a Secret",
                  ERR_PRIVILEGE,
                  "own sentence",
                  { { GET_SAVED, "", 404, REFUSAL },
                    { GET_CERT, "", 200, LIVE("c1", "px", REVISION) },
                    { GET_SECRET, "", 403, REFUSAL } } },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct act_scene scene;

                add_save(&scene, REQUEST_TLS);
                act_scene_play(&scene, cases[i].name, cases[i].calls);
                act_scene_ends(&scene, cases[i].name, cases[i].kind, cases[i].text);
        }
}

static void too_much_to_save(void **state UNUSED)
{
        const size_t len = 1100U << 10;
        AUTO(mem_free_p) char *filler = mem_new(len + 1);
        AUTO(mem_free_p) char *secret = NULL;
        struct act_scene scene;

        memset(filler, 'A', len);
        secret = mem_printf("{\"metadata\":{},\"data\":{\"ca.crt\":\"%s\"}}", filler);
        add_save(&scene, REQUEST_TLS);
        act_scene_start(&scene);
        kube_fake_answer(scene_call(&scene.on, 1, "GET", SAVED_PATH), 404, REFUSAL);
        kube_fake_answer(scene_call(&scene.on, 2, "GET", CM "/" NAME), 200, LIVE("c1", "px", REVISION));
        kube_fake_answer(scene_call(&scene.on, 3, "GET", CORE "secrets/" NAME), 200, secret);
        kube_fake_answer(scene_call(&scene.on, 4, "GET", CM "/px-client-cert"), 404, REFUSAL);
        act_scene_ends(&scene, "too much", ERR_REFUSED, "more than a Secret holds");
}

#define DELETE_CERT "DELETE " CM "/" NAME
#define IS_GONE                                                                                              \
        {                                                                                                    \
                GET_CERT, "", 404, REFUSAL                                                                   \
        }
#define DELETE_SECRET "DELETE " CORE "secrets/" NAME

static const struct {
        bool all;
        const char *uid; /* before the request */
        struct one one;
} discards_cases[] = {
        { false,
          "",
          { "made by the request",
            ERR_NONE,
            NULL,
            { { GET_CERT, "", 200, LIVE("c1", "px", "") },
              { DELETE_CERT, DELETE_OF("c1"), 200, "{}" },
              IS_GONE,
              { GET_SECRET, "", 200, SECRET(NEW_KEY, VERSIONED) },
              { DELETE_SECRET, DELETE_OF("s1"), 200, "{}" } } } },
        { false,
          "",
          { "killed before the Secret was deleted",
            ERR_NONE,
            NULL,
            { { GET_CERT, "", 404, REFUSAL },
              { GET_SECRET, "", 200, SECRET(NEW_KEY, VERSIONED) },
              { DELETE_SECRET, DELETE_OF("s1"), 404, REFUSAL } } } },
        { false,
          "",
          { "done before",
            ERR_NONE,
            NULL,
            { { GET_CERT, "", 404, REFUSAL }, { GET_SECRET, "", 404, REFUSAL } } } },
        { false,
          "",
          { "a Secret that others made",
            ERR_NONE,
            NULL,
            { { GET_CERT, "", 404, REFUSAL },
              { GET_SECRET, "", 200, "{\"metadata\":{\"uid\":\"s1\"},\"data\":{}}" } } } },
        { false, "c1", { "there before", ERR_NONE, NULL, { { NULL, NULL, 0, NULL } } } },
        { true,
          "c1",
          { "all",
            ERR_NONE,
            NULL,
            { { GET_CERT, "", 200, LIVE("c1", "px", "") },
              { DELETE_CERT, DELETE_OF("c1"), 409, REFUSAL },
              IS_GONE,
              { GET_SECRET, "", 200, SECRET(NEW_KEY, VERSIONED) },
              { DELETE_SECRET, DELETE_OF("s1"), 200, "{}" } } } },
};

static void discards(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(discards_cases); i++)
                for (int listed = 0; listed <= 1; listed++) {
                        struct act_scene scene;

                        act_scene_open(&scene);
                        if (listed)
                                act_scene_certificate(&scene, NAME, "server", NAME);
                        act_scene_remember(&scene, NAME, discards_cases[i].uid, 0, true);
                        act_scene_add(&scene, ACTION_DISCARD)->all = discards_cases[i].all;
                        act_scene_play(&scene, discards_cases[i].one.name, discards_cases[i].one.calls);
                        act_scene_ends(&scene, discards_cases[i].one.name, discards_cases[i].one.kind,
                                       discards_cases[i].one.text);
                }
}

/* Its Certificate is gone: the Secret has the name that the request gave it. */
static void discards_by_request(void **state UNUSED)
{
        static const struct exchange calls[EXCHANGES] = {
                { GET_CERT, "", 404, REFUSAL },
                { "GET " CORE "secrets/mine", "", 404, REFUSAL },
        };
        struct act_scene scene;

        act_scene_open(&scene);
        act_scene_spec(&scene, "{\"certificates\":[{\"alias\":\"server\",\"secretName\":\"mine\"}]}");
        act_scene_remember(&scene, NAME, "", 0, true);
        (void)act_scene_add(&scene, ACTION_DISCARD);
        act_scene_play(&scene, "by request", calls);
        act_scene_ends(&scene, "by request", ERR_NONE, NULL);
}

static void forgets(void **state UNUSED)
{
        static const struct one cases[] = {
                { "deleted", ERR_NONE, NULL, { { "DELETE " SAVED_PATH, DELETE_ALL, 200, "{}" } } },
                { "deleted before", ERR_NONE, NULL, { { "DELETE " SAVED_PATH, DELETE_ALL, 404, REFUSAL } } },
                { "no right", ERR_PRIVILEGE, NULL, { { "DELETE " SAVED_PATH, DELETE_ALL, 403, REFUSAL } } },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct act_scene scene;

                act_scene_open(&scene);
                (void)act_scene_add(&scene, ACTION_FORGET);
                act_scene_play(&scene, cases[i].name, cases[i].calls);
                act_scene_ends(&scene, cases[i].name, cases[i].kind, cases[i].text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(saves),        cmocka_unit_test(saves_files),
                cmocka_unit_test(saved_before), cmocka_unit_test(too_much_to_save),
                cmocka_unit_test(discards),     cmocka_unit_test(discards_by_request),
                cmocka_unit_test(forgets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
