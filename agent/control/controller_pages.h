// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the controller tells the outside, in one struct, and the pages made of it: pure functions.
 */
#include "control/world.h"
#include "inject/webhook_cert.h"
#include "loop/http_server.h"
#include "serve/checks.h"
#include "serve/status.h"

/* How one look at a database ended. */
enum controller_result {
        CONTROLLER_IDLE,      /* nothing was to be done */
        CONTROLLER_DONE,      /* all that was to be done */
        CONTROLLER_CHANGED,   /* what had been seen was old */
        CONTROLLER_REFUSED,   /* what a request asks for cannot be */
        CONTROLLER_FAILED,    /* server or network; it is tried again */
        CONTROLLER_HELD_BACK, /* the same as too many times before: controller_guard.h */
        CONTROLLER_CANCELLED, /* the Lease was lost, or it took too long */
        CONTROLLER_RESULTS
};

struct controller_webhook_status {
        bool is_on;
        struct webhook_counts counts;
        struct webhook_cert_state cert;
};

struct controller_status {
        char version[32];
        char identity[256];
        char namespace[64]; /* "": all */
        char lease[320];    /* "certrotate/certrotate-controller" */
        struct wall started;
        struct mono last_tick; /* of the loop's own clock */
        bool is_leader;
        bool is_ending;
        bool is_whole;           /* all that is watched was listed */
        bool has_started;        /* it was whole once */
        char holder[256];        /* another that leads; "" unknown */
        char lease_trouble[256]; /* why the Lease can be neither had nor read; "" none */
        char world_trouble[256]; /* why what is known may be old; "" none */
        size_t queued, working, remembered;
        uint64_t results[CONTROLLER_RESULTS];
        struct histogram times; /* of looks at which something was to be done */
        uint64_t times_leader;  /* how often it got the Lease */
        uint64_t api_requests;
        struct world_counts world;
        struct controller_webhook_status webhook;
};

const char *controller_pages_result_name(enum controller_result result);
void controller_pages_checks(const struct controller_status *status, enum health_probe probe, struct mono now,
                             struct check_list *out);
void controller_pages_metrics(const struct controller_status *status, struct buf *out);
cJSON *controller_pages_status(const struct controller_status *status);
/* /livez /readyz /startupz /healthz /metrics /status, with ?verbose; anything else 404. */
void controller_pages_answer(const struct controller_status *status, struct mono now, const char *path,
                             const char *query, struct http_reply *reply);
