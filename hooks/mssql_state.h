// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a SQL Server says of itself, its databases and its availability groups, row by row, and what follows
 * from it: is it well, which role has it, may it be ended. Pure; nothing here is allocated.
 */
#include "base/err.h"
#include "base/limits.h"
#include "hooks/mssql_mirroring.h"

#include <stdbool.h>
#include <stdint.h>

#define MSSQL_NAME_MAX 129 /* sysname */
#define MSSQL_ID_MAX   40
#define MSSQL_SICK_MAX 16

struct mssql_replica {
        char id[MSSQL_ID_MAX];
        char group_id[MSSQL_ID_MAX];
        char group[MSSQL_NAME_MAX];
        char name[MSSQL_NAME_MAX];
        char host[256]; /* "" unknown */
        int port;       /* 0: as that of this instance */
        bool synchronous;
        bool local;
        bool connected;
        char role[24];    /* "" not told: a secondary knows of itself only */
        int databases;    /* of the group, as far as told */
        int synchronized; /* of them */
        int moving;       /* of them on their way there */
};

/* Databases that are recovering, or cannot. Those beyond the last are not told. */
struct mssql_sick {
        struct {
                char name[MSSQL_NAME_MAX];
                char state[24];
        } items[MSSQL_SICK_MAX];
        int n;
};

struct mssql_state {
        bool known; /* the questions came to their end */
        char version[64];
        bool grouped;      /* availability groups are enabled */
        int64_t memory_kb; /* that it may have; 0 unknown. Asked for by mssql_memory.h only */
        struct mssql_sick sick;
        struct mssql_replica replicas[PEERS_MAX];
        int n_replicas;
        struct mssql_mirroring mirroring; /* asked for by mssql_certify.h only */
};

/* Rows of the questions in mssql_ask.c; values may be NULL, n is their number. */
void mssql_state_take_server(void *state, const char *const *values, int n);
void mssql_state_take_database(void *state, const char *const *values, int n);
void mssql_state_take_replica(void *state, const char *const *values, int n);
void mssql_state_take_group(void *state, const char *const *values, int n);
void mssql_state_take_role(void *state, const char *const *values, int n);
void mssql_state_take_synchronization(void *state, const char *const *values, int n);

/* "standalone" "primary" "secondary" "resolving" */
const char *mssql_state_role(const struct mssql_state *state);
/* Replicas of the largest group, 0 when there is none. */
int mssql_state_members(const struct mssql_state *state);
/*
 * ERR_UNHEALTHY with the database or replica. A database that an administrator took offline or is restoring
 * is none of our business; one that is recovering, or cannot, is, unless it was so before our restart.
 */
int mssql_state_judge(const struct mssql_state *state, const struct mssql_sick *before,
                      struct err *err) MUST_CHECK;
/*
 * Before it is ended: *out is the synchronized secondary that has to take over first, NULL when nothing hangs
 * on this instance.
 *
 * ERR_NOT_READY  it is the primary, and no synchronous secondary is synchronized (yet)
 */
int mssql_state_successor(const struct mssql_state *state, const struct mssql_replica **out,
                          struct err *err) MUST_CHECK;
/*
 * ERR_UNHEALTHY a replica that was connected before is no longer. What was not is none of our business.
 */
int mssql_state_judge_links(const struct mssql_state *state, const struct mssql_state *before,
                            struct err *err) MUST_CHECK;
/* Is this instance a secondary of the group, or no longer in it? */
bool mssql_state_follows(const struct mssql_state *state, const char *group_id);
