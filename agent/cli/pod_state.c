// SPDX-License-Identifier: Apache-2.0
/*
 * The same rules as for the agent's own readiness (serve/health.c), applied to what it last told.
 */
#include "cli/pod_state.h"

#include <string.h>

#define WARN_PARTS 6 /* warn when less than a sixth of the lifetime is left */

static const struct {
        const char *name;
        enum pod_severity severity;
} kinds[POD_KINDS] = {
        [POD_IS_DEGRADED] = { "degraded", POD_BAD },
        [POD_IS_GARBLED] = { "bad report", POD_BAD },
        [POD_IS_SILENT] = { "no report", POD_BAD },
        [POD_IS_DOWN] = { "not running", POD_BAD },
        [POD_HAS_EXPIRED] = { "expired", POD_BAD },
        [POD_ROLLS_BACK] = { "rolling back", POD_BAD },
        [POD_DIFFERS] = { "differs", POD_BAD },
        [POD_SERVES_NONE] = { "not served", POD_BAD },
        [POD_WAS_ROLLED_BACK] = { "rolled back", POD_WARNING },
        [POD_HAS_FAILED] = { "failed", POD_WARNING },
        [POD_HAS_REFUSED] = { "refused", POD_WARNING },
        [POD_HAS_ERROR] = { "error", POD_WARNING },
        [POD_WAITS] = { "waiting", POD_WARNING },
        [POD_ENDS_SOON] = { "ends soon", POD_WARNING },
        [POD_PRUNES_LATER] = { "restart due", POD_WARNING },
        [POD_ROTATES] = { "rotating", POD_BUSY },
        [POD_IS_IDLE] = { "idle", POD_GOOD },
};

const char *pod_state_name(enum pod_kind kind)
{
        return kinds[kind].name;
}

const char *pod_state_agreement(enum pod_agreement agreement)
{
        static const char *const names[] = {
                [POD_AGREES] = "yes",
                [POD_PLAIN] = "TLS off",
                [POD_NOT_PUBLISHED] = "unpublished",
                [POD_NOT_SERVED] = "unserved",
                [POD_NO_SOURCE] = "no source",
                [POD_UNKNOWN] = "unknown",
        };

        return names[agreement];
}

static bool is_same(const struct pod_report_leaf *a, const struct pod_report_leaf *b)
{
        return a->known && b->known && hex_fingerprint_equal(&a->fp, &b->fp);
}

static enum pod_agreement agreement_of(const struct pod_report_bundle *bundle, bool off)
{
        const struct pod_report_leaf *source = &bundle->stages[STAGE_SOURCE];
        const struct pod_report_leaf *published = &bundle->stages[STAGE_PUBLISHED];
        const struct pod_report_leaf *served = &bundle->stages[STAGE_SERVED];

        if (off)
                return is_same(published, served) ? POD_NOT_SERVED : POD_PLAIN;
        if (!published->known)
                return source->known ? POD_NOT_PUBLISHED : POD_UNKNOWN;
        if (!served->known)
                return POD_UNKNOWN;
        if (!is_same(published, served))
                return POD_NOT_SERVED;
        if (!source->known)
                return POD_NO_SOURCE;
        return is_same(source, published) ? POD_AGREES : POD_NOT_PUBLISHED;
}

/* Of what is served: whether it is the published one, valid now, and for how long. */
static void judge_bundle(const struct pod_report_bundle *bundle, bool off, struct wall now,
                         struct pod_state *out)
{
        const struct pod_report_leaf *served = &bundle->stages[STAGE_SERVED];
        const enum pod_agreement agreement = agreement_of(bundle, off);
        const int64_t left = served->not_after.s - now.s;

        if (agreement > out->agreement)
                out->agreement = agreement;
        if (off) {
                out->well = out->well && agreement == POD_PLAIN;
                return;
        }
        if (!is_same(&bundle->stages[STAGE_PUBLISHED], served))
                out->well = false;
        if (!served->known || served->not_after.s == 0)
                return;
        if (out->until.s == 0 || served->not_after.s < out->until.s)
                out->until = served->not_after;
        if (left <= 0 || now.s < served->not_before.s)
                out->well = false;
        if (left <= 0 ||
            (served->not_before.s != 0 && left < (served->not_after.s - served->not_before.s) / WARN_PARTS))
                out->ends = true;
}

static bool rests(const struct pod_report *report)
{
        return strcmp(report->step, "idle") == 0 || strcmp(report->step, "waiting") == 0 ||
               report->step[0] == '\0';
}

/* An error in force after a rotation that ended badly. */
static enum pod_kind kind_of_error(const struct pod_report *report)
{
        if (strcmp(report->result, "rolledBack") == 0)
                return POD_WAS_ROLLED_BACK;
        if (strcmp(report->result, "failed") == 0)
                return POD_HAS_FAILED;
        return strcmp(report->result, "refused") == 0 ? POD_HAS_REFUSED : POD_HAS_ERROR;
}

static enum pod_kind kind_of_report(const struct pod_report *report, struct wall now,
                                    const struct pod_state *state)
{
        if (report->degraded)
                return POD_IS_DEGRADED;
        if (state->until.s != 0 && state->until.s <= now.s)
                return POD_HAS_EXPIRED;
        if (report->rolling_back)
                return POD_ROLLS_BACK;
        if (!rests(report))
                return POD_ROTATES;
        if (strcmp(report->step, "waiting") == 0)
                return POD_WAITS;
        if (state->agreement == POD_NOT_SERVED)
                return POD_DIFFERS;
        if (!state->well)
                return POD_SERVES_NONE;
        if (report->reason[0] != '\0')
                return kind_of_error(report);
        if (report->plan.text[0] != '\0')
                return POD_HAS_ERROR;
        if (state->ends)
                return POD_ENDS_SOON;
        return report->prune_pending ? POD_PRUNES_LATER : POD_IS_IDLE;
}

static bool is_down(const struct pod *pod)
{
        return pod->terminating || (pod->phase[0] != '\0' && strcmp(pod->phase, "Running") != 0);
}

static enum pod_kind kind_of(const struct pod *pod, struct wall now, const struct pod_state *state)
{
        if (pod->told == POD_GARBLED)
                return POD_IS_GARBLED;
        if (pod->told == POD_TOLD && pod->report.degraded)
                return POD_IS_DEGRADED;
        if (is_down(pod))
                return POD_IS_DOWN;
        return pod->told == POD_SILENT ? POD_IS_SILENT : kind_of_report(&pod->report, now, state);
}

static const char *word_of(const struct pod *pod, enum pod_kind kind)
{
        if (kind == POD_ROTATES)
                return pod->report.step;
        if (kind == POD_IS_DOWN && pod->terminating)
                return "terminating";
        return kind == POD_IS_DOWN && strcmp(pod->phase, "Pending") == 0 ? "pending" : kinds[kind].name;
}

void pod_state_judge(const struct pod *pod, struct wall now, struct pod_state *out)
{
        const struct pod_report *report = &pod->report;

        *out = (struct pod_state){ .agreement = report->n_bundles == 0 ? POD_UNKNOWN : POD_AGREES };
        out->well = pod->told == POD_TOLD && report->n_bundles > 0 && !report->degraded;
        for (size_t i = 0; i < report->n_bundles; i++)
                judge_bundle(&report->bundles[i], strcmp(report->tls, "off") == 0, now, out);
        out->kind = kind_of(pod, now, out);
        out->well = out->well && !is_down(pod);
        out->severity = kinds[out->kind].severity;
        out->word = word_of(pod, out->kind);
}
