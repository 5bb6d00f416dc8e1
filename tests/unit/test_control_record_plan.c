// SPDX-License-Identifier: Apache-2.0
/*
 * What a record asks of the agents, step by step; that they take it whatever it is, test_control_record.c
 * says.
 */
#include "control/record.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char *plan_text(const struct record *record)
{
        AUTO(json_free_p) cJSON *tree = record_plan(record);

        return json_print(tree, false);
}

static void the_plan_of_each_stage(void **state UNUSED)
{
        AUTO(record_done_p)
        struct record record = {
                .mode = TLS_OFF,
                .request = mem_strdup("px-add"),
                .kind = mem_strdup("PerconaXtraDBOpsRequest"),
                .step = RECORD_WALK,
                .generation = 3,
                .stages = { { PLAN_TRUST, TLS_MIXED }, { PLAN_LEAF, TLS_ON } },
                .n_stages = 2,
                .reload = mem_strdup("px-0"),
        };
        static const struct {
                enum plan_phase phase;
                enum tls_mode mode;
        } stages[] = { { PLAN_TRUST, TLS_MIXED }, { PLAN_LEAF, TLS_ON }, { PLAN_NO_PHASE, TLS_OFF } };

        for (record.stage = 0; record.stage <= record.n_stages; record.stage++) {
                AUTO(mem_free_p) char *text = plan_text(&record);
                AUTO(plan_done_p) struct plan plan;
                struct err err = ERR_INIT;

                plan_init(&plan);
                assert_int_equal(plan_parse(text, strlen(text), "px-0", &plan, &err), 0);
                assert_int_equal(plan.phase, stages[record.stage].phase);
                assert_int_equal(plan.tls, stages[record.stage].mode);
                assert_string_equal(plan.request, "px-add");
                assert_string_equal(plan.kind, "PerconaXtraDBOpsRequest");
                assert_false(plan.turn);
                assert_int_equal(plan.reload, plan.phase == PLAN_TRUST);
        }
}

/* On the way back nobody is restarted for files that were in force all the time. */
static void files_of_before(void **state UNUSED)
{
        static const enum plan_restart then[PLAN_RESTARTS] = { [PLAN_RESTART_AUTO] = PLAN_RESTART_AUTO,
                                                               [PLAN_RESTART_ALWAYS] = PLAN_RESTART_AUTO,
                                                               [PLAN_RESTART_NEVER] = PLAN_RESTART_NEVER };

        for (int i = 0; i < PLAN_RESTARTS; i++) {
                AUTO(record_done_p) struct record record;

                record_init(&record);
                record.n_files = 1;
                record.files[0] = (struct record_files){ .secret = mem_strdup("a"),
                                                         .hash = mem_strdup("new"),
                                                         .before = mem_strdup(HASH),
                                                         .restart = (enum plan_restart)i };
                record_restore_files(&record);
                assert_string_equal(record.files[0].hash, HASH);
                assert_int_equal(record.files[0].restart, then[i]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_plan_of_each_stage),
                cmocka_unit_test(files_of_before),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
