// SPDX-License-Identifier: Apache-2.0
/*
 * certs/change.c: keys are compared, not names.
 */
#include "certs/change.h"
#include "testbundle.h"
#include "testca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

/* Who is who; made once. */
enum who {
        NOBODY,
        ROOT,
        ROOT_RENEWED,
        ROOT_RENAMED,
        OTHER,
        TWIN,
        INTER,
        INTER_RENEWED,
        INTER_NEW,
        INTER_OTHER,
        WHO
};

struct side {
        enum who signer;
        enum who chain; /* intermediate beside the leaf */
        enum who authorities[2];
        int64_t age;       /* of the leaf, seconds */
        const char *names; /* NULL: DNS:db.example */
        bool other_key;    /* not the common key */
        bool same_leaf;    /* the very certificate of the other side */
};

static const struct {
        const char *name;
        struct side old;
        struct side fresh;
        enum change_class want;
} cases[] = {
        { "nothing",
          { .signer = ROOT, .authorities = { ROOT } },
          { .signer = ROOT, .authorities = { ROOT }, .same_leaf = true },
          CHANGE_NONE },
        { "leaf only",
          { .signer = ROOT, .authorities = { ROOT }, .age = 100 },
          { .signer = ROOT, .authorities = { ROOT } },
          CHANGE_SAME_KEY },
        { "same second",
          { .signer = ROOT, .authorities = { ROOT } },
          { .signer = ROOT, .authorities = { ROOT } },
          CHANGE_SAME_KEY },
        { "new key",
          { .signer = ROOT, .authorities = { ROOT } },
          { .signer = ROOT, .authorities = { ROOT }, .other_key = true },
          CHANGE_NEW_KEY },
        { "authority added, same leaf",
          { .signer = ROOT, .authorities = { ROOT } },
          { .signer = ROOT, .authorities = { ROOT, OTHER }, .same_leaf = true },
          CHANGE_AUTHORITIES },
        { "order of authorities",
          { .signer = ROOT, .authorities = { ROOT, OTHER } },
          { .signer = ROOT, .authorities = { OTHER, ROOT }, .same_leaf = true },
          CHANGE_NONE },
        { "authority renewed with its key",
          { .signer = ROOT, .authorities = { ROOT } },
          { .signer = ROOT_RENEWED, .authorities = { ROOT_RENEWED }, .other_key = true },
          CHANGE_AUTHORITIES },
        { "authority renamed, same key",
          { .signer = ROOT, .authorities = { ROOT } },
          { .signer = ROOT_RENAMED, .authorities = { ROOT_RENAMED } },
          CHANGE_AUTHORITIES },
        { "other authority",
          { .signer = ROOT, .authorities = { ROOT } },
          { .signer = OTHER, .authorities = { OTHER } },
          CHANGE_NEW_AUTHORITY },
        { "other authority of the same name",
          { .signer = ROOT, .authorities = { ROOT } },
          { .signer = TWIN, .authorities = { TWIN } },
          CHANGE_NEW_AUTHORITY },
        { "other authority, old one kept",
          { .signer = ROOT, .authorities = { ROOT } },
          { .signer = OTHER, .authorities = { OTHER, ROOT } },
          CHANGE_NEW_AUTHORITY },
        { "to an authority published before",
          { .signer = ROOT, .authorities = { ROOT, OTHER } },
          { .signer = OTHER, .authorities = { OTHER } },
          CHANGE_AUTHORITIES },
        { "other authority and going back",
          { .signer = ROOT, .authorities = { ROOT } },
          { .signer = OTHER, .authorities = { OTHER }, .age = 500 },
          CHANGE_NEW_AUTHORITY },
        { "going back",
          { .signer = ROOT, .authorities = { ROOT } },
          { .signer = ROOT, .authorities = { ROOT }, .age = 500, .names = "DNS:x" },
          CHANGE_BACK },
        { "name added",
          { .signer = ROOT, .authorities = { ROOT } },
          { .signer = ROOT, .authorities = { ROOT }, .names = "DNS:db.example,DNS:x" },
          CHANGE_NAMES },
        { "name dropped",
          { .signer = ROOT, .authorities = { ROOT }, .names = "DNS:db.example,DNS:x" },
          { .signer = ROOT, .authorities = { ROOT } },
          CHANGE_NAMES },
        { "order of names",
          { .signer = ROOT, .authorities = { ROOT }, .names = "DNS:a,DNS:b" },
          { .signer = ROOT, .authorities = { ROOT }, .names = "DNS:b,DNS:a" },
          CHANGE_SAME_KEY },
        { "new intermediate",
          { .signer = INTER, .chain = INTER, .authorities = { ROOT } },
          { .signer = INTER_NEW, .chain = INTER_NEW, .authorities = { ROOT } },
          CHANGE_NEW_INTERMEDIATE },
        { "intermediate renewed with its key",
          { .signer = INTER, .chain = INTER, .authorities = { ROOT } },
          { .signer = INTER_RENEWED, .chain = INTER_RENEWED, .authorities = { ROOT } },
          CHANGE_SAME_KEY },
        { "intermediate renewed, same leaf",
          { .signer = INTER, .chain = INTER, .authorities = { ROOT } },
          { .signer = INTER, .chain = INTER_RENEWED, .authorities = { ROOT }, .same_leaf = true },
          CHANGE_SAME_KEY },
        { "intermediate below another authority",
          { .signer = INTER, .chain = INTER, .authorities = { ROOT } },
          { .signer = INTER_OTHER, .chain = INTER_OTHER, .authorities = { OTHER } },
          CHANGE_NEW_AUTHORITY },
        { "intermediate is the anchor",
          { .signer = INTER, .chain = INTER, .authorities = { INTER } },
          { .signer = INTER, .chain = INTER, .authorities = { INTER }, .other_key = true },
          CHANGE_NEW_KEY },
        { "new intermediate as anchor",
          { .signer = INTER, .chain = INTER, .authorities = { INTER } },
          { .signer = INTER_NEW, .chain = INTER_NEW, .authorities = { INTER_NEW } },
          CHANGE_NEW_AUTHORITY },
        { "no authorities at all", { .signer = ROOT }, { .signer = ROOT }, CHANGE_SAME_KEY },
        { "no authorities, other issuer", { .signer = ROOT }, { .signer = OTHER }, CHANGE_NEW_AUTHORITY },
        { "no authorities, twin issuer", { .signer = ROOT }, { .signer = TWIN }, CHANGE_NEW_AUTHORITY },
        { "authorities only now",
          { .signer = ROOT },
          { .signer = ROOT, .authorities = { ROOT } },
          CHANGE_AUTHORITIES },
        { "authorities only now, other issuer",
          { .signer = ROOT },
          { .signer = OTHER, .authorities = { OTHER } },
          CHANGE_NEW_AUTHORITY },
        { "authorities gone",
          { .signer = ROOT, .authorities = { ROOT } },
          { .signer = ROOT },
          CHANGE_AUTHORITIES },
};

static struct testca *make_ca(const struct testca *issuer, const char *subject, EVP_PKEY *key)
{
        return testca_make(issuer,
                           &(struct testca_options){ .subject = subject, .is_ca = true, .reuse_key = key });
}

static void make_people(struct testca *people[static WHO])
{
        people[ROOT] = testca_root("root");
        people[ROOT_RENEWED] = testca_renewed(people[ROOT]);
        people[ROOT_RENAMED] = make_ca(NULL, "root, renamed", people[ROOT]->key);
        people[OTHER] = testca_root("other");
        people[TWIN] = testca_twin(people[ROOT], false);
        people[INTER] = testca_intermediate(people[ROOT], "inter");
        people[INTER_RENEWED] = make_ca(people[ROOT], "inter", people[INTER]->key);
        people[INTER_NEW] = testca_intermediate(people[ROOT], "inter");
        people[INTER_OTHER] = testca_intermediate(people[OTHER], "inter");
}

static char *pem_of(struct testca *const people[static WHO], const struct testca *leaf,
                    const struct side *side)
{
        const struct testca *list[2] = { leaf, people[side->chain] };

        return testca_chain_pem(list, side->chain == NOBODY ? 1 : 2);
}

static char *authorities_of(struct testca *const people[static WHO], const struct side *side)
{
        const struct testca *list[2] = { people[side->authorities[0]], people[side->authorities[1]] };
        const size_t n = side->authorities[0] == NOBODY ? 0 : (side->authorities[1] == NOBODY ? 1 : 2);

        return n == 0 ? NULL : testca_chain_pem(list, n);
}

static struct testca *leaf_of(struct testca *const people[static WHO], const struct side *side, EVP_PKEY *key,
                              int64_t now)
{
        return testca_make(people[side->signer],
                           &(struct testca_options){
                                   .names = side->names == NULL ? "DNS:db.example" : side->names,
                                   .reuse_key = side->other_key ? NULL : key,
                                   .not_before = now - 3600 - side->age,
                           });
}

static struct bundle *bundle_of(struct testca *const people[static WHO], const struct testca *leaf,
                                const struct side *side)
{
        AUTO(mem_free_p) char *certificate = pem_of(people, leaf, side);
        AUTO(mem_free_p) char *key = testca_key_pem(leaf, TESTCA_PKCS8, NULL);
        AUTO(mem_free_p) char *authorities = authorities_of(people, side);

        return testbundle_load(certificate, key, authorities);
}

static void changes_are_named(void **state UNUSED)
{
        AUTO(testca_free_p) struct testca *common = testca_root("key donor");
        struct testca *people[WHO] = { NULL };
        const int64_t now = (int64_t)time(NULL);

        make_people(people);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(testca_free_p) struct testca *was = leaf_of(people, &cases[i].old, common->key, now);
                AUTO(testca_free_p) struct testca *is = leaf_of(people, &cases[i].fresh, common->key, now);
                AUTO(bundle_free_p) struct bundle *old = bundle_of(people, was, &cases[i].old);
                AUTO(bundle_free_p)
                struct bundle *fresh =
                        bundle_of(people, cases[i].fresh.same_leaf ? was : is, &cases[i].fresh);
                const enum change_class got = change_classify(old, fresh);

                if (got != cases[i].want)
                        fail_msg("%s: '%s', not '%s'", cases[i].name, change_name(got),
                                 change_name(cases[i].want));
                assert_int_equal(change_classify(NULL, fresh), CHANGE_FIRST);
                assert_int_equal(change_classify(fresh, fresh), CHANGE_NONE);
        }
        for (size_t i = 0; i < WHO; i++)
                testca_free(people[i]);
}

static void every_class_has_a_name(void **state UNUSED)
{
        assert_string_equal(change_name(CHANGE_NONE), "none");
        assert_string_equal(change_name(CHANGE_FIRST), "first");
        for (int i = CHANGE_NONE; i <= CHANGE_FIRST; i++)
                for (int j = CHANGE_NONE; j < i; j++)
                        assert_string_not_equal(change_name((enum change_class)i),
                                                change_name((enum change_class)j));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(changes_are_named),
                cmocka_unit_test(every_class_has_a_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
