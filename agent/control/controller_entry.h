// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the controller remembers of one database beside what the API has: nothing of it is needed to go on
 * after a kill. Says in the log what becomes of requests. One exists only while something is to be done.
 */
#include "base/log.h"
#include "control/actions.h"
#include "control/controller_guard.h"

struct act;

/* A phase that is being written: told in the log once it is. */
struct controller_entry_phase {
        char *request;
        char *text;
        const char *reason;
        enum request_phase phase;
};

struct controller_entry {
        char *key;
        void *owner;
        struct act *act; /* under way; NULL: nothing is */
        struct mono began;
        int64_t began_us;
        struct mono wake;      /* of the list under way */
        struct err *fault;     /* of the last list, of the request with this uid; NULL: none */
        char *fault_uid;       /* NULL: none */
        char *trouble;         /* the last error told, not to be told twice; NULL: none */
        enum record_step step; /* the last that was told */
        char *uid;             /* of the request under way, after the list under way; NULL: none */
        struct controller_guard guard;
        struct controller_entry_phase *phases;
        size_t n_phases;
};

/* By key. Zeroed: empty. */
struct controller_entries {
        struct controller_entry **items;
        size_t n, room;
};

void controller_entries_done(struct controller_entries *entries);
/* NULL: nothing is remembered. */
struct controller_entry *controller_entries_find(const struct controller_entries *entries, const char *key);
struct controller_entry *controller_entries_need(struct controller_entries *entries, const char *key,
                                                 void *owner);
/* The database is gone. */
void controller_entries_drop(struct controller_entries *entries, const char *key);
/* Those with nothing to remember go. */
void controller_entries_sweep(struct controller_entries *entries, struct mono now);
/* Tells a step in the log, once, and sets seen->fault: only that of the request that is still under way. */
void controller_entries_note(struct controller_entries *entries, const char *key, void *owner,
                             struct observed *seen);

/* A list is begun, and has ended. */
void controller_entry_begin(struct controller_entry *entry, const struct observed *seen,
                            const struct actions *actions);
void controller_entry_told(struct controller_entry *entry, const struct err *err);
