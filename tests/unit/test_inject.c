// SPDX-License-Identifier: Apache-2.0
/*
 * Pods as they come, and as they are after the patch. The API server's own reading of it:
 * tests/e2e/test_webhook.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "inject/review.h"
#include "testgolden.h"

#include <openssl/evp.h>

static const struct inject_settings native = { .image = "certrotate:1" };
static const struct inject_settings plain = { .image = "certrotate:1",
                                              .pull_policy = "Never",
                                              .plain = true };

#define POD(annotations, more, spec)                                                                         \
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"orders-0\",\"annotations\":{"      \
        "\"certrotate.io/inject\":\"true\"" annotations "}" more "},\"spec\":{" spec "}}"
#define LABELS(kind)                                                                                         \
        ",\"labels\":{\"app.kubernetes.io/instance\":\"orders\",\"app.kubernetes.io/name\":\"" kind "\"}"
#define USER   "\"securityContext\":{\"runAsUser\":999,\"runAsGroup\":998}"
#define ONE    "\"containers\":[{\"name\":\"mariadb\",\"image\":\"mariadb\"}]"
#define SIMPLE POD("", LABELS("mariadbs.kubedb.com"), USER "," ONE)

static cJSON *review(const struct inject_settings *settings, const char *pod, enum review_verdict *verdict)
{
        AUTO(mem_free_p)
        char *body = mem_printf("{\"apiVersion\":\"admission.k8s.io/"
                                "v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u-1\","
                                "\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},"
                                "\"operation\":\"CREATE\","
                                "\"namespace\":\"demo\",\"object\":%s}}",
                                pod);
        AUTO(buf_done_p) struct buf out = BUF_INIT(REVIEW_MAX_BYTES);
        struct err err = ERR_INIT;
        cJSON *answer = NULL;

        if (review_pod(settings, body, strlen(body), &out, verdict, &err) != 0)
                fail_msg("%s", err.text);
        assert_int_equal(json_parse(buf_str(&out), out.len, &answer, &err), 0);
        assert_string_equal(json_get_str(json_get(answer, "response"), "uid"), "u-1");
        return answer;
}

static cJSON *patch_of(const cJSON *answer)
{
        const char *coded = json_get_str(json_get(answer, "response"), "patch");
        AUTO(mem_free_p) char *text = NULL;
        struct err err = ERR_INIT;
        cJSON *patch = NULL;
        int len;

        assert_non_null(coded);
        text = mem_new(strlen(coded) + 1);
        len = EVP_DecodeBlock((unsigned char *)text, (const unsigned char *)coded, (int)strlen(coded));
        assert_true(len > 0);
        assert_int_equal(json_parse(text, strlen(text), &patch, &err), 0);
        return patch;
}

/* Whatever the path leads to but its last word, which is cut off and handed out. */
static cJSON *parent_of(cJSON *pod, char *path, char **last)
{
        cJSON *at = pod;
        char *word = path + 1;

        assert_int_equal(path[0], '/');
        for (char *end = strchr(word, '/'); end != NULL; word = end + 1, end = strchr(word, '/')) {
                *end = '\0';
                at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, atoi(word))
                                       : cJSON_GetObjectItemCaseSensitive(at, word);
                assert_non_null(at);
        }
        *last = word;
        return at;
}

/* RFC 6902 and 6901 as far as our patches go. */
static void apply_one(cJSON *pod, const cJSON *op)
{
        AUTO(mem_free_p) char *path = mem_strdup(json_get_str(op, "path"));
        cJSON *value = cJSON_Duplicate(json_get(op, "value"), true);
        bool replaces = strcmp(json_get_str(op, "op"), "replace") == 0;
        char *last, *escaped;
        cJSON *parent = parent_of(pod, path, &last);

        assert_true(replaces || strcmp(json_get_str(op, "op"), "add") == 0);
        assert_non_null(value);
        escaped = strstr(last, "~1");
        if (escaped != NULL) {
                *escaped = '/';
                (void)memmove(escaped + 1, escaped + 2, strlen(escaped + 2) + 1);
        }
        if (cJSON_IsArray(parent) && strcmp(last, "-") == 0) {
                (void)cJSON_AddItemToArray(parent, value);
        } else if (cJSON_IsArray(parent)) {
                assert_true(atoi(last) < cJSON_GetArraySize(parent));
                assert_true(replaces ? cJSON_ReplaceItemInArray(parent, atoi(last), value)
                                     : cJSON_InsertItemInArray(parent, atoi(last), value));
        } else {
                cJSON_DeleteItemFromObjectCaseSensitive(parent, last);
                json_add(parent, last, value);
        }
}

/* The pod afterwards; done once more nothing changes. */
static cJSON *inject(const struct inject_settings *settings, const char *text)
{
        enum review_verdict verdict = REVIEW_DENIED;
        AUTO(json_free_p) cJSON *answer = review(settings, text, &verdict);
        AUTO(json_free_p) cJSON *again = NULL;
        AUTO(json_free_p) cJSON *patch = NULL;
        AUTO(mem_free_p) char *after = NULL;
        struct err err = ERR_INIT;
        cJSON *pod = NULL;
        const cJSON *op;

        assert_int_equal(verdict, REVIEW_INJECTED);
        assert_true(json_get_bool(json_get(answer, "response"), "allowed"));
        patch = patch_of(answer);
        assert_int_equal(json_parse(text, strlen(text), &pod, &err), 0);
        cJSON_ArrayForEach(op, patch)
        {
                apply_one(pod, op);
        }
        after = json_print(pod, false);
        again = review(settings, after, &verdict);
        assert_int_equal(verdict, REVIEW_LEFT);
        assert_null(json_get(json_get(again, "response"), "patch"));
        return pod;
}

static void compare(const char *name, const struct inject_settings *settings, const char *text)
{
        AUTO(json_free_p) cJSON *pod = inject(settings, text);
        AUTO(mem_free_p) char *printed = json_print(pod, true);
        AUTO(mem_free_p) char *with_end = mem_printf("%s\n", printed);

        testgolden_compare(name, with_end);
}

static void pods(void **state UNUSED)
{
        compare("inject_simple.json", &native, SIMPLE);
        compare("inject_plain.json", &plain, SIMPLE);
        compare("inject_kubedb.json", &native,
                POD(",\"certrotate.io/auth-secret\":\"orders-auth\"", LABELS("perconaxtradbs.kubedb.com"),
                    "\"securityContext\":{\"fsGroup\":1001},\"initContainers\":[{\"name\":\"px-init\"}],"
                    "\"containers\":[{\"name\":\"px-coordinator\"},{\"name\":\"perconaxtradb\","
                    "\"volumeMounts\":["
                    "{\"name\":\"data\",\"mountPath\":\"/var/lib/mysql\"},"
                    "{\"name\":\"tls-server-config\",\"mountPath\":\"/etc/mysql/certs/server\"}]}],"
                    "\"volumes\":[{\"name\":\"data\"},{\"name\":\"tls-server-config\",\"secret\":{"
                    "\"secretName\":"
                    "\"orders-server-cert\"}}]"));
        compare("inject_everything.json", &native,
                POD(",\"certrotate.io/database\":\"generic\",\"certrotate.io/instance\":\"web\","
                    "\"certrotate.io/container\":\"b\",\"certrotate.io/secrets\":\"web-tls\","
                    "\"certrotate.io/publish-to\":\"/srv/tls\",\"certrotate.io/endpoints\":"
                    "\"https://127.0.0.1:8443, tls://127.0.0.1:9443\",\"certrotate.io/reload\":\"reload\","
                    "\"certrotate.io/run-as-user\":\"1234\",\"certrotate.io/image\":\"own:2\","
                    "\"certrotate.io/config\":\"{\\\"generic\\\":{\\\"reload\\\":{\\\"http\\\":{\\\"url\\\":"
                    "\\\"http://127.0.0.1:8080/reload\\\"}}},\\\"kubernetes\\\":null}\","
                    "\"certrotate.io/resources\":\"{\\\"limits\\\":{\\\"memory\\\":\\\"32Mi\\\"}}\","
                    "\"certrotate.io/patch\":\"[{\\\"op\\\":\\\"add\\\",\\\"path\\\":\\\"/spec/"
                    "shareProcessNamespace\\\","
                    "\\\"value\\\":true}]\"",
                    "",
                    "\"containers\":[{\"name\":\"a\"},{\"name\":\"b\",\"volumeMounts\":[]}],\"volumes\":[]"));
        compare("inject_druid.json", &native,
                POD("",
                    ",\"labels\":{\"app.kubernetes.io/instance\":\"events\",\"app.kubernetes.io/name\":"
                    "\"druids.kubedb.com\",\"kubedb.com/role\":\"routers\"}",
                    USER ",\"containers\":[{\"name\":\"druid\"}]"));
}

#define SETTINGS ",\"certrotate.io/settings-to\":\"/etc/mysql/custom.conf.d\""

/* The folder that the database includes: a volume of both, ours or its own. */
static void settings(void **state UNUSED)
{
        AUTO(json_free_p) cJSON *own = NULL;
        AUTO(mem_free_p) char *text = NULL;
        const cJSON *spec;

        compare("inject_settings.json", &native, POD(SETTINGS, LABELS("mariadbs.kubedb.com"), USER "," ONE));
        own = inject(&native, POD(SETTINGS, LABELS("singlestores.kubedb.com"),
                                  USER ",\"containers\":[{\"name\":\"singlestore\",\"volumeMounts\":[{"
                                       "\"name\":\"conf\",\"mountPath\":\"/etc/mysql/custom.conf.d\","
                                       "\"subPath\":\"a\",\"readOnly\":true}]}],"
                                       "\"volumes\":[{\"name\":\"conf\",\"emptyDir\":{}}]"));
        text = json_print(own, false);
        assert_null(strstr(text, "certrotate-settings"));
        assert_null(strstr(text, "certrotate-files")); /* one for each of its roles */
        assert_non_null(
                strstr(text, "\\\"settings-file\\\":\\\"/etc/mysql/custom.conf.d/zz-certrotate.cnf\\\""));
        spec = json_get(own, "spec");
        assert_int_equal(cJSON_GetArraySize(json_get(cJSON_GetArrayItem(json_get(spec, "containers"), 0),
                                                     "volumeMounts")),
                         2);
        assert_non_null(strstr(
                text, "{\"name\":\"conf\",\"mountPath\":\"/etc/mysql/custom.conf.d\",\"subPath\":\"a\"}"));
}

/* Vault's injector turned the shared process namespace off, because its default was false and not unset. */
static void unset_stays_unset(void **state UNUSED)
{
        AUTO(json_free_p) cJSON *pod = inject(&native, SIMPLE);
        const cJSON *spec = json_get(pod, "spec");

        assert_null(json_get(spec, "shareProcessNamespace"));
        assert_null(json_get(spec, "automountServiceAccountToken"));
        assert_int_equal(json_get_int(json_get(spec, "securityContext"), "runAsUser", 0), 999);
        assert_int_equal(cJSON_GetArraySize(json_get(spec, "securityContext")), 2);
}

static void left(void **state UNUSED)
{
        static const char *const cases[] = {
                "{}",
                "{\"metadata\":{\"annotations\":{\"certrotate.io/inject\":\"false\"}}}",
                "{\"metadata\":{\"annotations\":{\"certrotate.io/database\":\"nonsense\"}}}",
                "{\"metadata\":{\"annotations\":null}}",
                "{\"metadata\":[]}",
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                enum review_verdict verdict = REVIEW_DENIED;
                AUTO(json_free_p) cJSON *answer = review(&native, cases[i], &verdict);

                assert_int_equal(verdict, REVIEW_LEFT);
                assert_true(json_get_bool(json_get(answer, "response"), "allowed"));
        }
}

/* A template copied from a pod that was injected bears the mark without the sidecar. */
static void a_mark_alone_means_nothing(void **state UNUSED)
{
        AUTO(json_free_p)
        cJSON *pod = inject(
                &native, POD(",\"certrotate.io/status\":\"injected\",\"certrotate.io/agent-config\":\"old\"",
                             LABELS("mariadbs.kubedb.com"), USER "," ONE));

        assert_int_equal(cJSON_GetArraySize(json_get(json_get(pod, "spec"), "initContainers")), 1);
}

#define DB LABELS("mariadbs.kubedb.com")

static const struct {
        const char *pod, *says;
} wrong[] = {
        { POD("", "", USER "," ONE), "certrotate.io/database, one of mariadb" },
        { POD(",\"certrotate.io/database\":\"oracle\"", "", ONE), "'oracle' is none of mariadb" },
        { POD(",\"certrotate.io/databse\":\"mariadb\"", "", ONE), "is it certrotate.io/database?" },
        { POD(",\"certrotate.io/database\":\"mariadb\"", "", USER "," ONE), "app.kubernetes.io/instance" },
        { POD(",\"certrotate.io/instance\":\"A b\"", DB, USER "," ONE), "'A b' is no name" },
        { POD(",\"certrotate.io/container\":\"x\"", DB, USER "," ONE), "no container 'x'" },
        { POD("", DB, USER ",\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]"),
          "certrotate.io/container" },
        { POD("", DB, USER ",\"containers\":[]"), "certrotate.io/container" },
        { POD("", DB, ONE), "runAsUser or fsGroup" },
        { POD(",\"certrotate.io/run-as-user\":\"root\"", DB, ONE), "'root' is no number" },
        { POD(",\"certrotate.io/run-as-user\":\"0\"", DB, ONE), "'0' is no number" },
        { POD(",\"certrotate.io/publish-to\":\"tls\"", DB, USER "," ONE), "'tls' is no absolute path" },
        { POD(",\"certrotate.io/publish-to\":\"/a/../b\"", DB, USER "," ONE), "no absolute path" },
        { POD(",\"certrotate.io/secrets\":\"a,b\"", DB, USER "," ONE), "'a,b' is no name of a Secret" },
        { POD(",\"certrotate.io/reload\":\"no\"", DB, USER "," ONE), "none of auto, reload, restart" },
        { POD(",\"certrotate.io/config\":\"x\"", DB, USER "," ONE), "certrotate.io/config is no JSON" },
        { POD(",\"certrotate.io/config\":\"[]\"", DB, USER "," ONE),
          "certrotate.io/config has to be an object" },
        { POD(",\"certrotate.io/config\":\"{\\\"reskan\\\":\\\"1s\\\"}\"", DB, USER "," ONE), "rescan" },
        { POD(",\"certrotate.io/endpoints\":\"ftp://x\"", DB, USER "," ONE), "ftp" },
        { POD(",\"certrotate.io/patch\":\"{}\"", DB, USER "," ONE), "certrotate.io/patch has to be a list" },
        { POD(",\"certrotate.io/patch\":\"[{}]\"", DB, USER "," ONE), "each operation has \"op\"" },
        { POD(",\"certrotate.io/resources\":\"1\"", DB, USER "," ONE), "certrotate.io/resources has to be" },
        { POD("", DB, USER ",\"containers\":[{\"name\":\"certrotate\"}]"),
          "a container 'certrotate' of its own" },
        { POD("", DB,
              USER ",\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}],\"containers\":[{\"name\":\"mariadb\","
                   "\"volumeMounts\":"
                   "[{\"name\":\"v\",\"mountPath\":\"/etc/mysql/certs/server\"}]}]"),
          "volume 'v' is mounted at /etc/mysql/certs/server" },
        { POD(SETTINGS, LABELS("druids.kubedb.com"), USER "," ONE), "druid includes no folder" },
        { POD(",\"certrotate.io/settings-to\":\"conf.d\"", DB, USER "," ONE),
          "'conf.d' is no absolute path" },
        { POD(",\"certrotate.io/settings-to\":\"/etc/mysql/certs/server\"", DB, USER "," ONE),
          "no absolute path of a folder of its own" },
        { POD(SETTINGS, DB,
              USER ",\"volumes\":[{\"name\":\"v\",\"configMap\":{}}],\"containers\":[{\"name\":\"mariadb\","
                   "\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"/etc/mysql/custom.conf.d\"}]}]"),
          "volume 'v', which is mounted at /etc/mysql/custom.conf.d, cannot be written" },
        { "{\"metadata\":{\"annotations\":{\"certrotate.io/inject\":\"yes\"}}}", "neither true nor false" },
};

static void check_denied(const struct inject_settings *settings, const char *pod, const char *says)
{
        enum review_verdict verdict = REVIEW_LEFT;
        AUTO(json_free_p) cJSON *answer = review(settings, pod, &verdict);
        const cJSON *response = json_get(answer, "response");
        const char *said = json_get_str(json_get(response, "status"), "message");

        if (verdict != REVIEW_DENIED || said == NULL || strstr(said, says) == NULL)
                fail_msg("%s is not in: %s", says, said == NULL ? "(none)" : said);
        assert_false(json_get_bool(response, "allowed"));
        assert_null(json_get(response, "patch"));
}

static void contradictions(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
                check_denied(&native, wrong[i].pod, wrong[i].says);
}

/* A container that does not end would keep a Job from its end. */
static void jobs_take_native_sidecars(void **state UNUSED)
{
        const char *job = POD("", DB, USER ",\"restartPolicy\":\"Never\"," ONE);
        AUTO(json_free_p) cJSON *pod = inject(&native, job);

        assert_non_null(json_get(json_get(pod, "spec"), "initContainers"));
        check_denied(&plain, job, "native sidecars");
}

static void no_review(void **state UNUSED)
{
        static const char *const cases[] = {
                "",
                "x",
                "[]",
                "{}",
                "{\"apiVersion\":\"admission.k8s.io/v1beta1\",\"kind\":\"AdmissionReview\"}",
                "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{}}",
                "{\"apiVersion\":\"admission.k8s.io/"
                "v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\","
                "\"resource\":{\"resource\":\"secrets\"},\"operation\":\"CREATE\",\"object\":{}}}",
                "{\"apiVersion\":\"admission.k8s.io/"
                "v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\","
                "\"resource\":{\"resource\":\"pods\"},\"operation\":\"CREATE\",\"object\":null}}",
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(buf_done_p) struct buf out = BUF_INIT(REVIEW_MAX_BYTES);
                enum review_verdict verdict = REVIEW_LEFT;
                struct err err = ERR_INIT;

                assert_int_equal(review_pod(&native, cases[i], strlen(cases[i]), &out, &verdict, &err), -1);
                assert_int_equal(out.len, 0);
                assert_int_equal(err.kind, ERR_PARSE);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pods),
                cmocka_unit_test(settings),
                cmocka_unit_test(unset_stays_unset),
                cmocka_unit_test(left),
                cmocka_unit_test(a_mark_alone_means_nothing),
                cmocka_unit_test(contradictions),
                cmocka_unit_test(jobs_take_native_sidecars),
                cmocka_unit_test(no_review),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
