// SPDX-License-Identifier: Apache-2.0
/*
 * One write at a time, each over the version that was read, so that of two who both believe to lead one is
 * told so. What a write got back is taken at once; the watch will tell of it again.
 */
#include "inject/webhook_cert.h"

#include "base/log.h"
#include "base/mem.h"
#include "inject/webhook_trust.h"
#include "kube/backoff.h"

#include <stdio.h>
#include <string.h>

#define PAUSE_MIN_MS 500
#define PAUSE_MAX_MS 60000
#define LOOK_MAX_S   INT64_C(60)

struct webhook_cert {
        struct kube_client *client;
        struct webhook *webhook;
        struct webhook_store_spec spec;
        char *namespace, *secret;
        char **names;
        struct kube_watch *watch;
        struct webhook_trust *trust; /* NULL: not ours to tell */
        struct kube_call *call;
        struct loop_timer *timer;
        struct kube_backoff backoff;
        cJSON *object; /* the Secret; NULL: there is none */
        struct webhook_store *store;
        bool is_known, leads, waits;
        enum webhook_step step; /* in flight */
        struct fingerprint served;
        struct wall served_until;
        char refusal[256]; /* of what the Secret holds */
        char trouble[256]; /* of reading or writing it */
        char told[256];    /* in the log */
};

static void consider(struct webhook_cert *cert);

static void tell(struct webhook_cert *cert, const char *event, const char *text)
{
        if (strcmp(cert->told, text) == 0)
                return;
        (void)snprintf(cert->told, sizeof(cert->told), "%.255s", text);
        if (*text != '\0')
                log_warn(event, LOG_S("secret", cert->secret), LOG_S("error", text));
}

/* --- what the Secret holds */

static void present(struct webhook_cert *cert)
{
        const struct bundle *bundle = cert->store->bundle;
        const struct cert *leaf = bundle_leaf(bundle);
        struct err err = ERR_INIT;

        if (hex_fingerprint_equal(&leaf->fp, &cert->served))
                return;
        if (webhook_present(cert->webhook, bundle, &err) != 0) {
                (void)snprintf(cert->refusal, sizeof(cert->refusal), "%.255s", err.text);
                return;
        }
        cert->served = leaf->fp;
        cert->served_until = leaf->not_after;
        log_info("webhook_certificate_served", LOG_FP("certificate", &leaf->fp),
                 LOG_I("seconds_left", leaf->not_after.s - clock_wall().s));
}

/* Time alone may have changed what is to be thought of it. */
static void look(struct webhook_cert *cert)
{
        AUTO(mem_free_p) char *authorities = NULL;

        webhook_store_free(TAKE(cert->store));
        cert->refusal[0] = '\0';
        if (cert->object == NULL)
                return;
        cert->store = webhook_store_read(cert->object, &cert->spec, clock_wall());
        if (cert->store->refusal == NULL)
                present(cert);
        else
                (void)snprintf(cert->refusal, sizeof(cert->refusal), "%.255s", cert->store->refusal);
        if (cert->trust != NULL && !cert->store->is_broken) {
                authorities = webhook_store_authorities(cert->store);
                webhook_trust_want(cert->trust, authorities);
        }
}

static void take(struct webhook_cert *cert, cJSON *object)
{
        json_wipe(cert->object);
        cert->object = object;
        look(cert);
}

/* --- what is done about it */

static const char *step_name(enum webhook_step step)
{
        static const char *const names[] = {
                [WEBHOOK_REST] = "rest",       [WEBHOOK_CREATE] = "create",
                [WEBHOOK_REPLACE] = "replace", [WEBHOOK_ADD_AUTHORITY] = "add-authority",
                [WEBHOOK_RENEW] = "renew",     [WEBHOOK_RENEW_PRUNE] = "renew-and-prune",
                [WEBHOOK_LEAVE] = "leave",
        };

        return names[step];
}

static void pause_for(struct webhook_cert *cert, int64_t ms)
{
        cert->waits = true;
        loop_timer_set(cert->timer, ms);
}

static void answered(const struct kube_answer *answer, void *arg)
{
        struct webhook_cert *cert = arg;
        struct err err = ERR_INIT;
        cJSON *object = NULL;

        cert->call = NULL;
        if (kube_answer_judge(answer, "write the webhook's Secret", &err) != 0) {
                /* Another was first: the watch tells what it wrote. */
                if (err.kind != ERR_CHANGED) {
                        (void)snprintf(cert->trouble, sizeof(cert->trouble), "%.255s", err.text);
                        tell(cert, "webhook_secret_unwritten", cert->trouble);
                }
                pause_for(cert, kube_backoff_next(&cert->backoff, answer->retry_after_ms));
                return;
        }
        kube_backoff_reset(&cert->backoff);
        cert->trouble[0] = '\0';
        log_info("webhook_certificate_made", LOG_S("secret", cert->secret),
                 LOG_S("step", step_name(cert->step)));
        if (json_parse(answer->body, answer->len, &object, &err) == 0)
                take(cert, object);
        consider(cert);
}

static void send_change(struct webhook_cert *cert, const struct webhook_choice *choice, const cJSON *change)
{
        const bool is_new = choice->step == WEBHOOK_CREATE;
        AUTO(mem_free_p)
        char *path = mem_printf("/api/v1/namespaces/%s/secrets%s%s?fieldManager=certrotate", cert->namespace,
                                is_new ? "" : "/", is_new ? "" : cert->secret);
        AUTO(mem_free_p) char *body = json_print(change, false);
        const struct kube_request request = { .method = is_new ? "POST" : "PATCH",
                                              .path = path,
                                              .type = is_new ? KUBE_JSON : KUBE_MERGE_PATCH,
                                              .body = body };

        cert->step = choice->step;
        cert->call = kube_call_start(cert->client, &request, NULL, answered, cert);
        OPENSSL_cleanse(body, strlen(body));
}

static void carry_out(struct webhook_cert *cert, const struct webhook_choice *choice)
{
        AUTO(json_wipe_p) cJSON *change = NULL;
        struct err err = ERR_INIT;

        if (webhook_store_change(cert->store, choice->step, &cert->spec, clock_wall(), &change, &err) != 0) {
                (void)snprintf(cert->trouble, sizeof(cert->trouble), "%.255s", err.text);
                tell(cert, "webhook_certificate_unmade", cert->trouble);
                pause_for(cert, kube_backoff_next(&cert->backoff, 0));
                return;
        }
        if (choice->step == WEBHOOK_CREATE)
                json_add_str(cJSON_GetObjectItemCaseSensitive(change, "metadata"), "name", cert->secret);
        log_info("webhook_certificate_due", LOG_S("step", step_name(choice->step)),
                 LOG_S("why", choice->why));
        send_change(cert, choice, change);
}

static bool is_write(enum webhook_step step)
{
        return step != WEBHOOK_REST && step != WEBHOOK_LEAVE;
}

/* The loop's timers know no wall clock: at least once a minute it is asked. */
static void wait_until(struct webhook_cert *cert, struct wall next)
{
        int64_t s = next.s - clock_wall().s;

        if (s < 1)
                s = 1;
        loop_timer_set(cert->timer, (s < LOOK_MAX_S ? s : LOOK_MAX_S) * 1000);
}

static void consider(struct webhook_cert *cert)
{
        const bool is_told = cert->trust == NULL || webhook_trust_is_told(cert->trust);
        struct webhook_facts facts;
        struct webhook_choice choice;

        if (!cert->is_known || cert->call != NULL || cert->waits)
                return;
        if (cert->refusal[0] != '\0')
                tell(cert, "webhook_certificate_refused", cert->refusal);
        if (!cert->spec.is_made) {
                wait_until(cert, (struct wall){ clock_wall().s + LOOK_MAX_S });
                return;
        }
        facts = webhook_store_facts(cert->store, is_told);
        choice = webhook_choose(&facts, clock_wall());
        if (choice.step == WEBHOOK_LEAVE)
                tell(cert, "webhook_secret_foreign",
                     "not made by certrotate: give --webhook-secret to use it");
        if (is_write(choice.step) && (cert->leads || choice.step == WEBHOOK_CREATE))
                carry_out(cert, &choice);
        else
                wait_until(cert, choice.next);
}

static void on_timer(void *arg)
{
        struct webhook_cert *cert = arg;

        cert->waits = false;
        look(cert);
        consider(cert);
}

static void on_trust(void *arg)
{
        consider(arg);
}

static void on_event(const struct kube_watch_event *event, void *arg)
{
        struct webhook_cert *cert = arg;

        switch (event->kind) {
        case KUBE_OBJECT:
                take(cert, cJSON_Duplicate(event->object, true));
                break;
        case KUBE_GONE:
                take(cert, NULL);
                break;
        case KUBE_LISTED:
                cert->is_known = true;
                cert->trouble[0] = '\0';
                break;
        case KUBE_LOST:
                (void)snprintf(cert->trouble, sizeof(cert->trouble), "%.255s", event->err->text);
                tell(cert, "webhook_secret_unread", cert->trouble);
                return;
        }
        consider(cert);
}

/* --- life */

static void copy_spec(struct webhook_cert *cert, const struct webhook_cert_spec *spec)
{
        cert->namespace = mem_strdup(spec->namespace);
        cert->secret = mem_strdup(spec->secret);
        cert->spec = spec->store;
        cert->names = mem_array(spec->store.leaf.n_names, sizeof(char *));
        for (size_t i = 0; i < spec->store.leaf.n_names; i++)
                cert->names[i] = mem_strdup(spec->store.leaf.names[i]);
        cert->spec.leaf.names = (const char *const *)cert->names;
}

struct webhook_cert *webhook_cert_open(struct kube_client *client, const struct webhook_cert_spec *spec,
                                       struct webhook *webhook)
{
        struct webhook_cert *cert = MEM_NEW(struct webhook_cert);
        AUTO(mem_free_p) char *collection = mem_printf("/api/v1/namespaces/%s/secrets", spec->namespace);
        const struct kube_watch_spec watch = { .collection = collection, .name = spec->secret };

        cert->client = client;
        cert->webhook = webhook;
        copy_spec(cert, spec);
        cert->backoff = (struct kube_backoff){ .min_ms = PAUSE_MIN_MS, .max_ms = PAUSE_MAX_MS };
        cert->timer = loop_timer_new(kube_client_loop(client), on_timer, cert);
        if (spec->configuration != NULL)
                cert->trust = webhook_trust_open(client, spec->configuration, on_trust, cert);
        cert->watch = kube_watch_open(client, &watch, on_event, cert);
        return cert;
}

void webhook_cert_close(struct webhook_cert *cert)
{
        if (cert == NULL)
                return;
        kube_call_cancel(cert->call);
        kube_watch_close(cert->watch);
        webhook_trust_close(cert->trust);
        loop_timer_free(cert->timer);
        json_wipe(cert->object);
        webhook_store_free(cert->store);
        for (size_t i = 0; i < cert->spec.leaf.n_names; i++)
                mem_free(cert->names[i]);
        mem_free(cert->names);
        mem_free(cert->namespace);
        mem_free(cert->secret);
        mem_free(cert);
}

void webhook_cert_lead(struct webhook_cert *cert, bool leads)
{
        cert->leads = leads;
        if (cert->trust != NULL)
                webhook_trust_lead(cert->trust, leads);
        consider(cert);
}

struct webhook_cert_state webhook_cert_state(const struct webhook_cert *cert, struct wall now)
{
        struct webhook_cert_state state = { .until = cert->served_until, .fp = cert->served };
        const char *trouble = cert->refusal[0] != '\0' ? cert->refusal : cert->trouble;

        state.is_served = cert->served_until.s > now.s;
        if (*trouble == '\0' && cert->trust != NULL && webhook_trust_trouble(cert->trust) != NULL)
                trouble = webhook_trust_trouble(cert->trust);
        if (*trouble == '\0' && cert->is_known && cert->object == NULL)
                trouble = "there is no such Secret";
        (void)snprintf(state.trouble, sizeof(state.trouble), "%.255s", trouble);
        return state;
}
