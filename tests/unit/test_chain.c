// SPDX-License-Identifier: Apache-2.0
/*
 * certs/chain.c: order, trust as OpenSSL's clients see it, merging and sharing.
 */
#include "base/mem.h"
#include "certs/chain.h"
#include "testca.h"

#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define DAY 86400

struct world {
        struct testca *root;
        struct testca *twin;
        struct testca *renewed;
        struct testca *middle;
        struct testca *leaf;
        struct testca *other;
};

static int set_up(void **state)
{
        struct world *w = MEM_NEW(struct world);

        w->root = testca_root("root");
        w->twin = testca_twin(w->root, false);
        w->renewed = testca_renewed(w->root);
        w->middle = testca_intermediate(w->root, "middle");
        w->leaf = testca_leaf(w->middle, "DNS:a.example");
        w->other = testca_leaf(w->twin, "DNS:b.example");
        *state = w;
        return 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;

        testca_free(w->root);
        testca_free(w->twin);
        testca_free(w->renewed);
        testca_free(w->middle);
        testca_free(w->leaf);
        testca_free(w->other);
        mem_free(w);
        return 0;
}

/* A list of up to four; NULL ends it. */
static void fill(struct chain *chain, const struct testca *const *list)
{
        for (size_t i = 0; i < 4 && list[i] != NULL; i++) {
                AUTO(cert_free_p) struct cert *cert = NULL;
                struct err err = ERR_INIT;

                if (cert_from_x509(list[i]->x509, &cert, &err) != 0)
                        fail_msg("%s", err.text);
                chain_add(chain, cert);
        }
}

static bool is(const struct chain *chain, const struct testca *const *list)
{
        size_t n = 0;

        for (; n < 4 && list[n] != NULL; n++)
                if (n >= chain->n || X509_cmp(chain->certs[n]->x509, list[n]->x509) != 0)
                        return false;
        return n == chain->n;
}

static void sorting(void **state)
{
        const struct world *w = *state;
        const struct {
                const struct testca *in[4];
                const struct testca *key; /* NULL: no key to go by */
                const struct testca *path[4];
                const struct testca *extra[4];
        } cases[] = {
                { { w->leaf, w->middle }, w->leaf, { w->leaf, w->middle }, { NULL } },
                { { w->middle, w->leaf }, NULL, { w->leaf, w->middle }, { NULL } },
                { { w->root, w->middle, w->leaf }, w->leaf, { w->leaf, w->middle }, { w->root } },
                { { w->leaf, w->root, w->middle }, NULL, { w->leaf, w->middle }, { w->root } },
                { { w->other, w->middle, w->leaf }, w->leaf, { w->leaf, w->middle }, { w->other } },
                { { w->other, w->middle, w->leaf }, w->other, { w->other }, { w->middle, w->leaf } },
                { { w->leaf, w->leaf, w->middle }, w->leaf, { w->leaf, w->middle }, { w->leaf } },
                { { w->root }, NULL, { w->root }, { NULL } },
                { { w->root, w->renewed }, NULL, { w->root }, { w->renewed } },
                { { w->root, w->leaf }, w->other, { w->leaf }, { w->root } },
                { { w->leaf, w->twin }, NULL, { w->leaf }, { w->twin } },
                { { NULL }, NULL, { NULL }, { NULL } },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(chain_done_p) struct chain chain = CHAIN_INIT;
                AUTO(chain_done_p) struct chain extra = CHAIN_INIT;
                AUTO(chain_done_p) struct chain keys = CHAIN_INIT;
                const struct testca *key[4] = { cases[i].key };

                fill(&chain, cases[i].in);
                fill(&keys, key);
                chain_sort(&chain, keys.n == 0 ? NULL : &keys.certs[0]->spki, &extra);
                if (!is(&chain, cases[i].path) || !is(&extra, cases[i].extra))
                        fail_msg("case %zu", i);
                chain_sort(&chain, NULL, NULL);
                assert_int_equal(ERR_peek_error(), 0);
        }
}

static void trust(void **state)
{
        const struct world *w = *state;
        const struct {
                const struct testca *chain[4];
                const struct testca *authorities[4];
                const char *says; /* NULL: accepted */
        } cases[] = {
                { { w->leaf, w->middle }, { w->root }, NULL },
                { { w->leaf, w->middle }, { w->renewed }, NULL },
                { { w->leaf, w->middle }, { w->twin, w->root }, NULL },
                { { w->leaf, w->middle, w->root }, { w->root }, NULL },
                { { w->leaf }, { w->middle }, NULL },
                { { w->leaf }, { w->leaf }, NULL },
                { { w->leaf }, { w->root, w->middle }, NULL },
                { { w->leaf },
                  { w->root },
                  "issued by 'CN=middle', which is neither in the chain nor among" },
                { { w->leaf, w->middle }, { w->twin }, "at depth" },
                { { w->other }, { w->root }, "at depth" },
                { { w->leaf, w->middle }, { NULL }, "there are no authorities" },
                { { NULL }, { w->root }, "no certificate" },
                { { w->root }, { w->twin }, "depth 0: certificate 'CN=root'" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(chain_done_p) struct chain chain = CHAIN_INIT;
                AUTO(chain_done_p) struct chain authorities = CHAIN_INIT;
                struct err err = ERR_INIT;
                int result;

                fill(&chain, cases[i].chain);
                fill(&authorities, cases[i].authorities);
                result = chain_verify(&chain, &authorities, false, true, clock_wall(), &err);
                if ((result == 0) != (cases[i].says == NULL) ||
                    (result != 0 && strstr(err.text, cases[i].says) == NULL))
                        fail_msg("case %zu: %s", i, err.text);
                assert_int_equal(err.kind, result == 0 ? ERR_NONE : ERR_UNTRUSTED);
                assert_int_equal(ERR_peek_error(), 0);
        }
}

/* Without key identifiers a client takes the first authority of the name, whatever its key: so do we. */
static void order_matters_without_key_ids(void **state UNUSED)
{
        AUTO(testca_free_p)
        struct testca *root = testca_make(
                NULL, &(struct testca_options){ .is_ca = true, .subject = "same", .no_key_ids = true });
        AUTO(testca_free_p) struct testca *twin = testca_twin(root, true);
        AUTO(testca_free_p) struct testca *leaf = testca_make(root, &(struct testca_options){ 0 });
        const struct testca *const wrong_first[4] = { twin, root };
        const struct testca *const right_first[4] = { root, twin };
        const struct testca *const only[4] = { leaf };
        AUTO(chain_done_p) struct chain wrong = CHAIN_INIT;
        AUTO(chain_done_p) struct chain right = CHAIN_INIT;
        AUTO(chain_done_p) struct chain chain = CHAIN_INIT;
        struct err err = ERR_INIT;

        fill(&wrong, wrong_first);
        fill(&right, right_first);
        fill(&chain, only);
        assert_int_equal(chain_verify(&chain, &right, false, true, clock_wall(), &err), 0);
        assert_int_equal(chain_verify(&chain, &wrong, false, true, clock_wall(), &err), -1);
        assert_non_null(strstr(err.text, "signature failure"));
}

static void time_and_purpose(void **state)
{
        const struct world *w = *state;
        const struct testca_options client = { .ext_usage = "clientAuth" };
        AUTO(testca_free_p) struct testca *leaf = testca_make(w->root, &client);
        const struct testca *const only[4] = { leaf };
        const struct testca *const root[4] = { w->root };
        AUTO(chain_done_p) struct chain chain = CHAIN_INIT;
        AUTO(chain_done_p) struct chain authorities = CHAIN_INIT;
        struct wall now = clock_wall();
        struct wall later = { now.s + 91 * DAY };
        struct wall before = { now.s - DAY };
        struct err err = ERR_INIT;

        fill(&chain, only);
        fill(&authorities, root);
        assert_int_equal(chain_verify(&chain, &authorities, true, true, now, &err), 0);
        assert_int_equal(chain_verify(&chain, &authorities, false, true, now, &err), -1);
        assert_non_null(strstr(err.text, "purpose"));
        assert_int_equal(chain_verify(&chain, &authorities, true, true, later, &err), -1);
        assert_non_null(strstr(err.text, "expired"));
        assert_int_equal(chain_verify(&chain, &authorities, true, true, before, &err), -1);
        assert_non_null(strstr(err.text, "not yet valid"));
        assert_int_equal(chain_verify(&chain, &authorities, true, false, later, &err), 0);
}

static void merging(void **state)
{
        const struct world *w = *state;
        const struct testca_options gone = { .is_ca = true, .not_before = 1, .not_after = 1000 };
        AUTO(testca_free_p) struct testca *expired = testca_make(NULL, &gone);
        const struct testca *const fresh_list[4] = { w->twin, w->twin, w->renewed };
        const struct testca *const old_list[4] = { w->root, expired, w->twin };
        const struct testca *const wanted[4] = { w->twin, w->renewed, w->root };
        const struct testca *const turned[4] = { w->root, w->twin, w->renewed };
        AUTO(chain_done_p) struct chain fresh = CHAIN_INIT;
        AUTO(chain_done_p) struct chain old = CHAIN_INIT;
        AUTO(chain_done_p) struct chain merged = CHAIN_INIT;
        AUTO(chain_done_p) struct chain same = CHAIN_INIT;

        fill(&fresh, fresh_list);
        fill(&old, old_list);
        chain_merge(&fresh, &old, clock_wall(), &merged);
        assert_true(is(&merged, wanted));
        fill(&same, turned);
        assert_true(chain_same_set(&merged, &same));
        assert_false(chain_same_set(&merged, &fresh));
        assert_false(chain_same_set(&fresh, &merged));
}

static void from_pem_and_back(void **state)
{
        const struct world *w = *state;
        const struct testca *const list[4] = { w->leaf, w->middle, w->root };
        AUTO(mem_free_p) char *text = testca_chain_pem(list, 3);
        AUTO(pem_done_p) struct pem pem = PEM_INIT;
        AUTO(chain_done_p) struct chain chain = CHAIN_INIT;
        AUTO(chain_done_p) struct chain again = CHAIN_INIT;
        AUTO(chain_done_p) struct chain none = CHAIN_INIT;
        AUTO(buf_done_p) struct buf out = BUF_INIT(65536);
        struct err err = ERR_INIT;

        assert_int_equal(pem_parse("x", (const uint8_t *)text, strlen(text), &pem, &err), 0);
        assert_int_equal(chain_from_pem(&pem, 3, NULL, &chain, &err), 0);
        assert_true(is(&chain, list));
        chain_to_pem(&chain, &out);
        assert_string_equal(buf_str(&out), text);
        assert_int_equal(chain_from_pem(&pem, 3, &chain, &again, &err), 0);
        for (size_t i = 0; i < 3; i++)
                assert_ptr_equal(chain.certs[i], again.certs[i]);
        assert_int_equal(chain.certs[0]->refs, 2);
        assert_int_equal(chain_from_pem(&pem, 2, NULL, &none, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        pem.blocks[1].der.data[10] ^= 0xff;
        assert_int_equal(chain_from_pem(&pem, 3, &chain, &none, &err), -1);
        assert_non_null(strstr(err.text, "line "));
        assert_null(none.certs);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sorting),
                cmocka_unit_test(trust),
                cmocka_unit_test(order_matters_without_key_ids),
                cmocka_unit_test(time_and_purpose),
                cmocka_unit_test(merging),
                cmocka_unit_test(from_pem_and_back),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
