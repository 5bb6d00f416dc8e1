// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the tests of the handshake share: authorities made once, and a handshake run to its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "certs/handshake.h"
#include "certs/handshake_text.h"
#include "tlspeer.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#define LIMIT_MS 20000

/* What all tests use, made once: keys cost time. */
struct world {
        struct testca *root;
        struct testca *intermediate;
        struct testca *leaf;  /* of the intermediate, names "localhost" and 127.0.0.1 */
        struct testca *other; /* another authority */
        struct testca *client;
        struct handshake_context *context;
};

static inline UNUSED struct world *world_of(void **state)
{
        return *state;
}

static inline UNUSED struct cert *to_cert(const struct testca *ca)
{
        struct cert *cert = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(cert_from_x509(ca->x509, &cert, &err), 0);
        return cert;
}

static inline UNUSED void add(struct chain *chain, const struct testca *ca)
{
        AUTO(cert_free_p) struct cert *cert = to_cert(ca);

        chain_add(chain, cert);
}

static inline UNUSED struct handshake_request request_to(const struct tlspeer *peer)
{
        return (struct handshake_request){ .host = "127.0.0.1", .port = peer->port };
}

static inline UNUSED int shake(const struct handshake_request *request, int64_t limit_ms,
                               struct handshake_result *result, struct err *err)
{
        AUTO(op_free_p) struct op *op = handshake_start(request, limit_ms, result);

        return op_run(op, limit_ms + 5000, err);
}

static inline UNUSED void expect_chain(const struct handshake_result *result,
                                       const struct testca *const *want, size_t n)
{
        assert_int_equal(result->chain.n, n);
        for (size_t i = 0; i < n; i++) {
                AUTO(cert_free_p) struct cert *cert = to_cert(want[i]);

                assert_true(hex_fingerprint_equal(&cert->fp, &result->chain.certs[i]->fp));
        }
}

static inline UNUSED void expect_text(const char *text, const char *part)
{
        if (strstr(text, part) == NULL)
                fail_msg("'%s' does not say '%s'", text, part);
}

static inline UNUSED int make_world(void **state)
{
        /* A server may want a certificate that no policy of ours would have: it is theirs to judge. */
        const struct testca_options weak = { .key = TESTCA_RSA1024, .digest = "SHA1", .names = "DNS:client" };
        struct world *world = MEM_NEW(struct world);
        struct err err = ERR_INIT;

        world->root = testca_root("root");
        world->intermediate = testca_intermediate(world->root, "intermediate");
        world->leaf = testca_leaf(world->intermediate, "DNS:localhost,IP:127.0.0.1");
        world->other = testca_root("other");
        world->client = testca_make(world->root, &weak);
        *state = world;
        return handshake_context_new(&world->context, &err);
}

static inline UNUSED int free_world(void **state)
{
        struct world *world = *state;

        handshake_context_free(world->context);
        testca_free(world->client);
        testca_free(world->other);
        testca_free(world->leaf);
        testca_free(world->intermediate);
        testca_free(world->root);
        mem_free(world);
        return 0;
}
