// SPDX-License-Identifier: Apache-2.0
#include "control/controller.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "control/controller_work.h"
#include "loop/http_server.h"

#define TICK_MS       INT64_C(1000)
#define TICK_FIRST_MS INT64_C(100) /* until all was listed */
#define LOOK_ALL_MS   INT64_C(600000)
#define ACT_LIMIT_MS  INT64_C(300000)
#define DRAIN_MS      INT64_C(2000)
#define RETURN_MS     INT64_C(2000)
#define TROUBLE_MS    INT64_C(3000)
#define END_PAUSE_MS  INT64_C(10)

struct controller {
        struct kube_client *client;
        struct loop *loop;
        struct world *world;
        struct kube_lease *lease;
        struct controller_work *work;
        struct controller_webhook *webhook; /* NULL: none is wanted */
        struct http_server *listener;
        struct loop_signal *signals;
        struct loop_timer *tick;
        struct loop_timer *end;
        struct controller_status status;
        struct mono look_all;
        struct mono trouble_since;
        char trouble_told[256];
        struct mono end_until;
        enum { END_NOT, END_DRAINS, END_RETURNS } ending;
};

static bool may_act(void *arg)
{
        const struct controller *controller = arg;

        return controller->ending == END_NOT && kube_lease_is_held(controller->lease) &&
               world_is_whole(controller->world);
}

/* --- the world */

static void begin(struct controller *controller)
{
        if (!controller->status.has_started || !controller->status.is_leader || controller->ending != END_NOT)
                return;
        controller->look_all = clock_after(clock_mono(), LOOK_ALL_MS);
        controller_work_go(controller->work, controller->world);
}

static void world_changed(const char *key, void *arg)
{
        struct controller *controller = arg;

        controller_work_add(controller->work, key);
}

/* A moment's trouble is not worth a line. */
static void tell_trouble(struct controller *controller, struct mono now)
{
        const char *trouble = controller->status.world_trouble;

        if (strcmp(trouble, controller->trouble_told) == 0 ||
            now.ms - controller->trouble_since.ms < TROUBLE_MS)
                return;
        if (*trouble != '\0')
                log_warn("world_trouble", LOG_S("error", trouble));
        else
                log_info("world_heard");
        (void)snprintf(controller->trouble_told, sizeof(controller->trouble_told), "%s", trouble);
}

static void note_world(struct controller *controller)
{
        struct controller_status *status = &controller->status;
        const char *trouble = world_trouble(controller->world);
        const struct mono now = clock_mono();
        char text[sizeof(status->world_trouble)];

        (void)snprintf(text, sizeof(text), "%.255s", trouble == NULL ? "" : trouble);
        if (strcmp(text, status->world_trouble) != 0) {
                controller->trouble_since = now;
                memcpy(status->world_trouble, text, sizeof(text));
        }
        tell_trouble(controller, now);
        status->is_whole = world_is_whole(controller->world);
        if (!status->is_whole || status->has_started)
                return;
        status->has_started = true;
        mem_trim(); /* of lists, which are read whole pages at a time */
        log_info("world_known", LOG_I("databases", (int64_t)world_counts(controller->world).databases));
        begin(controller);
}

static void tick(void *arg)
{
        struct controller *controller = arg;
        const struct mono now = clock_mono();

        controller->status.last_tick = now;
        note_world(controller);
        /* It slept for too long: the news that the Lease is lost is still to come. */
        if (controller->status.is_leader && !kube_lease_is_held(controller->lease))
                controller_work_cancel(controller->work);
        controller_work_tick(controller->work);
        controller_webhook_tick(controller->webhook, may_act(controller) ? controller->world : NULL);
        if (now.ms >= controller->look_all.ms) {
                controller->look_all = clock_after(now, LOOK_ALL_MS);
                controller_work_add_all(controller->work);
        }
        loop_timer_set(controller->tick, controller->status.has_started ? TICK_MS : TICK_FIRST_MS);
}

/* --- the Lease */

static void note_lease(struct controller *controller, const struct kube_lease_event *event)
{
        struct controller_status *status = &controller->status;

        (void)snprintf(status->holder, sizeof(status->holder), "%.255s",
                       event->holder == NULL ? "" : event->holder);
        (void)snprintf(status->lease_trouble, sizeof(status->lease_trouble), "%.255s",
                       event->err == NULL || event->err->kind == ERR_NONE ? "" : event->err->text);
}

static void lease_told(const struct kube_lease_event *event, void *arg)
{
        struct controller *controller = arg;
        struct controller_status *status = &controller->status;

        note_lease(controller, event);
        switch (event->kind) {
        case KUBE_LEASE_HELD:
                log_info("leader_elected", LOG_S("identity", status->identity),
                         LOG_S("lease", status->lease));
                status->is_leader = true;
                status->times_leader++;
                controller_webhook_lead(controller->webhook, true);
                begin(controller);
                break;
        case KUBE_LEASE_LOST:
                log_warn("leader_lost", LOG_S("identity", status->identity), LOG_S("lease", status->lease),
                         LOG_S("holder", event->holder), LOG_S("error", status->lease_trouble));
                status->is_leader = false;
                controller_webhook_lead(controller->webhook, false);
                controller_work_rest(controller->work);
                controller_work_cancel(controller->work);
                break;
        case KUBE_LEASE_WAITS:
                if (event->err != NULL && event->err->kind != ERR_NONE)
                        log_warn("lease_unavailable", LOG_S("lease", status->lease), LOG_ERR(event->err));
                else
                        log_info("standing_by", LOG_S("lease", status->lease),
                                 LOG_S("holder", event->holder));
                break;
        }
}

/* --- the end */

static void on_end(void *arg)
{
        struct controller *controller = arg;
        const bool is_over = clock_mono().ms >= controller->end_until.ms;

        if (controller->ending == END_DRAINS && (controller_work_running(controller->work) == 0 || is_over)) {
                controller_work_cancel(controller->work);
                if (controller->status.is_leader)
                        log_info("lease_given_back", LOG_S("lease", controller->status.lease));
                controller->status.is_leader = false;
                kube_lease_want(controller->lease, false);
                controller->ending = END_RETURNS;
                controller->end_until = clock_after(clock_mono(), RETURN_MS);
        } else if (controller->ending == END_RETURNS && (kube_lease_is_idle(controller->lease) || is_over)) {
                loop_stop(controller->loop);
                return;
        }
        loop_timer_set(controller->end, END_PAUSE_MS);
}

static void signalled(int signo, void *arg)
{
        struct controller *controller = arg;

        if (signo == SIGHUP) {
                controller_work_add_all(controller->work);
                return;
        }
        if (controller->ending != END_NOT) {
                loop_stop(controller->loop);
                return;
        }
        log_info("ending", LOG_I("working", (int64_t)controller_work_running(controller->work)));
        controller->ending = END_DRAINS;
        controller->status.is_ending = true;
        controller->end_until = clock_after(clock_mono(), DRAIN_MS);
        controller_webhook_lead(controller->webhook, false);
        controller_work_rest(controller->work);
        on_end(controller);
}

/* --- pages */

static void answer(const char *path, const char *query, struct http_reply *reply, void *arg)
{
        struct controller *controller = arg;
        struct controller_status *status = &controller->status;

        note_world(controller);
        controller_work_count(controller->work, status);
        controller_webhook_note(controller->webhook, status);
        status->world = world_counts(controller->world);
        status->api_requests = kube_client_requests(controller->client);
        controller_pages_answer(status, clock_mono(), path, query, reply);
}

/* --- life */

static void init_status(struct controller_status *status, const struct controller_settings *settings)
{
        (void)snprintf(status->version, sizeof(status->version), "%s", CERTROTATE_VERSION);
        (void)snprintf(status->identity, sizeof(status->identity), "%.255s", settings->lease.holder);
        (void)snprintf(status->namespace, sizeof(status->namespace), "%.63s",
                       settings->namespace == NULL ? "" : settings->namespace);
        (void)snprintf(status->lease, sizeof(status->lease), "%.63s/%.253s", settings->lease.namespace,
                       settings->lease.name);
        status->started = clock_wall();
        status->last_tick = clock_mono();
}

static void open_parts(struct controller *controller, const struct controller_settings *settings)
{
        static const int signals[] = { SIGHUP, SIGTERM, SIGINT };
        const struct world_spec world = { .namespace = settings->namespace };
        struct kube_lease_spec lease = settings->lease;
        const struct controller_work_spec work = { .client = controller->client,
                                                   .reconcile = settings->reconcile,
                                                   .workers = settings->workers,
                                                   .act_limit_ms = ACT_LIMIT_MS,
                                                   .status = &controller->status,
                                                   .may_act = may_act,
                                                   .arg = controller };

        controller->signals =
                loop_signal_new(controller->loop, signals, ARRAY_LEN(signals), signalled, controller);
        controller->tick = loop_timer_new(controller->loop, tick, controller);
        controller->end = loop_timer_new(controller->loop, on_end, controller);
        controller->work = controller_work_new(&work);
        controller->world = world_open(controller->client, &world, world_changed, controller);
        lease.watched = true;
        controller->lease = kube_lease_open(controller->client, &lease, lease_told, controller);
        kube_lease_want(controller->lease, true);
        loop_timer_set(controller->tick, 0);
}

int controller_open(struct kube_client *client, const struct controller_settings *settings,
                    struct controller **out, struct err *err)
{
        AUTO(controller_close_p) struct controller *controller = MEM_NEW(struct controller);

        controller->client = client;
        controller->loop = kube_client_loop(client);
        controller->look_all = MONO_NEVER;
        init_status(&controller->status, settings);
        if (kube_lease_check(&settings->lease, err) != 0)
                return -1;
        if (settings->listen != NULL && *settings->listen != '\0' &&
            http_server_open(controller->loop, settings->listen, answer, controller, &controller->listener,
                             err) != 0)
                return -1;
        if (settings->webhook.address != NULL &&
            controller_webhook_open(client, &settings->webhook, &controller->webhook, err) != 0)
                return -1;
        open_parts(controller, settings);
        *out = TAKE(controller);
        return 0;
}

void controller_close(struct controller *controller)
{
        if (controller == NULL)
                return;
        http_server_close(controller->listener);
        controller_webhook_close(controller->webhook);
        controller_work_free(controller->work);
        world_close(controller->world);
        kube_lease_close(controller->lease);
        loop_timer_free(controller->tick);
        loop_timer_free(controller->end);
        loop_signal_free(controller->signals);
        mem_free(controller);
}

int controller_run(struct controller *controller)
{
        const struct controller_status *status = &controller->status;

        log_info("controller_started", LOG_S("version", CERTROTATE_VERSION),
                 LOG_S("identity", status->identity), LOG_S("lease", status->lease),
                 LOG_S("namespace", status->namespace),
                 LOG_S("server", kube_client_access(controller->client)->server),
                 LOG_I("port", controller->listener == NULL ? 0 : http_server_port(controller->listener)),
                 LOG_I("webhook_port", controller_webhook_port(controller->webhook)));
        loop_run(controller->loop);
        log_info("controller_stopped");
        return 0;
}
