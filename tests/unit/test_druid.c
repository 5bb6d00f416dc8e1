// SPDX-License-Identifier: Apache-2.0
/*
 * The Druid driver as far as it is decided from text. Real nodes: tests/e2e/test_rotate_druid.py.
 */
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "hooks/druid.h"
#include "hooks/druid_facts.h"
#include "testbundle.h"
#include "testca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "druid_scene.h"

#define ROOM ((size_t)1 << 20)

static void refuses_settings(void **state UNUSED)
{
        static const struct output swapped[] = {
                { .name = "k.jks", .content = OUTPUT_PKCS12 },
                { .name = "t.jks", .content = OUTPUT_TRUSTSTORE },
        };
        static const struct output shouting[] = {
                { .name = "t.jks", .content = OUTPUT_TRUSTSTORE },
                { .name = "k.jks", .content = OUTPUT_PKCS12, .alias = "Druid" },
        };
        static const char *const one[] = { "/a", "/a" };
        static const char *const at[] = { "https://localhost:9088", NULL };
        static const struct {
                const struct output *outputs;
                size_t n;
                const char *const *passwords;
                const char *const *endpoints;
                const char *variable;
                int admin_port;
                const char *text;
        } cases[] = {
                { swapped, 2, one, NULL, "X", 0, "druid.role" },
                { swapped, 2, one, at, "X", 8081, "admin.port" },
                { swapped, 2, one, at, "X", 0, "before 'k.jks'" },
                { swapped, 1, one, at, "X", 0, "truststore" },
                { shouting, 1, one, at, "X", 0, "pkcs12" },
                { shouting, 2, one, at, "X", 0, "lower case" },
                { shouting, 2, one, at, "a\"b", 0, "environment variable" },
                { shouting, 2, one, at, "1X", 0, "environment variable" },
        };
        struct err err = ERR_INIT;
        struct database *database;
        struct hook_settings settings = { .publish = "/p", .outputs = hook_find("druid")->outputs };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                settings = (struct hook_settings){ .publish = "/p",
                                                   .outputs = cases[i].outputs,
                                                   .n_outputs = cases[i].n,
                                                   .password_files = cases[i].passwords,
                                                   .endpoints = cases[i].endpoints };
                settings.druid.password_variable = cases[i].variable;
                settings.admin.port = cases[i].admin_port;
                assert_int_equal(hook_find("druid")->open(&settings, &database, &err), -1);
                assert_int_equal(err.kind, ERR_USAGE);
                if (strstr(err.text, cases[i].text) == NULL)
                        fail_msg("%zu: %s", i, err.text);
        }
}

static void refuses_passwords_and_endpoints(void **state UNUSED)
{
        static const char *const mysql[] = { "mysql://localhost:9088", NULL };
        static const char *const at[] = { "https://localhost:9088", NULL };
        static const struct {
                const char *passwords[2];
                const char *const *endpoints;
                const char *text;
        } cases[] = {
                { { NULL, NULL }, at, "store-password-file" },
                { { "/a", NULL }, at, "store-password-file" },
                { { "/a", "/b" }, at, "the same password file" },
                { { "/a", "/a" }, mysql, "https://HOST:PORT" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct output outputs[] = { { .name = "t", .content = OUTPUT_TRUSTSTORE },
                                                  { .name = "k", .content = OUTPUT_PKCS12 } };
                struct hook_settings settings = { .publish = "/p", .outputs = outputs, .n_outputs = 2 };
                struct database *database;
                struct err err = ERR_INIT;

                settings.password_files = cases[i].passwords;
                settings.endpoints = cases[i].endpoints;
                settings.druid.password_variable = "X";
                assert_int_equal(hook_find("druid")->open(&settings, &database, &err), -1);
                assert_int_equal(err.kind, ERR_USAGE);
                assert_non_null(strstr(err.text, cases[i].text));
        }
}

static void knows_ports_of_roles(void **state UNUSED)
{
        static const struct {
                const char *role;
                const char *url;
        } cases[] = {
                { "coordinators", "https://127.0.0.1:8281" },   { "overlords", "https://127.0.0.1:8290" },
                { "historicals", "https://127.0.0.1:8283" },    { "brokers", "https://127.0.0.1:8282" },
                { "middleManagers", "https://127.0.0.1:8291" }, { "routers", "https://127.0.0.1:9088" },
        };
        const struct hook *hook = hook_find("druid");
        struct hook_settings settings = { .publish = "/p" };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                settings.druid.role = cases[i].role;
                assert_string_equal(hook->endpoint(&settings), cases[i].url);
                assert_non_null(druid_role_find(hook->roles[i]));
        }
        settings.druid.role = NULL;
        assert_null(hook->endpoint(&settings));
}

#define KEYS                                                                                                 \
        "druid.server.https.certAlias=druid\n"                                                               \
        "druid.server.https.keyStorePath=/nowhere/keystore.jks\n"                                            \
        "druid.server.https.keyStoreType=jks\n"                                                              \
        "druid.server.https.keyStorePassword={\"type\": \"environment\", "                                   \
        "\"variable\": \"DRUID_KEY_STORE_PASSWORD\"}\n"                                                      \
        "druid.client.https.trustStorePath=/nowhere/truststore.jks\n"                                        \
        "druid.client.https.trustStoreType=jks\n"                                                            \
        "druid.client.https.trustStorePassword={\"type\": \"environment\", "                                 \
        "\"variable\": \"DRUID_KEY_STORE_PASSWORD\"}\n"                                                      \
        "druid.client.https.validateHostnames=false\n"                                                       \
        "druid.server.https.reloadSslContext=true\n"                                                         \
        "druid.server.https.reloadSslContextSeconds=5\n"
#define MIXED "druid.enablePlaintextPort=true\ndruid.enableTlsPort=true\n" KEYS
#define ON    "druid.enablePlaintextPort=false\ndruid.enableTlsPort=true\n" KEYS

static void set_tls(const struct druid_scene *scene, enum tls_mode mode, const char *present, struct buf *out)
{
        const struct settings_wish wish = { .mode = mode, .generation = "/nowhere/..gen-000001" };
        struct err err = ERR_INIT;

        buf_reset(out);
        if (scene->hook->settings(scene->database, &wish, present, out, &err) != 0)
                fail_msg("%s", err.text);
}

static void switches_tls(void **state UNUSED)
{
        static const struct {
                enum tls_mode mode;
                const char *before;
                const char *after;
        } cases[] = {
                { TLS_OFF, "", "" },
                { TLS_ON, "", ON },
                { TLS_REQUIRED, "a=b", "a=b\n" ON },
                { TLS_MIXED, "# c\n", "# c\n" MIXED },
                /* Without a list every extension is loaded: adding one would take the others away. */
                { TLS_MIXED, "#druid.extensions.loadList=[]\n", "#druid.extensions.loadList=[]\n" MIXED },
                { TLS_MIXED, "druid.extensions.loadList=null\n", "druid.extensions.loadList=null\n" MIXED },
                { TLS_ON, "druid.extensions.loadList=[]\nx=y\n",
                  "druid.extensions.loadList=[\"simple-client-sslcontext\"]\nx=y\n" ON },
                { TLS_ON, "druid.extensions.loadList = [\"a\",\\\n \"b\\u0063\"]\n",
                  "druid.extensions.loadList=[\"a\", \"bc\", \"simple-client-sslcontext\"]\n" ON },
                { TLS_ON, "druid.extensions.loadList=[\"simple-client-sslcontext\",\"a\"]\n",
                  "druid.extensions.loadList=[\"simple-client-sslcontext\",\"a\"]\n" ON },
                { TLS_OFF, "druid.extensions.loadList=[\"simple-client-sslcontext\",\"a\"]\n" ON "z=1\n",
                  "druid.extensions.loadList=[\"a\"]\nz=1\n" },
                { TLS_OFF, MIXED, "" },
                { TLS_OFF, "druid.server.https.requireClientCertificate=true\ndruid.tlsPort=1\n",
                  "druid.server.https.requireClientCertificate=true\ndruid.tlsPort=1\n" },
        };
        AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };
        AUTO(buf_done_p) struct buf out = BUF_INIT(ROOM);
        AUTO(buf_done_p) struct buf again = BUF_INIT(ROOM);

        druid_scene_open(&scene, "routers", 0);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                set_tls(&scene, cases[i].mode, cases[i].before, &out);
                assert_string_equal(buf_str(&out), cases[i].after);
                set_tls(&scene, cases[i].mode, buf_str(&out), &again);
                assert_string_equal(buf_str(&again), cases[i].after);
        }
        scene.settings.druid.client_extension = false;
        set_tls(&scene, TLS_ON, "druid.extensions.loadList=[\"a\"]\n", &out);
        assert_string_equal(buf_str(&out), "druid.extensions.loadList=[\"a\"]\n" ON);
}

static void refuses_other_files(void **state UNUSED)
{
        static const char *const bad[] = {
                "x=\\u12\n",
                "druid.extensions.loadList=a,b\n",
                "druid.extensions.loadList={\"a\": 1}\n",
                "druid.extensions.loadList=[1]\n",
                "druid.extensions.loadList=\n",
        };
        const struct settings_wish wish = { .mode = TLS_ON, .generation = "/g" };
        AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };

        druid_scene_open(&scene, "routers", 0);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                AUTO(buf_done_p) struct buf out = BUF_INIT(ROOM);
                struct err err = ERR_INIT;

                assert_int_equal(scene.hook->settings(scene.database, &wish, bad[i], &out, &err), -1);
                assert_int_equal(err.kind, ERR_PARSE);
                assert_non_null(strstr(err.text, i == 0 ? "line 1" : "loadList"));
        }
}

/* Before anything is asked: the order of turns follows from it. */
static void knows_its_role(void **state UNUSED)
{
        AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };
        AUTO(druid_scene_done_p) struct druid_scene other = { .hook = NULL };

        druid_scene_open(&scene, "routers", 0);
        assert_string_equal(scene.database->facts.role, "routers");
        druid_scene_open(&other, NULL, 0);
        assert_string_equal(other.database->facts.role, "");
}

static void takes_facts(void **state UNUSED)
{
        static const struct {
                const char *text;
                bool cannot_reload;
                int64_t interval_ms;
                bool clustered;
        } cases[] = {
                { "{}", true, 60000, false },
                { "{\"druid.server.https.reloadSslContext\": \"true\"}", false, 60000, false },
                { "{\"druid.server.https.reloadSslContext\": \"true\", "
                  "\"druid.server.https.reloadSslContextSeconds\": \"7\"}",
                  false, 7000, false },
                { "{\"druid.server.https.reloadSslContextSeconds\": \"-7\"}", true, 60000, false },
                { "{\"druid.client.https.trustStorePath\": \"/t\"}", true, 60000, true },
                { "{\"druid.client.https.trustStorePath\": \"/t\", \"druid.extensions.loadList\": \"[]\"}",
                  true, 60000, false },
                { "{\"druid.client.https.trustStorePath\": \"/t\", \"druid.extensions.loadList\": "
                  "\"[\\\"simple-client-sslcontext\\\"]\"}",
                  true, 60000, true },
        };
        static const char *const bad[] = { "", "[]", "true", "<html>", "{\"a\": " };
        struct druid druid = { .role = NULL };
        struct err err = ERR_INIT;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                assert_int_equal(
                        druid_facts_take_properties(cases[i].text, strlen(cases[i].text), &druid, &err), 0);
                assert_int_equal(druid.cannot_reload, cases[i].cannot_reload);
                assert_int_equal(druid.interval_ms, cases[i].interval_ms);
                assert_int_equal(druid.database.facts.clustered, cases[i].clustered);
        }
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                assert_int_equal(druid_facts_take_properties(bad[i], strlen(bad[i]), &druid, &err), -1);
                assert_int_equal(err.kind, ERR_PROTOCOL);
                assert_int_equal(druid_facts_take_status(bad[i], strlen(bad[i]), &druid, &err), -1);
                assert_int_equal(err.kind, ERR_PROTOCOL);
        }
        assert_int_equal(druid_facts_take_status("{\"version\": \"33.0.0\"}", 21, &druid, &err), 0);
        assert_string_equal(druid.database.facts.version, "33.0.0");
        assert_int_equal(druid_facts_take_status("{\"version\": 33}", 15, &druid, &err), -1);
}

static int count_findings(const struct druid_scene *scene, const struct bundle *fresh,
                          const struct bundle *published, const char *text)
{
        AUTO(findings_done_p) struct findings findings = FINDINGS_INIT;
        int n = 0;

        scene->hook->check(scene->database, fresh, published, &findings);
        for (size_t i = 0; i < findings.n; i++)
                n += strstr(findings.items[i].text, text) != NULL;
        return n;
}

static struct bundle *make_bundle(const struct testca *root, bool with_authority)
{
        AUTO(testca_free_p)
        struct testca *leaf = testca_make(root, &(struct testca_options){ .names = "DNS:d" });
        AUTO(mem_free_p) char *certificate = testca_chain_pem((const struct testca *[]){ leaf }, 1);
        AUTO(mem_free_p) char *key = testca_key_pem(leaf, TESTCA_PKCS8, NULL);
        AUTO(mem_free_p) char *ca = testca_chain_pem((const struct testca *[]){ root }, 1);

        return testbundle_load(certificate, key, with_authority ? ca : NULL);
}

static void judges_bundles(void **state UNUSED)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *file = mem_printf("%s/password", dir);
        AUTO(mem_free_p) char *keys = mem_printf("%s/keystore.jks", dir);
        AUTO(testca_free_p) struct testca *root = testca_root("root");
        AUTO(testca_free_p) struct testca *other = testca_root("other");
        AUTO(bundle_free_p) struct bundle *old = make_bundle(root, true);
        AUTO(bundle_free_p) struct bundle *renewed = make_bundle(root, true);
        AUTO(bundle_free_p) struct bundle *foreign = make_bundle(other, true);
        AUTO(bundle_free_p) struct bundle *bare = make_bundle(root, false);
        const struct fs_attr attr = { 0600, FS_KEEP, (gid_t)FS_KEEP };
        AUTO(druid_scene_done_p) struct druid_scene scene = { .command = { "true" } };
        AUTO(secret_done_p) struct secret password = SECRET_INIT;
        AUTO(buf_done_p) struct buf store = BUF_INIT(ROOM);
        struct output output;
        struct err err = ERR_INIT;

        druid_scene_open(&scene, "routers", 0);
        scene.settings.publish = dir;
        assert_int_equal(count_findings(&scene, renewed, old, ""), 0);
        assert_int_equal(count_findings(&scene, bare, old, "no authority"), 1);
        assert_int_equal(count_findings(&scene, foreign, old, "process.command"), 1);
        scene.settings.process.command = scene.command;
        assert_int_equal(count_findings(&scene, foreign, old, ""), 0);
        scene.database->facts.clustered = true;
        assert_int_equal(count_findings(&scene, foreign, old, "other nodes of the cluster"), 1);
        assert_int_equal(count_findings(&scene, renewed, old, ""), 0);

        output = scene.hook->outputs[4];
        secret_set(&password, "druid-password", 14);
        output.password = &password;
        assert_int_equal(output_render(&output, old, &old->authorities, &store, &err), 0);
        assert_int_equal(fs_replace(keys, store.data, store.len, &attr, &err), 0);
        assert_int_equal(fs_replace(file, "druid-password\n", 15, &attr, &err), 0);
        scene.passwords[4] = file;
        assert_int_equal(count_findings(&scene, renewed, old, ""), 0);
        assert_int_equal(fs_replace(file, "another\n", 8, &attr, &err), 0);
        assert_int_equal(count_findings(&scene, renewed, old, "only when it starts"), 1);
        /* A real JKS from before cannot be opened by us, and says nothing. */
        assert_int_equal(fs_replace(keys, "\xfe\xed\xfe\xed\0\0\0\2", 8, &attr, &err), 0);
        assert_int_equal(count_findings(&scene, renewed, old, ""), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(refuses_passwords_and_endpoints),
                cmocka_unit_test(refuses_settings),
                cmocka_unit_test(knows_ports_of_roles),
                cmocka_unit_test(switches_tls),
                cmocka_unit_test(refuses_other_files),
                cmocka_unit_test(knows_its_role),
                cmocka_unit_test(takes_facts),
                cmocka_unit_test(judges_bundles),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
