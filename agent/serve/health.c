// SPDX-License-Identifier: Apache-2.0
/*
 * The probes, as lists of checks. Liveness says only that work is being completed: a database that is down or
 * a bad bundle must not get the agent killed, which would help nobody. Thresholds are fractions of the
 * lifetime: a certificate of six hours and one of a year need the same rule.
 */
#include "serve/checks.h"
#include "serve/status.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"

#define WARN_PARTS 6 /* warn when less than a sixth of the lifetime is left */

static void check_live(const struct status *status, struct wall now, struct mono mono,
                       struct check_list *list)
{
        /* Before the first scan, the start of the process counts. */
        const int64_t age_ms = status->last_scan.ms > 0 ? mono.ms - status->last_scan.ms
                                                        : (now.s - status->started.s) * 1000;
        struct check *check = checks_add(list, "scan");

        if (age_ms > status->scan_bound_ms) {
                check->result = CHECK_FAIL;
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX,
                               "no scan of the source was completed for %lld s (bound: %lld s)",
                               (long long)(age_ms / 1000), (long long)(status->scan_bound_ms / 1000));
        }
        check = checks_add(list, "step");
        if (mono.ms > status->step_deadline.ms) {
                check->result = CHECK_FAIL;
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX, "step '%s' should have ended %lld s ago",
                               status->step, (long long)((mono.ms - status->step_deadline.ms) / 1000));
        }
}

static void check_lifetime(const struct status_leaf *served, struct wall now, struct check *check)
{
        const int64_t left = served->not_after.s - now.s;
        const int64_t whole = served->not_after.s - served->not_before.s;
        char at[CLOCK_TEXT_MAX];

        if (!served->known)
                return;
        if (left <= 0) {
                check->result = CHECK_FAIL;
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX, "the served certificate expired at %s",
                               clock_format(served->not_after, at));
        } else if (now.s < served->not_before.s) {
                check->result = CHECK_FAIL;
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX,
                               "the served certificate is not valid before %s",
                               clock_format(served->not_before, at));
        } else if (left < whole / WARN_PARTS) {
                check->result = CHECK_WARN;
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX,
                               "less than 1/%d of its lifetime is left, it ends at %s", WARN_PARTS,
                               clock_format(served->not_after, at));
        }
}

/*
 * The database still is as it was before a change that is published: because another instance has the turn,
 * or while it is told. It serves its clients as well as before, and to take it out of service now would take
 * out all members of a cluster at once, of which each waits for the others to be ready.
 */
static bool is_on_its_way(const struct status *status)
{
        return status->plan.held ||
               (strcmp(status->step, "idle") != 0 && strcmp(status->step, "waiting") != 0);
}

/* TLS is off: neither is a certificate needed, nor may the published one be served. */
static void check_plain(const struct status *status, struct check_list *list)
{
        const struct status_leaf *published = &status->stages[STAGE_PUBLISHED];
        const struct status_leaf *served = &status->stages[STAGE_SERVED];
        struct check *check = checks_add(list, "served");

        if (!published->known || !served->known || !hex_fingerprint_equal(&published->fp, &served->fp))
                return;
        check->result = is_on_its_way(status) ? CHECK_WARN : CHECK_FAIL;
        (void)snprintf(check->message, CHECKS_MESSAGE_MAX,
                       "the database still speaks TLS, and is to be without");
}

static void check_served(const struct status *status, struct wall now, struct check_list *list)
{
        const struct status_leaf *published = &status->stages[STAGE_PUBLISHED];
        const struct status_leaf *served = &status->stages[STAGE_SERVED];
        struct check *check = checks_add(list, "published");

        if (!published->known) {
                check->result = CHECK_FAIL;
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX, "nothing is published yet");
        }
        check = checks_add(list, "served");
        if (!served->known) {
                check->result = status->plan.held ? CHECK_WARN : CHECK_FAIL;
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX,
                               "the database was not seen serving a certificate yet");
        } else if (published->known && !hex_fingerprint_equal(&published->fp, &served->fp)) {
                char a[FINGERPRINT_TEXT_MAX];
                char b[FINGERPRINT_TEXT_MAX];

                check->result = is_on_its_way(status) ? CHECK_WARN : CHECK_FAIL;
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX,
                               "the database serves %.16s, published is %.16s",
                               hex_fingerprint(&served->fp, a), hex_fingerprint(&published->fp, b));
        }
        check_lifetime(served, now, checks_add(list, "lifetime"));
}

/* No reason to take a database out of service, or to kill its agent. */
static void check_api(const struct status_api *api, struct check_list *list)
{
        struct check *check;

        if (!api->used)
                return;
        check = checks_add(list, "api");
        if (api->text[0] == '\0')
                return;
        check->result = CHECK_WARN;
        (void)snprintf(check->message, CHECKS_MESSAGE_MAX, "%.255s", api->text);
}

static void check_ready(const struct status *status, struct wall now, struct check_list *list)
{
        struct check *check;

        if (strcmp(status->tls, "off") == 0)
                check_plain(status, list);
        else
                check_served(status, now, list);
        check = checks_add(list, "degraded");
        if (status->degraded || status->files.degraded) {
                check->result = CHECK_FAIL;
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX, "degraded, a rollback failed: %.200s",
                               status->degraded ? status->error_text : status->files.text);
        }
        check_api(&status->api, list);
}

static void check_startup(const struct status *status, struct check_list *list)
{
        struct check *check = checks_add(list, "first-publish");

        if (!status->first_publish_done) {
                check->result = CHECK_FAIL;
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX, "the first bundle is not published yet");
        }
}

static void check_all(const struct status *status, enum health_probe probe, struct wall now, struct mono mono,
                      struct check_list *list)
{
        list->n = 0;
        switch (probe) {
        case HEALTH_LIVE:
                check_live(status, now, mono, list);
                return;
        case HEALTH_READY:
                check_ready(status, now, list);
                return;
        case HEALTH_STARTUP:
                check_startup(status, list);
                return;
        }
}

bool health_check(const struct status *status, enum health_probe probe, struct wall now, struct mono mono,
                  char reason[static 256])
{
        struct check_list list;

        check_all(status, probe, now, mono, &list);
        return checks_pass(&list, reason);
}

cJSON *health_to_json(const struct status *status, enum health_probe probe, struct wall now, struct mono mono)
{
        struct check_list list;

        check_all(status, probe, now, mono, &list);
        return checks_to_json(&list);
}
