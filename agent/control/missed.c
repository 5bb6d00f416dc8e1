// SPDX-License-Identifier: Apache-2.0
#include "control/missed.h"

#include "base/log.h"
#include "base/mem.h"
#include "control/event.h"
#include "kube/event_json.h"

#include <string.h>

#define TOLD_MAX      1024 /* beyond it only the metric counts */
#define POD_NAME_MAX  200  /* of the Event's name, which has 253 */
#define UID_SHORT_MAX 8

struct told {
        char *uid;
        bool is_still; /* it was met in this look */
};

struct missed {
        struct kube_client *client;
        struct kube_call *call;
        struct told told[TOLD_MAX];
        size_t n;
};

struct missed *missed_new(struct kube_client *client)
{
        struct missed *missed = MEM_NEW(struct missed);

        missed->client = client;
        return missed;
}

void missed_free(struct missed *missed)
{
        if (missed == NULL)
                return;
        kube_call_cancel(missed->call);
        while (missed->n > 0)
                mem_free(missed->told[--missed->n].uid);
        mem_free(missed);
}

static cJSON *event_of(const char *namespace, const struct observed_pod *pod)
{
        AUTO(mem_free_p)
        char *name =
                mem_printf("%.*s.%.*s.injection-missed", POD_NAME_MAX, pod->name, UID_SHORT_MAX, pod->uid);

        return event_object(name, kube_event_json_about("v1", "Pod", namespace, pod->name, pod->uid), false,
                            "InjectionMissed",
                            "certrotate.io/inject asks for the sidecar, and the pod was created without it: "
                            "its namespace "
                            "lacks the label certrotate.io/injection=enabled, or the webhook could not be "
                            "reached. Delete "
                            "the pod to have it made anew");
}

/* One that the server does not take is not tried again: the metric says the same. */
static void answered(const struct kube_answer *answer, void *arg)
{
        struct missed *missed = arg;
        struct err err = ERR_INIT;

        missed->call = NULL;
        if (kube_answer_judge(answer, "tell of a missed injection", &err) != 0 && err.kind != ERR_CHANGED)
                log_warn("event_unwritten", LOG_ERR(&err));
}

static void tell(struct missed *missed, const char *namespace, const struct observed_pod *pod)
{
        AUTO(mem_free_p) char *path = mem_printf("/apis/events.k8s.io/v1/namespaces/%s/events", namespace);
        AUTO(json_free_p) cJSON *event = event_of(namespace, pod);
        AUTO(mem_free_p) char *body = json_print(event, false);
        const struct kube_request request = { .method = "POST", .path = path, .body = body };

        log_warn("injection_missed", LOG_S("namespace", namespace), LOG_S("pod", pod->name));
        missed->call = kube_call_start(missed->client, &request, NULL, answered, missed);
}

static void meet(const char *namespace, const struct observed_pod *pod, void *arg)
{
        struct missed *missed = arg;

        for (size_t i = 0; i < missed->n; i++) {
                if (strcmp(missed->told[i].uid, pod->uid) == 0) {
                        missed->told[i].is_still = true;
                        return;
                }
        }
        if (missed->call != NULL || missed->n == TOLD_MAX)
                return;
        missed->told[missed->n++] = (struct told){ mem_strdup(pod->uid), true };
        tell(missed, namespace, pod);
}

void missed_look(struct missed *missed, const struct world *world)
{
        size_t kept = 0;

        for (size_t i = 0; i < missed->n; i++)
                missed->told[i].is_still = false;
        world_each_missed(world, meet, missed);
        for (size_t i = 0; i < missed->n; i++) {
                if (missed->told[i].is_still)
                        missed->told[kept++] = missed->told[i];
                else
                        mem_free(missed->told[i].uid);
        }
        missed->n = kept;
}
