// SPDX-License-Identifier: Apache-2.0
/*
 * The thin side: HTTP around review_pod. What cannot be read is answered with a status, which the API server
 * takes for a webhook that failed, and its failurePolicy decides; only a verdict denies a pod.
 */
#include "inject/webhook.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/http_server.h"
#include "loop/http_tls.h"

#include <string.h>
#include <strings.h>

#define JSON_TYPE "application/json"
#define QUIET_MS  INT64_C(1000) /* between two lines in the log that others can provoke */

struct quiet {
        struct mono until;
        int64_t silent; /* lines that were left out */
};

struct webhook {
        struct inject_settings settings;
        char *image, *pull_policy;
        struct http_tls *tls;
        struct http_server *server;
        struct webhook_counts counts;
        struct quiet denials, bad;
};

/* False: not now. */
static bool may_tell(struct quiet *quiet, int64_t *silent)
{
        const struct mono now = clock_mono();

        if (now.ms < quiet->until.ms) {
                quiet->silent++;
                return false;
        }
        *silent = quiet->silent;
        *quiet = (struct quiet){ .until = clock_after(now, QUIET_MS) };
        return true;
}

static void tell_denial(struct webhook *webhook, const struct http_post *post, const struct buf *answer)
{
        AUTO(json_free_p) cJSON *asked = NULL;
        AUTO(json_free_p) cJSON *said = NULL;
        struct err err = ERR_INIT;
        int64_t silent = 0;
        const cJSON *request;
        const cJSON *meta;
        const char *name;

        if (!may_tell(&webhook->denials, &silent) || json_parse(post->body, post->len, &asked, &err) != 0 ||
            json_parse(buf_str(answer), answer->len, &said, &err) != 0)
                return;
        request = json_get(asked, "request");
        meta = json_get(json_get(request, "object"), "metadata");
        name = json_get_str(meta, "name");
        log_warn("pod_denied", LOG_S("namespace", json_get_str(request, "namespace")),
                 LOG_S("pod", name != NULL ? name : json_get_str(meta, "generateName")),
                 LOG_S("error", json_get_str(json_get(json_get(said, "response"), "status"), "message")),
                 LOG_I("not_told", silent));
}

static void refuse(struct webhook *webhook, struct http_reply *reply, int status, const char *text)
{
        int64_t silent = 0;

        webhook->counts.bad++;
        if (may_tell(&webhook->bad, &silent))
                log_warn("review_unreadable", LOG_I("status", status), LOG_S("error", text),
                         LOG_I("not_told", silent));
        reply->status = status;
        buf_reset(&reply->body);
        reply->body.overflow = false;
        buf_printf(&reply->body, "%s\n", text);
}

/* "application/json; charset=utf-8" is as good. */
static bool is_json(const char *type)
{
        const size_t len = sizeof(JSON_TYPE) - 1;

        return strncasecmp(type, JSON_TYPE, len) == 0 && strchr("; \t", type[len]) != NULL;
}

static void answer(const struct http_post *post, struct http_reply *reply, void *arg)
{
        struct webhook *webhook = arg;
        enum review_verdict verdict = REVIEW_LEFT;
        struct err err = ERR_INIT;

        if (strcmp(post->path, WEBHOOK_PATH) != 0) {
                refuse(webhook, reply, 404, "there is " WEBHOOK_PATH);
        } else if (!is_json(post->content_type)) {
                refuse(webhook, reply, 415, "only " JSON_TYPE);
        } else if (review_pod(&webhook->settings, post->body, post->len, &reply->body, &verdict, &err) != 0) {
                refuse(webhook, reply, 400, err.text);
        } else {
                webhook->counts.reviews[verdict]++;
                reply->content_type = JSON_TYPE;
                if (verdict == REVIEW_DENIED)
                        tell_denial(webhook, post, &reply->body);
        }
}

int webhook_open(struct loop *loop, const char *address, const struct inject_settings *settings,
                 struct webhook **out, struct err *err)
{
        AUTO(webhook_close_p) struct webhook *webhook = MEM_NEW(struct webhook);
        struct http_server_spec spec = { .address = address,
                                         .post = answer,
                                         .body_max = REVIEW_MAX_BYTES,
                                         .connections_max = WEBHOOK_CONNECTIONS_MAX,
                                         .arg = webhook };

        webhook->image = mem_strdup(settings->image);
        webhook->pull_policy = mem_strdup(settings->pull_policy);
        webhook->settings = *settings;
        webhook->settings.image = webhook->image;
        webhook->settings.pull_policy = webhook->pull_policy;
        if (http_tls_new(&webhook->tls, err) != 0)
                return -1;
        spec.tls = webhook->tls;
        if (http_server_start(loop, &spec, &webhook->server, err) != 0)
                return err_wrap(err, "webhook");
        *out = TAKE(webhook);
        return 0;
}

void webhook_close(struct webhook *webhook)
{
        if (webhook == NULL)
                return;
        http_server_close(webhook->server);
        http_tls_free(webhook->tls);
        mem_free(webhook->image);
        mem_free(webhook->pull_policy);
        mem_free(webhook);
}

int webhook_port(const struct webhook *webhook)
{
        return http_server_port(webhook->server);
}

int webhook_present(struct webhook *webhook, const struct bundle *bundle, struct err *err)
{
        X509 *chain[CHAIN_MAX_CERTS];
        size_t n = 0;

        while (n < bundle->chain.n && n < ARRAY_LEN(chain)) {
                chain[n] = bundle->chain.certs[n]->x509;
                n++;
        }
        return http_tls_use(webhook->tls, bundle->key->pkey, chain, n, err);
}

void webhook_set_plain(struct webhook *webhook, bool plain)
{
        webhook->settings.plain = plain;
}

struct webhook_counts webhook_counts(const struct webhook *webhook)
{
        return webhook->counts;
}
