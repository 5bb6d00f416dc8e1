// SPDX-License-Identifier: Apache-2.0
/*
 * Columns are taken by their place: the first six of SHOW AGGREGATORS and SHOW LEAVES have kept theirs since
 * 7.x, a node's number stands before the last one.
 */
#include "hooks/singlestore_state.h"

#include "base/mem.h"
#include "base/num.h"
#include "hooks/galera.h"

#include <stdio.h>
#include <string.h>

enum { HOST, PORT, AGGREGATOR_STATE, AGGREGATOR_MASTER = 5, COLUMNS_MIN = 6 };
enum { LEAF_PAIR_HOST = 3, LEAF_PAIR_PORT, LEAF_STATE };

static int to_int(const char *text, int otherwise)
{
        struct err err = ERR_INIT;
        int64_t value;

        return text != NULL && num_parse(text, 0, INT32_MAX, &value, &err) == 0 ? (int)value : otherwise;
}

static struct singlestore_node *add(struct singlestore_state *state, const char *const *values)
{
        struct singlestore_node *node;

        state->nodes = mem_grow(state->nodes, state->n + 1, sizeof(*state->nodes));
        node = &state->nodes[state->n++];
        memset(node, 0, sizeof(*node));
        (void)snprintf(node->host, sizeof(node->host), "%s", values[HOST]);
        node->port = to_int(values[PORT], 0);
        node->id = -1;
        return node;
}

void singlestore_state_done(struct singlestore_state *state)
{
        mem_free(state->nodes);
        mem_free(state->partitions);
        *state = (struct singlestore_state){ .looked = false };
}

void singlestore_state_aggregator(struct singlestore_state *state, const char *const *values, unsigned n)
{
        struct singlestore_node *node;

        if (n < COLUMNS_MIN || values[HOST] == NULL || values[AGGREGATOR_STATE] == NULL)
                return;
        node = add(state, values);
        node->master = to_int(values[AGGREGATOR_MASTER], 0) == 1;
        if (n > COLUMNS_MIN + 1)
                node->id = to_int(values[n - 2], -1);
        (void)snprintf(node->state, sizeof(node->state), "%s", values[AGGREGATOR_STATE]);
}

void singlestore_state_leaf(struct singlestore_state *state, const char *const *values, unsigned n)
{
        struct singlestore_node *node;

        if (n < COLUMNS_MIN || values[HOST] == NULL || values[LEAF_STATE] == NULL)
                return;
        node = add(state, values);
        node->leaf = true;
        state->n_leaves++;
        (void)snprintf(node->state, sizeof(node->state), "%s", values[LEAF_STATE]);
        if (values[LEAF_PAIR_HOST] != NULL)
                (void)snprintf(node->pair_host, sizeof(node->pair_host), "%s", values[LEAF_PAIR_HOST]);
        node->pair_port = to_int(values[LEAF_PAIR_PORT], 0);
}

void singlestore_state_partition(struct singlestore_state *state, const char *const *values, unsigned n)
{
        struct singlestore_partition *partition;

        if (n != 5 || values[HOST] == NULL || state->n_partitions >= SINGLESTORE_PARTITIONS_MAX)
                return;
        state->partitions = mem_grow(state->partitions, state->n_partitions + 1, sizeof(*state->partitions));
        partition = &state->partitions[state->n_partitions++];
        (void)snprintf(partition->host, sizeof(partition->host), "%s", values[HOST]);
        partition->port = to_int(values[PORT], 0);
        (void)snprintf(partition->name, sizeof(partition->name), "%.60s (%.20s)",
                       values[2] == NULL ? "?" : values[2], values[3] == NULL ? "?" : values[3]);
        (void)snprintf(partition->state, sizeof(partition->state), "%s", values[4] == NULL ? "?" : values[4]);
}

void singlestore_state_tls(struct singlestore_tls *tls, const char *name, const char *value)
{
        tls->known = true;
        if (strcmp(name, "ssl_cert") == 0)
                tls->serves = value[0] != '\0';
        else if (strcmp(name, "ssl_ca") == 0 || strcmp(name, "ssl_capath") == 0)
                tls->authorities = tls->authorities || value[0] != '\0';
        else if (strcmp(name, "ssl_last_reload_attempt_time") == 0)
                (void)snprintf(tls->attempt, sizeof(tls->attempt), "%s", value);
        else if (strcmp(name, "ssl_last_successful_reload_time") == 0)
                (void)snprintf(tls->success, sizeof(tls->success), "%s", value);
}

const char *singlestore_state_role(const struct singlestore_state *state)
{
        size_t n_aggregators = state->n - state->n_leaves;

        if (!state->looked)
                return "";
        if (!state->aggregator)
                return "leaf";
        if (state->n_leaves == 0 && n_aggregators < 2)
                return "standalone";
        for (size_t i = 0; i < state->n; i++)
                if (state->nodes[i].master && (n_aggregators == 1 || state->nodes[i].id == state->own_id))
                        return "master";
        return "aggregator";
}

const struct singlestore_node *singlestore_state_find(const struct singlestore_state *state, const char *host,
                                                      int port)
{
        for (size_t i = 0; i < state->n; i++)
                if (state->nodes[i].port == port && strcmp(state->nodes[i].host, host) == 0)
                        return &state->nodes[i];
        return NULL;
}

bool singlestore_state_is_online(const struct singlestore_node *node)
{
        return strcmp(node->state, "online") == 0;
}

static bool was_away(const struct singlestore_state *before, const char *host, int port)
{
        const struct singlestore_node *then =
                before == NULL ? NULL : singlestore_state_find(before, host, port);

        return then != NULL && !singlestore_state_is_online(then);
}

static bool had_fault(const struct singlestore_state *before, const struct singlestore_partition *partition)
{
        if (was_away(before, partition->host, partition->port))
                return true;
        if (before != NULL && before->n_partitions == SINGLESTORE_PARTITIONS_MAX)
                return true;
        for (size_t i = 0; before != NULL && i < before->n_partitions; i++) {
                const struct singlestore_partition *then = &before->partitions[i];

                if (then->port == partition->port && strcmp(then->host, partition->host) == 0 &&
                    strcmp(then->name, partition->name) == 0)
                        return true;
        }
        return false;
}

int singlestore_state_judge(const struct singlestore_state *state, const struct singlestore_state *before,
                            struct err *err)
{
        for (size_t i = 0; i < state->n; i++) {
                const struct singlestore_node *node = &state->nodes[i];

                if (!singlestore_state_is_online(node) && !was_away(before, node->host, node->port))
                        return err_set(err, ERR_UNHEALTHY, "%s %s:%d is %s, not online",
                                       node->leaf ? "leaf" : "aggregator", node->host, node->port,
                                       node->state);
        }
        for (size_t i = 0; i < state->n_partitions; i++) {
                const struct singlestore_partition *partition = &state->partitions[i];

                if (!had_fault(before, partition))
                        return err_set(err, ERR_UNHEALTHY, "partition %s is %s on %s:%d", partition->name,
                                       partition->state, partition->host, partition->port);
        }
        return 0;
}

/* In a cluster of one host all have its loopback; else the first label of a pod's name is its host name. */
static bool is_self(const struct singlestore_node *node, const struct singlestore_self *self)
{
        size_t len = strlen(self->hostname);

        if (!node->leaf || node->port != self->port)
                return false;
        if (strncmp(node->host, "127.", 4) == 0 || strcmp(node->host, "localhost") == 0 ||
            strcmp(node->host, "::1") == 0)
                return true;
        return len > 0 && strncmp(node->host, self->hostname, len) == 0 &&
               (node->host[len] == '\0' || node->host[len] == '.');
}

static const struct singlestore_node *find_self(const struct singlestore_state *state,
                                                const struct singlestore_self *self, const char *known_as)
{
        const struct singlestore_node *found = NULL;
        struct galera_address address;

        if (known_as != NULL)
                return galera_parse_address(known_as, &address)
                               ? singlestore_state_find(state, address.host, address.port)
                               : NULL;
        for (size_t i = 0; i < state->n; i++) {
                if (!is_self(&state->nodes[i], self))
                        continue;
                if (found != NULL)
                        return NULL;
                found = &state->nodes[i];
        }
        return found;
}

int singlestore_state_pair(const struct singlestore_state *state, const struct singlestore_self *self,
                           const char *known_as, struct err *err)
{
        const struct singlestore_node *node = find_self(state, self, known_as);
        const struct singlestore_node *other;

        if (node == NULL)
                return err_set(
                        err, ERR_NOT_READY,
                        "SHOW LEAVES does not name this leaf (%.100s:%d) once: set singlestore.node to "
                        "the host and port it is known by",
                        known_as != NULL ? known_as : self->hostname, self->port);
        if (node->pair_host[0] == '\0')
                return err_set(
                        err, ERR_NOT_READY,
                        "leaf %s:%d has no pair: a restart takes its data offline; attach its pair, or "
                        "set singlestore.may-go-offline",
                        node->host, node->port);
        other = singlestore_state_find(state, node->pair_host, node->pair_port);
        if (other == NULL || !singlestore_state_is_online(other))
                return err_set(err, ERR_NOT_READY,
                               "the pair %s:%d of leaf %s:%d is %s, not online: waiting for it before the "
                               "restart",
                               node->pair_host, node->pair_port, node->host, node->port,
                               other == NULL ? "not in SHOW LEAVES" : other->state);
        for (size_t i = 0; i < state->n_partitions; i++)
                if (state->partitions[i].port == other->port &&
                    strcmp(state->partitions[i].host, other->host) == 0)
                        return err_set(
                                err, ERR_NOT_READY,
                                "partition %s is %s on the pair %s:%d of this leaf: waiting for it before "
                                "the restart",
                                state->partitions[i].name, state->partitions[i].state, other->host,
                                other->port);
        return 0;
}
