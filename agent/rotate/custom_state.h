// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What survives a killed agent of a change of the database's configuration files: where it was, and how the
 * last content was judged. It lies in the published directory (..state.json), whose generations it numbers,
 * and is written as rotate/state.h is: before every step that changes the world, by one rename.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"

#include <stdbool.h>

struct custom_state {
        char *path;
        char step[32]; /* "" idle */
        bool rolling_back;
        bool fresh;         /* nothing but the empty first generation was published, and no database seen */
        bool down;          /* it was not there when `generation` was published: it starts with it */
        int64_t generation; /* made last */
        int64_t good;       /* last one proven */
        struct wall published;      /* when `generation` was */
        struct fingerprint trying;  /* content of `generation` */
        struct fingerprint settled; /* content of `good` */
        struct fingerprint judged;  /* content and plan that failed: not tried again */
        enum err_kind reason;       /* of the last failure, ERR_NONE when the last change was fine */
        char text[ERR_TEXT_MAX];
        bool degraded;
        bool pending;                /* `good` was published without a restart, and is not all in force */
        struct fingerprint answered; /* content and plan that succeeded last */
};

/* path is copied. Missing or unreadable file: all zero but for `fresh`, *why says why ("" when missing). */
void custom_state_load(const char *path, struct custom_state *out, char why[static ERR_TEXT_MAX]);
int custom_state_save(const struct custom_state *state, struct err *err) MUST_CHECK;
void custom_state_done(struct custom_state *state);
