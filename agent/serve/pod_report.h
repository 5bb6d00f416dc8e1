// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What an agent tells of itself in the annotation certrotate.io/report of its pod: for the controller, and
 * for `certrotate status`. Its form is a contract (README.md of this folder): members may be added, never
 * changed.
 *
 * The text changes only with what it tells: no counters, no ages, and no step that is over before anybody has
 * read of it. Fingerprints and times, never a key or a password.
 */
#include "serve/status.h"

#define POD_REPORT_MAX_BYTES   ((size_t)6 << 10)  /* written; whatever the status says */
#define POD_REPORT_READ_MAX    ((size_t)16 << 10) /* read: a newer agent may say more */
#define POD_REPORT_TEXT_MAX    257                /* of sentences */
#define POD_REPORT_BUNDLES_MAX 8

struct pod_report_leaf {
        bool known;
        struct fingerprint fp;
        struct wall not_before; /* 0: not told */
        struct wall not_after;  /* 0: not told */
};

struct pod_report_bundle {
        char alias[64];
        struct pod_report_leaf stages[STAGES];
};

/* Text members are "" where not told. */
struct pod_report {
        char agent[32]; /* version */
        char instance[128];
        char database[32]; /* driver */
        char tls[16];
        struct pod_report_bundle bundles[POD_REPORT_BUNDLES_MAX];
        size_t n_bundles;
        struct {
                bool given;
                char request[128];
                int64_t generation;
                char phase[16];
                bool turn, held, done;
                bool cannot_restart; /* the database has to be restarted for it, and not by this agent */
                char failed[POD_REPORT_TEXT_MAX]; /* why its part has; "": it has not, or it is not told */
                char text[POD_REPORT_TEXT_MAX];   /* why it cannot be read */
        } plan;
        struct {
                bool given;
                char secret[254];             /* "" by a volume alone */
                struct fingerprint published; /* content of what is published; all zero: not told */
                bool pending;                 /* and not proven yet */
                char error[POD_REPORT_TEXT_MAX];
        } files; /* the database's own configuration */
        char step[32];
        bool rolling_back;
        bool prune_pending;
        bool degraded;
        char reason[32]; /* of the error in force */
        char message[POD_REPORT_TEXT_MAX];
        struct {
                char version[96];
                char role[32];
                int64_t members;
        } engine;
        char result[16]; /* of the last rotation: "success" "refused" "failed" "rolledBack" "degraded" */
        struct wall at;  /* its end; 0: there was none */
        char via[16];    /* which source brought the last generation: "volume", "api" */
        bool lag;        /* the other source has not brought it yet */
};

/* One line of JSON, at most POD_REPORT_MAX_BYTES, appended. Pure. */
void pod_report_write(const struct status *status, struct buf *out);
/*
 * Members that are missing, null or unknown are no fault; such of another type or form are, and text after
 * the object. Longer texts are cut, bundles beyond the last that fits left out.
 *
 * ERR_PARSE naming the member; ERR_LIMIT. Pure; fuzzed by tests/fuzz/fuzz_pod_report.c.
 */
int pod_report_parse(const char *text, size_t len, struct pod_report *out, struct err *err) MUST_CHECK;
