// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the controller asks the agents of one database to do: one small JSON object for all of them, in a file
 * (a mounted ConfigMap, or a host's own), or under plan.json in a ConfigMap watched through the API.
 *
 *   {"request": "px-rotate", "kind": "PerconaXtraDBOpsRequest", "generation": 3, "phase": "trust", "turn":
 * ["px-0", "px-1"], "tls": "on", "authorities": "-----BEGIN CERTIFICATE-----…", "files": {"px-files":
 * "9f86d0…"}, "restart": {"px-files": "false"}}
 *
 * Every member may be missing. Without `turn` all instances may act, with an empty one none; one in `reload`
 * acts as far as that goes without a restart, which waits for its turn. That is a list of its own so that an
 * agent that does not know it waits, too. Unknown members are ignored: a newer controller may say more.
 */
#include "base/err.h"
#include "certs/chain.h"
#include "hooks/tls_mode.h"

#include <stdint.h>

#define PLAN_MAX_BYTES ((size_t)512 << 10)
#define PLAN_FILES_MAX 16

/* Of a change of authority in a cluster. Each is over on every member before the next begins. */
enum plan_phase {
        PLAN_NO_PHASE,
        PLAN_TRUST, /* old and new authorities, the old leaf */
        PLAN_LEAF,  /* old and new authorities, the new leaf */
        PLAN_PRUNE, /* the new authorities only */
        PLAN_PHASES,
};

/* Of configuration files that are taken. */
enum plan_restart {
        PLAN_RESTART_AUTO,   /* where it is needed */
        PLAN_RESTART_ALWAYS, /* also for files that are in force already */
        PLAN_RESTART_NEVER,  /* they are published only: what needs a restart is told */
        PLAN_RESTARTS,
};

/* Configuration files of the database: the content that a Secret has, or is about to have. */
struct plan_files {
        char secret[254];
        struct fingerprint content; /* SHA-256 over name, NUL, text, NUL of each file by name */
        enum plan_restart restart;
};

struct plan {
        bool given; /* there is one */
        char request[128];
        char kind[64]; /* of the request: its conditions are written into it; "": none are */
        int64_t generation;
        enum plan_phase phase;
        enum tls_mode tls;        /* TLS_UNMANAGED: as configured */
        bool turn;                /* this instance may act; true without a plan */
        bool reload;              /* … but for a restart, whosever turn it is */
        char problem[256];        /* why the file of now could not be read and this is the one before; "" */
        struct chain authorities; /* to be trusted until the phase prune, whatever was published before */
        struct plan_files
                files[PLAN_FILES_MAX]; /* to be taken; Secrets that are not named: nothing is asked */
        size_t n_files;
};

/* "" "trust" "leaf" "prune" */
const char *plan_phase_name(enum plan_phase phase);

/* No plan. */
void plan_init(struct plan *out);
/* ERR_PARSE naming the member; ERR_LIMIT more than PLAN_FILES_MAX Secrets. Pure; fuzzed. */
int plan_parse(const char *text, size_t len, const char *instance, struct plan *out,
               struct err *err) MUST_CHECK;
/* A file that is not there is no plan. ERR_IO, ERR_LIMIT, ERR_PARSE. path NULL: no plan. */
int plan_read(const char *path, const char *instance, struct plan *out, struct err *err) MUST_CHECK;
/* "auto" "true" "false", as Reconfigure requests say it; -1: none of these. */
const char *plan_restart_name(enum plan_restart restart);
int plan_restart_parse(const char *name);
/* AUTO where nothing is asked of this Secret. */
enum plan_restart plan_find_restart(const struct plan *plan, const char *secret);
/* What is to be taken of this Secret; NULL: nothing is asked of it. */
const struct fingerprint *plan_find_files(const struct plan *plan, const char *secret);
void plan_done(struct plan *plan);
static inline UNUSED void plan_done_p(struct plan *plan)
{
        plan_done(plan);
}
