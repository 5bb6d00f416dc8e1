// SPDX-License-Identifier: Apache-2.0
/*
 * Each leaf is reached as its aggregators reach it: what it shows must verify against the published
 * authorities, its name is not compared. Such a handshake ends without a login, which a server counts against
 * this host until the next login from it; asking for the partitions afterwards is one.
 */
#include "base/mem.h"
#include "certs/handshake.h"
#include "hooks/galera.h"
#include "hooks/program.h"
#include "hooks/singlestore_parts.h"
#include "hooks/wire/mysql_greeting.h"

#include <stdio.h>

#define LEAF_LIMIT_MS 5000

struct links {
        const struct singlestore *node;
        struct galera_addresses list;
        size_t at; /* next */
        char name[GALERA_HOST_MAX + 8];
        bool pending;
        struct handshake_result result;
};

static int judge(struct links *links, const struct err *failure, struct err *err)
{
        if (failure != NULL)
                return err_set(err, ERR_UNHEALTHY, "leaf %s does not take TLS connections: %s", links->name,
                               failure->text);
        if (!links->result.trusted)
                return err_set(err, ERR_UNHEALTHY,
                               "leaf %s shows a certificate that the published authorities do not verify: %s",
                               links->name, links->result.verify_text);
        return 0;
}

static int links_next(void *self, const struct err *failure, int64_t left_ms, struct op **out,
                      struct err *err)
{
        struct links *links = self;
        int fault = links->pending ? judge(links, failure, err) : 0;
        const struct galera_address *address;
        int64_t share;

        if (links->pending)
                handshake_done(&links->result);
        links->pending = false;
        if (fault != 0 || links->at == links->list.n)
                return fault;
        share = left_ms / (int64_t)(links->list.n - links->at);
        address = &links->list.items[links->at++];
        (void)snprintf(links->name, sizeof(links->name), "%s:%d", address->host, address->port);
        *out = handshake_start(
                &(struct handshake_request){ .host = address->host,
                                             .port = address->port,
                                             .preamble = &mysql_greeting_preamble,
                                             .authorities = &links->node->database.published->authorities },
                share > LEAF_LIMIT_MS ? LEAF_LIMIT_MS : share, &links->result);
        links->pending = true;
        return 0;
}

static void links_free(void *self)
{
        struct links *links = self;

        if (links->pending)
                handshake_done(&links->result);
        mem_free(links);
}

static void add(struct links *links, const char *host, int port)
{
        const struct singlestore_node *then = singlestore_state_find(&links->node->before, host, port);
        struct galera_address *address;

        if (links->list.n == PEERS_MAX || (then != NULL && !singlestore_state_is_online(then)))
                return;
        address = &links->list.items[links->list.n++];
        (void)snprintf(address->host, sizeof(address->host), "%s", host);
        address->port = port;
}

struct op *singlestore_links_start(const struct singlestore *node, const struct singlestore_state *state,
                                   int64_t limit_ms)
{
        static const struct program_type type = { .name = "leaf links",
                                                  .next = links_next,
                                                  .free = links_free };
        const struct singlestore_settings *settings = &node->database.settings->singlestore;
        struct links *links = MEM_NEW(struct links);
        struct galera_address address;

        links->node = node;
        for (size_t i = 0; i < settings->n_leaves; i++)
                if (galera_parse_address(settings->leaves[i], &address))
                        add(links, address.host, address.port);
        for (size_t i = 0; settings->n_leaves == 0 && i < state->n; i++)
                if (state->nodes[i].leaf)
                        add(links, state->nodes[i].host, state->nodes[i].port);
        return program_start(&type, links, limit_ms);
}
