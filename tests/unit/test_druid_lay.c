// SPDX-License-Identifier: Apache-2.0
/*
 * Configuration laid into the files that a node reads: which goes where, that it wins, that TLS stays as it
 * is, and that it comes out again byte for byte.
 */
#include "hooks/druid_lay.h"

#include "base/mem.h"
#include "hooks/druid_custom.h"
#include "hooks/druid_settings.h"
#include "hooks/properties.h"
#include "hooks/properties_entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "druid_scene.h"

#define ROOM  ((size_t)1 << 20)
#define BEGIN "\n\n# certrotate lays this over what stands above; what is written here is lost\n"
#define END   "# certrotate ends here\n"
#define LIST  "druid.extensions.loadList="

static const char *lay(const struct druid_scene *scene, size_t i, const struct custom_text *files, size_t n,
                       const char *present, struct buf *out)
{
        struct err err = ERR_INIT;

        buf_reset(out);
        if (scene->hook->custom_lay(scene->database, i, files, n, present, out, &err) != 0)
                fail_msg("%s: %s", present, err.text);
        return buf_str(out);
}

static void each_place(void **state UNUSED)
{
        static const char *const names[] = { "common.runtime.properties", "routers.properties",
                                             "routers.jvm.config", "coordinators.properties",
                                             "zz-inline-routers.properties" };
        AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };
        AUTO(mem_free_p) char *common = NULL;
        AUTO(mem_free_p) char *own = NULL;
        AUTO(mem_free_p) char *jvm = NULL;
        AUTO(mem_free_p) char *moved = NULL;

        druid_scene_open(&scene, "routers", 0);
        common = scene.hook->custom_place(scene.database, "/conf/x", 0);
        own = scene.hook->custom_place(scene.database, "/conf/x", 1);
        jvm = scene.hook->custom_place(scene.database, "/conf/x", 2);
        assert_string_equal(common, "/conf/x");
        assert_string_equal(own, "/opt/druid/conf/druid/cluster/query/router/runtime.properties");
        assert_string_equal(jvm, "/opt/druid/conf/druid/cluster/query/router/jvm.config");
        assert_null(scene.hook->custom_place(scene.database, "/conf/x", 3));
        scene.settings.druid.directory = "/conf/router";
        moved = scene.hook->custom_place(scene.database, "/conf/x", 1);
        assert_string_equal(moved, "/conf/router/runtime.properties");
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                static const int ranks[ARRAY_LEN(names)][3] = {
                        { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 }, { 0, 0, 0 }, { 0, 2, 0 }
                };

                for (size_t k = 0; k < 3; k++)
                        assert_int_equal(druid_lay_rank("routers", k, names[i]), ranks[i][k]);
        }
        assert_int_equal(druid_lay_rank(NULL, 1, "routers.properties"), 0);
}

/* Every role has a place of its own. */
static void every_role(void **state UNUSED)
{
        for (size_t i = 0; druid_role_names[i] != NULL; i++) {
                AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };
                AUTO(mem_free_p) char *own = NULL;

                scene.endpoints[0] = NULL;
                druid_scene_open(&scene, druid_role_names[i], 0);
                own = scene.hook->custom_place(scene.database, "/x", 1);
                assert_non_null(strstr(own, "/runtime.properties"));
                assert_null(strstr(own, "(null)"));
        }
}

static const struct custom_text two[] = { { "zz-inline-common.runtime.properties", "b=2\\" },
                                          { "common.runtime.properties", "a=1\nb=1" },
                                          { "routers.properties", "c=1\n" },
                                          { "zz-inline-coordinators.properties", "d=1\n" } };
#define BLOCK BEGIN "a=1\nb=1\n\nb=2\\\n\n" END

static void in_and_out(void **state UNUSED)
{
        static const char *const presents[] = {
                "", "a=0\n", "a=0", "a=0\\", "a=0\\\n", "a=0\r\nx=\\u0041\r\n"
        };
        AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };
        AUTO(buf_done_p) struct buf out = BUF_INIT(ROOM);
        AUTO(buf_done_p) struct buf again = BUF_INIT(ROOM);

        druid_scene_open(&scene, "routers", 0);
        for (size_t i = 0; i < ARRAY_LEN(presents); i++) {
                AUTO(mem_free_p) char *want = mem_printf("%s" BLOCK, presents[i]);
                AUTO(buf_done_p) struct buf value = BUF_INIT(ROOM);
                struct err err = ERR_INIT;
                bool found;

                assert_string_equal(lay(&scene, 0, two, 4, presents[i], &out), want);
                assert_int_equal(properties_get(want, "a", &value, &found, &err), 0);
                assert_string_equal(buf_str(&value), "1");
                buf_reset(&value);
                assert_int_equal(properties_get(want, "b", &value, &found, &err), 0);
                assert_string_equal(buf_str(&value), "2");
                assert_string_equal(lay(&scene, 0, two, 4, want, &again), want);
                assert_string_equal(lay(&scene, 0, two, 0, want, &again), presents[i]);
        }
        /* Where it stood, whatever came behind it. */
        assert_string_equal(lay(&scene, 0, two, 4, "x=1\n" BEGIN "old=1\n" END "y=1\n", &out),
                            "x=1\n" BLOCK "y=1\n");
        /* What users write cannot end it. */
        assert_string_equal(lay(&scene, 0, two, 0, "x=1\n" BEGIN "old=1\n" END "a=1\n" END "y=1\n", &out),
                            "x=1\ny=1\n");
        assert_string_equal(lay(&scene, 1, two, 4, "", &out), BEGIN "c=1\n\n\n" END);
}

static void words_of_the_jvm(void **state UNUSED)
{
        static const struct custom_text files[] = { { "routers.jvm.config", "-Xmx1g\n" },
                                                    { "routers.properties", "x=1\n" } };
        AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };
        AUTO(buf_done_p) struct buf out = BUF_INIT(ROOM);

        druid_scene_open(&scene, "routers", 0);
        assert_string_equal(lay(&scene, 2, files, 2, "-server", &out),
                            "-server\n\n-Dcertrotate.configuration=begin\n-Xmx1g\n\n\n"
                            "-Dcertrotate.configuration=end\n");
        assert_null(strchr(buf_str(&out), '#'));
}

/* A list of extensions of the user's own must not take away the one that TLS needs; without TLS it is as
 * given. */
static void keeps_tls(void **state UNUSED)
{
        static const struct custom_text files[] = { { "common.runtime.properties", LIST "[\"a\"]\n" } };
        AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };
        AUTO(buf_done_p) struct buf tls = BUF_INIT(ROOM);
        AUTO(buf_done_p) struct buf laid = BUF_INIT(ROOM);
        AUTO(buf_done_p) struct buf out = BUF_INIT(ROOM);
        const struct settings_wish on = { .mode = TLS_ON, .generation = "/g" };
        const struct settings_wish off = { .mode = TLS_OFF, .generation = "/g" };
        struct err err = ERR_INIT;

        druid_scene_open(&scene, "routers", 0);
        assert_string_equal(lay(&scene, 0, files, 1, "", &out), BEGIN LIST "[\"a\"]\n\n\n" END);
        assert_int_equal(scene.hook->settings(scene.database, &on, LIST "[]\n", &tls, &err), 0);
        lay(&scene, 0, files, 1, buf_str(&tls), &laid);
        assert_non_null(strstr(buf_str(&laid), BEGIN LIST "[\"a\", \"simple-client-sslcontext\"]\n\n\n" END));
        assert_string_equal(lay(&scene, 0, files, 1, buf_str(&laid), &out), buf_str(&laid));
        assert_string_equal(lay(&scene, 0, files, 0, buf_str(&laid), &out), buf_str(&tls));
        /* Switched off while it stands there, and then taken out. */
        buf_reset(&tls);
        assert_int_equal(scene.hook->settings(scene.database, &off, buf_str(&laid), &tls, &err), 0);
        assert_non_null(strstr(buf_str(&tls), BEGIN LIST "[\"a\"]\n\n\n" END));
        scene.settings.druid.client_extension = false;
        lay(&scene, 0, files, 1, "druid.enableTlsPort=true\n", &out);
        assert_non_null(strstr(buf_str(&out), LIST "[\"a\"]\n"));
}

static void refuses(void **state UNUSED)
{
        static const struct {
                const char *name, *text, *present;
                size_t place;
                const char *says;
        } cases[] = {
                { "common.runtime.properties", "x=1\ndruid.enable\\u0054lsPort=false\n", "", 0,
                  "common.runtime.properties: druid.enableTlsPort is certrotate's" },
                { "zz-inline-routers.properties", "druid.enablePlaintextPort : true\n", "", 1,
                  "zz-inline-routers.properties: druid.enablePlaintextPort is certrotate's" },
                { "routers.properties", LIST "[]\n", "", 1, "belongs into common.runtime.properties" },
                { "routers.properties", "x=\\u12\n", "", 1, "line 1" },
                { "routers.properties", "x=1\n", BEGIN "x=1\n", 1, "'# certrotate ends here' is missing" },
        };
        AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };

        druid_scene_open(&scene, "routers", 0);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct custom_text file = { cases[i].name, cases[i].text };
                AUTO(buf_done_p) struct buf out = BUF_INIT(ROOM);
                struct err err = ERR_INIT;

                assert_int_equal(scene.hook->custom_lay(scene.database, cases[i].place, &file, 1,
                                                        cases[i].present, &out, &err),
                                 -1);
                if (strstr(err.text, cases[i].says) == NULL)
                        fail_msg("case %zu: %s", i, err.text);
        }
}

/* Every key that switching writes is owned, and nothing else of TLS is. */
static void owns_what_it_writes(void **state UNUSED)
{
        AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };
        AUTO(buf_done_p) struct buf text = BUF_INIT(ROOM);
        const struct settings_wish wish = { .mode = TLS_MIXED, .generation = "/g" };
        AUTO(properties_entry_done_p) struct properties_entry entry = properties_entry_before("");
        struct err err = ERR_INIT;
        const char *at;
        int n = 0;

        druid_scene_open(&scene, "routers", 0);
        assert_int_equal(scene.hook->settings(scene.database, &wish, "", &text, &err), 0);
        entry.max = text.len;
        at = buf_str(&text);
        while (properties_entry_next(buf_str(&text), &at, &entry, &err) == 0 && entry.start != NULL) {
                n++;
                if (!druid_settings_owns(buf_str(&entry.key)))
                        fail_msg("%s", buf_str(&entry.key));
        }
        assert_int_equal(n, 12);
        assert_false(druid_settings_owns("druid.tlsPort"));
}

/* Inline wins over what it is laid over, the role's own file over the common one; what Druid does not tell is
 * not judged. */
static void compares_properties(void **state UNUSED)
{
        static const char told[] = "{\"druid.port\":\"8082\",\"druid.server.http.numThreads\":\"12\",\"a "
                                   "b\":\"c:d\",\"in.line\":\"2\","
                                   "\"druid.extensions.loadList\":\"[\\\"x\\\", \\\"y\\\", "
                                   "\\\"simple-client-sslcontext\\\"]\"}";
        static const struct {
                const char *common;
                const char *own;
                const char *says;     /* "" fine */
                const char *standing; /* what the role's file says beside it */
        } cases[] = {
                { "", "", "", NULL },
                { "druid.server.http.numThreads=12\n# x\n", "druid.port : 8082\n", "", NULL },
                { "druid.port=1\n", "druid.port=8082\n", "", NULL },
                { "druid.port=8082\n", "druid.port=1\n",
                  "druid.port is '8082' after the restart, the files ask for '1'", NULL },
                { "druid.s3.secretKey=x\n", "", "", NULL },
                { "", "in.line=1\n", "", NULL },
                { "a\\ b=c\\:d\n", "", "", NULL },
                /* What the distribution says of the role is nobody's fault. */
                { "druid.port=1\n", "", "", "druid.port=8082\ndruid.server.http.numThreads=9\n" },
                { "druid.port=8082\n", "", "druid.port is '8082' after the restart, the files ask for '9'",
                  "druid.port=9\n" },
                { "druid.extensions.loadList=[\"x\",\"y\"]\n", "", "", NULL },
                { "druid.extensions.loadList=[\"y\", \"x\"]\n", "",
                  "druid.extensions.loadList is '[\"x\", \"y\", \"simple-client-sslcontext\"]' after the "
                  "restart, the files ask for '[\"y\", \"x\"]'",
                  NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct custom_text files[] = { { "brokers.properties", cases[i].own },
                                                     { "common.runtime.properties", cases[i].common },
                                                     { "zz-inline-brokers.properties", "in.line=2\n" },
                                                     { "routers.properties", "druid.port=7\n" },
                                                     { "brokers.jvm.config", "druid.port=7\n" } };
                struct err err = ERR_INIT;
                const struct druid_custom_case given = { "brokers", cases[i].standing, files,
                                                         ARRAY_LEN(files) };
                int r = druid_custom_judge(&given, told, strlen(told), &err);

                if ((r == 0) != (cases[i].says[0] == '\0') || strcmp(err.text, cases[i].says) != 0)
                        fail_msg("case %zu: %s", i, err.text);
        }
}

static void refuses_properties(void **state UNUSED)
{
        const struct druid_custom_case none = { .role = "brokers" };
        struct err err = ERR_INIT;

        assert_int_equal(druid_custom_check("brokers.properties", "a=1\nb=\\u12\n", &err), -1);
        assert_int_equal(err.kind, ERR_REFUSED);
        assert_int_equal(druid_custom_check("brokers.jvm.config", "-Xmx\\u12\n", &err), 0);
        assert_int_equal(druid_custom_check("brokers.properties", "a=1\n", &err), 0);
        assert_int_equal(druid_custom_judge(&none, "<html>", 6, &err), -1);
        assert_int_equal(err.kind, ERR_PROTOCOL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_place),          cmocka_unit_test(every_role),
                cmocka_unit_test(in_and_out),          cmocka_unit_test(words_of_the_jvm),
                cmocka_unit_test(keeps_tls),           cmocka_unit_test(refuses),
                cmocka_unit_test(owns_what_it_writes), cmocka_unit_test(compares_properties),
                cmocka_unit_test(refuses_properties),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
