// SPDX-License-Identifier: Apache-2.0
/*
 * From what was saved and what was issued since to the stages of the walk.
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
#include "control/walk.h"

static void print(const struct record_stage *stages, size_t n, char *out, size_t size)
{
        size_t len = 0;

        out[0] = '\0';
        for (size_t i = 0; i < n; i++)
                len += (size_t)snprintf(out + len, size - len, "%s%s/%s", i == 0 ? "" : " ",
                                        plan_phase_name(stages[i].phase), tls_mode_name(stages[i].mode));
}

static void stages(void **state UNUSED)
{
        static const struct {
                struct judge_case given;
                const char *want;
        } cases[] = {
                { { true, 3, TLS_ON, TLS_ON, false }, "/on" },
                { { true, 3, TLS_ON, TLS_REQUIRED, false }, "/required" },
                { { true, 3, TLS_ON, TLS_ON, true }, "trust/on leaf/on prune/on" },
                { { false, 1, TLS_REQUIRED, TLS_REQUIRED, true },
                  "trust/required leaf/required prune/required" },
                { { true, 3, TLS_REQUIRED, TLS_ON, true }, "trust/on leaf/on prune/on" },
                { { true, 3, TLS_UNMANAGED, TLS_UNMANAGED, false }, "/" },
                { { true, 3, TLS_UNMANAGED, TLS_UNMANAGED, true }, "trust/ leaf/ prune/" },
                { { true, 3, TLS_OFF, TLS_ON, false }, "/mixed /on" },
                { { true, 3, TLS_OFF, TLS_REQUIRED, true }, "/mixed /required" },
                { { true, 1, TLS_OFF, TLS_ON, false }, "/on" },
                { { false, 3, TLS_OFF, TLS_ON, false }, "/on" },
                { { true, 3, TLS_ON, TLS_OFF, false }, "/mixed /off" },
                { { true, 3, TLS_REQUIRED, TLS_OFF, true }, "/mixed /off" },
                { { true, 1, TLS_ON, TLS_OFF, false }, "/off" },
                { { false, 3, TLS_ON, TLS_OFF, false }, "/off" },
                { { true, 3, TLS_OFF, TLS_OFF, true }, "/off" },
                { { true, 0, TLS_OFF, TLS_ON, false }, "/on" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct record_stage out[RECORD_STAGES_MAX];
                char text[256];

                print(out, judge_stages(&cases[i].given, out), text, sizeof(text));
                if (strcmp(text, cases[i].want) != 0)
                        fail_msg("case %zu: %s", i, text);
        }
}

/* Who talks to nobody needs no stage in which both are spoken. */
static void mixes(void **state UNUSED)
{
        static char roles[][16] = { "", "standalone", "member", "joining" };
        static const struct {
                const char *kind;
                int a, b; /* roles of the two pods */
                bool want;
        } cases[] = {
                { "PerconaXtraDB", 2, 2, true }, { "PerconaXtraDB", 1, 1, true },
                { "MariaDB", 1, 1, false },      { "MariaDB", 2, 2, true },
                { "MariaDB", 1, 3, true },       { "MariaDB", 0, 0, true },
                { "MariaDB", 0, 1, true },       { "MySQL", 2, 2, false },
                { "Singlestore", 0, 0, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct observed_pod pods[] = { { .role = roles[cases[i].a] }, { .role = roles[cases[i].b] } };
                struct observed_pod *list[] = { &pods[0], &pods[1] };
                const struct observed seen = { .pods = list, .n_pods = 2 };
                const struct step step = { .seen = &seen, .kind = kind_of_request(cases[i].kind) };

                if (walk_mixes(&step) != cases[i].want)
                        fail_msg("case %zu", i);
        }
}

/* --- authorities */

static void authorities(void **state UNUSED)
{
        struct people p;

        people_open(&p);
        {
                const struct testca *const old[] = { p.old };
                const struct testca *const renewed[] = { p.renewed };
                const struct testca *const twin[] = { p.twin };
                const struct testca *const other[] = { p.other };
                const struct testca *const both[] = { p.old, p.other };
                const struct {
                        const char *name;
                        struct bundle *before, *now;
                        bool want;
                } cases[] = {
                        { "the same", make(p.by_old, old, 1), make(p.by_old_too, old, 1), false },
                        { "renewed with its key", make(p.by_old, old, 1), make(p.by_renewed, renewed, 1),
                          false },
                        { "another key, the same name", make(p.by_old, old, 1), make(p.by_twin, twin, 1),
                          true },
                        { "another", make(p.by_old, old, 1), make(p.by_other, other, 1), true },
                        { "to one that was trusted beside it", make(p.by_old, both, 2),
                          make(p.by_other, other, 1), true },
                        { "both are trusted all the time", make(p.by_old, both, 2), make(p.by_other, both, 2),
                          false },
                        { "one more is trusted", make(p.by_old, old, 1), make(p.by_old_too, both, 2), false },
                        { "none was", make(p.by_old, NULL, 0), make(p.by_other, other, 1), false },
                };

                for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                        if (judge_is_new_authority(cases[i].before, cases[i].now) != cases[i].want)
                                fail_msg("%s", cases[i].name);
                        bundle_free(cases[i].before);
                        bundle_free(cases[i].now);
                }
        }
        people_done(&p);
}

/* --- the action */

/* The Secret that holds it; secret NULL: nothing was issued at that time. */
static char *saved_of(const char *secret)
{
        AUTO(mem_free_p)
        char *json = mem_printf("{\"certificates\":[{\"metadata\":{\"name\":\"" NAME
                                "\"},\"spec\":{\"secretName\":"
                                "\"" NAME "\"}}],\"secrets\":{%s%s}}",
                                secret == NULL ? "" : "\"" NAME "\":", secret == NULL ? "" : secret);

        return act_scene_saved("request-uid", json);
}

static void add_judge(struct act_scene *scene, enum tls_mode before, enum tls_mode wanted)
{
        struct action *action;
        struct record *record;

        act_scene_open(scene);
        act_scene_certificate(scene, NAME, "server", NAME);
        action = act_scene_add(scene, ACTION_JUDGE);
        action->is_true = true;
        record = &action->record;
        record_init(record);
        record->request = mem_strdup("px-ops");
        record->kind = mem_strdup("PerconaXtraDBOpsRequest");
        record->uid = mem_strdup("request-uid");
        record->step = RECORD_WALK;
        record->before = before;
        record->wanted = wanted;
        record->authorities = mem_strdup("of an earlier look");
        record->leaf = mem_strdup("of an earlier look");
}

struct judged {
        const char *name;
        const struct testca *before, *ca_before, *now, *ca;
        enum tls_mode mode;
        bool is_renewal;
        const char *stages;
        const struct testca *trusted; /* at rest; NULL: unknown */
};

static void judge_one(const struct people *p, const struct judged *one)
{
        AUTO(mem_free_p)
        char *before = one->before == NULL ? NULL : secret_of(one->before, one->ca_before);
        AUTO(mem_free_p) char *now = secret_of(one->now, one->ca);
        AUTO(mem_free_p) char *saved = saved_of(before);
        AUTO(mem_free_p) char *ca = testca_cert_pem(p->old);
        AUTO(mem_free_p) char *trusts = NULL;
        AUTO(record_done_p) struct record record;
        char renewal[] = "px-server-cert=4 c";
        const bool is_phased = strstr(one->stages, "trust") != NULL;
        char leaf[FINGERPRINT_TEXT_MAX] = "", leaf_before[FINGERPRINT_TEXT_MAX] = "", text[256];
        struct act_scene scene;

        record_init(&record);
        add_judge(&scene, one->mode, TLS_ON);
        scene.request.renewal = one->is_renewal ? renewal : NULL;
        if (one->trusted != NULL)
                scene.actions.items[0].record.trusted = testca_cert_pem(one->trusted);
        act_scene_start(&scene);
        kube_fake_answer(scene_call(&scene.on, 1, "GET", CORE "secrets/px-certrotate-saved"), 200, saved);
        kube_fake_answer(scene_call(&scene.on, 2, "GET", CORE "secrets/" NAME), 200, now);
        read_record(&scene, 3, &record);
        print(record.stages, record.n_stages, text, sizeof(text));
        if (strcmp(text, one->stages) != 0)
                fail_msg("%s: %s", one->name, text);
        assert_int_equal(record.stage, 0);
        fingerprint_of(one->now, leaf);
        is_text(record.leaf, leaf);
        if (one->before != NULL)
                fingerprint_of(one->before, leaf_before);
        is_text(record.leaf_before, one->before == NULL || one->is_renewal ? NULL : leaf_before);
        is_text(record.authorities, is_phased ? ca : NULL);
        trusts = one->ca == NULL ? mem_strdup("") : testca_cert_pem(one->ca);
        is_text(record.trusts, trusts);
}

static void judged(void **state UNUSED)
{
        struct people p;

        people_open(&p);
        {
                const struct judged cases[] = {
                        { "the same authority", p.by_old, p.old, p.by_old_too, p.old, TLS_ON, false, "/on",
                          NULL },
                        { "another", p.by_old, p.old, p.by_other, p.other, TLS_ON, false,
                          "trust/on leaf/on prune/on", NULL },
                        { "nothing was issued", NULL, NULL, p.by_old, p.old, TLS_OFF, false, "/mixed /on",
                          NULL },
                        { "it was not served", p.by_old, p.old, p.by_other, p.other, TLS_OFF, false,
                          "/mixed /on", NULL },
                        { "a renewal", p.by_old_too, p.old, p.by_old_too, p.old, TLS_ON, true, "/on", NULL },
                        { "without authorities", p.by_old, NULL, p.by_other, NULL, TLS_ON, false, "/on",
                          NULL },
                        { "a renewal of what is trusted", p.by_old_too, p.old, p.by_old_too, p.old, TLS_ON,
                          true, "/on", p.old },
                        { "a renewal of another authority", p.by_other, p.other, p.by_other, p.other, TLS_ON,
                          true, "trust/on leaf/on prune/on", p.old },
                        { "a rotation after a renewal of another", p.by_other, p.other, p.by_other, p.other,
                          TLS_ON, false, "trust/on leaf/on prune/on", p.old },
                        { "… with TLS off", p.by_other, p.other, p.by_other, p.other, TLS_OFF, false,
                          "/mixed /on", p.old },
                };

                for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                        judge_one(&p, &cases[i]);
        }
        people_done(&p);
}

/* Off: nothing is to be served, but there is something to come back to. */
static void judged_off(void **state UNUSED)
{
        struct people p;

        people_open(&p);
        {
                AUTO(mem_free_p) char *before = secret_of(p.by_old, p.old);
                AUTO(mem_free_p) char *saved = saved_of(before);
                AUTO(record_done_p) struct record record;
                char leaf[FINGERPRINT_TEXT_MAX], text[256];
                struct act_scene scene;

                record_init(&record);
                add_judge(&scene, TLS_REQUIRED, TLS_OFF);
                act_scene_start(&scene);
                kube_fake_answer(scene_call(&scene.on, 1, "GET", CORE "secrets/px-certrotate-saved"), 200,
                                 saved);
                read_record(&scene, 2, &record);
                print(record.stages, record.n_stages, text, sizeof(text));
                assert_string_equal(text, "/mixed /off");
                fingerprint_of(p.by_old, leaf);
                is_text(record.leaf, NULL);
                is_text(record.leaf_before, leaf);
                is_text(record.authorities, NULL);
        }
        people_done(&p);
}

static void cannot_judge(void **state UNUSED)
{
        static const struct {
                int status;
                const char *secret;
                enum err_kind kind;
                const char *text;
        } cases[] = {
                { 404, "", ERR_NOT_READY, "not there" },
                { 200, "{\"data\":{}}", ERR_NOT_READY, "tls.crt" },
                { 200, "{\"data\":{\"tls.crt\":\"?\"}}", ERR_REFUSED, "Secret " NAME ": its key tls.crt" },
                { 200, "{\"data\":{\"tls.crt\":\"Y3J0\"}}", ERR_NOT_READY, "Secret " NAME },
                { 200, "{\"data\":{\"tls.crt\":\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t\"}}", ERR_REFUSED,
                  "Secret " NAME },
                { 200, "{\"data\":{\"tls.crt\":7}}", ERR_REFUSED, "tls.crt" },
                { 403, "{}", ERR_PRIVILEGE, NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct act_scene scene;

                add_judge(&scene, TLS_ON, TLS_ON);
                act_scene_start(&scene);
                kube_fake_answer(scene_call(&scene.on, 1, "GET", CORE "secrets/px-certrotate-saved"), 404,
                                 "");
                kube_fake_answer(scene_call(&scene.on, 2, "GET", CORE "secrets/" NAME), cases[i].status,
                                 cases[i].secret);
                act_scene_ends(&scene, cases[i].secret, cases[i].kind, cases[i].text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(mixes),  cmocka_unit_test(stages),     cmocka_unit_test(authorities),
                cmocka_unit_test(judged), cmocka_unit_test(judged_off), cmocka_unit_test(cannot_judge),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
