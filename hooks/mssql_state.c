// SPDX-License-Identifier: Apache-2.0
/*
 * The views name things by words (…_desc), which is what is compared here.
 */
#include "hooks/mssql_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

#define COPY(to, text) (void)snprintf((to), sizeof(to), "%s", (text))

static const char *text_of(const char *const *values, int n, int i)
{
        return i < n && values[i] != NULL ? values[i] : "";
}

static bool is(const char *const *values, int n, int i, const char *word)
{
        return strcmp(text_of(values, n, i), word) == 0;
}

static struct mssql_replica *find(struct mssql_state *state, const char *id)
{
        for (int i = 0; i < state->n_replicas; i++)
                if (strcmp(state->replicas[i].id, id) == 0)
                        return &state->replicas[i];
        return NULL;
}

/* version, availability groups enabled */
void mssql_state_take_server(void *state, const char *const *values, int n)
{
        struct mssql_state *self = state;

        COPY(self->version, text_of(values, n, 0));
        self->grouped = is(values, n, 1, "1");
}

/* name, state */
void mssql_state_take_database(void *state, const char *const *values, int n)
{
        static const char *const sick[] = { "RECOVERING", "RECOVERY_PENDING", "SUSPECT" };
        struct mssql_state *self = state;

        for (size_t i = 0; i < ARRAY_LEN(sick); i++) {
                if (!is(values, n, 1, sick[i]) || self->sick.n == MSSQL_SICK_MAX)
                        continue;
                COPY(self->sick.items[self->sick.n].name, text_of(values, n, 0));
                COPY(self->sick.items[self->sick.n].state, sick[i]);
                self->sick.n++;
        }
}

/* tcp://host:port, where host may be an IPv6 address in brackets. */
static void take_address(const char *url, struct mssql_replica *replica, bool with_port)
{
        const char *mark = strstr(url, "://");
        const char *host = mark == NULL ? url : mark + 3;
        const char *colon = strrchr(host, ':');
        size_t len = colon == NULL ? strlen(host) : (size_t)(colon - host);
        struct err ignored = ERR_INIT;
        int64_t port = 0;

        if (host[0] == '[' && len > 2 && host[len - 1] == ']') {
                host++;
                len -= 2;
        }
        if (len == 0 || len >= sizeof(replica->host) || strpbrk(host, " \t\r\n;#") != NULL)
                return;
        if (with_port && (colon == NULL || num_parse(colon + 1, 1, UINT16_MAX, &port, &ignored) == -1))
                return;
        memcpy(replica->host, host, len);
        replica->host[len] = '\0';
        replica->port = (int)port;
}

/* id, group, name, URL of the mirroring endpoint, URL for clients (if configured), mode */
void mssql_state_take_replica(void *state, const char *const *values, int n)
{
        struct mssql_state *self = state;
        struct mssql_replica *replica;

        if (self->n_replicas == PEERS_MAX)
                return;
        replica = &self->replicas[self->n_replicas++];
        COPY(replica->id, text_of(values, n, 0));
        COPY(replica->group_id, text_of(values, n, 1));
        COPY(replica->name, text_of(values, n, 2));
        take_address(text_of(values, n, 3), replica, false);
        take_address(text_of(values, n, 4), replica, true);
        replica->synchronous = is(values, n, 5, "SYNCHRONOUS_COMMIT");
}

/* id, name */
void mssql_state_take_group(void *state, const char *const *values, int n)
{
        struct mssql_state *self = state;

        for (int i = 0; i < self->n_replicas; i++)
                if (is(values, n, 0, self->replicas[i].group_id))
                        COPY(self->replicas[i].group, text_of(values, n, 1));
}

/* replica, is local, role, connected state */
void mssql_state_take_role(void *state, const char *const *values, int n)
{
        struct mssql_replica *replica = find(state, text_of(values, n, 0));

        if (replica == NULL)
                return;
        replica->local = is(values, n, 1, "1");
        COPY(replica->role, text_of(values, n, 2));
        replica->connected = is(values, n, 3, "CONNECTED");
}

/* replica, synchronization state; a row for each database */
void mssql_state_take_synchronization(void *state, const char *const *values, int n)
{
        struct mssql_replica *replica = find(state, text_of(values, n, 0));

        if (replica == NULL)
                return;
        replica->databases++;
        replica->synchronized += is(values, n, 1, "SYNCHRONIZED");
        replica->moving += is(values, n, 1, "SYNCHRONIZING");
}

const char *mssql_state_role(const struct mssql_state *state)
{
        const char *role = "standalone";

        for (int i = 0; i < state->n_replicas; i++) {
                const struct mssql_replica *replica = &state->replicas[i];

                if (!replica->local)
                        continue;
                if (strcmp(replica->role, "PRIMARY") == 0)
                        return "primary";
                role = strcmp(replica->role, "SECONDARY") == 0 ? "secondary" : "resolving";
        }
        return role;
}

int mssql_state_members(const struct mssql_state *state)
{
        int most = 0;

        for (int i = 0; i < state->n_replicas; i++) {
                int members = 0;

                for (int k = 0; k < state->n_replicas; k++)
                        members += strcmp(state->replicas[i].group_id, state->replicas[k].group_id) == 0;
                most = members > most ? members : most;
        }
        return most;
}

static int judge_replica(const struct mssql_replica *replica, struct err *err)
{
        int settled = replica->synchronized + (replica->synchronous ? 0 : replica->moving);

        if (strcmp(replica->role, "PRIMARY") != 0 && strcmp(replica->role, "SECONDARY") != 0)
                return err_set(err, ERR_UNHEALTHY,
                               "availability group '%.80s': the role of this replica is %.20s",
                               replica->group, replica->role);
        if (!replica->connected)
                return err_set(
                        err, ERR_UNHEALTHY,
                        "availability group '%.80s': this replica (%.20s) is not connected to the others",
                        replica->group, replica->role);
        if (settled < replica->databases)
                return err_set(
                        err, ERR_UNHEALTHY,
                        "availability group '%.80s': %d of %d databases of this replica are synchronized",
                        replica->group, settled, replica->databases);
        return 0;
}

static bool was_sick(const struct mssql_sick *before, const char *name)
{
        for (int i = 0; i < before->n; i++)
                if (strcmp(before->items[i].name, name) == 0)
                        return true;
        return false;
}

int mssql_state_judge(const struct mssql_state *state, const struct mssql_sick *before, struct err *err)
{
        for (int i = 0; i < state->sick.n; i++)
                if (!was_sick(before, state->sick.items[i].name))
                        return err_set(err, ERR_UNHEALTHY, "database '%.128s' is %s",
                                       state->sick.items[i].name, state->sick.items[i].state);
        for (int i = 0; i < state->n_replicas; i++)
                if (state->replicas[i].local && judge_replica(&state->replicas[i], err) == -1)
                        return -1;
        return 0;
}

static bool was_connected(const struct mssql_state *before, const char *id)
{
        for (int i = 0; i < before->n_replicas; i++)
                if (strcmp(before->replicas[i].id, id) == 0)
                        return before->replicas[i].connected;
        return false;
}

int mssql_state_judge_links(const struct mssql_state *state, const struct mssql_state *before,
                            struct err *err)
{
        for (int i = 0; i < state->n_replicas; i++) {
                const struct mssql_replica *replica = &state->replicas[i];

                if (replica->role[0] != '\0' && !replica->connected && was_connected(before, replica->id))
                        return err_set(
                                err, ERR_UNHEALTHY,
                                "availability group '%.80s': replica '%.100s' was connected and is not "
                                "any more",
                                replica->group, replica->name);
        }
        return 0;
}

static bool leads(const struct mssql_replica *replica)
{
        return replica->local && strcmp(replica->role, "PRIMARY") == 0;
}

static int successor_of(const struct mssql_state *state, const struct mssql_replica *primary,
                        const struct mssql_replica **out, struct err *err)
{
        int candidates = 0;

        for (int i = 0; i < state->n_replicas; i++) {
                const struct mssql_replica *replica = &state->replicas[i];

                if (replica->local || !replica->synchronous ||
                    strcmp(replica->group_id, primary->group_id) != 0)
                        continue;
                candidates++;
                if (replica->connected && replica->databases > 0 &&
                    replica->synchronized == replica->databases) {
                        *out = replica;
                        return 0;
                }
        }
        if (candidates == 0)
                return 0;
        return err_set(
                err, ERR_NOT_READY,
                "this is the primary of availability group '%.80s', and none of its %d synchronous "
                "secondaries is synchronized: it is not restarted before one could take over (bring one "
                "back, or remove it from the group)",
                primary->group, candidates);
}

int mssql_state_successor(const struct mssql_state *state, const struct mssql_replica **out, struct err *err)
{
        *out = NULL;
        for (int i = 0; i < state->n_replicas && *out == NULL; i++)
                if (leads(&state->replicas[i]) && successor_of(state, &state->replicas[i], out, err) == -1)
                        return -1;
        return 0;
}

bool mssql_state_follows(const struct mssql_state *state, const char *group_id)
{
        for (int i = 0; i < state->n_replicas; i++)
                if (state->replicas[i].local && strcmp(state->replicas[i].group_id, group_id) == 0)
                        return strcmp(state->replicas[i].role, "SECONDARY") == 0;
        return true;
}
