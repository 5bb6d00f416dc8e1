// SPDX-License-Identifier: Apache-2.0
/*
 * What is kept of a pod. Its report may be anything: it is read by pod_report_parse, which bounds it.
 */
#include "control/world_state.h"

#include <string.h>

#include "base/mem.h"
#include "inject/asked.h"
#include "kube/names.h"
#include "kube/reporter.h"
#include "serve/pod_report.h"

#define INSTANCE "app.kubernetes.io/instance"
#define NAME     "app.kubernetes.io/name"

static const char *text_of(const cJSON *object, const char *key)
{
        const char *text = json_get_str(object, key);

        return text == NULL ? "" : text;
}

static bool is_ready(const cJSON *status)
{
        const cJSON *one;

        cJSON_ArrayForEach(one, json_get(status, "conditions"))
        {
                if (strcmp(text_of(one, "type"), "Ready") == 0)
                        return strcmp(text_of(one, "status"), "True") == 0;
        }
        return false;
}

/* It comes and goes: a backup, an upgrade. No member of the database. */
static bool is_of_a_job(const cJSON *meta)
{
        const cJSON *one;

        cJSON_ArrayForEach(one, json_get(meta, "ownerReferences"))
        {
                if (json_get_bool(one, "controller") && strcmp(text_of(one, "kind"), "Job") == 0)
                        return true;
        }
        return false;
}

static bool is_member(const cJSON *object)
{
        const cJSON *meta = json_get(object, "metadata");

        return strcmp(text_of(json_get(object, "status"), "phase"), "Succeeded") != 0 && !is_of_a_job(meta);
}

static const char *or_null(const char *text)
{
        return *text == '\0' ? NULL : text;
}

static struct wall served_until(const struct pod_report *report)
{
        struct wall until = { 0 };

        for (size_t i = 0; i < report->n_bundles; i++) {
                const struct pod_report_leaf *served = &report->bundles[i].stages[STAGE_SERVED];

                if (served->known && served->not_after.s > 0 &&
                    (until.s == 0 || served->not_after.s < until.s))
                        until = served->not_after;
        }
        return until;
}

/*
 * An agent that has just started ("starting") may be about to go on with a rotation: busy, too. One that
 * holds is not, whatever step it stands in: it waits for us.
 */
static bool is_busy(const struct pod_report *report)
{
        return !report->plan.held && *report->step != '\0' && strcmp(report->step, "idle") != 0 &&
               strcmp(report->step, "waiting") != 0;
}

/* The error in force; a plan that cannot be read is one as well. */
static const char *trouble_of(const struct pod_report *report)
{
        if (*report->reason != '\0')
                return *report->message != '\0' ? report->message : report->reason;
        return or_null(report->plan.text);
}

static void take_report(struct world_strings *strings, const char *text, struct observed_pod *out)
{
        struct pod_report report;
        struct err err = ERR_INIT;
        int mode;

        if (text == NULL)
                return;
        if (pod_report_parse(text, strlen(text), &report, &err) != 0) {
                out->trouble = mem_printf("the report is unreadable: %s", err.text);
                return;
        }
        mode = tls_mode_parse(report.tls);
        out->has_agent = true;
        out->trouble = mem_strdup(trouble_of(&report));
        out->reason = world_strings_get(strings, or_null(report.reason));
        out->driver = world_strings_get(strings, or_null(report.database));
        out->role = world_strings_get(strings, report.engine.role);
        if (report.plan.given) {
                out->plan_request = world_strings_get(strings, report.plan.request);
                out->plan_generation = report.plan.generation;
                out->plan_done = report.plan.done;
                out->plan_held = report.plan.held;
                out->failed = mem_strdup(or_null(report.plan.failed));
                out->cannot_restart = report.plan.cannot_restart;
        }
        out->is_busy = is_busy(&report);
        out->is_rolling_back = report.rolling_back;
        out->is_degraded = report.degraded;
        out->mode = mode < 0 ? TLS_UNMANAGED : (enum tls_mode)mode;
        out->source = report.bundles[0].stages[STAGE_SOURCE].fp;
        out->served = report.bundles[0].stages[STAGE_SERVED].fp;
        out->served_until = served_until(&report);
}

static bool is_missed(const cJSON *meta)
{
        const cJSON *annotations = json_get(meta, "annotations");

        return strcmp(text_of(annotations, INJECT_PREFIX "inject"), "true") == 0 &&
               strcmp(text_of(annotations, INJECT_STATUS), "injected") != 0;
}

static void *read_pod(struct world *world, const struct world_source *source UNUSED, const cJSON *object,
                      char database[static KUBE_NAME_MAX + 1])
{
        const cJSON *meta = json_get(object, "metadata");
        const cJSON *labels = json_get(meta, "labels");
        const char *instance = json_get_str(labels, INSTANCE);
        struct observed_pod *pod;

        if (!kube_names_is_subdomain(instance) || !is_member(object))
                return NULL;
        pod = MEM_NEW(struct observed_pod);
        pod->name = mem_strdup(text_of(meta, "name"));
        pod->uid = mem_strdup(text_of(meta, "uid"));
        pod->version = mem_strdup(text_of(meta, "resourceVersion"));
        pod->kind_label = world_strings_get(&world->strings, text_of(labels, NAME));
        pod->is_ready = is_ready(json_get(object, "status"));
        pod->is_leaving = json_get_str(meta, "deletionTimestamp") != NULL;
        pod->is_missed = !pod->is_leaving && is_missed(meta);
        take_report(&world->strings, json_get_str(json_get(meta, "annotations"), KUBE_REPORT_ANNOTATION),
                    pod);
        if (pod->role == NULL)
                pod->role = world_strings_get(&world->strings, "");
        memcpy(database, instance, strlen(instance) + 1);
        return pod;
}

static void drop_pod(struct world *world, void *object)
{
        struct observed_pod *pod = object;

        mem_free(pod->name);
        mem_free(pod->uid);
        mem_free(pod->version);
        mem_free(pod->trouble);
        mem_free(pod->failed);
        world_strings_drop(&world->strings, pod->kind_label);
        world_strings_drop(&world->strings, pod->reason);
        world_strings_drop(&world->strings, pod->driver);
        world_strings_drop(&world->strings, pod->role);
        world_strings_drop(&world->strings, pod->plan_request);
        mem_free(pod);
}

static void attach_pod(struct world_entry *entry, void *object)
{
        struct observed_pod *pod = object;
        uint32_t at = entry->n_pods;

        entry->pods = mem_grow(entry->pods, entry->n_pods + 1U, sizeof(struct observed_pod *));
        for (; at > 0 && strcmp(entry->pods[at - 1]->name, pod->name) > 0; at--)
                entry->pods[at] = entry->pods[at - 1];
        entry->pods[at] = pod;
        entry->n_pods++;
}

static void detach_pod(struct world_entry *entry, const void *object)
{
        uint32_t kept = 0;

        for (uint32_t i = 0; i < entry->n_pods; i++)
                if (entry->pods[i] != object)
                        entry->pods[kept++] = entry->pods[i];
        entry->n_pods = kept;
}

static const char *name_of(const void *object)
{
        return ((const struct observed_pod *)object)->name;
}

const struct world_type world_pods = { read_pod, drop_pod, attach_pod, detach_pod, name_of };
