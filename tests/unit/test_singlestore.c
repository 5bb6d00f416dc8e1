// SPDX-License-Identifier: Apache-2.0
/*
 * The SingleStore driver where it decides from text: settings, state of the cluster, may a leaf be restarted.
 */
#include "hooks/singlestore_state.h"

#include "base/limits.h"
#include "hooks/program.h"
#include "hooks/singlestore_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "testgolden.h"

static struct database *open_one(struct hook_settings *settings)
{
        const struct hook *hook = hook_find("singlestore");
        struct database *database = NULL;
        struct err err = ERR_INIT;

        settings->publish = "/etc/memsql/certs";
        settings->outputs = hook->outputs;
        settings->n_outputs = hook->n_outputs;
        if (hook->open(settings, &database, &err) == -1)
                fail_msg("%s", err.text);
        return database;
}

/* Appends mode by mode what becomes of `present`; each result must be its own result. */
static void write_modes(const struct database *database, const char *present, struct buf *out)
{
        static const enum tls_mode modes[] = { TLS_OFF, TLS_MIXED, TLS_ON };

        for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
                const struct settings_wish wish = { modes[i], "/etc/memsql/certs/..gen-000007" };
                AUTO(buf_done_p) struct buf once = BUF_INIT(CONFIG_MAX_BYTES);
                AUTO(buf_done_p) struct buf twice = BUF_INIT(CONFIG_MAX_BYTES);
                struct err err = ERR_INIT;

                assert_int_equal(database->hook->settings(database, &wish, present, &once, &err), 0);
                assert_int_equal(database->hook->settings(database, &wish, buf_str(&once), &twice, &err), 0);
                assert_string_equal(buf_str(&once), buf_str(&twice));
                buf_printf(out, "--- %s\n%s", tls_mode_name(modes[i]), buf_str(&once));
        }
}

static void settings_file(void **state UNUSED)
{
        static const char present[] =
                "# ours, and by hand\n[server]\nssl_cert = /old/server.crt\nssl-key=/old/server.key\n"
                "max_connections = 250 \n\n[client]\nssl_ca = /theirs\n";
        struct hook_settings settings = { .admin = { .socket = "/x" } };
        struct database *database = open_one(&settings);
        AUTO(buf_done_p) struct buf out = BUF_INIT(CONFIG_MAX_BYTES);

        buf_add_str(&out, "=== no file\n");
        write_modes(database, "", &out);
        buf_add_str(&out, "=== a file\n");
        write_modes(database, present, &out);
        testgolden_compare("singlestore-settings.txt", buf_str(&out));
        database->hook->close(database);
}

static void settings_refused(void **state UNUSED)
{
        static const struct output no_key[] = { { .name = "server.crt", .content = OUTPUT_CHAIN } };
        struct hook_settings settings = { .admin = { .socket = "/x" } };
        struct database *database = open_one(&settings);
        struct settings_wish wish = { TLS_REQUIRED, "/g" };
        AUTO(buf_done_p) struct buf out = BUF_INIT(CONFIG_MAX_BYTES);
        struct err err = ERR_INIT;

        assert_int_equal(database->hook->settings(database, &wish, "", &out, &err), -1);
        assert_int_equal(err.kind, ERR_USAGE);
        assert_non_null(strstr(err.text, "REQUIRE SSL"));
        wish.mode = TLS_ON;
        assert_int_equal(database->hook->settings(database, &wish, "[server\n", &out, &err), -1);
        assert_int_equal(err.kind, ERR_PARSE);
        assert_non_null(strstr(err.text, "line 1"));
        settings.outputs = no_key;
        settings.n_outputs = 1;
        assert_int_equal(database->hook->settings(database, &wish, "", &out, &err), -1);
        assert_non_null(strstr(err.text, "'key'"));
        assert_int_equal(out.len, 0);
        database->hook->close(database);
}

static void restart_needed(void **state UNUSED)
{
        static const struct {
                enum tls_mode mode;
                bool known, serves, authorities;
                bool wanted;
        } cases[] = {
                { TLS_ON, false, false, false, false },      { TLS_ON, true, true, true, false },
                { TLS_ON, true, true, false, true },         { TLS_ON, true, false, false, true },
                { TLS_MIXED, true, true, false, false },     { TLS_MIXED, true, true, true, true },
                { TLS_OFF, true, false, false, false },      { TLS_OFF, true, true, false, true },
                { TLS_UNMANAGED, true, true, false, false }, { TLS_UNMANAGED, true, true, true, false },
                { TLS_UNMANAGED, true, false, false, true },
        };
        struct hook_settings settings = { .admin = { .socket = "/x" },
                                          .process = { .pid_file = "/x", .executable = "y" } };
        struct database *database = open_one(&settings);
        struct singlestore *node = (struct singlestore *)(void *)database;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                database->mode = cases[i].mode;
                node->tls = (struct singlestore_tls){ .known = cases[i].known,
                                                      .serves = cases[i].serves,
                                                      .authorities = cases[i].authorities };
                if (database->hook->needs_restart(database, CHANGE_NEW_KEY) != cases[i].wanted)
                        fail_msg("case %zu", i);
        }
        /* It was told to end, and nobody knows what it came back with. */
        node->tls = (struct singlestore_tls){ .known = false };
        node->ended = true;
        database->mode = TLS_OFF;
        assert_true(database->hook->needs_restart(database, CHANGE_NEW_KEY));
        database->mode = TLS_UNMANAGED;
        assert_false(database->hook->needs_restart(database, CHANGE_NEW_KEY));
        settings.process = (struct process_settings){ .pid_file = NULL };
        assert_false(database->hook->needs_restart(database, CHANGE_NEW_KEY));
        assert_null(database->hook->restart(database, 1000));
        database->hook->close(database);
}

static void bad_settings(void **state UNUSED)
{
        const struct hook_settings settings = { .admin = { .socket = "/x" },
                                                .singlestore = { .aggregator = "h:x" } };
        struct database *database = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(hook_find("singlestore")->open(&settings, &database, &err), -1);
        assert_int_equal(err.kind, ERR_USAGE);
        assert_non_null(strstr(err.text, "singlestore.aggregator"));
}

static void aggregator(struct singlestore_state *state, const char *host, const char *id, const char *master,
                       const char *condition)
{
        const char *const values[] = { host, "3306", condition, "1", "0.2", master, "leader", id, "online" };

        singlestore_state_aggregator(state, values, ARRAY_LEN(values));
        state->looked = true;
        state->aggregator = true;
}

static void leaf(struct singlestore_state *state, const char *host, const char *port, const char *pair_port,
                 const char *condition)
{
        const char *const values[] = { host,      port,      "1", pair_port == NULL ? NULL : host,
                                       pair_port, condition, "1", "0.3",
                                       "7",       NULL,      "" };

        singlestore_state_leaf(state, values, ARRAY_LEN(values));
        state->looked = true;
        state->aggregator = true;
}

static void role(void **state UNUSED)
{
        struct singlestore_state cluster = { .looked = false };

        assert_string_equal(singlestore_state_role(&cluster), "");
        cluster.looked = true;
        assert_string_equal(singlestore_state_role(&cluster), "leaf");
        aggregator(&cluster, "a", "1", "1", "online");
        assert_string_equal(singlestore_state_role(&cluster), "standalone");
        leaf(&cluster, "l", "3306", NULL, "online");
        assert_string_equal(singlestore_state_role(&cluster), "master");
        aggregator(&cluster, "b", "2", "0", "online");
        cluster.own_id = 2;
        assert_string_equal(singlestore_state_role(&cluster), "aggregator");
        cluster.own_id = 1;
        assert_string_equal(singlestore_state_role(&cluster), "master");
        singlestore_state_aggregator(&cluster, (const char *const[]){ "x", "1", "online" }, 3);
        singlestore_state_leaf(&cluster, (const char *const[]){ NULL, "1", "1", "h", "1", "online" }, 6);
        assert_int_equal(cluster.n, 3); /* rows that are none are passed over */
        singlestore_state_done(&cluster);
}

static void judgement(void **state UNUSED)
{
        struct singlestore_state now = { .looked = false };
        struct singlestore_state before = { .looked = false };
        struct err err = ERR_INIT;

        aggregator(&now, "a", "1", "1", "online");
        leaf(&now, "l", "1", "2", "online");
        leaf(&now, "l", "2", "1", "offline");
        assert_int_equal(singlestore_state_judge(&now, NULL, &err), -1);
        assert_int_equal(err.kind, ERR_UNHEALTHY);
        assert_non_null(strstr(err.text, "leaf l:2 is offline"));
        leaf(&before, "l", "2", "1", "online");
        assert_int_equal(singlestore_state_judge(&now, &before, &err), -1);
        singlestore_state_done(&before);
        leaf(&before, "l", "2", "1", "recovering");
        assert_int_equal(singlestore_state_judge(&now, &before, &err), 0);
        singlestore_state_partition(&now, (const char *const[]){ "l", "2", "db", "master", "offline" }, 5);
        assert_int_equal(singlestore_state_judge(&now, &before, &err), 0);
        singlestore_state_partition(&now, (const char *const[]){ "l", "1", "db_1", "replica", "recovering" },
                                    5);
        assert_int_equal(singlestore_state_judge(&now, &before, &err), -1);
        assert_non_null(strstr(err.text, "db_1 (replica) is recovering on l:1"));
        singlestore_state_done(&now);
        singlestore_state_done(&before);
}

static void may_restart(void **state UNUSED)
{
        static const struct {
                const char *host, *condition, *pair_port;
                const char *hostname;
                const char *known_as;
                const char *fault; /* NULL: it may */
        } cases[] = {
                { "127.0.0.1", "online", "2", "x", NULL, NULL },
                { "127.0.0.1", "offline", "2", "x", NULL, "is offline, not online" },
                { "127.0.0.1", "online", NULL, "x", NULL, "has no pair" },
                { "127.0.0.1", "online", "9", "x", NULL, "not in SHOW LEAVES" },
                { "leaf-0.pods.svc", "online", "2", "leaf-0", NULL, NULL },
                { "leaf-0.pods.svc", "online", "2", "leaf-1", NULL, "singlestore.node" },
                { "leaf-0.pods.svc", "online", "2", "leaf", NULL, "singlestore.node" },
                { "10.0.0.1", "online", "2", "x", "10.0.0.1:1", NULL },
                { "10.0.0.1", "online", "2", "x", "10.0.0.2:1", "singlestore.node" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct singlestore_state cluster = { .looked = false };
                struct singlestore_self self = { .redundancy = 2, .port = 1 };
                struct err err = ERR_INIT;
                int result;

                (void)snprintf(self.hostname, sizeof(self.hostname), "%s", cases[i].hostname);
                leaf(&cluster, cases[i].host, "1", cases[i].pair_port, "online");
                leaf(&cluster, cases[i].host, "2", "1", cases[i].condition);
                result = singlestore_state_pair(&cluster, &self, cases[i].known_as, &err);
                assert_int_equal(result, cases[i].fault == NULL ? 0 : -1);
                if (result == -1 && (err.kind != ERR_NOT_READY || strstr(err.text, cases[i].fault) == NULL))
                        fail_msg("%zu: %s", i, err.text);
                singlestore_state_partition(
                        &cluster, (const char *const[]){ cases[i].host, "2", "db", "master", "pending" }, 5);
                if (result == 0)
                        assert_int_equal(singlestore_state_pair(&cluster, &self, cases[i].known_as, &err),
                                         -1);
                singlestore_state_done(&cluster);
        }
}

static int count_down(void *self, const struct err *failure, int64_t left_ms, struct op **out,
                      struct err *err)
{
        int *count = self;

        assert_true(failure == NULL && left_ms > 0);
        if (*count == 3)
                return err_set(err, ERR_ENGINE, "three");
        if (++*count != 2)
                *out = program_pause(10);
        return 0;
}

static void nothing(void *self UNUSED)
{
}

static void programs(void **state UNUSED)
{
        static const struct program_type type = { .name = "count", .next = count_down, .free = nothing };
        struct err err = ERR_INIT;
        int count = 0;
        struct op *op = program_start(&type, &count, 5000);

        assert_int_equal(op_run(op, 5000, &err), 0);
        assert_int_equal(count, 2);
        op_free(op);
        op = program_start(&type, &count, 5000);
        assert_int_equal(op_run(op, 5000, &err), -1);
        assert_int_equal(err.kind, ERR_ENGINE);
        op_free(op);
        count = 0;
        op = program_start(&type, &count, 5000);
        op_free(op); /* not begun */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(settings_file),  cmocka_unit_test(settings_refused),
                cmocka_unit_test(restart_needed), cmocka_unit_test(bad_settings),
                cmocka_unit_test(role),           cmocka_unit_test(judgement),
                cmocka_unit_test(may_restart),    cmocka_unit_test(programs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
