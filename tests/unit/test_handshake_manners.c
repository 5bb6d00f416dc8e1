// SPDX-License-Identifier: Apache-2.0
/*
 * The handshake with servers that do not behave: what is said, and how soon; and its other ways in and out.
 */
#include "testshake.h"

static const struct manner {
        const char *name;
        struct tlspeer_options options;
        int64_t limit_ms;
        enum err_kind kind; /* ERR_NONE: a chain comes, and the refusal says */
        const char *says;
} manners[] = {
        { "closes", { .manner = TLSPEER_CLOSES }, LIMIT_MS, ERR_NETWORK, "closed the connection" },
        { "silent", { .manner = TLSPEER_SILENT }, 200, ERR_TIMEOUT, "did not finish the TLS handshake" },
        { "talks SSH",
          { .manner = TLSPEER_BABBLES, .greeting = "SSH-2.0-OpenSSH_9.2\r\n", .greeting_len = 21 },
          LIMIT_MS,
          ERR_PROTOCOL,
          "is this a TLS port?" },
        { "talks HTTP",
          { .manner = TLSPEER_BABBLES, .greeting = "HTTP/1.1 400 Bad Request\r\n", .greeting_len = 26 },
          LIMIT_MS,
          ERR_PROTOCOL,
          "is this a TLS port?" },
        { "endless", { .manner = TLSPEER_ENDLESS }, LIMIT_MS, ERR_PROTOCOL, "on and on" },
        { "TLS 1.1",
          { .min_version = TLS1_VERSION, .max_version = TLS1_1_VERSION },
          LIMIT_MS,
          ERR_PROTOCOL,
          "offers only TLS 1.0/1.1" },
        { "trickles for ever",
          { .manner = TLSPEER_TRICKLES, .pause_ms = 50 },
          500,
          ERR_TIMEOUT,
          "within 500 ms" },
        { "trickles", { .manner = TLSPEER_TRICKLES, .pause_ms = 1 }, LIMIT_MS, ERR_NONE, "" },
        { "leaves after its flight",
          { .manner = TLSPEER_LEAVES, .max_version = TLS1_2_VERSION },
          LIMIT_MS,
          ERR_NONE,
          "closed the connection in the middle of the handshake" },
        { "resets after its flight",
          { .manner = TLSPEER_RESETS, .max_version = TLS1_2_VERSION },
          LIMIT_MS,
          ERR_NONE,
          "reset" },
};

static void survives_bad_manners(void **state)
{
        struct world *world = world_of(state);

        for (size_t i = 0; i < ARRAY_LEN(manners); i++) {
                struct tlspeer_options options = manners[i].options;
                AUTO(tlspeer_stop_p) struct tlspeer peer = { .pid = -1 };
                AUTO(handshake_done_p) struct handshake_result result;
                struct handshake_request request;
                struct err err = ERR_INIT;
                char where[32];

                print_message("%s\n", manners[i].name);
                options.leaf = world->leaf;
                peer = tlspeer_start(&options);
                request = request_to(&peer);
                (void)snprintf(where, sizeof(where), "127.0.0.1:%d ", peer.port);
                assert_int_equal(shake(&request, manners[i].limit_ms, &result, &err),
                                 manners[i].kind == ERR_NONE ? 0 : -1);
                assert_int_equal(err.kind, manners[i].kind);
                assert_int_equal(result.chain.n, manners[i].kind == ERR_NONE);
                assert_int_equal(result.completed, manners[i].kind == ERR_NONE && manners[i].says[0] == '\0');
                expect_text(manners[i].kind == ERR_NONE ? result.refusal : err.text, manners[i].says);
                if (manners[i].kind != ERR_NONE)
                        assert_memory_equal(err.text, where, strlen(where));
        }
}

static void speaks_over_a_unix_socket(void **state)
{
        struct world *world = world_of(state);
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *path = mem_printf("%s/s", dir);
        const struct testca *const want[] = { world->leaf };
        const struct tlspeer_options options = { .leaf = world->leaf, .path = path };
        AUTO(tlspeer_stop_p) struct tlspeer peer = tlspeer_start(&options);
        AUTO(handshake_done_p) struct handshake_result result;
        struct handshake_request request = { .host = path };
        struct err err = ERR_INIT;

        assert_int_equal(shake(&request, LIMIT_MS, &result, &err), 0);
        expect_chain(&result, want, 1);
        assert_true(result.completed);
        assert_string_equal(result.address, options.path);
        assert_int_equal(peer.port, 0);
}

/* The greeting of 10.11, the whole way in with a peer that sends it byte by byte. */
static enum preamble_state demand(struct preamble_io *io, struct err *err UNUSED)
{
        static const size_t needs[] = { 4, 12 };

        if (io->stage < 2) {
                io->need = needs[io->stage++];
                return PREAMBLE_MORE;
        }
        memcpy(io->out, "please", 6);
        io->out_len = 6;
        memcpy(io->server, io->in, io->in_len);
        return PREAMBLE_TLS;
}

static void runs_the_preamble(void **state)
{
        static const struct preamble preamble = { "demand", demand, NULL };
        struct world *world = world_of(state);

        for (int i = 0; i < 2; i++) {
                const struct tlspeer_options options = { .manner = i == 0 ? TLSPEER_TALKS : TLSPEER_TRICKLES,
                                                         .leaf = world->leaf,
                                                         .pause_ms = 1,
                                                         .greeting = "headand the rest",
                                                         .greeting_len = 16,
                                                         .request_len = 6 };
                AUTO(tlspeer_stop_p) struct tlspeer peer = tlspeer_start(&options);
                AUTO(handshake_done_p) struct handshake_result result;
                struct handshake_request request = request_to(&peer);
                struct err err = ERR_INIT;

                request.preamble = &preamble;
                assert_int_equal(shake(&request, LIMIT_MS, &result, &err), 0);
                assert_true(result.completed);
                assert_string_equal(result.server, "and the rest");
        }
}

/* Freed after each number of steps: nothing leaks, nothing is touched afterwards. */
static void may_be_dropped_at_any_step(void **state)
{
        struct world *world = world_of(state);
        const struct tlspeer_options options = { .leaf = world->leaf, .intermediate = world->intermediate };
        AUTO(tlspeer_stop_p) struct tlspeer peer = tlspeer_start(&options);
        const struct handshake_request request = request_to(&peer);
        bool ended = false;

        for (int steps = 0; !ended; steps++) {
                AUTO(handshake_done_p) struct handshake_result result;
                AUTO(op_free_p) struct op *op = handshake_start(&request, LIMIT_MS, &result);
                struct err err = ERR_INIT;
                short ready = 0;

                for (int i = 0; i < steps && !ended; i++) {
                        struct pollfd pfd;

                        ended = op->type->step(op, ready, clock_mono(), &err) != OP_WAIT;
                        pfd = (struct pollfd){ .fd = op->want.fd, .events = op->want.events };
                        if (!ended)
                                assert_int_equal(poll(&pfd, 1, LIMIT_MS), 1);
                        ready = pfd.revents;
                }
        }
}

static void tells_alerts_apart(void **state)
{
        static const struct {
                struct handshake_facts facts;
                int alert;
                const char *says;
        } cases[] = {
                { { .phase = HANDSHAKE_TLS }, 40, "broke the handshake off: handshake failure (alert 40)" },
                { { .phase = HANDSHAKE_TLS, .asked_identity = true },
                  40,
                  "wants a client certificate and was given none: handshake failure (alert 40)" },
                { { .phase = HANDSHAKE_TLS, .asked_identity = true, .had_identity = true },
                  45,
                  "refused our certificate: certificate expired (alert 45)" },
                { { .phase = HANDSHAKE_TLS },
                  70,
                  "offers only TLS 1.0/1.1: turn TLS 1.2 or later on there (alert 70)" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                char text[HANDSHAKE_TEXT_MAX];
                unsigned long code =
                        ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + (unsigned)cases[i].alert);

                handshake_text_tls(&cases[i].facts, code, text);
                assert_string_equal(text, cases[i].says);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(survives_bad_manners), cmocka_unit_test(speaks_over_a_unix_socket),
                cmocka_unit_test(runs_the_preamble),    cmocka_unit_test(may_be_dropped_at_any_step),
                cmocka_unit_test(tells_alerts_apart),
        };

        return cmocka_run_group_tests(tests, make_world, free_world);
}
