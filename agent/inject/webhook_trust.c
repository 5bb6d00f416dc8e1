// SPDX-License-Identifier: Apache-2.0
/*
 * Somebody else may write it as well: whoever applies the manifest anew sets caBundle back. Then it is
 * written again, with a pause that grows, so that two who want different things do not keep the API server
 * busy.
 */
#include "inject/webhook_trust.h"

#include "base/log.h"
#include "base/mem.h"
#include "kube/backoff.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define COLLECTION   "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
#define PATCH_TYPE   "application/strategic-merge-patch+json"
#define PAUSE_MIN_MS 200
#define PAUSE_MAX_MS 60000
#define CALM_MS      INT64_C(60000) /* after which a write is no answer to another's */

struct webhook_trust {
        struct kube_client *client;
        char *name;
        loop_fn *changed;
        void *arg;
        struct kube_watch *watch;
        struct kube_call *call;
        struct loop_timer *timer;
        struct kube_backoff backoff;
        struct mono written_at;
        cJSON *have; /* NULL: there is none */
        char *want;
        bool is_known, leads, waits;
        char trouble[256]; /* of the watch or a write */
        char told[256];    /* in the log */
};

/* --- pure */

static bool is_ours(const cJSON *webhook)
{
        const char *name = json_get_str(webhook, "name");
        const size_t len = sizeof(WEBHOOK_TRUST_DOMAIN) - 1;

        return name != NULL && strlen(name) > len &&
               strcmp(name + strlen(name) - len, WEBHOOK_TRUST_DOMAIN) == 0;
}

size_t webhook_trust_count(const cJSON *configuration)
{
        const cJSON *webhook;
        size_t n = 0;

        cJSON_ArrayForEach(webhook, json_get(configuration, "webhooks")) n += is_ours(webhook) ? 1 : 0;
        return n;
}

static cJSON *webhook_with(const cJSON *webhook, const char *coded)
{
        cJSON *changed = json_object();
        cJSON *client = json_object();

        json_add_str(changed, "name", json_get_str(webhook, "name")); /* the key of the merge */
        json_add_str(client, "caBundle", coded);
        json_add(changed, "clientConfig", client);
        return changed;
}

char *webhook_trust_patch(const cJSON *configuration, const char *authorities)
{
        const size_t len = strlen(authorities);
        AUTO(mem_free_p) char *coded = mem_new((len + 2) / 3 * 4 + 1);
        AUTO(json_free_p) cJSON *patch = json_object();
        cJSON *meta = json_object();
        cJSON *changes = json_array();
        const cJSON *webhook;

        (void)EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)authorities, (int)len);
        json_add(patch, "metadata", meta);
        json_add(patch, "webhooks", changes);
        json_add_str(meta, "resourceVersion",
                     json_get_str(json_get(configuration, "metadata"), "resourceVersion"));
        cJSON_ArrayForEach(webhook, json_get(configuration, "webhooks"))
        {
                const char *have = json_get_str(json_get(webhook, "clientConfig"), "caBundle");

                if (is_ours(webhook) && (have == NULL || strcmp(have, coded) != 0))
                        json_append(changes, webhook_with(webhook, coded));
        }
        return changes->child == NULL ? NULL : json_print(patch, false);
}

/* --- doing it */

static void consider(struct webhook_trust *trust);

static void set_trouble(struct webhook_trust *trust, const char *text)
{
        (void)snprintf(trust->trouble, sizeof(trust->trouble), "%.255s", text);
        if (strcmp(trust->trouble, trust->told) == 0)
                return;
        memcpy(trust->told, trust->trouble, sizeof(trust->told));
        if (*text != '\0')
                log_warn("webhook_configuration_trouble", LOG_S("name", trust->name), LOG_S("error", text));
}

static void pause_for(struct webhook_trust *trust, int64_t asked_ms)
{
        trust->waits = true;
        loop_timer_set(trust->timer, kube_backoff_next(&trust->backoff, asked_ms));
}

static void on_timer(void *arg)
{
        struct webhook_trust *trust = arg;

        trust->waits = false;
        consider(trust);
}

static void answered(const struct kube_answer *answer, void *arg)
{
        struct webhook_trust *trust = arg;
        struct err err = ERR_INIT;

        trust->call = NULL;
        if (kube_answer_judge(answer, "write the webhook configuration", &err) == 0) {
                log_info("webhook_authorities_written", LOG_S("name", trust->name));
                set_trouble(trust, "");
        } else if (err.kind != ERR_CHANGED) { /* the watch tells what it is now */
                set_trouble(trust, err.text);
        }
        trust->written_at = clock_mono();
        pause_for(trust, answer->retry_after_ms);
        trust->changed(trust->arg);
}

static void consider(struct webhook_trust *trust)
{
        AUTO(mem_free_p) char *body = NULL;
        AUTO(mem_free_p) char *path = NULL;
        struct kube_request request = { .method = "PATCH", .type = PATCH_TYPE };

        if (!trust->leads || trust->call != NULL || trust->waits || trust->have == NULL ||
            trust->want == NULL)
                return;
        body = webhook_trust_patch(trust->have, trust->want);
        if (body == NULL)
                return;
        if (clock_mono().ms - trust->written_at.ms > CALM_MS)
                kube_backoff_reset(&trust->backoff);
        path = mem_printf(COLLECTION "/%s?fieldManager=certrotate", trust->name);
        request.path = path;
        request.body = body;
        trust->call = kube_call_start(trust->client, &request, NULL, answered, trust);
}

static void on_event(const struct kube_watch_event *event, void *arg)
{
        struct webhook_trust *trust = arg;

        switch (event->kind) {
        case KUBE_OBJECT:
                json_free(trust->have);
                trust->have = cJSON_Duplicate(event->object, true);
                break;
        case KUBE_GONE:
                json_free(trust->have);
                trust->have = NULL;
                break;
        case KUBE_LISTED:
                trust->is_known = true;
                if (trust->call == NULL)
                        set_trouble(trust, "");
                break;
        case KUBE_LOST:
                set_trouble(trust, event->err->text);
                break;
        }
        consider(trust);
        trust->changed(trust->arg);
}

struct webhook_trust *webhook_trust_open(struct kube_client *client, const char *name, loop_fn *changed,
                                         void *arg)
{
        struct webhook_trust *trust = MEM_NEW(struct webhook_trust);
        const struct kube_watch_spec spec = { .collection = COLLECTION, .name = name };

        trust->client = client;
        trust->name = mem_strdup(name);
        trust->changed = changed;
        trust->arg = arg;
        trust->backoff = (struct kube_backoff){ .min_ms = PAUSE_MIN_MS, .max_ms = PAUSE_MAX_MS };
        trust->written_at = clock_mono();
        trust->timer = loop_timer_new(kube_client_loop(client), on_timer, trust);
        trust->watch = kube_watch_open(client, &spec, on_event, trust);
        return trust;
}

void webhook_trust_close(struct webhook_trust *trust)
{
        if (trust == NULL)
                return;
        kube_call_cancel(trust->call);
        kube_watch_close(trust->watch);
        loop_timer_free(trust->timer);
        json_free(trust->have);
        mem_free(trust->want);
        mem_free(trust->name);
        mem_free(trust);
}

void webhook_trust_want(struct webhook_trust *trust, const char *authorities)
{
        mem_free(trust->want);
        trust->want = mem_strdup(authorities);
        consider(trust);
}

void webhook_trust_lead(struct webhook_trust *trust, bool leads)
{
        trust->leads = leads;
        consider(trust);
}

bool webhook_trust_is_told(const struct webhook_trust *trust)
{
        AUTO(mem_free_p) char *patch = NULL;

        if (!trust->is_known || trust->want == NULL)
                return false;
        patch = trust->have == NULL ? NULL : webhook_trust_patch(trust->have, trust->want);
        return patch == NULL;
}

const char *webhook_trust_trouble(const struct webhook_trust *trust)
{
        if (trust->trouble[0] != '\0')
                return trust->trouble;
        if (trust->is_known && trust->have == NULL)
                return "there is no such MutatingWebhookConfiguration: nobody calls the webhook";
        if (trust->is_known && webhook_trust_count(trust->have) == 0)
                return "no webhook of the MutatingWebhookConfiguration has a name that ends in "
                       "'" WEBHOOK_TRUST_DOMAIN "': nobody calls this one";
        return NULL;
}
