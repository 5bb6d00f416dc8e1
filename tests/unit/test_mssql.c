// SPDX-License-Identifier: Apache-2.0
/*
 * The pure parts of the mssqlserver driver: what it asks of a certificate, what rows of the views mean, what
 * errors mean. The rest is in tests/e2e/test_rotate_mssqlserver.py.
 */
#include "base/buf.h"
#include "hooks/drivers.h"
#include "hooks/mssql_error.h"
#include "hooks/mssql_link.h"
#include "hooks/mssql_memory.h"
#include "hooks/mssql_rules.h"
#include "hooks/mssql_state.h"
#include "testbundle.h"
#include "testca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void rules(void **state UNUSED)
{
        static const struct {
                struct testca_options leaf;
                const char *said; /* NULL: fine */
        } cases[] = {
                { { .key = TESTCA_RSA2048, .names = "DNS:db" }, NULL },
                { { .key = TESTCA_P256, .names = "DNS:db" }, "privateKey.algorithm: RSA" },
                { { .key = TESTCA_ED25519, .names = "DNS:db" }, "no RSA key" },
                { { .key = TESTCA_RSA1024, .names = "DNS:db" }, "1024 bits" },
                { { .key = TESTCA_RSA2048, .names = "DNS:db", .key_usage = "digitalSignature" },
                  "key encipherment" },
                { { .key = TESTCA_RSA2048, .names = "DNS:db", .key_usage = "" }, NULL },
                { { .key = TESTCA_RSA2048, .names = "DNS:db", .ext_usage = "" }, "extended key usage" },
                { { .key = TESTCA_RSA2048, .names = "DNS:db", .digest = "SHA1" }, "weaker than SHA-2" },
                { { .key = TESTCA_RSA2048, .names = "IP:10.0.0.1", .subject = "" }, "neither a common name" },
                { { .key = TESTCA_RSA2048, .names = "DNS:db", .subject = "" }, NULL },
                { { .key = TESTCA_RSA2048, .names = "", .subject = "db" }, NULL },
        };
        AUTO(testca_free_p) struct testca *root = testca_root("root");
        struct policy policy;

        policy_init(&policy);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(testca_free_p) struct testca *leaf = testca_make(root, &cases[i].leaf);
                AUTO(mem_free_p) char *certificate = testca_cert_pem(leaf);
                AUTO(mem_free_p) char *key = testca_key_pem(leaf, TESTCA_PKCS8, NULL);
                AUTO(mem_free_p) char *authorities = testca_cert_pem(root);
                AUTO(bundle_free_p) struct bundle *bundle = testbundle_load(certificate, key, authorities);
                AUTO(findings_done_p) struct findings found = FINDINGS_INIT;
                const struct hook_settings settings = { .policy = &policy };
                const struct database database = { .settings = &settings };

                mssql_rules_check(&database, bundle, NULL, &found);
                assert_int_equal(found.n, cases[i].said == NULL ? 0 : 1);
                if (found.n > 0 && strstr(found.items[0].text, cases[i].said) == NULL)
                        fail_msg("%zu: %s", i, found.items[0].text);
                if (found.n > 0)
                        assert_int_equal(found.items[0].severity, SEVERITY_REFUSE);
        }
}

static const struct mssql_sick nothing_before = { .n = 0 };

/* A group of three seen by its primary sql-0; words may be replaced. */
struct scene {
        const char *own_role;
        const char *own_connected;
        const char *own_sync;
        const char *mode; /* of the secondaries */
        const char *connected;
        const char *sync[2];
        bool lone; /* no other replica */
};

static void play(const struct scene *scene, struct mssql_state *state)
{
        static const char *const ids[] = { "A", "B", "C" };
        static const char *const names[] = { "sql-0", "sql-1", "sql-2" };
        static const char *const urls[] = { "TCP://10.0.0.1:5022", "TCP://[fd00::2]:5022",
                                            "tcp://sql-2.sql:5022" };
        const char *server[] = { "16.0.4135.4", "1" };
        const char *group[] = { "G", "ag1" };
        int n = scene->lone ? 1 : 3;

        memset(state, 0, sizeof(*state));
        mssql_state_take_server(state, server, 2);
        for (int i = 0; i < n; i++) {
                const char *route = i == 2 ? "tcp://sql-2.sql:11433" : NULL;
                const char *mode = i == 0 ? "SYNCHRONOUS_COMMIT" : scene->mode;
                const char *row[] = { ids[i], "G", names[i], urls[i], route, mode };

                mssql_state_take_replica(state, row, 6);
        }
        mssql_state_take_group(state, group, 2);
        for (int i = 0; i < n; i++) {
                const char *role[] = { ids[i], i == 0 ? "1" : "0", i == 0 ? scene->own_role : "SECONDARY",
                                       i == 0 ? scene->own_connected : scene->connected };
                const char *sync[] = { ids[i], i == 0 ? scene->own_sync : scene->sync[i - 1] };

                mssql_state_take_role(state, role, 4);
                mssql_state_take_synchronization(state, sync, 2);
        }
}

static const char ok[] = "SYNCHRONIZED";
static const char on[] = "CONNECTED";
static const char commit[] = "SYNCHRONOUS_COMMIT";
static const struct {
        struct scene scene;
        const char *role;
        const char *sick;      /* NULL: well */
        const char *successor; /* NULL: none; "": not ready */
} judgements[] = {
        { { "PRIMARY", on, ok, commit, on, { ok, ok }, false }, "primary", NULL, "sql-1" },
        { { "PRIMARY", on, ok, commit, on, { "SYNCHRONIZING", ok }, false }, "primary", NULL, "sql-2" },
        { { "PRIMARY", on, ok, commit, on, { "SYNCHRONIZING", "NOT SYNCHRONIZING" }, false },
          "primary",
          NULL,
          "" },
        { { "PRIMARY", on, ok, commit, "DISCONNECTED", { ok, ok }, false }, "primary", NULL, "" },
        { { "PRIMARY", on, ok, "ASYNCHRONOUS_COMMIT", on, { "SYNCHRONIZING", "SYNCHRONIZING" }, false },
          "primary",
          NULL,
          NULL },
        { { "PRIMARY", on, ok, commit, on, { ok, ok }, true }, "primary", NULL, NULL },
        { { "PRIMARY", on, "SYNCHRONIZING", commit, on, { ok, ok }, false },
          "primary",
          "0 of 1 databases",
          "sql-1" },
        { { "SECONDARY", on, ok, commit, on, { ok, ok }, false }, "secondary", NULL, NULL },
        { { "SECONDARY", "DISCONNECTED", ok, commit, on, { ok, ok }, false },
          "secondary",
          "not connected",
          NULL },
        { { "RESOLVING", on, ok, commit, on, { ok, ok }, false }, "resolving", "RESOLVING", NULL },
        { { "", on, ok, commit, on, { ok, ok }, false }, "resolving", "role of this replica", NULL },
};

static void judgement(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(judgements); i++) {
                const struct mssql_replica *successor = NULL;
                struct mssql_state seen;
                struct err err = ERR_INIT;
                int ready;

                play(&judgements[i].scene, &seen);
                assert_string_equal(mssql_state_role(&seen), judgements[i].role);
                assert_int_equal(mssql_state_members(&seen), judgements[i].scene.lone ? 1 : 3);
                assert_int_equal(mssql_state_judge(&seen, &nothing_before, &err),
                                 judgements[i].sick == NULL ? 0 : -1);
                if (judgements[i].sick != NULL &&
                    (err.kind != ERR_UNHEALTHY || strstr(err.text, judgements[i].sick) == NULL))
                        fail_msg("%zu: %s", i, err.text);
                ready = mssql_state_successor(&seen, &successor, &err);
                assert_int_equal(ready, judgements[i].successor != NULL && judgements[i].successor[0] == '\0'
                                                ? -1
                                                : 0);
                if (ready == -1)
                        assert_int_equal(err.kind, ERR_NOT_READY);
                else if (judgements[i].successor == NULL)
                        assert_null(successor);
                else
                        assert_string_equal(successor->name, judgements[i].successor);
                assert_int_equal(mssql_state_follows(&seen, "G"),
                                 strcmp(judgements[i].scene.own_role, "SECONDARY") == 0);
        }
}

static void addresses(void **state UNUSED)
{
        static const struct scene scene = { "PRIMARY",      "CONNECTED",
                                            "SYNCHRONIZED", "SYNCHRONOUS_COMMIT",
                                            "CONNECTED",    { "SYNCHRONIZED", "SYNCHRONIZED" },
                                            false };
        struct mssql_state seen;

        play(&scene, &seen);
        assert_string_equal(seen.replicas[0].host, "10.0.0.1");
        assert_int_equal(seen.replicas[0].port, 0);
        assert_string_equal(seen.replicas[1].host, "fd00::2");
        assert_string_equal(seen.replicas[2].host, "sql-2.sql");
        assert_int_equal(seen.replicas[2].port, 11433);
        assert_string_equal(seen.replicas[2].group, "ag1");
}

static void hostile_rows(void **state UNUSED)
{
        const char *nothing[] = { NULL, NULL, NULL, NULL, NULL, NULL };
        const char *odd[] = { "A", "G", "n", "tcp://evil host:1", "tcp://h;ca file = /x:1", "?" };
        struct mssql_state seen;
        struct err err = ERR_INIT;
        const struct mssql_replica *successor = NULL;

        memset(&seen, 0, sizeof(seen));
        for (int n = 0; n <= 6; n++) {
                mssql_state_take_server(&seen, nothing, n);
                mssql_state_take_database(&seen, nothing, n);
                mssql_state_take_group(&seen, nothing, n);
                mssql_state_take_role(&seen, nothing, n);
                mssql_state_take_synchronization(&seen, nothing, n);
        }
        for (int i = 0; i < 2 * PEERS_MAX; i++)
                mssql_state_take_replica(&seen, odd, 6);
        assert_int_equal(seen.n_replicas, PEERS_MAX);
        assert_string_equal(seen.replicas[0].host, "");
        assert_int_equal(mssql_state_judge(&seen, &nothing_before, &err), 0);
        assert_int_equal(mssql_state_successor(&seen, &successor, &err), 0);
}

static void databases(void **state UNUSED)
{
        static const struct {
                const char *word;
                bool sick;
        } cases[] = { { "ONLINE", false },    { "OFFLINE", false },         { "RESTORING", false },
                      { "RECOVERING", true }, { "RECOVERY_PENDING", true }, { "SUSPECT", true } };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const char *row[] = { "orders", cases[i].word };
                struct mssql_state seen;
                struct err err = ERR_INIT;

                memset(&seen, 0, sizeof(seen));
                mssql_state_take_database(&seen, row, 2);
                assert_int_equal(mssql_state_judge(&seen, &nothing_before, &err), cases[i].sick ? -1 : 0);
                if (cases[i].sick)
                        assert_non_null(strstr(err.text, "'orders' is"));
                assert_int_equal(mssql_state_judge(&seen, &seen.sick, &err), 0);
        }
}

static void errors(void **state UNUSED)
{
        static const struct {
                struct mssql_fault fault;
                const char *statement;
                bool verified;
                enum err_kind kind;
                const char *said;
        } cases[] = {
                { { 18456, "Login failed", 20002, "x" }, NULL, false, ERR_AUTH, "admin.password-file" },
                { { 18401, "upgrade", 20002, "x" }, NULL, false, ERR_NOT_READY, "coming up" },
                { { 0, "", 20009, "Unable to connect" }, NULL, false, ERR_NOT_READY, "not running" },
                { { 0, "", 20002, "failed" }, NULL, false, ERR_NOT_READY, "is this a SQL Server port" },
                { { 0, "", 20002, "failed" }, NULL, true, ERR_NOT_READY, "verifies against ca.crt" },
                { { 0, "", 20003, "timed out" }, NULL, false, ERR_TIMEOUT, "says nothing" },
                { { 0, "", 20004, "read" }, NULL, false, ERR_NOT_READY, "broke" },
                { { 0, "", 20004, "read" }, "SELECT 1", false, ERR_NETWORK, "broke" },
                { { 6004, "SHUTDOWN can", 20018, "" },
                  "SHUTDOWN",
                  false,
                  ERR_PRIVILEGE,
                  "GRANT SHUTDOWN TO [agent]" },
                { { 300, "VIEW", 0, "" }, "SELECT", false, ERR_PRIVILEGE, "GRANT SHUTDOWN TO [agent]" },
                { { 208, "Invalid object", 0, "" }, "SELECT", false, ERR_UNHEALTHY, "Invalid object" },
                { { 0, "", 0, "" }, "SELECT", false, ERR_UNHEALTHY, "no reason" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct mssql_context context = { .where = "h:1433",
                                                       .user = "agent",
                                                       .statement = cases[i].statement,
                                                       .right = "SHUTDOWN",
                                                       .verified = cases[i].verified,
                                                       .other = ERR_UNHEALTHY };
                struct err err = ERR_INIT;

                mssql_error_fill(&cases[i].fault, &context, &err);
                assert_int_equal(err.kind, cases[i].kind);
                if (strstr(err.text, cases[i].said) == NULL || strstr(err.text, "h:1433") == NULL)
                        fail_msg("%zu: %s", i, err.text);
        }
}

static void settings(void **state UNUSED)
{
        static const struct {
                struct admin_settings admin;
                const char *fault; /* NULL: fine */
        } cases[] = {
                { { 0 }, NULL },
                { { .host = "db", .port = 1433, .user = "sa" }, NULL },
                { { .socket = "/x" }, "admin.socket" },
                { { .port = 70000 }, "admin.port" },
                { { .host = "a b" }, "admin.host" },
                { { .host = "h\nca file = /x" }, "admin.host" },
                { { .host = "" }, "admin.host" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct hook_settings all = { .publish = "/p", .admin = cases[i].admin };
                struct database *database = NULL;
                struct err err = ERR_INIT;
                int result = hook_find("mssqlserver")->open(&all, &database, &err);

                assert_int_equal(result, cases[i].fault == NULL ? 0 : -1);
                if (database != NULL)
                        database->hook->close(database);
                else if (err.kind != ERR_USAGE || strstr(err.text, cases[i].fault) == NULL)
                        fail_msg("%s: %s", cases[i].fault, err.text);
        }
}

static void loopback(void **state UNUSED)
{
        static const char *const near[] = { "127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST" };
        static const char *const far[] = {
                "10.0.0.1", "localhost.example.com", "128.0.0.1", "::2", "db", ""
        };

        for (size_t i = 0; i < ARRAY_LEN(near); i++)
                assert_true(mssql_link_is_loopback(near[i]));
        for (size_t i = 0; i < ARRAY_LEN(far); i++)
                assert_false(mssql_link_is_loopback(far[i]));
}

static void memory(void **state UNUSED)
{
        static const struct custom_text files[] = {
                { "mssql.conf", "[Memory]\nMemoryLimitMB = 4096\n[language]\nlcid = 1033\n" },
                { "zz-inline-mssql.conf", "[memory]\nmemorylimitmb=2048\n[network]\nmemorylimitmb = 1\n" },
        };
        static const struct custom_text odd = { "mssql.conf", "[memory]\nmemorylimitmb = much\n" };
        struct mssql_state seen = { .memory_kb = 2048 * 1024 };
        struct err err = ERR_INIT;

        assert_int_equal(mssql_memory_asked(files, 1), 4096);
        assert_int_equal(mssql_memory_asked(files, 2), 2048);
        assert_int_equal(mssql_memory_asked(&odd, 1), 0);
        assert_int_equal(mssql_memory_asked(files, 0), 0);
        assert_int_equal(mssql_memory_judge(2048, &seen, &err), 0);
        assert_int_equal(mssql_memory_judge(4096, &seen, &err), 0); /* the machine has no more */
        assert_int_equal(mssql_memory_judge(0, &seen, &err), 0);
        assert_int_equal(mssql_memory_judge(2047, &seen, &err), -1);
        assert_int_equal(err.kind, ERR_MISMATCH);
        assert_string_equal(err.text,
                            "memory.memorylimitmb is 2048 after the restart, the files ask for 2047");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rules),     cmocka_unit_test(judgement), cmocka_unit_test(addresses),
                cmocka_unit_test(databases), cmocka_unit_test(errors),    cmocka_unit_test(hostile_rows),
                cmocka_unit_test(settings),  cmocka_unit_test(loopback),  cmocka_unit_test(memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
