// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A server with one Lease and a network that loses and delays, in simulated time. Include after cmocka.h.
 */
#include "base/mem.h"
#include "kube/lease_machine.h"

#include <string.h>

#define NODES       3
#define DURATION_MS INT64_C(3000)
#define STEP_MS     100
#define STEPS       10000
#define MESSAGES    256

static uint64_t seed; /* of this run; reproducible, unlike kube_random */

static inline UNUSED int64_t chance(int64_t low, int64_t high)
{
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return high <= low ? low : low + (int64_t)(seed % (uint64_t)(high - low + 1));
}

static inline UNUSED bool percent(int n)
{
        return chance(1, 100) <= n;
}

struct node {
        struct kube_lease_machine machine;
        char name[8];
        int64_t clock_ahead_ms; /* monotonic clocks share nothing */
        int64_t wall_ahead_us;
        bool alive;
        int64_t back_at;       /* when not alive */
        int64_t stopped_until; /* SIGSTOP */
        int call;              /* the one whose answer is waited for */
        int64_t call_sent;
        bool told_held;
        int64_t change_at; /* wants, or gives back */
};

/* A request on its way to the server (is_answer false) or an answer on its way back. */
struct message {
        bool used;
        bool is_answer;
        int node;
        int call;
        int64_t at;
        enum kube_lease_move move;
        char *body;
        int status;
};

struct world {
        struct node nodes[NODES];
        struct message messages[MESSAGES];
        char *lease; /* NULL: there is none */
        int version;
        int uid;
        int64_t now;
        int calls;
        int requests;
        bool calm;
        bool restless; /* also in the calm it is given back and wanted again */
        int64_t last_held;
        int holds;
};

static inline UNUSED struct mono clock_of(const struct world *world, const struct node *node)
{
        return (struct mono){ world->now + node->clock_ahead_ms };
}

static inline UNUSED struct message *post(struct world *world, struct message message)
{
        for (size_t i = 0; i < MESSAGES; i++) {
                if (world->messages[i].used)
                        continue;
                world->messages[i] = message;
                world->messages[i].used = true;
                return &world->messages[i];
        }
        fail_msg("too many messages");
        return NULL;
}

static inline UNUSED int64_t delay(const struct world *world)
{
        return !world->calm && percent(5) ? chance(0, 2 * DURATION_MS) : chance(0, 40);
}

/* Stores what was sent, with a version of its own. */
static inline UNUSED void store(struct world *world, const char *body)
{
        AUTO(json_free_p) cJSON *object = NULL;
        struct err err = ERR_INIT;
        cJSON *meta;
        char text[32];

        assert_int_equal(json_parse(body, strlen(body), &object, &err), 0);
        meta = cJSON_GetObjectItemCaseSensitive(object, "metadata");
        cJSON_DeleteItemFromObjectCaseSensitive(meta, "resourceVersion");
        cJSON_DeleteItemFromObjectCaseSensitive(meta, "uid");
        (void)snprintf(text, sizeof(text), "%d", ++world->version);
        json_add_str(meta, "resourceVersion", text);
        (void)snprintf(text, sizeof(text), "u%d", world->uid);
        json_add_str(meta, "uid", text);
        mem_free(world->lease);
        world->lease = json_print(object, false);
}

static inline UNUSED bool same_version(const struct world *world, const char *body)
{
        AUTO(kube_lease_record_done_p) struct kube_lease_record ours = { .object = NULL };
        AUTO(kube_lease_record_done_p) struct kube_lease_record theirs = { .object = NULL };
        struct err err = ERR_INIT;

        assert_int_equal(kube_lease_record_parse(world->lease, strlen(world->lease), &ours, &err), 0);
        assert_int_equal(kube_lease_record_parse(body, strlen(body), &theirs, &err), 0);
        return strcmp(ours.version, theirs.version) == 0 && strcmp(ours.uid, theirs.uid) == 0;
}

static inline UNUSED int serve(struct world *world, const struct message *request)
{
        world->requests++;
        if (!world->calm && percent(5))
                return 500;
        if (request->move == KUBE_LEASE_CREATE) {
                if (world->lease != NULL)
                        return 409;
                world->uid++;
                store(world, request->body);
                return 201;
        }
        if (world->lease == NULL)
                return 404;
        if (request->move == KUBE_LEASE_READ)
                return 200;
        if (!same_version(world, request->body))
                return 409;
        store(world, request->body);
        return 200;
}
