// SPDX-License-Identifier: Apache-2.0
/*
 * The cluster's version comes first: a native sidecar in a cluster that does not know them would be an init
 * container that never ends. So there is no certificate, and no review, before that is known.
 */
#include "control/controller_webhook.h"

#include "base/log.h"
#include "base/mem.h"
#include "control/missed.h"
#include "inject/webhook.h"
#include "inject/webhook_cert.h"
#include "kube/backoff.h"

#define VERSION_AGAIN_MS INT64_C(600000) /* clusters are upgraded */
#define MISSED_EVERY_MS  INT64_C(5000)
#define NATIVE_MINOR     29

struct controller_webhook {
        struct kube_client *client;
        struct webhook *webhook;
        struct webhook_cert *cert; /* NULL: the version is not known */
        struct missed *missed;
        struct kube_call *call;
        struct loop_timer *timer;
        struct kube_backoff backoff;
        struct mono missed_at;
        bool leads;
        /* For `cert`, which copies them. */
        struct webhook_cert_spec spec;
        char **names;
        char *namespace, *secret, *configuration;
};

/* The digits it begins with: "29+" of some providers. -1: none. */
static int leading_number(const char *text)
{
        int number = -1;

        for (; text != NULL && *text >= '0' && *text <= '9' && number < 1000; text++)
                number = (number < 0 ? 0 : number * 10) + (*text - '0');
        return number;
}

bool controller_webhook_is_old(const cJSON *version)
{
        const int minor = leading_number(json_get_str(version, "minor"));

        return leading_number(json_get_str(version, "major")) == 1 && minor >= 0 && minor < NATIVE_MINOR;
}

/* --- the version */

static void take_version(struct controller_webhook *webhook, const struct kube_answer *answer)
{
        AUTO(json_free_p) cJSON *version = NULL;
        struct err err = ERR_INIT;

        if (json_parse(answer->body, answer->len, &version, &err) == 0)
                webhook_set_plain(webhook->webhook, controller_webhook_is_old(version));
}

static void answered(const struct kube_answer *answer, void *arg)
{
        struct controller_webhook *webhook = arg;
        struct err err = ERR_INIT;

        webhook->call = NULL;
        if (kube_answer_judge(answer, "ask for the version", &err) == 0) {
                take_version(webhook, answer);
        } else if (answer->status == 0 || answer->status >= 500 || answer->status == 429) {
                loop_timer_set(webhook->timer, kube_backoff_next(&webhook->backoff, answer->retry_after_ms));
                return;
        } else { /* it does not say, and will not: most likely a recent one */
                log_warn("version_unknown", LOG_ERR(&err));
        }
        kube_backoff_reset(&webhook->backoff);
        loop_timer_set(webhook->timer, VERSION_AGAIN_MS);
        if (webhook->cert != NULL)
                return;
        webhook->cert = webhook_cert_open(webhook->client, &webhook->spec, webhook->webhook);
        webhook_cert_lead(webhook->cert, webhook->leads);
}

static void ask_version(void *arg)
{
        struct controller_webhook *webhook = arg;
        const struct kube_request request = { .method = "GET", .path = "/version" };

        webhook->call = kube_call_start(webhook->client, &request, NULL, answered, webhook);
}

/* --- life */

static void copy_spec(struct controller_webhook *webhook, const struct controller_webhook_settings *settings)
{
        struct webhook_cert_spec *spec = &webhook->spec;

        webhook->namespace = mem_strdup(settings->namespace);
        webhook->secret = mem_strdup(settings->secret);
        webhook->configuration = mem_strdup(settings->configuration);
        webhook->names = mem_array(settings->n_names, sizeof(char *));
        for (size_t i = 0; i < settings->n_names; i++)
                webhook->names[i] = mem_strdup(settings->names[i]);
        *spec = (struct webhook_cert_spec){ .namespace = webhook->namespace,
                                            .secret = webhook->secret,
                                            .configuration = webhook->configuration };
        spec->store.is_made = settings->is_made;
        spec->store.leaf.names = (const char *const *)webhook->names;
        spec->store.leaf.n_names = settings->n_names;
        spec->store.leaf.lifetime_s = settings->lifetime_s;
}

int controller_webhook_open(struct kube_client *client, const struct controller_webhook_settings *settings,
                            struct controller_webhook **out, struct err *err)
{
        AUTO(controller_webhook_close_p)
        struct controller_webhook *webhook = MEM_NEW(struct controller_webhook);

        webhook->client = client;
        webhook->backoff = (struct kube_backoff){ .min_ms = 500, .max_ms = 30000 };
        copy_spec(webhook, settings);
        webhook->missed = missed_new(client);
        webhook->timer = loop_timer_new(kube_client_loop(client), ask_version, webhook);
        if (webhook_open(kube_client_loop(client), settings->address, &settings->inject, &webhook->webhook,
                         err) != 0)
                return -1;
        loop_timer_set(webhook->timer, 0);
        *out = TAKE(webhook);
        return 0;
}

void controller_webhook_close(struct controller_webhook *webhook)
{
        if (webhook == NULL)
                return;
        kube_call_cancel(webhook->call);
        loop_timer_free(webhook->timer);
        webhook_cert_close(webhook->cert);
        webhook_close(webhook->webhook);
        missed_free(webhook->missed);
        for (size_t i = 0; i < webhook->spec.store.leaf.n_names; i++)
                mem_free(webhook->names[i]);
        mem_free(webhook->names);
        mem_free(webhook->namespace);
        mem_free(webhook->secret);
        mem_free(webhook->configuration);
        mem_free(webhook);
}

void controller_webhook_lead(struct controller_webhook *webhook, bool leads)
{
        if (webhook == NULL)
                return;
        webhook->leads = leads;
        if (webhook->cert != NULL)
                webhook_cert_lead(webhook->cert, leads);
}

void controller_webhook_tick(struct controller_webhook *webhook, const struct world *world)
{
        const struct mono now = clock_mono();

        if (webhook == NULL || world == NULL || now.ms < webhook->missed_at.ms)
                return;
        webhook->missed_at = clock_after(now, MISSED_EVERY_MS);
        missed_look(webhook->missed, world);
}

void controller_webhook_note(const struct controller_webhook *webhook, struct controller_status *status)
{
        struct controller_webhook_status *out = &status->webhook;

        if (webhook == NULL)
                return;
        out->is_on = true;
        out->counts = webhook_counts(webhook->webhook);
        if (webhook->cert != NULL)
                out->cert = webhook_cert_state(webhook->cert, clock_wall());
}

int controller_webhook_port(const struct controller_webhook *webhook)
{
        return webhook == NULL ? 0 : webhook_port(webhook->webhook);
}
