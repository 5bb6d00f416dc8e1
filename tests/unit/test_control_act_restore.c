// SPDX-License-Identifier: Apache-2.0
/*
 * What was saved is put back, wherever an earlier try was killed.
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
#define RENEWED  "{" KIND "," META("") "," SPEC("px") "}"
#define ISSUING  "\"conditions\":[{\"type\":\"Issuing\",\"status\":\"True\"}]"
#define REVISION "\"revision\":3"
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

#define POST_CERT   "POST " CM BY
#define DELETE_CERT "DELETE " CM "/" NAME
#define NUMBERED                                                                                             \
        {                                                                                                    \
                "PATCH " CM "/" NAME "/status" BY, "{\"status\":{\"revision\":3}}", 200, "{}"                \
        }
#define IS_GONE                                                                                              \
        {                                                                                                    \
                GET_CERT, "", 404, REFUSAL                                                                   \
        }
#define PUT_BACK                                                                                             \
        { GET_SECRET, "", 200, SECRET(NEW_KEY, VERSIONED) },                                                 \
        {                                                                                                    \
                "PUT " CORE "secrets/" NAME BY, SECRET(OLD_KEY, ",\"resourceVersion\":\"31\""), 200, "{}"    \
        }
#define MADE_ANEW                                                                                            \
        { POST_CERT, RENEWED, 201, LIVE("c2", "px", "") },                                                   \
        {                                                                                                    \
                GET_SECRET, "", 200, SECRET(OLD_KEY, VERSIONED)                                              \
        }
#define AS_SAVED                                                                                             \
        {                                                                                                    \
                GET_SECRET, "", 200, SECRET(OLD_KEY, VERSIONED)                                              \
        }

#define BARE                                                                                                 \
        "{\"metadata\":{\"name\":\"" NAME                                                                    \
        "\",\"resourceVersion\":\"31\",\"annotations\":{\"cert-manager.io/certificate-name\":\"" NAME        \
        "\"}},"                                                                                              \
        "\"type\":\"kubernetes.io/tls\"," DATA(OLD_KEY) "}"

/* The saved Secret is what all begin with. */
static const struct one restores[] = {
        { "all of it",
          ERR_NONE,
          NULL,
          { { GET_CERT, "", 200, LIVE("c1", "px.new", "\"revision\":4") },
            { GET_SECRET, "", 200, SECRET(NEW_KEY, VERSIONED) },
            { DELETE_CERT, DELETE_OF("c1"), 200, "{}" },
            IS_GONE,
            PUT_BACK,
            MADE_ANEW,
            NUMBERED } },
        { "the Secret only was renewed",
          ERR_NONE,
          NULL,
          { { GET_CERT, "", 200, LIVE("c1", "px", "\"revision\":4") },
            { GET_SECRET, "", 200, SECRET(NEW_KEY, VERSIONED) },
            { DELETE_CERT, DELETE_OF("c1"), 200, "{}" },
            IS_GONE,
            PUT_BACK,
            MADE_ANEW,
            NUMBERED } },
        { "the Secret belongs to the Certificate",
          ERR_NONE,
          NULL,
          { { GET_CERT, "", 200, LIVE("c1", "px", "\"revision\":4") },
            { GET_SECRET, "", 200,
              SECRET(NEW_KEY, VERSIONED ",\"ownerReferences\":[{\"kind\":\"Certificate\",\"uid\":\"c1\"}]") },
            { DELETE_CERT, DELETE_OF("c1"), 200, "{}" },
            IS_GONE,
            PUT_BACK,
            MADE_ANEW,
            NUMBERED } },
        { "a new one is under way",
          ERR_NONE,
          NULL,
          { { GET_CERT, "", 200, LIVE("c1", "px", ISSUING) },
            AS_SAVED,
            { DELETE_CERT, DELETE_OF("c1"), 200, "{}" },
            IS_GONE,
            AS_SAVED,
            MADE_ANEW,
            NUMBERED } },
        { "nothing was changed",
          ERR_NONE,
          NULL,
          { { GET_CERT, "", 200, LIVE("c1", "px", REVISION) }, AS_SAVED } },
        { "killed after the Certificate was deleted",
          ERR_NONE,
          NULL,
          { { GET_CERT, "", 404, REFUSAL },
            { GET_SECRET, "", 200, SECRET(NEW_KEY, VERSIONED) },
            PUT_BACK,
            MADE_ANEW,
            NUMBERED } },
        { "killed after the Secret was put back",
          ERR_NONE,
          NULL,
          { { GET_CERT, "", 404, REFUSAL }, AS_SAVED, AS_SAVED, MADE_ANEW, NUMBERED } },
        { "killed before it was numbered",
          ERR_NONE,
          NULL,
          { { GET_CERT, "", 200, LIVE("c2", "px", "") }, AS_SAVED, NUMBERED } },
        { "the Secret is gone",
          ERR_NONE,
          NULL,
          { { GET_CERT, "", 404, REFUSAL },
            { GET_SECRET, "", 404, REFUSAL },
            { GET_SECRET, "", 404, REFUSAL },
            { "POST " CORE "secrets" BY, SECRET(OLD_KEY, ""), 201, "{}" },
            MADE_ANEW,
            NUMBERED } },
        { "the Secret has lost its labels",
          ERR_NONE,
          NULL,
          { { GET_CERT, "", 404, REFUSAL },
            { GET_SECRET, "", 404, REFUSAL },
            { GET_SECRET, "", 200, BARE },
            { "PUT " CORE "secrets/" NAME BY, SECRET(OLD_KEY, ",\"resourceVersion\":\"31\""), 200, "{}" },
            MADE_ANEW,
            NUMBERED } },
        { "the Secret is of another type",
          ERR_NONE,
          NULL,
          { { GET_CERT, "", 404, REFUSAL },
            { GET_SECRET, "", 200, "{\"metadata\":{\"uid\":\"s2\"},\"type\":\"Opaque\"}" },
            { GET_SECRET, "", 200, "{\"metadata\":{\"uid\":\"s2\"},\"type\":\"Opaque\"}" },
            { "DELETE " CORE "secrets/" NAME, DELETE_OF("s2"), 200, "{}" },
            { "POST " CORE "secrets" BY, SECRET(OLD_KEY, ""), 201, "{}" },
            MADE_ANEW,
            NUMBERED } },
        { "it takes a while until it is gone",
          ERR_NONE,
          NULL,
          { { GET_CERT, "", 200, LIVE("c1", "px.new", "") },
            { GET_SECRET, "", 200, SECRET(NEW_KEY, VERSIONED) },
            { DELETE_CERT, DELETE_OF("c1"), 200, "{}" },
            { GET_CERT, "", 200, LIVE("c1", "px.new", "") },
            { GET_CERT, "", 200, LIVE("c1", "px.new", "") },
            IS_GONE,
            PUT_BACK,
            MADE_ANEW,
            NUMBERED } },
        { "others make it anew meanwhile",
          ERR_CHANGED,
          "made anew by others",
          { { GET_CERT, "", 200, LIVE("c1", "px.new", "") },
            { GET_SECRET, "", 200, SECRET(NEW_KEY, VERSIONED) },
            { DELETE_CERT, DELETE_OF("c1"), 200, "{}" },
            { GET_CERT, "", 200, LIVE("c7", "px.new", "") } } },
        { "there again when it is made",
          ERR_CHANGED,
          NULL,
          { { GET_CERT, "", 404, REFUSAL }, AS_SAVED, AS_SAVED, { POST_CERT, RENEWED, 409, REFUSAL } } },
        { "what was in flight comes late",
          ERR_CHANGED,
          "written by others",
          { { GET_CERT, "", 404, REFUSAL },
            AS_SAVED,
            AS_SAVED,
            { POST_CERT, RENEWED, 201, LIVE("c2", "px", "") },
            { GET_SECRET, "", 200, SECRET(NEW_KEY, VERSIONED) } } },
        { "the Secret is written by others meanwhile",
          ERR_CHANGED,
          NULL,
          { { GET_CERT, "", 404, REFUSAL },
            { GET_SECRET, "", 404, REFUSAL },
            { GET_SECRET, "", 200, SECRET(NEW_KEY, VERSIONED) },
            { "PUT " CORE "secrets/" NAME BY, NULL, 409, REFUSAL } } },
        { "no right to delete",
          ERR_PRIVILEGE,
          NULL,
          { { GET_CERT, "", 200, LIVE("c1", "px.new", "") },
            { GET_SECRET, "", 200, SECRET(NEW_KEY, VERSIONED) },
            { DELETE_CERT, NULL, 403, REFUSAL } } },
};

static void play_restore(const struct one *one, const char *json, bool asked, const char *uid)
{
        AUTO(mem_free_p) char *saved = act_scene_saved(uid, json);
        struct exchange calls[EXCHANGES] = { { GET_SAVED, "", 200, saved } };
        struct act_scene scene;

        memcpy(&calls[1], one->calls, sizeof(calls) - sizeof(calls[0]));
        act_scene_open(&scene);
        act_scene_remember(&scene, NAME, "c1", 3, asked);
        (void)act_scene_add(&scene, ACTION_RESTORE);
        act_scene_play(&scene, one->name, calls);
        act_scene_ends(&scene, one->name, one->kind, one->text);
}

static void restored(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(restores); i++)
                play_restore(&restores[i], SAVED_JSON, true, "request-uid");
}

static void left_alone(void **state UNUSED)
{
        static const struct one not_asked = {
                "never asked for", ERR_NONE, NULL, { { GET_CERT, "", 200, LIVE("c1", "px.new", "") } }
        };
        static const struct one deleted = {
                "deleted without being asked for",
                ERR_NONE,
                NULL,
                { { GET_CERT, "", 404, REFUSAL }, AS_SAVED, AS_SAVED, MADE_ANEW, NUMBERED }
        };
        static const struct one nothing = {
                "nothing of this request", ERR_NONE, NULL, { { NULL, NULL, 0, NULL } }
        };

        play_restore(&not_asked, SAVED_JSON, false, "request-uid");
        play_restore(&deleted, SAVED_JSON, false, "request-uid");
        play_restore(&nothing, SAVED_JSON, true, "other-uid");
        play_restore(&nothing, "{\"certificates\":[", true, "request-uid");
        play_restore(&nothing, "{\"certificates\":[{},{\"metadata\":{}},7],\"files\":7}", true,
                     "request-uid");
}

/* One that was never issued: nothing is put back but itself. */
static void without_secret(void **state UNUSED)
{
        static const struct one one = { "never issued",
                                        ERR_NONE,
                                        NULL,
                                        { { GET_CERT, "", 404, REFUSAL },
                                          { GET_SECRET, "", 404, REFUSAL },
                                          { POST_CERT, RENEWED, 201, LIVE("c2", "px", "") },
                                          { GET_SECRET, "", 404, REFUSAL },
                                          NUMBERED } };

        play_restore(&one, "{\"certificates\":[" SAVED_CERT "],\"secrets\":{},\"files\":{}}", true,
                     "request-uid");
}

#define FILES     "px-certrotate-files"
#define GET_FILES "GET " CORE "secrets/" FILES
#define FILES_(data, more)                                                                                   \
        "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"" FILES                         \
        "\",\"namespace\":\"demo\"" more "},\"type\":\"Opaque\"" data "}"
#define OLD_FILES ",\"data\":{\"a.cnf\":\"YQ==\"}"
#define NEW_FILES ",\"data\":{\"a.cnf\":\"Yg==\"}"

static void restored_files(void **state UNUSED)
{
        static const struct {
                const char *json;
                struct one one;
        } cases[] = {
                { "{\"files\":{\"" FILES "\":{\"type\":\"Opaque\"" OLD_FILES "}}}",
                  { "as they were",
                    ERR_NONE,
                    NULL,
                    { { GET_FILES, "", 200, FILES_(NEW_FILES, ",\"resourceVersion\":\"4\"") },
                      { "PUT " CORE "secrets/" FILES BY, FILES_(OLD_FILES, ",\"resourceVersion\":\"4\""), 200,
                        "{}" } } } },
                { "{\"files\":{\"" FILES "\":{\"type\":\"Opaque\"" OLD_FILES "}}}",
                  { "done before", ERR_NONE, NULL, { { GET_FILES, "", 200, FILES_(OLD_FILES, "") } } } },
                { "{\"files\":{\"" FILES "\":null}}",
                  { "there were none",
                    ERR_NONE,
                    NULL,
                    { { GET_FILES, "", 200, FILES_(NEW_FILES, "") },
                      { GET_FILES, "", 200, FILES_(NEW_FILES, ",\"resourceVersion\":\"4\"") },
                      { "PUT " CORE "secrets/" FILES BY, FILES_("", ",\"resourceVersion\":\"4\""), 200,
                        "{}" } } } },
                { "{\"files\":{\"" FILES "\":null}}",
                  { "there are none", ERR_NONE, NULL, { { GET_FILES, "", 404, REFUSAL } } } },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                play_restore(&cases[i].one, cases[i].json, true, "request-uid");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(restored),
                cmocka_unit_test(left_alone),
                cmocka_unit_test(without_secret),
                cmocka_unit_test(restored_files),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
