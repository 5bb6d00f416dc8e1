// SPDX-License-Identifier: Apache-2.0
/*
 * The first handshake goes to the node's own listener, which must show the published leaf; the others go to
 * the peers. TLS 1.2 is used where mutual trust is proven, because only there a refusal of our certificate
 * arrives inside the handshake.
 *
 * A public bundle (no key at hand) cannot prove that peers accept us: then only what they show is checked.
 */
#include "hooks/galera_links.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "certs/handshake.h"

#define PEER_LIMIT_MS 5000

struct links {
        struct op op;
        const struct bundle *published;
        const struct bundle *upcoming; /* NULL: none */
        int64_t limit_ms;
        struct mono deadline;
        struct galera_addresses list; /* [0] is the node's own listener when has_own */
        bool has_own;
        struct galera_address listener;
        int members; /* the others */
        size_t at;
        int n_proven;
        struct err absent; /* why the first peer that did not answer did not */
        char name[GALERA_HOST_MAX + 8];
        struct op *handshake;
        struct handshake_result result;
};

static bool is_local(const char *address)
{
        union {
                struct sockaddr any;
                struct sockaddr_in v4;
                struct sockaddr_in6 v6;
        } to = { .v4 = { .sin_family = AF_INET } };
        AUTO(close_fd_p) int fd = -1;
        socklen_t len = sizeof(to.v4);

        if (inet_pton(AF_INET, address, &to.v4.sin_addr) != 1) {
                to.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
                len = sizeof(to.v6);
                if (inet_pton(AF_INET6, address, &to.v6.sin6_addr) != 1)
                        return false;
        }
        fd = socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        return fd != -1 && bind(fd, &to.any, len) == 0; /* only addresses of this host can be bound */
}

/* A name that led back to ourselves is no proof of a peer. */
static bool is_self(const struct links *self)
{
        return galera_is_any(&self->listener) && self->list.items[self->at].port == self->listener.port &&
               is_local(self->result.address);
}

static bool is_own(const struct links *self)
{
        return self->has_own && self->at == 0;
}

/* Whom we are to the listener: NULL where no key is at hand. */
static const struct bundle *identity(const struct links *self)
{
        if (is_own(self) && self->upcoming != NULL)
                return self->upcoming;
        return self->published->key != NULL ? self->published : NULL;
}

static void start_handshake(struct links *self, struct mono now)
{
        const struct galera_address *address = &self->list.items[self->at];
        const struct bundle *us = identity(self);
        const struct handshake_request request = {
                .host = address->host,
                .port = address->port,
                .authorities = &self->published->authorities,
                .identity = us,
                .prove_mutual = us != NULL,
        };
        int64_t left = self->deadline.ms - now.ms;
        int64_t share = left / (int64_t)(self->list.n - self->at);

        (void)snprintf(self->name, sizeof(self->name), "%s:%d", address->host, address->port);
        self->handshake =
                handshake_start(&request, share > PEER_LIMIT_MS ? PEER_LIMIT_MS : share, &self->result);
}

static void end_handshake(struct links *self)
{
        if (self->handshake == NULL)
                return;
        op_free(TAKE(self->handshake));
        handshake_done(&self->result);
}

static int judge_own(const struct links *self, struct err *err)
{
        const struct cert *leaf = bundle_leaf(self->published);

        if (hex_fingerprint_equal(&self->result.chain.certs[0]->fp, &leaf->fp))
                return 0;
        return err_set(
                err, ERR_UNHEALTHY,
                "the node's own group listener %s serves another leaf ('%.80s', serial %.48s) than the "
                "published one: MariaDB 10.5.10 or newer reloads it with FLUSH SSL",
                self->name, self->result.chain.certs[0]->subject, self->result.chain.certs[0]->serial);
}

/* A chain came: are both sides content? */
static int judge(struct links *self, struct err *err)
{
        if (is_own(self) && judge_own(self, err) == -1)
                return -1;
        if (!self->result.trusted)
                return err_set(err, ERR_UNHEALTHY,
                               "cluster member %s shows a certificate that the published authorities do not "
                               "verify: %s",
                               self->name, self->result.verify_text);
        if (is_own(self) && self->upcoming != NULL && !self->result.completed)
                return err_set(err, ERR_UNHEALTHY,
                               "the node's own group listener %s does not accept a certificate of the "
                               "authority to come, which was published for it to trust: %s",
                               self->name, self->result.refusal);
        if (identity(self) != NULL && !self->result.completed)
                return err_set(err, ERR_UNHEALTHY, "cluster member %s refuses the published certificate: %s",
                               self->name, self->result.refusal);
        if (!is_own(self) && !is_self(self))
                self->n_proven++;
        return 0;
}

/* Nothing came that is a certificate. */
static int note_absent(struct links *self, const struct err *why, struct err *err)
{
        if (is_own(self))
                return err_set(err, ERR_UNHEALTHY, "the node's own group listener does not answer: %s",
                               why->text);
        if (self->absent.kind == ERR_NONE)
                self->absent = *why;
        return 0;
}

static enum op_state finish(const struct links *self, struct err *err)
{
        if (self->n_proven >= self->members)
                return OP_DONE;
        if (self->absent.kind != ERR_NONE) {
                (void)err_set(err, ERR_UNHEALTHY, "%d of %d other cluster members could be proven: %s",
                              self->n_proven, self->members, self->absent.text);
                return OP_FAILED;
        }
        /* Fewer addresses than members: a gap in what is known, no fault of the certificate. */
        log_warn("galera_links_unproven", LOG_I("proven", self->n_proven), LOG_I("members", self->members),
                 LOG_S("remedy", "list every member in galera.peers"));
        return OP_DONE;
}

static enum op_state links_step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct links *self = CONTAINER_OF(op, struct links, op);

        if (self->deadline.ms == 0)
                self->deadline = clock_after(now, self->limit_ms);
        while (self->at < self->list.n) {
                struct err why = ERR_INIT;
                enum op_state state;
                int fault;

                if (self->handshake == NULL)
                        start_handshake(self, now);
                state = self->handshake->type->step(self->handshake, ready, now, &why);
                if (state == OP_WAIT) {
                        op->want = self->handshake->want;
                        return OP_WAIT;
                }
                fault = state == OP_DONE ? judge(self, err) : note_absent(self, &why, err);
                end_handshake(self);
                if (fault != 0)
                        return OP_FAILED;
                self->at++;
                ready = 0;
        }
        return finish(self, err);
}

static void links_free(struct op *op)
{
        struct links *self = CONTAINER_OF(op, struct links, op);

        end_handshake(self);
        mem_free(self);
}

static const struct op_type links_type = { .name = "cluster links", .step = links_step, .free = links_free };

static void add_own(struct links *self, const struct galera_settings *settings)
{
        struct galera_address own = self->listener;

        if (settings->group_address != NULL && !galera_parse_address(settings->group_address, &own))
                return;
        if (own.port == 0)
                return;
        if (galera_is_any(&own))
                (void)snprintf(own.host, sizeof(own.host), "127.0.0.1");
        self->has_own = true;
        self->list.items[self->list.n++] = own;
}

struct op *galera_links_start(const struct galera_state *state, const struct database *database,
                              int64_t limit_ms)
{
        const struct galera_settings *settings = &database->settings->galera;
        struct links *self = MEM_NEW(struct links);
        struct galera_addresses peers;

        self->op.type = &links_type;
        self->published = database->published;
        self->upcoming = database->upcoming;
        self->limit_ms = limit_ms;
        if (self->published == NULL || !galera_uses_tls(state))
                return &self->op;
        self->members = state->size > 1 ? state->size - 1 : 0;
        if (!galera_listener(state, &self->listener))
                self->listener = (struct galera_address){ .port = 0 };
        add_own(self, settings);
        /* On the way from plain to TLS, or back, peers may speak either. */
        if (database->mode == TLS_MIXED) {
                self->members = 0;
                return &self->op;
        }
        galera_peers(state, settings, &peers);
        for (size_t i = 0; i < peers.n && self->list.n < PEERS_MAX; i++)
                self->list.items[self->list.n++] = peers.items[i];
        return &self->op;
}
