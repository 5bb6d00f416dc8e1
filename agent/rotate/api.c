// SPDX-License-Identifier: Apache-2.0
/*
 * One client, one connection: two watches by name, a Lease, a reporter. Each event ends in a scan, which
 * decides as it does for every other hint.
 */
#include "rotate/api.h"

#include "base/mem.h"
#include "certs/secret_object.h"
#include "kube/lease.h"
#include "kube/watch.h"
#include "rotate/custom.h"
#include "rotate/nudge.h"
#include "rotate/pace.h"
#include "rotate/scan.h"
#include "serve/pod_report.h"

#include <stdio.h>
#include <string.h>

#define BEGIN_LIMIT_MS 5000
#define END_LIMIT_MS   2000
#define END_PAUSE_MS   10
#define PLAN_KEY       "plan.json"

enum { WATCH_SECRET, WATCH_PLAN, WATCH_FILES, WATCHES };

static const char *const watch_names[WATCHES] = { "Secret", "plan", "files" };

struct api {
        struct agent *agent;
        struct kube_client *client;
        struct kube_watch *watches[WATCHES]; /* NULL: not asked for */
        bool known[WATCHES];                 /* listed, or plain that it will not be soon */
        struct kube_lease *lease;
        struct kube_reporter *reporter;
        struct nudge *nudge;
        char *namespace;
        bool plan_heard; /* it was listed at least once */
        struct err secret_problem;
        char *trouble[WATCHES]; /* why it is not heard; NULL: it is, or may be taken to be */
        char *plan_text;        /* NULL: there is no plan */
        loop_fn *then;
        struct loop_timer *begin, *report, *end;
        struct pace pace; /* of reports */
        struct mono end_until;
};

static void begin_over(void *arg)
{
        struct api *api = arg;
        loop_fn *then = api->then;

        api->then = NULL;
        memset(api->known, true, sizeof(api->known));
        loop_timer_clear(api->begin);
        if (then != NULL)
                then(api->agent);
}

static bool is_known(const struct api *api)
{
        for (int i = 0; i < WATCHES; i++)
                if (api->watches[i] != NULL && !api->known[i])
                        return false;
        return true;
}

static void look(struct api *api)
{
        if (api->then == NULL)
                scan_now(api->agent, false);
        else if (is_known(api))
                begin_over(api);
}

/* Of the first list nothing counts before it is whole. */
static void heard(struct api *api, const struct kube_watch_event *event, int which)
{
        api->known[which] = api->known[which] || event->kind == KUBE_LISTED || event->kind == KUBE_LOST;
        if (api->known[which])
                look(api);
}

static void note_link(struct api *api, const struct kube_watch_event *event, int which)
{
        struct status_api *status = &api->agent->status.api;
        char **trouble = &api->trouble[which];
        const char *first = NULL;

        if (event->kind == KUBE_LOST)
                log_warn("api_lost", LOG_S("watch", watch_names[which]), LOG_ERR(event->err));
        else if (*trouble != NULL)
                log_info("api_heard", LOG_S("watch", watch_names[which]));
        mem_free(*trouble);
        *trouble = event->kind == KUBE_LOST ? mem_strdup(event->err->text) : NULL;
        for (int i = 0; i < WATCHES && first == NULL; i++)
                first = api->trouble[i];
        (void)snprintf(status->text, sizeof(status->text), "%.255s", first == NULL ? "" : first);
        status->live = first == NULL;
        api_report(api->agent);
}

static void read_secret(struct api *api, const cJSON *object)
{
        const char *name = api->agent->config->kube.secret;
        struct err err = ERR_INIT;
        struct snapshot *snapshot = NULL;

        if (secret_object_read(object, &snapshot, &err) == 0) {
                api->secret_problem.kind = ERR_NONE;
                origin_set_api(&api->agent->origin, snapshot);
                return;
        }
        err_wrap_(&err, "Secret '%.120s'", name);
        log_warn("secret_unusable", LOG_S("secret", name), LOG_ERR(&err));
        api->secret_problem = err;
        origin_set_api(&api->agent->origin, NULL);
}

static void secret_told(const struct kube_watch_event *event, void *arg)
{
        struct api *api = arg;
        const char *name = api->agent->config->kube.secret;

        note_link(api, event, WATCH_SECRET);
        switch (event->kind) {
        case KUBE_OBJECT:
                read_secret(api, event->object);
                break;
        case KUBE_GONE:
                log_warn("secret_gone", LOG_S("secret", name));
                err_set_(&api->secret_problem, ERR_MISSING,
                         "Secret '%.120s' is not there in namespace '%.63s'", name, api->namespace);
                origin_set_api(&api->agent->origin, NULL);
                break;
        case KUBE_LOST:
                if (api->agent->origin.api == NULL)
                        api->secret_problem = *event->err;
                if (event->err->kind == ERR_PRIVILEGE)
                        nudge_needed(api->nudge, true);
                break;
        case KUBE_LISTED:
                nudge_needed(api->nudge, false);
                break;
        }
        heard(api, event, WATCH_SECRET);
}

static void plan_told(const struct kube_watch_event *event, void *arg)
{
        struct api *api = arg;

        note_link(api, event, WATCH_PLAN);
        if (event->kind == KUBE_OBJECT || event->kind == KUBE_GONE) {
                const cJSON *object = event->kind == KUBE_GONE ? NULL : event->object;

                mem_free(api->plan_text);
                api->plan_text = mem_strdup(json_get_str(json_get(object, "data"), PLAN_KEY));
        }
        api->plan_heard = api->plan_heard || event->kind != KUBE_LOST;
        heard(api, event, WATCH_PLAN);
}

static void files_told(const struct kube_watch_event *event, void *arg)
{
        struct api *api = arg;

        note_link(api, event, WATCH_FILES);
        custom_told(api->agent, event);
        heard(api, event, WATCH_FILES);
}

static void lease_told(const struct kube_lease_event *event, void *arg)
{
        struct api *api = arg;
        const char *lease = api->agent->config->kube.lease;

        switch (event->kind) {
        case KUBE_LEASE_HELD:
                log_info("turn_taken", LOG_S("lease", lease));
                break;
        case KUBE_LEASE_LOST:
                log_warn("turn_lost", LOG_S("lease", lease));
                break;
        case KUBE_LEASE_WAITS:
                log_info("turn_waits", LOG_S("lease", lease),
                         LOG_S("holder", event->holder == NULL ? "" : event->holder),
                         LOG_S("error", event->err == NULL ? "" : event->err->text));
                return;
        }
        if (api->then == NULL)
                scan_now(api->agent, api->agent->held_forced);
}

static void report_now(void *arg)
{
        struct api *api = arg;
        AUTO(buf_done_p) struct buf text = BUF_INIT(POD_REPORT_MAX_BYTES);

        nudge_look(api->nudge);
        pod_report_write(&api->agent->status, &text);
        kube_reporter_report(api->reporter, buf_str(&text));
}

void api_report(struct agent *agent)
{
        if (api_reporter(agent) != NULL)
                loop_timer_set(agent->api->report,
                               pace_ms(&agent->api->pace, agent->status.step, clock_mono()));
}

static void end_when_told(void *arg)
{
        struct api *api = arg;
        bool told = (api->lease == NULL || kube_lease_is_idle(api->lease)) &&
                    (api->reporter == NULL || kube_reporter_is_idle(api->reporter));

        if (told || clock_mono().ms >= api->end_until.ms)
                loop_stop(api->agent->loop);
        else
                loop_timer_set(api->end, END_PAUSE_MS);
}

void api_end(struct api *api)
{
        if (api->end_until.ms != 0)
                return;
        api->end_until = clock_after(clock_mono(), END_LIMIT_MS);
        api_want_turn(api->agent, false);
        if (api->reporter != NULL)
                report_now(api);
        end_when_told(api);
}

static struct kube_watch *watch(struct api *api, const char *resource, const char *name, kube_watch_fn *fn)
{
        AUTO(mem_free_p) char *collection = mem_printf("/api/v1/namespaces/%s/%s", api->namespace, resource);
        const struct kube_watch_spec spec = { .collection = collection, .name = name };

        return kube_watch_open(api->client, &spec, fn, api);
}

static struct kube_lease_spec lease_spec(const struct api *api)
{
        const struct kube_settings *kube = &api->agent->config->kube;

        return (struct kube_lease_spec){ .namespace = api->namespace,
                                         .name = kube->lease,
                                         .holder = kube->pod,
                                         .duration_ms = kube->lease_ms,
                                         .watched = true };
}

static int check_lease(const struct api *api, struct err *err)
{
        const struct kube_lease_spec spec = lease_spec(api);

        if (spec.name == NULL || kube_lease_check(&spec, err) == 0)
                return 0;
        return err_wrap(err, "kubernetes.lease");
}

static void open_parts(struct api *api)
{
        const struct kube_settings *kube = &api->agent->config->kube;
        const struct kube_lease_spec lease = lease_spec(api);
        const struct kube_reporter_spec reporter = { api->namespace, kube->pod, kube->pod_uid };

        if (kube->pod != NULL)
                api->reporter = kube_reporter_open(api->client, &reporter);
        if (kube->pod != NULL && kube->nudge && api->agent->config->source != NULL)
                api->nudge = nudge_new(api->agent, api->reporter);
        nudge_needed(api->nudge, kube->secret == NULL);
        if (kube->secret != NULL)
                api->watches[WATCH_SECRET] = watch(api, "secrets", kube->secret, secret_told);
        if (kube->plan != NULL)
                api->watches[WATCH_PLAN] = watch(api, "configmaps", kube->plan, plan_told);
        if (kube->files != NULL)
                api->watches[WATCH_FILES] = watch(api, "secrets", kube->files, files_told);
        if (kube->lease != NULL)
                api->lease = kube_lease_open(api->client, &lease, lease_told, api);
}

int api_open(struct agent *agent, struct err *err)
{
        const struct kube_settings *kube = &agent->config->kube;
        AUTO(api_close_p) struct api *api = NULL;
        struct kube_access *access = NULL;

        if (!kube_is_used(kube))
                return 0;
        api = MEM_NEW(struct api);
        api->agent = agent;
        if (kube->kubeconfig != NULL ? kube_access_from_file(kube->kubeconfig, NULL, &access, err) != 0
                                     : kube_access_in_pod(NULL, &access, err) != 0)
                return err_wrap(err, "section kubernetes");
        api->namespace = mem_strdup(kube->namespace != NULL ? kube->namespace : access->namespace);
        if (check_lease(api, err) != 0) {
                kube_access_free(access);
                return -1;
        }
        if (kube_client_open(agent->loop, access, &api->client, err) != 0)
                return -1;
        api->begin = loop_timer_new(agent->loop, begin_over, api);
        api->report = loop_timer_new(agent->loop, report_now, api);
        api->end = loop_timer_new(agent->loop, end_when_told, api);
        agent->status.api.used = true;
        agent->api = TAKE(api);
        open_parts(agent->api);
        return 0;
}

void api_close(struct api *api)
{
        if (api == NULL)
                return;
        for (int i = 0; i < WATCHES; i++) {
                kube_watch_close(api->watches[i]);
                mem_free(api->trouble[i]);
        }
        kube_lease_close(api->lease);
        nudge_free(api->nudge);
        kube_reporter_close(api->reporter);
        kube_client_close(api->client);
        loop_timer_free(api->begin);
        loop_timer_free(api->report);
        loop_timer_free(api->end);
        mem_free(api->namespace);
        mem_free(api->plan_text);
        mem_free(api);
}

void api_begin(struct api *api, loop_fn *then)
{
        api->then = then;
        loop_timer_set(api->begin, is_known(api) ? 0 : BEGIN_LIMIT_MS);
}

bool api_has_plan(const struct agent *agent)
{
        return agent->api != NULL && agent->api->watches[WATCH_PLAN] != NULL;
}

int api_plan(const struct agent *agent, struct plan *out, struct err *err)
{
        const struct api *api = agent->api;

        if (api->plan_text == NULL) {
                plan_init(out);
                /* Whose turn it is says a plan that was not heard of yet. */
                out->turn = api->plan_heard;
                return 0;
        }
        if (plan_parse(api->plan_text, strlen(api->plan_text), agent->config->instance, out, err) != 0)
                return err_wrap(err, "plan in ConfigMap '%.120s'", agent->config->kube.plan);
        return 0;
}

int api_secret_problem(const struct agent *agent, struct err *err)
{
        if (agent->api->secret_problem.kind == ERR_NONE)
                return err_set(err, ERR_MISSING, "Secret '%.120s' was not heard of yet",
                               agent->config->kube.secret);
        *err = agent->api->secret_problem;
        return -1;
}

bool api_turn_is_leased(const struct agent *agent)
{
        return agent->api != NULL && agent->api->lease != NULL && !agent->plan.given;
}

bool api_has_turn(const struct agent *agent)
{
        return agent->api == NULL || agent->api->lease == NULL || kube_lease_is_held(agent->api->lease);
}

void api_want_turn(struct agent *agent, bool wanted)
{
        struct api *api = agent->api;

        if (api == NULL || api->lease == NULL)
                return;
        wanted = wanted || (agent->custom != NULL && agent->custom->wants_turn && !agent->stopping);
        if (!wanted && kube_lease_is_held(api->lease))
                log_info("turn_given_back", LOG_S("lease", agent->config->kube.lease));
        kube_lease_want(api->lease, wanted);
}

void api_note(struct agent *agent)
{
        if (agent->api != NULL)
                agent->status.api.requests = kube_client_requests(agent->api->client);
}

struct kube_reporter *api_reporter(const struct agent *agent)
{
        return agent->api == NULL ? NULL : agent->api->reporter;
}
