// SPDX-License-Identifier: Apache-2.0
/*
 * The handshake with servers that behave: what is served, whether it is trusted, who refuses whom.
 */
#include "testshake.h"

static void fetch(struct world *world, int version, const char *name)
{
        const struct tlspeer_options options = { .leaf = world->leaf,
                                                 .intermediate = world->intermediate,
                                                 .min_version = version,
                                                 .max_version = version };
        const struct testca *const want[] = { world->leaf, world->intermediate };
        AUTO(tlspeer_stop_p) struct tlspeer peer = tlspeer_start(&options);
        AUTO(chain_done_p) struct chain authorities = CHAIN_INIT;
        struct handshake_request request = request_to(&peer);

        add(&authorities, world->root);
        request.authorities = &authorities;
        request.context = world->context;
        request.check_name = true;
        for (int i = 0; i < 3; i++) { /* the context is used again; then without one */
                AUTO(handshake_done_p) struct handshake_result result;
                struct err err = ERR_INIT;

                assert_int_equal(shake(&request, LIMIT_MS, &result, &err), 0);
                expect_chain(&result, want, 2);
                assert_true(result.completed);
                assert_string_equal(result.verify_text, "");
                assert_true(result.trusted);
                assert_string_equal(result.refusal, "");
                assert_string_equal(result.tls_version, name);
                assert_string_equal(result.address, "127.0.0.1");
                assert_string_not_equal(result.cipher, "");
                assert_false(result.asked_identity);
                if (i == 1)
                        request.context = NULL;
        }
}

static void fetches_chain_over_tls12_and_tls13(void **state)
{
        fetch(world_of(state), TLS1_2_VERSION, "TLSv1.2");
        fetch(world_of(state), TLS1_3_VERSION, "TLSv1.3");
}

static void judges_but_never_rejects(void **state)
{
        static const struct {
                const char *name;
                struct testca_options leaf;
                bool foreign;
                const char *server_name;
                const char *says; /* NULL: trusted */
        } cases[] = {
                { "good", { .names = "DNS:db.test" }, false, "db.test", NULL },
                { "expired",
                  { .names = "DNS:db.test", .not_before = 1000000, .not_after = 2000000 },
                  false,
                  "db.test",
                  "expired" },
                { "untrusted", { .names = "DNS:db.test" }, true, "db.test", "issuer" },
                { "other name", { .names = "DNS:db.test" }, false, "x.test", "'x.test'" },
                { "client only",
                  { .names = "DNS:db.test", .ext_usage = "clientAuth" },
                  false,
                  "db.test",
                  "purpose" },
                { "RSA 1024, SHA-1",
                  { .names = "DNS:db.test", .key = TESTCA_RSA1024, .digest = "SHA1" },
                  true,
                  "db.test",
                  "" },
        };
        struct world *world = world_of(state);
        AUTO(chain_done_p) struct chain authorities = CHAIN_INIT;

        add(&authorities, world->root);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(testca_free_p)
                struct testca *leaf =
                        testca_make(cases[i].foreign ? world->other : world->root, &cases[i].leaf);
                const struct testca *const want[] = { leaf };
                const struct tlspeer_options options = { .leaf = leaf };
                AUTO(tlspeer_stop_p) struct tlspeer peer = tlspeer_start(&options);
                AUTO(handshake_done_p) struct handshake_result result;
                struct handshake_request request = request_to(&peer);
                struct err err = ERR_INIT;

                print_message("%s\n", cases[i].name);
                request.authorities = &authorities;
                request.server_name = cases[i].server_name;
                request.check_name = true;
                assert_int_equal(shake(&request, LIMIT_MS, &result, &err), 0);
                expect_chain(&result, want, 1);
                assert_true(result.completed);
                assert_int_equal(result.trusted, cases[i].says == NULL);
                expect_text(result.verify_text, cases[i].says == NULL ? "" : cases[i].says);
        }
}

static void mutual(struct world *world, const struct testca *clients, int version, bool with_identity,
                   const char *refusal)
{
        const struct tlspeer_options options = {
                .leaf = world->leaf, .clients = clients, .min_version = version, .max_version = version
        };
        AUTO(tlspeer_stop_p) struct tlspeer peer = tlspeer_start(&options);
        AUTO(handshake_done_p) struct handshake_result result;
        struct handshake_request request = request_to(&peer);
        struct key key = { .pkey = world->client->key };
        struct bundle identity = { .key = &key, .chain = CHAIN_INIT };
        struct err err = ERR_INIT;

        add(&identity.chain, world->client);
        request.identity = with_identity ? &identity : NULL;
        request.settle_ms = 2000;
        assert_int_equal(shake(&request, LIMIT_MS, &result, &err), 0);
        chain_done(&identity.chain);
        assert_int_equal(result.chain.n, 1);
        assert_true(result.asked_identity);
        assert_int_equal(result.completed, refusal == NULL);
        expect_text(result.refusal, refusal == NULL ? "" : refusal);
        /* An acceptance under TLS 1.3 shows by the session tickets, long before settle_ms. */
        assert_true(result.elapsed_ms < 1900);
}

static void keeps_the_chain_when_the_server_refuses_us(void **state)
{
        struct world *world = world_of(state);
        const char *refused = "server refused our certificate: unknown CA (alert 48)";

        mutual(world, world->root, TLS1_2_VERSION, true, NULL);
        mutual(world, world->root, TLS1_3_VERSION, true, NULL);
        mutual(world, world->other, TLS1_2_VERSION, true, refused);
        mutual(world, world->other, TLS1_3_VERSION, true, refused);
        mutual(world, world->root, TLS1_2_VERSION, false, "wants a client certificate and was given none");
        mutual(world, world->root, TLS1_3_VERSION, false, "certificate required (alert 116)");
}

static void proves_mutual_inside_the_handshake(void **state)
{
        struct world *world = world_of(state);
        const struct tlspeer_options options = { .leaf = world->leaf };
        const struct tlspeer_options modern = { .leaf = world->leaf, .min_version = TLS1_3_VERSION };
        AUTO(tlspeer_stop_p) struct tlspeer peer = tlspeer_start(&options);
        AUTO(tlspeer_stop_p) struct tlspeer modern_peer = tlspeer_start(&modern);
        AUTO(handshake_done_p) struct handshake_result result;
        AUTO(handshake_done_p) struct handshake_result none;
        struct handshake_request request = request_to(&peer);
        struct err err = ERR_INIT;

        request.prove_mutual = true;
        assert_int_equal(shake(&request, LIMIT_MS, &result, &err), 0);
        assert_string_equal(result.tls_version, "TLSv1.2");
        request = request_to(&modern_peer);
        request.prove_mutual = true;
        assert_int_equal(shake(&request, LIMIT_MS, &none, &err), -1);
        assert_int_equal(err.kind, ERR_PROTOCOL);
        expect_text(err.text, "does not offer TLS 1.2");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(fetches_chain_over_tls12_and_tls13),
                cmocka_unit_test(judges_but_never_rejects),
                cmocka_unit_test(keeps_the_chain_when_the_server_refuses_us),
                cmocka_unit_test(proves_mutual_inside_the_handshake),
        };

        return cmocka_run_group_tests(tests, make_world, free_world);
}
