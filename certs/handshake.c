// SPDX-License-Identifier: Apache-2.0
/*
 * The handshake as an operation: connect, say what the protocol says before TLS, shake hands, look whether
 * the server has second thoughts. Whatever cuts it short, a chain that came in before is a result.
 *
 * TLS runs over memory, not over the socket: that bounds what a peer may send, and lets an alert be read
 * that arrived before the connection broke.
 */
#include "certs/handshake.h"

#include "base/limits.h"
#include "base/mem.h"
#include "certs/dial.h"
#include "certs/handshake_context.h"
#include "certs/handshake_text.h"
#include "certs/stream.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#define FLIGHT_MAX_BYTES ((size_t)512 << 10) /* OpenSSL takes 100 KiB of certificates; the rest is noise */

struct handshake {
        struct op op;
        struct handshake_request request;
        struct handshake_result *result;
        struct handshake_context *own; /* when the request has none */
        struct handshake_witness witness;
        enum handshake_phase phase;
        int64_t limit_ms;
        bool begun;
        bool ended; /* for good or bad: no further phase */
        struct mono started;
        struct mono deadline;
        struct mono settled; /* when HANDSHAKE_SETTLE ends */
        char *where;
        struct op *dial;
        struct stream stream;
        struct preamble_pump pump;
        struct framer framer;
        bool preamble_begun;
        bool preamble_over; /* only its last bytes are left to send */
        SSL *ssl;
};

/* ---- outcome ---- */

/* The end of a handshake that did not complete: with a chain in hand that is a refusal, without one it is
 * the operation's failure. `cause` goes on after "host:port ". */
static enum op_state give_up(struct handshake *self, enum err_kind kind, struct err *err, const char *cause)
{
        struct handshake_result *result = self->result;

        self->ended = true;
        if (result->chain.n > 0) {
                result->completed = false;
                (void)snprintf(result->refusal, sizeof(result->refusal), "server %.150s", cause);
                return OP_DONE;
        }
        if (self->witness.unreadable.kind != ERR_NONE) {
                *err = self->witness.unreadable;
                err_wrap_(err, "%s", self->where);
        } else {
                err_set_(err, kind, "%s %s", self->where, cause);
        }
        return OP_FAILED;
}

static struct handshake_facts facts(const struct handshake *self)
{
        return (struct handshake_facts){
                .phase = self->phase,
                .has_chain = self->result->chain.n > 0,
                .asked_identity = self->witness.asked_identity,
                .had_identity = self->request.identity != NULL,
                .prove_mutual = self->request.prove_mutual,
        };
}

static enum op_state out_of_time(struct handshake *self, struct err *err)
{
        const struct handshake_facts known = facts(self);
        char cause[HANDSHAKE_TEXT_MAX];

        handshake_text_late(&known, self->limit_ms, cause);
        return give_up(self, ERR_TIMEOUT, err, cause);
}

static enum op_state broken_off(struct handshake *self, struct err *err)
{
        const struct handshake_facts known = facts(self);
        char cause[HANDSHAKE_TEXT_MAX];

        handshake_text_closed(&known, self->stream.sys, cause);
        return give_up(self, ERR_NETWORK, err, cause);
}

static enum op_state tls_failed(struct handshake *self, struct err *err)
{
        const struct handshake_facts known = facts(self);
        char cause[HANDSHAKE_TEXT_MAX];

        handshake_text_tls(&known, ERR_peek_last_error(), cause);
        ERR_clear_error();
        return give_up(self, ERR_PROTOCOL, err, cause);
}

static enum op_state unframed(struct handshake *self, const struct err *why, struct err *err)
{
        char cause[HANDSHAKE_TEXT_MAX];

        (void)snprintf(cause, sizeof(cause), "sends %.100s", why->text);
        return give_up(self, why->kind, err, cause);
}

static void judge(struct handshake *self, struct err *err)
{
        const struct handshake_request *request = &self->request;
        const struct chain *chain = &self->result->chain;
        const char *name = request->server_name != NULL ? request->server_name : request->host;

        if (self->witness.unreadable.kind != ERR_NONE)
                *err = self->witness.unreadable;
        else if (chain->n == 0)
                err_set_(err, ERR_UNTRUSTED, "the server sent no certificate");
        else if (chain_verify(chain, request->authorities, false, true, clock_wall(), err) == 0 &&
                 request->check_name && !cert_covers(chain->certs[0], name))
                err_set_(err, ERR_UNTRUSTED, "the certificate does not cover the name '%s'", name);
}

/* What can be said once the handshake is over, completed or not. */
static void conclude(struct handshake *self, struct mono now)
{
        struct handshake_result *result = self->result;
        struct err err = ERR_INIT;

        result->elapsed_ms = now.ms - self->started.ms;
        result->asked_identity = self->witness.asked_identity;
        if (self->ssl != NULL && SSL_get_current_cipher(self->ssl) != NULL) {
                (void)snprintf(result->tls_version, sizeof(result->tls_version), "%s",
                               SSL_get_version(self->ssl));
                (void)snprintf(result->cipher, sizeof(result->cipher), "%s", SSL_get_cipher(self->ssl));
        }
        if (self->request.authorities == NULL)
                return;
        judge(self, &err);
        result->trusted = err.kind == ERR_NONE;
        (void)snprintf(result->verify_text, sizeof(result->verify_text), "%.*s",
                       (int)sizeof(result->verify_text) - 1, err.text);
}

/* ---- phases: OP_DONE leads to the next one ---- */

static enum op_state wait_for(struct handshake *self, short events)
{
        self->op.want.fd = self->stream.fd;
        self->op.want.events = events;
        self->op.want.until = self->deadline;
        return OP_WAIT;
}

static enum op_state dial(struct handshake *self, short ready, struct mono now, struct err *err)
{
        enum op_state state = self->dial->type->step(self->dial, ready, now, err);

        if (state == OP_WAIT) {
                self->op.want = self->dial->want;
                if (self->deadline.ms < self->op.want.until.ms)
                        self->op.want.until = self->deadline;
                return OP_WAIT;
        }
        self->ended = state == OP_FAILED;
        return state;
}

static enum op_state preamble_state(struct handshake *self, enum preamble_state state, struct err *err)
{
        stream_put(&self->stream, self->pump.io.out, self->pump.io.out_len);
        self->preamble_over = state == PREAMBLE_TLS;
        if (state != PREAMBLE_FAILED)
                return OP_DONE;
        self->ended = true;
        err_wrap_(err, "%s", self->where);
        return OP_FAILED;
}

static enum op_state preamble(struct handshake *self, struct err *err)
{
        uint8_t in[1024];
        size_t got = 0;

        if (self->request.preamble == NULL)
                return OP_DONE;
        if (!self->preamble_begun) {
                self->preamble_begun = true;
                if (preamble_state(self, preamble_begin(&self->pump, self->request.preamble, err), err) !=
                    OP_DONE)
                        return OP_FAILED;
        }
        for (;;) {
                size_t room = self->pump.want < sizeof(in) ? self->pump.want : sizeof(in);
                enum stream_state state = stream_flush(&self->stream);

                if (state == STREAM_WAIT)
                        return wait_for(self, POLLOUT);
                if (self->preamble_over)
                        break;
                state = stream_get(&self->stream, in, room, &got);
                if (state == STREAM_WAIT)
                        return wait_for(self, POLLIN);
                if (state == STREAM_END)
                        return broken_off(self, err);
                if (preamble_state(self, preamble_feed(&self->pump, in, got, err), err) != OP_DONE)
                        return OP_FAILED;
        }
        memcpy(self->result->server, self->pump.io.server, sizeof(self->result->server));
        self->result->server[sizeof(self->result->server) - 1] = '\0';
        return OP_DONE;
}

/* One read from the peer; OP_DONE leads on only when not ended. */
static enum op_state pull(struct handshake *self, struct err *err)
{
        struct err why = ERR_INIT;

        switch (handshake_context_fill(self->ssl, &self->framer, &self->stream, &why)) {
        case STREAM_WAIT:
                return wait_for(self, POLLIN);
        case STREAM_END:
                return why.kind != ERR_NONE ? unframed(self, &why, err) : broken_off(self, err);
        case STREAM_OK:
                break;
        }
        if (self->stream.received > FLIGHT_MAX_BYTES)
                return give_up(self, ERR_PROTOCOL, err, "sends on and on without finishing the handshake");
        return OP_DONE;
}

static int open_tls(struct handshake *self, struct err *err)
{
        const struct handshake_context *context = self->request.context;

        if (context == NULL) {
                if (handshake_context_new(&self->own, err) != 0)
                        return -1;
                context = self->own;
        }
        return handshake_context_open(context, &self->request, &self->witness, &self->ssl, err);
}

static enum op_state tls(struct handshake *self, struct mono now, struct err *err)
{
        if (self->ssl == NULL && open_tls(self, err) != 0) {
                self->ended = true;
                err_wrap_(err, "%s", self->where);
                return OP_FAILED;
        }
        for (;;) {
                enum stream_state flushed;
                enum op_state state;
                int r;

                ERR_clear_error();
                r = SSL_do_handshake(self->ssl);
                flushed = handshake_context_flush(self->ssl, self->framer.framing, &self->stream);
                if (r != 1 && SSL_get_error(self->ssl, r) != SSL_ERROR_WANT_READ)
                        return tls_failed(self, err);
                if (flushed == STREAM_WAIT)
                        return wait_for(self, POLLOUT);
                if (r == 1)
                        break;
                state = pull(self, err);
                if (state != OP_DONE || self->ended)
                        return state;
        }
        if (self->stream.write_broken)
                return broken_off(self, err);
        self->result->completed = true;
        self->framer.framing = NULL; /* from here on TLS is bare */
        self->settled = clock_after(now, self->request.settle_ms);
        return OP_DONE;
}

/*
 * Under TLS 1.3 a client is done before the server has seen its certificate. Any record that is no alert
 * (session tickets, mostly) means that it was accepted; silence until the time is up means so too, because
 * that is what a server does that waits for the client to speak first.
 */
static enum op_state settle(struct handshake *self, struct mono now, struct err *err)
{
        size_t before = self->stream.received;

        if (self->request.settle_ms <= 0 || !self->witness.asked_identity ||
            SSL_version(self->ssl) != TLS1_3_VERSION)
                return OP_DONE;
        for (;;) {
                uint8_t byte;
                enum op_state state;
                int r;

                ERR_clear_error();
                r = SSL_read(self->ssl, &byte, sizeof(byte));
                if (r > 0 || SSL_get_error(self->ssl, r) == SSL_ERROR_ZERO_RETURN)
                        return OP_DONE;
                if (SSL_get_error(self->ssl, r) != SSL_ERROR_WANT_READ)
                        return tls_failed(self, err);
                if (now.ms >= self->settled.ms || self->stream.received > before)
                        return OP_DONE;
                state = pull(self, err);
                if (state == OP_WAIT && self->settled.ms < self->op.want.until.ms)
                        self->op.want.until = self->settled;
                if (state != OP_DONE || self->ended)
                        return state;
        }
}

/* ---- the operation ---- */

static enum op_state run_phase(struct handshake *self, short ready, struct mono now, struct err *err)
{
        switch (self->phase) {
        case HANDSHAKE_DIAL:
                return dial(self, ready, now, err);
        case HANDSHAKE_PREAMBLE:
                return preamble(self, err);
        case HANDSHAKE_TLS:
                return tls(self, now, err);
        case HANDSHAKE_SETTLE:
                return settle(self, now, err);
        case HANDSHAKE_PHASES:
                break;
        }
        return OP_DONE;
}

static enum op_state step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct handshake *self = CONTAINER_OF(op, struct handshake, op);
        enum op_state state = OP_DONE;

        if (!self->begun) {
                self->begun = true;
                self->started = now;
                self->deadline = clock_after(now, self->limit_ms);
        }
        while (state == OP_DONE && !self->ended && self->phase != HANDSHAKE_PHASES) {
                state = run_phase(self, ready, now, err);
                ready = 0;
                if (state == OP_DONE && !self->ended)
                        self->phase++;
        }
        if (state == OP_WAIT && now.ms >= self->deadline.ms)
                state = out_of_time(self, err);
        if (state == OP_DONE)
                conclude(self, now);
        return state;
}

static void handshake_free(struct op *op)
{
        struct handshake *self = CONTAINER_OF(op, struct handshake, op);

        if (self->ssl != NULL)
                handshake_context_close(self->ssl, &self->stream);
        op_free(self->dial);
        stream_done(&self->stream);
        preamble_done(&self->pump);
        handshake_context_free(self->own);
        mem_free(self->where);
        mem_free(self);
}

static const struct op_type handshake_type = { "handshake", step, handshake_free };

struct op *handshake_start(const struct handshake_request *request, int64_t limit_ms,
                           struct handshake_result *result)
{
        struct handshake *self = MEM_NEW(struct handshake);

        *result = (struct handshake_result){ .chain = CHAIN_INIT };
        self->op.type = &handshake_type;
        self->op.want.fd = -1;
        self->op.want.until = MONO_NEVER;
        self->request = *request;
        self->result = result;
        self->limit_ms = limit_ms;
        self->witness.chain = &result->chain;
        self->where = dial_where(request->host, request->port);
        self->stream.fd = -1;
        self->framer.framing = request->preamble == NULL ? NULL : request->preamble->framing;
        self->dial = dial_start(request->host, request->port, limit_ms, &self->stream.fd, result->address);
        return &self->op;
}

void handshake_done(struct handshake_result *result)
{
        chain_done(&result->chain);
}
