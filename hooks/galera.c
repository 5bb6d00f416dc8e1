// SPDX-License-Identifier: Apache-2.0
/*
 * Reading Galera's variables. None of them names the group addresses of the present members: the cluster
 * address is what was configured (it may be empty on the node that began, and list nodes that are not
 * there), the incoming addresses are those of clients. So peers are candidates; how many must answer follows
 * from the cluster's size (hooks/galera_links.c).
 */
#include "hooks/galera.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

#define STATE_JOINING 1
#define STATE_DONOR   2
#define STATE_JOINED  3
#define STATE_SYNCED  4
#define TEXT_MAX      ((size_t)64 << 10)

static void copy(char *out, size_t room, const char *value)
{
        (void)snprintf(out, room, "%.*s", (int)(room - 1), value);
}

static void replace(char **out, const char *value)
{
        mem_free(*out);
        *out = mem_dup(value, strnlen(value, TEXT_MAX) + 1);
        (*out)[strnlen(value, TEXT_MAX)] = '\0';
}

static int to_int(const char *value, int fallback)
{
        struct err ignored = ERR_INIT;
        int64_t number = fallback;

        if (num_parse(value, -1, INT32_MAX, &number, &ignored) == -1)
                return fallback;
        return (int)number;
}

void galera_take(struct galera_state *state, const char *name, const char *value)
{
        if (strcmp(name, "version") == 0)
                copy(state->version, sizeof(state->version), value);
        else if (strcmp(name, "wsrep_on") == 0)
                state->on = strcmp(value, "ON") == 0;
        else if (strcmp(name, "wsrep_provider_options") == 0)
                replace(&state->options, value);
        else if (strcmp(name, "wsrep_cluster_address") == 0)
                replace(&state->group, value);
        else if (strcmp(name, "wsrep_node_address") == 0)
                replace(&state->node, value);
        else if (strcmp(name, "wsrep_incoming_addresses") == 0)
                replace(&state->incoming, value);
        else if (strcmp(name, "wsrep_local_state") == 0)
                state->local_state = to_int(value, 0);
        else if (strcmp(name, "wsrep_local_state_comment") == 0)
                copy(state->local_state_text, sizeof(state->local_state_text), value);
        else if (strcmp(name, "wsrep_cluster_status") == 0)
                copy(state->cluster_status, sizeof(state->cluster_status), value);
        else if (strcmp(name, "wsrep_cluster_size") == 0)
                state->size = to_int(value, 0);
        else if (strcmp(name, "wsrep_local_index") == 0)
                state->index = to_int(value, -1);
        else if (strcmp(name, "wsrep_ready") == 0)
                state->ready = strcmp(value, "ON") == 0;
        else if (strcmp(name, "wsrep_connected") == 0)
                state->connected = strcmp(value, "ON") == 0;
}

void galera_done(struct galera_state *state)
{
        mem_free(state->options);
        mem_free(state->group);
        mem_free(state->incoming);
        mem_free(state->node);
        *state = (struct galera_state)GALERA_STATE_INIT;
}

const char *galera_role(const struct galera_state *state)
{
        if (!state->on)
                return "standalone";
        switch (state->local_state) {
        case STATE_JOINING:
                return "joining";
        case STATE_DONOR:
                return "donor";
        case STATE_JOINED:
                return "joined";
        case STATE_SYNCED:
                return "member";
        default:
                return "disconnected";
        }
}

int galera_judge(const struct galera_state *state, struct err *err)
{
        if (!state->on)
                return 0;
        if (!state->connected)
                return err_set(err, ERR_UNHEALTHY,
                               "the node has lost its Galera cluster (wsrep_connected is OFF)");
        if (strcmp(state->cluster_status, "Primary") != 0)
                return err_set(err, ERR_UNHEALTHY,
                               "the node's part of the cluster has no quorum (wsrep_cluster_status is '%s')",
                               state->cluster_status);
        if (state->local_state == STATE_DONOR)
                return err_set(
                        err, ERR_UNHEALTHY,
                        "the node is sending its state to another one (donor): wait until it is synced");
        if (state->local_state != STATE_SYNCED)
                return err_set(err, ERR_UNHEALTHY, "the node is not synced (wsrep_local_state is %d, '%s')",
                               state->local_state, state->local_state_text);
        if (!state->ready)
                return err_set(err, ERR_UNHEALTHY, "the node takes no statements (wsrep_ready is OFF)");
        return 0;
}

bool galera_option(const char *options, const char *name, char *out, size_t room)
{
        size_t len = strlen(name);

        while (options != NULL && *options != '\0') {
                const char *end = strchrnul(options, ';');
                const char *p = options + strspn(options, " ");
                const char *value = p + len;

                if ((size_t)(end - options) > len && strncmp(p, name, len) == 0 &&
                    (*value == ' ' || *value == '=')) {
                        value += strspn(value, " ");
                        if (value < end && *value == '=') {
                                value++;
                                value += strspn(value, " ");
                                while (end > value && end[-1] == ' ')
                                        end--;
                                if (value > end || (size_t)(end - value) >= room)
                                        return false;
                                (void)snprintf(out, room, "%.*s", (int)(end - value), value);
                                return true;
                        }
                }
                options = *end == ';' ? end + 1 : end;
        }
        return false;
}

bool galera_uses_tls(const struct galera_state *state)
{
        char value[16];

        return state->on && galera_option(state->options, "socket.ssl", value, sizeof(value)) &&
               (strcasecmp(value, "yes") == 0 || strcasecmp(value, "on") == 0 ||
                strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

/* len bytes of host and port, "[v6]:port", "v6", "host:port", "host". */
static bool parse_host_port(const char *text, size_t len, int port, struct galera_address *out)
{
        const char *colon = memrchr(text, ':', len);
        const char *close = memchr(text, ']', len);
        const char *host = text;
        size_t host_len = len;
        char number[8] = "";

        if (len > 0 && text[0] == '[') {
                if (close == NULL)
                        return false;
                host = text + 1;
                host_len = (size_t)(close - host);
                colon = close + 1 < text + len && close[1] == ':' ? close + 1 : NULL;
        } else if (colon != NULL && memchr(text, ':', (size_t)(colon - text)) != NULL) {
                colon = NULL; /* an IPv6 address without brackets has no port */
        } else if (colon != NULL) {
                host_len = (size_t)(colon - text);
        }
        if (host_len == 0 || host_len >= sizeof(out->host))
                return false;
        if (colon != NULL) {
                size_t digits = (size_t)(text + len - colon - 1);

                if (digits == 0 || digits >= sizeof(number))
                        return false;
                (void)snprintf(number, sizeof(number), "%.*s", (int)digits, colon + 1);
                port = to_int(number, 0);
        }
        if (port <= 0 || port > UINT16_MAX)
                return false;
        (void)snprintf(out->host, sizeof(out->host), "%.*s", (int)host_len, host);
        out->port = port;
        return true;
}

static const char *skip_scheme(const char *text)
{
        const char *end = strstr(text, "://");

        return end != NULL ? end + 3 : text;
}

bool galera_parse_address(const char *text, struct galera_address *out)
{
        const char *p = skip_scheme(text);

        return parse_host_port(p, strlen(p), GALERA_GROUP_PORT, out);
}

bool galera_listener(const struct galera_state *state, struct galera_address *out)
{
        char value[GALERA_HOST_MAX];

        return galera_option(state->options, "gmcast.listen_addr", value, sizeof(value)) &&
               galera_parse_address(value, out);
}

bool galera_is_any(const struct galera_address *address)
{
        return strcmp(address->host, "0.0.0.0") == 0 || strcmp(address->host, "::") == 0 ||
               strcmp(address->host, "*") == 0;
}

static bool is_self(const struct galera_state *state, const struct galera_address *address)
{
        struct galera_address own;
        char host[GALERA_HOST_MAX];

        if (!galera_listener(state, &own) || address->port != own.port)
                return false;
        if (strcmp(address->host, own.host) == 0)
                return true;
        if (galera_option(state->options, "base_host", host, sizeof(host)) &&
            strcmp(address->host, host) == 0)
                return true;
        return state->node != NULL && parse_host_port(state->node, strlen(state->node), own.port, &own) &&
               strcmp(address->host, own.host) == 0;
}

static void add(struct galera_addresses *list, const struct galera_address *address)
{
        for (size_t i = 0; i < list->n; i++)
                if (list->items[i].port == address->port && strcmp(list->items[i].host, address->host) == 0)
                        return;
        if (list->n < PEERS_MAX)
                list->items[list->n++] = *address;
}

/* "gcomm://a:1,b:2?gmcast.group=x" */
static void add_group(const struct galera_state *state, struct galera_addresses *out)
{
        const char *p = skip_scheme(state->group);
        const char *end = p + strcspn(p, "?");

        while (p < end) {
                size_t len = strcspn(p, ",?");
                struct galera_address address;

                if (parse_host_port(p, len, GALERA_GROUP_PORT, &address) && !is_self(state, &address))
                        add(out, &address);
                p += len + 1;
        }
}

/* "10.0.0.1:3306,10.0.0.2:3306", one a member, in the order of wsrep_local_index; some may be empty. */
static void add_incoming(const struct galera_state *state, struct galera_addresses *out)
{
        const char *p = state->incoming;
        int index = 0;

        for (;; index++) {
                size_t len = strcspn(p, ",");
                struct galera_address address;

                if (index != state->index && parse_host_port(p, len, GALERA_GROUP_PORT, &address)) {
                        address.port = GALERA_GROUP_PORT;
                        if (strcmp(address.host, "AUTO") != 0 && !is_self(state, &address))
                                add(out, &address);
                }
                if (p[len] == '\0')
                        return;
                p += len + 1;
        }
}

void galera_peers(const struct galera_state *state, const struct galera_settings *settings,
                  struct galera_addresses *out)
{
        out->n = 0;
        for (size_t i = 0; i < settings->n_peers; i++) {
                struct galera_address address;

                if (galera_parse_address(settings->peers[i], &address))
                        add(out, &address);
        }
        if (out->n == 0 && state->group != NULL)
                add_group(state, out);
        if (out->n == 0 && state->incoming != NULL)
                add_incoming(state, out);
}
