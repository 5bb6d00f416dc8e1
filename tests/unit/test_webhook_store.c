// SPDX-License-Identifier: Apache-2.0
/*
 * agent/inject/webhook_choice.c and webhook_store.c: what is to be done about the webhook's Secret, and years
 * of its life with a clock of our own: an API server that hears late, and a replica that hears late,
 * understand each other at every moment.
 */
#include "inject/webhook_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "testca.h"

#define NOW  INT64_C(1800000000)
#define HOUR INT64_C(3600)
#define DAY  (24 * HOUR)

static const char *const names[] = { "hook.demo.svc", "10.0.0.7", "hook.demo.svc.cluster.local" };
static const struct webhook_store_spec spec = {
        .is_made = true, .leaf = { .names = names, .n_names = ARRAY_LEN(names), .lifetime_s = DAY }
};

/* --- choices */

static void choices(void **state UNUSED)
{
        /* An authority of 300 s and a leaf of 90 s, both begun at 1000. */
        const struct webhook_facts good = { .exists = true,
                                            .authority_from = { 1000 },
                                            .authority_until = { 1300 },
                                            .n_authorities = 1,
                                            .leaf_from = { 1000 },
                                            .leaf_until = { 1090 },
                                            .leaf_covers = true,
                                            .leaf_of_newest = true,
                                            .is_told = true };
        struct webhook_facts none = { 0 };
        struct webhook_facts foreign = good;
        struct webhook_facts broken = good;
        struct webhook_facts nameless = good;
        struct webhook_facts two = good;
        struct webhook_facts changing = good;
        struct webhook_facts untold = good;
        struct webhook_facts late = good;
        const struct {
                const struct webhook_facts *facts;
                int64_t now;
                enum webhook_step step;
                int64_t next; /* 0: soon */
        } cases[] = {
                { &none, 1000, WEBHOOK_CREATE, 0 },      { &foreign, 1000, WEBHOOK_LEAVE, 0 },
                { &broken, 1000, WEBHOOK_REPLACE, 0 },   { &good, 1000, WEBHOOK_REST, 1060 },
                { &good, 1059, WEBHOOK_REST, 1060 },     { &good, 1060, WEBHOOK_RENEW, 0 },
                { &good, 1199, WEBHOOK_RENEW, 0 },       { &good, 1200, WEBHOOK_ADD_AUTHORITY, 0 },
                { &good, 1300, WEBHOOK_REPLACE, 0 },     { &nameless, 1000, WEBHOOK_RENEW, 0 },
                { &two, 1059, WEBHOOK_REST, 1060 },      { &two, 1060, WEBHOOK_RENEW_PRUNE, 0 },
                { &changing, 1059, WEBHOOK_REST, 1060 }, { &changing, 1060, WEBHOOK_RENEW, 0 },
                { &untold, 1060, WEBHOOK_REST, 0 },      { &untold, 1089, WEBHOOK_REST, 0 },
                { &untold, 1090, WEBHOOK_RENEW, 0 },     { &changing, 1299, WEBHOOK_RENEW, 0 },
                { &late, 1199, WEBHOOK_REST, 1200 },
        };

        foreign.is_foreign = true;
        broken.is_broken = true;
        nameless.leaf_covers = false;
        two.n_authorities = 2;
        changing.n_authorities = 2;
        changing.leaf_of_newest = false;
        untold = changing;
        untold.is_told = false;
        late.leaf_until.s = 1900;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct wall now = { cases[i].now };
                const struct webhook_choice choice = webhook_choose(cases[i].facts, now);

                if (choice.step != cases[i].step)
                        fail_msg("case %zu: step %d, not %d", i, (int)choice.step, (int)cases[i].step);
                assert_int_equal(choice.next.s, cases[i].next == 0 ? now.s + 5 : cases[i].next);
        }
}

/* --- the Secret */

static int versions;

/* As the API server would do it: created, or merged over that version. */
static void apply(cJSON **secret, cJSON *change)
{
        AUTO(mem_free_p) char *version = mem_printf("%d", ++versions);
        const cJSON *from;
        cJSON *to;

        if (*secret == NULL) {
                *secret = change;
        } else {
                assert_string_equal(json_get_str(json_get(*secret, "metadata"), "resourceVersion"),
                                    json_get_str(json_get(change, "metadata"), "resourceVersion"));
                to = cJSON_GetObjectItemCaseSensitive(*secret, "data");
                cJSON_ArrayForEach(from, json_get(change, "data"))
                {
                        cJSON_DeleteItemFromObjectCaseSensitive(to, from->string);
                        json_add_str(to, from->string, from->valuestring);
                }
                json_free(change);
        }
        to = cJSON_GetObjectItemCaseSensitive(*secret, "metadata");
        cJSON_DeleteItemFromObjectCaseSensitive(to, "resourceVersion");
        json_add_str(to, "resourceVersion", version);
}

static void step_of(cJSON **secret, const struct webhook_store_spec *of, enum webhook_step what,
                    struct wall now)
{
        AUTO(webhook_store_free_p)
        struct webhook_store *store = *secret == NULL ? NULL : webhook_store_read(*secret, of, now);
        struct err err = ERR_INIT;
        cJSON *change = NULL;

        if (webhook_store_change(store, what, of, now, &change, &err) != 0)
                fail_msg("%s", err.text);
        apply(secret, change);
}

static void step(cJSON **secret, enum webhook_step what, struct wall now)
{
        step_of(secret, &spec, what, now);
}

static void what_is_made_is_taken(void **state UNUSED)
{
        const struct wall now = { NOW };
        AUTO(json_wipe_p) cJSON *secret = NULL;
        AUTO(webhook_store_free_p) struct webhook_store *store = NULL;
        struct webhook_facts facts;

        step(&secret, WEBHOOK_CREATE, now);
        store = webhook_store_read(secret, &spec, now);
        if (store->refusal != NULL)
                fail_msg("%s", store->refusal);
        facts = webhook_store_facts(store, true);
        assert_int_equal(webhook_choose(&facts, now).step, WEBHOOK_REST);
        assert_true(facts.leaf_of_newest && facts.leaf_covers && !facts.is_foreign);
        assert_int_equal(facts.leaf_until.s, NOW + DAY);
        assert_int_equal(facts.leaf_from.s, NOW - 300);
        assert_int_equal(facts.authority_until.s, NOW + 365 * DAY);
        assert_string_equal(json_get_str(secret, "type"), "kubernetes.io/tls");
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                assert_true(cert_covers(bundle_leaf(store->bundle), names[i]));
        assert_false(cert_covers(bundle_leaf(store->bundle), "certrotate webhook"));
        assert_int_equal(bundle_leaf(store->bundle)->key_bits, 256);
}

static void set(cJSON *secret, const char *key, const char *value)
{
        cJSON *data = cJSON_GetObjectItemCaseSensitive(secret, "data");

        cJSON_DeleteItemFromObjectCaseSensitive(data, key);
        if (value != NULL)
                json_add_str(data, key, value);
}

static void what_is_broken_is_not(void **state UNUSED)
{
        const struct wall now = { NOW };
        AUTO(json_wipe_p) cJSON *good = NULL;
        AUTO(json_wipe_p) cJSON *other = NULL;
        static const char *const keys[] = { "tls.crt", "tls.key", "ca.crt", "ca.key" };

        step(&good, WEBHOOK_CREATE, now);
        step(&other, WEBHOOK_CREATE, now);
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
                const char *const values[] = { NULL, "", "x", "bm9uc2Vuc2U=",
                                               json_get_str(json_get(other, "data"), keys[i]) };

                for (size_t k = 0; k < ARRAY_LEN(values); k++) {
                        AUTO(json_wipe_p) cJSON *bad = cJSON_Duplicate(good, true);
                        AUTO(webhook_store_free_p) struct webhook_store *store = NULL;
                        struct webhook_facts facts;

                        set(bad, keys[i], values[k]);
                        store = webhook_store_read(bad, &spec, now);
                        facts = webhook_store_facts(store, true);
                        if (store->refusal == NULL || webhook_choose(&facts, now).step != WEBHOOK_REPLACE)
                                fail_msg("%s, value %zu: %s", keys[i], k, store->refusal);
                        step(&bad, WEBHOOK_REPLACE, now);
                        webhook_store_free(store);
                        store = webhook_store_read(bad, &spec, now);
                        assert_null(store->refusal);
                }
        }
}

/* Time, and other names, make no Secret broken: it is not served, or renewed. */
static void what_is_curable(void **state UNUSED)
{
        static const char *const more[] = { "hook.demo.svc", "another.demo.svc" };
        struct webhook_store_spec renamed = spec;
        const struct wall early = { NOW - DAY };
        const struct wall late = { NOW + 2 * DAY };
        AUTO(json_wipe_p) cJSON *secret = NULL;
        AUTO(webhook_store_free_p) struct webhook_store *store = NULL;
        struct webhook_facts facts;

        renamed.leaf.names = more;
        renamed.leaf.n_names = ARRAY_LEN(more);
        step(&secret, WEBHOOK_CREATE, (struct wall){ NOW });
        store = webhook_store_read(secret, &renamed, (struct wall){ NOW });
        facts = webhook_store_facts(store, true);
        assert_non_null(store->refusal);
        assert_int_equal(webhook_choose(&facts, (struct wall){ NOW }).step, WEBHOOK_RENEW);
        webhook_store_free(store);
        store = webhook_store_read(secret, &spec, late);
        facts = webhook_store_facts(store, true);
        assert_non_null(store->refusal);
        assert_int_equal(webhook_choose(&facts, late).step, WEBHOOK_RENEW);
        webhook_store_free(store);
        store = webhook_store_read(secret, &spec, early);
        facts = webhook_store_facts(store, true);
        assert_non_null(store->refusal);
        assert_int_equal(webhook_choose(&facts, early).step, WEBHOOK_REST);
}

/* --- years */

static const struct webhook_store_spec monthly = {
        .is_made = true, .leaf = { .names = names, .n_names = ARRAY_LEN(names), .lifetime_s = 20 * DAY }
};

struct life {
        cJSON *secret;
        struct chain told[2]; /* what the API servers have heard of: lately, and now */
        struct cert *served[2];
        size_t steps[WEBHOOK_LEAVE + 1];
};

static void hear(struct life *life, struct wall now)
{
        AUTO(webhook_store_free_p)
        struct webhook_store *store = webhook_store_read(life->secret, &monthly, now);

        if (store->refusal != NULL)
                fail_msg("%s", store->refusal);
        chain_done(&life->told[0]);
        life->told[0] = life->told[1];
        life->told[1] = (struct chain)CHAIN_INIT;
        chain_copy(&life->told[1], &store->bundle->authorities);
        cert_free(life->served[0]);
        life->served[0] = life->served[1];
        life->served[1] = cert_ref(bundle_leaf(store->bundle));
}

static void all_understand(struct life *life, struct wall now)
{
        for (size_t s = 0; s < 2; s++) {
                for (size_t t = 0; t < 2; t++) {
                        struct chain chain = { &life->served[s], 1 };
                        struct err err = ERR_INIT;

                        if (chain_verify(&chain, &life->told[t], false, true, now, &err) != 0)
                                fail_msg("at day %lld, leaf %zu, authorities %zu: %s",
                                         (long long)((now.s - NOW) / DAY), s, t, err.text);
                }
        }
}

/* The configuration is written at every other look only; each look is a step at most. */
static void years(void **state UNUSED)
{
        struct life life = { 0 };
        struct wall now = { NOW };
        bool is_told = false;

        step_of(&life.secret, &monthly, WEBHOOK_CREATE, now);
        hear(&life, now);
        hear(&life, now);
        while (now.s < NOW + 3 * 365 * DAY) {
                AUTO(webhook_store_free_p)
                struct webhook_store *store = webhook_store_read(life.secret, &monthly, now);
                const struct webhook_facts facts = webhook_store_facts(store, is_told);
                const struct webhook_choice choice = webhook_choose(&facts, now);

                life.steps[choice.step]++;
                is_told = true;
                if (choice.step == WEBHOOK_REST) {
                        assert_true(choice.next.s > now.s);
                        now = choice.next;
                        hear(&life, now); /* by now everybody has */
                } else {
                        is_told = choice.step != WEBHOOK_ADD_AUTHORITY;
                        step_of(&life.secret, &monthly, choice.step, now);
                        now.s += 60;
                        hear(&life, now);
                }
                all_understand(&life, now);
        }
        assert_int_equal(life.steps[WEBHOOK_REPLACE], 0);
        assert_int_equal(life.steps[WEBHOOK_ADD_AUTHORITY], 4);
        assert_int_equal(life.steps[WEBHOOK_RENEW_PRUNE], 4);
        assert_in_range(life.steps[WEBHOOK_RENEW], 60, 90);
        for (size_t i = 0; i < 2; i++) {
                chain_done(&life.told[i]);
                cert_free(life.served[i]);
        }
        json_wipe(life.secret);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(choices),
                cmocka_unit_test(what_is_made_is_taken),
                cmocka_unit_test(what_is_broken_is_not),
                cmocka_unit_test(what_is_curable),
                cmocka_unit_test(years),
        };

        return cmocka_run_group_tests_name("webhook_store", tests, NULL, NULL);
}
