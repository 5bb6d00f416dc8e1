// SPDX-License-Identifier: Apache-2.0
/*
 * engines_view: drivers that are none, in every form.
 */
#include "cli/engines_view.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct output files[] = {
        { .name = "ca.crt", .content = OUTPUT_CA, .attr = { .mode = 0644 } },
        { .name = "store.p12", .content = OUTPUT_PKCS12, .attr = { .mode = 0640 }, .plain = true },
};
static const char *const sections[] = { "admin", "process", NULL };
static const char *const endpoints[] = { "tls://127.0.0.1:1", "tls://127.0.0.1:2", NULL };
static const char *const roles[] = { "follower", "leader", NULL };

static struct op *ask(struct database *database UNUSED, int64_t limit_ms UNUSED)
{
        return NULL;
}

static int put(const struct database *database UNUSED, const struct settings_wish *wish UNUSED,
               const char *present UNUSED, struct buf *out UNUSED, struct err *err UNUSED)
{
        return 0;
}

static const struct hook whole = {
        .name = "whole",
        .summary = "has everything",
        .caps = HOOK_RELOADS | HOOK_TRUST_GROWS | HOOK_CLUSTERED,
        .sections = sections,
        .endpoints = endpoints,
        .outputs = files,
        .n_outputs = ARRAY_LEN(files),
        .roles = roles,
        .settings_file = "/etc/x.cnf",
        .not_reloaded = "old connections",
        .settings = put,
        .reload = ask,
        .restart = ask,
};
static const struct hook bare = {
        .name = "bare", .summary = "has nothing", .caps = HOOK_CLUSTERED, .sections = sections + 2
};
static const struct hook *const both[] = { &whole, &bare, NULL };

static void list(void **state UNUSED)
{
        static const char want[] =
                "ENGINE  RELOAD  RESTART  FILES             PROOF                                ORDER\n"
                "whole   yes     yes      ca.crt store.p12  tls://127.0.0.1:1 tls://127.0.0.1:2  follower, "
                "leader\n"
                "bare    no      no       as configured     as configured                        any, one at "
                "a time\n"
                "\n"
                "ENGINE  SETTINGS FILE  NOT REACHED BY A RELOAD\n"
                "whole   /etc/x.cnf     old connections\n"
                "bare    not switched   everything: it is restarted\n";
        AUTO(buf_done_p) struct buf out = BUF_INIT((size_t)64 << 10);

        engines_view_list(both, false, &out);
        assert_string_equal(buf_str(&out), want);
}

static void one(void **state UNUSED)
{
        static const char want[] =
                "engine         whole\n"
                "what           has everything\n"
                "sections       admin process\n"
                "files          ca.crt (ca, 0644)\n"
                "               store.p12 (pkcs12, 0640, a real file)\n"
                "settings file  /etc/x.cnf\n"
                "reload         yes\n"
                "restart        yes\n"
                "proof          tls://127.0.0.1:1 tls://127.0.0.1:2\n"
                "order          follower, leader\n"
                "not reached    old connections\n"
                "note           an authority that was dropped is trusted until a restart\n";
        AUTO(buf_done_p) struct buf out = BUF_INIT((size_t)64 << 10);
        AUTO(buf_done_p) struct buf colored = BUF_INIT((size_t)64 << 10);

        engines_view_one(&whole, false, &out);
        assert_string_equal(buf_str(&out), want);
        engines_view_one(&whole, true, &colored);
        assert_non_null(strchr(buf_str(&colored), '\033'));
        buf_reset(&out);
        engines_view_one(&bare, false, &out);
        assert_string_equal(buf_str(&out), "engine         bare\n"
                                           "what           has nothing\n"
                                           "settings file  not switched\n"
                                           "reload         no\n"
                                           "restart        no\n"
                                           "proof          as configured\n"
                                           "order          any, one at a time\n"
                                           "not reached    everything: it is restarted\n");
}

static void json(void **state UNUSED)
{
        static const char want[] =
                "{\"name\":\"whole\",\"summary\":\"has everything\",\"sections\":[\"admin\",\"process\"],"
                "\"files\":[{\"name\":\"ca.crt\",\"content\":\"ca\",\"mode\":\"0644\",\"plain\":false},"
                "{\"name\":\"store.p12\",\"content\":\"pkcs12\",\"mode\":\"0640\",\"plain\":true}],"
                "\"reloads\":true,\"restarts\":true,\"clustered\":true,\"trustGrows\":true,"
                "\"endpoints\":[\"tls://127.0.0.1:1\",\"tls://127.0.0.1:2\"],"
                "\"roles\":[\"follower\",\"leader\"],\"switchesTls\":true,"
                "\"settingsFile\":\"/etc/x.cnf\",\"notReloaded\":\"old connections\"}";
        AUTO(json_free_p) cJSON *tree = engines_view_json(&whole);
        AUTO(json_free_p) cJSON *little = engines_view_json(&bare);
        AUTO(mem_free_p) char *text = json_print(tree, false);

        assert_string_equal(text, want);
        assert_false(json_get_bool(little, "reloads"));
        assert_null(json_get(little, "settingsFile"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(list),
                cmocka_unit_test(one),
                cmocka_unit_test(json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
