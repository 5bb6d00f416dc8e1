// SPDX-License-Identifier: Apache-2.0
/*
 * What is trusted at rest: how it is learned, and when what is issued is of others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "trust_scene.h"

#include "control/judge.h"

/* Where nothing but the authorities of before is known. */
static void other_trust(void **state UNUSED)
{
        struct people p;

        people_open(&p);
        {
                const struct testca *const old[] = { p.old };
                const struct testca *const renewed[] = { p.renewed };
                const struct testca *const twin[] = { p.twin };
                const struct testca *const other[] = { p.other };
                const struct testca *const both[] = { p.old, p.other };
                const struct testca *const between[] = { p.between };
                const struct {
                        const char *name;
                        struct bundle *trusted, *now; /* of the first its authorities */
                        bool want;
                } cases[] = {
                        { "the same", make(p.by_old, old, 1), make(p.by_old_too, old, 1), false },
                        { "renewed", make(p.by_old, old, 1), make(p.by_renewed, renewed, 1), false },
                        { "a twin", make(p.by_old, old, 1), make(p.by_twin, twin, 1), true },
                        { "another", make(p.by_old, old, 1), make(p.by_other, other, 1), true },
                        { "both, one", make(p.by_old, both, 2), make(p.by_other, other, 1), true },
                        { "both, both", make(p.by_old, both, 2), make(p.by_other, both, 2), false },
                        { "one more", make(p.by_old, old, 1), make(p.by_old_too, both, 2), false },
                        { "the one that signed it", make(p.by_between, between, 1), make(p.by_old, old, 1),
                          true },
                        { "none was", make(p.by_old, NULL, 0), make(p.by_other, other, 1), false },
                        { "none is", make(p.by_old, old, 1), make(p.by_old_too, NULL, 0), false },
                };

                for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                        if (judge_is_other_trust(&cases[i].trusted->authorities, cases[i].now) !=
                            cases[i].want)
                                fail_msg("%s", cases[i].name);
                        bundle_free(cases[i].trusted);
                        bundle_free(cases[i].now);
                }
        }
        people_done(&p);
}

/* At rest: of the Secret that all serve. */
static void learned(void **state UNUSED)
{
        struct people p;

        people_open(&p);
        for (int i = 0; i < 3; i++) {
                AUTO(mem_free_p) char *secret = secret_of(p.by_old, i == 0 ? NULL : p.old);
                AUTO(mem_free_p) char *want = i == 0 ? mem_strdup("") : testca_cert_pem(p.old);
                AUTO(record_done_p) struct record record;
                struct act_scene scene;
                struct action *action;
                char leaf[FINGERPRINT_TEXT_MAX];

                record_init(&record);
                act_scene_open(&scene);
                act_scene_certificate(&scene, NAME, "server", NAME);
                action = act_scene_add(&scene, ACTION_TRUST);
                action->database = kind_of_request("PerconaXtraDB");
                action->request = NULL;
                action->record.mode = TLS_ON;
                action->record.generation = 5;
                fingerprint_of(i == 2 ? p.by_other : p.by_old, leaf);
                action->text = mem_strdup(leaf);
                act_scene_start(&scene);
                kube_fake_answer(scene_call(&scene.on, 1, "GET", CORE "secrets/" NAME), 200, secret);
                if (i == 2) { /* they serve another: nothing is written */
                        act_scene_ends(&scene, "another", ERR_NONE, NULL);
                        continue;
                }
                read_record(&scene, 2, &record);
                is_text(record.trusted, want);
                assert_int_equal(record.generation, 5);
        }
        people_done(&p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(other_trust),
                cmocka_unit_test(learned),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
