// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What survives a killed agent: where the rotation was, and how the last bundle was judged. Written before
 * every step that changes the world, by one rename. It is not synced: after a power cut the published
 * directory and the served certificate tell everything, and a state file that is gone or unreadable is the
 * same as a first start.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"

#include <stdbool.h>

struct state {
        char *path;
        char step[32]; /* "" idle */
        bool rolling_back;
        struct wall since;          /* of the step */
        int64_t generation;         /* that the rotation makes; 0 none */
        int64_t good;               /* last good generation, proven served; 0 none */
        struct fingerprint trying;  /* content that the rotation under way works on */
        struct fingerprint settled; /* content of the source that was published and proven */
        struct fingerprint judged;  /* content refused or failed: not tried again until it changes … */
        struct wall judged_until;   /* … or until then; 0: no such time */
        enum err_kind reason;       /* of the last failure, ERR_NONE when the last rotation was fine */
        char text[ERR_TEXT_MAX];
        struct wall last_success; /* 0: never */
        struct wall pruned; /* since when authorities are dropped that the engine may still trust; 0 none */
        bool degraded;
};

/* path is copied. Missing or unreadable file: all zero, and *fresh says why ("" when just missing). */
void state_load(const char *path, struct state *out, char fresh[static ERR_TEXT_MAX]);
int state_save(const struct state *state, struct err *err) MUST_CHECK;
void state_done(struct state *state);
