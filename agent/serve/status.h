// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Everything the agent tells the outside, in one struct: filled by agent/rotate, read by health, metrics and
 * the status page, which are pure functions of it.
 */
#include "base/clock.h"
#include "base/json.h"
#include "certs/policy.h"

enum status_stage { STAGE_SOURCE, STAGE_PUBLISHED, STAGE_SERVED, STAGES };

struct status_leaf {
        bool known;
        struct fingerprint fp;
        struct wall not_before;
        struct wall not_after;
        char subject[128];
};

enum status_result {
        RESULT_SUCCESS,
        RESULT_REFUSED,
        RESULT_FAILED,
        RESULT_ROLLED_BACK,
        RESULT_DEGRADED,
        RESULTS
};

#define STATUS_BUCKETS   12
#define STATUS_STEPS_MAX 16

/* Upper bounds in ms: 1 2 5 10 25 50 100 250 1000 5000 30000 +Inf (metrics.c writes seconds). */
struct histogram {
        uint64_t counts[STATUS_BUCKETS];
        uint64_t n;
        int64_t sum_us;
};

void histogram_add(struct histogram *histogram, int64_t us);

struct status_endpoint {
        char url[160];
        bool ok;               /* serves the published leaf, trusted */
        struct fingerprint fp; /* seen there last */
        char tls_version[16];
        char text[200]; /* why not ok */
};

/* What the controller asks for, and how far this instance is. */
struct status_plan {
        bool given;
        char request[128];
        int64_t generation;
        char phase[16];      /* "" none */
        bool turn;           /* may act */
        bool held;           /* what can be done out of turn is done */
        bool done;           /* what it asks of this instance is published, taken and proven */
        bool cannot_restart; /* … takes a restart, and this agent has no right or no way to */
        /* why that has come to nothing in this generation, and is not tried again by itself; "" */
        char failed[ERR_TEXT_MAX];
        char text[256]; /* why the file cannot be read; "" */
};

struct status_api {
        bool used;
        bool live;      /* what it told last is what it has, as far as anybody can know */
        char text[256]; /* why not; "" */
        uint64_t requests;
};

/* The database's own configuration files. */
struct status_files {
        bool used;
        char secret[254]; /* "" by a volume alone */
        char publish_dir[256];
        int64_t generation;
        bool pending;                 /* published, not proven yet */
        struct fingerprint published; /* SHA-256 over name, NUL, text, NUL of each file by name */
        bool degraded;
        enum err_kind reason; /* why they are not as they should be; ERR_NONE: they are */
        char text[ERR_TEXT_MAX];
        uint64_t changes[RESULTS];
};

struct status {
        char version[32];
        char instance[128];
        char database[32];
        char alias[64];
        char source_dir[256];
        char publish_dir[256];
        struct wall started;
        struct status_leaf stages[STAGES];
        int64_t generation;  /* published, 0 none */
        char source_via[16]; /* which source brought it: "volume" "api"; "" unknown */
        bool source_lag;     /* the other source has not brought it yet */
        char tls[16];        /* mode: "off" "mixed" "on" "required"; "" not managed */
        struct status_plan plan;
        struct status_api api; /* the way to the API server */
        struct status_files files;
        bool prune_pending; /* authorities were dropped that the engine trusts until it restarts */
        /* rotation under way */
        char step[32]; /* "idle" when none, "waiting" when the database or the source is not there yet */
        bool rolling_back;
        struct wall step_since;
        bool reload_pending; /* a reload was asked for and has not come back yet */
        /* what happened */
        uint64_t rotations[RESULTS];
        uint64_t rollbacks;
        uint64_t scans;
        bool last_successful;           /* result of the last rotation; true before any */
        struct wall last_success;       /* 0: never */
        enum status_result last_result; /* of the last rotation that changed something, or tried to */
        struct wall last_rotation;      /* its end; 0: none, or not remembered */
        enum err_kind error_kind;       /* ERR_NONE: fine */
        char error_text[ERR_TEXT_MAX];
        struct wall error_at;
        bool degraded;            /* a rollback failed: a person has to look */
        char change[24];          /* class of the last change */
        struct findings findings; /* of the last bundle judged */
        char step_names[STATUS_STEPS_MAX][32];
        struct histogram step_times[STATUS_STEPS_MAX];
        size_t n_steps;
        struct histogram detection; /* from the swap (directory time) to the start of the rotation */
        /* liveness */
        struct mono last_scan;     /* last completed scan */
        int64_t scan_bound_ms;     /* a scan must have been completed within this */
        struct mono step_deadline; /* the running step must end by then; MONO_NEVER when idle */
        bool first_publish_done;
        /* the engine */
        struct status_endpoint *endpoints;
        size_t n_endpoints;
        char engine_version[96];
        char engine_role[32];
        int engine_members;
};

/* All zero but for what must not be: version, step "idle", no deadline, last rotation fine. */
void status_init(struct status *status);
const char *
status_result_name(enum status_result result); /* "success" "refused" "failed" "rolled_back" "degraded" */
const char *status_stage_name(enum status_stage stage); /* "source" "published" "served" */

/* The page behind /status, the control socket and `status --output json`. */
cJSON *status_to_json(const struct status *status, struct wall now, struct mono mono);
/* Prometheus text exposition 0.0.4. */
void metrics_render(const struct status *status, struct wall now, struct mono mono, struct buf *out);

enum health_probe { HEALTH_LIVE, HEALTH_READY, HEALTH_STARTUP };

/* true: 200. reason (empty when fine) names the first thing that is wrong. */
bool health_check(const struct status *status, enum health_probe probe, struct wall now, struct mono mono,
                  char reason[static 256]);
/* {"status":"ok|warn|fail","checks":[{"name","status","message"}]} */
cJSON *health_to_json(const struct status *status, enum health_probe probe, struct wall now,
                      struct mono mono);
/* /livez /readyz /startupz /healthz /metrics /status, with ?verbose; anything else 404. */
struct http_reply;
void pages_answer(const struct status *status, const char *path, const char *query, struct http_reply *reply);
