// SPDX-License-Identifier: Apache-2.0
#include "inject/review.h"

#include "base/mem.h"
#include "config/config.h"
#include "inject/sidecar.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define API "admission.k8s.io/v1"

/* --- the patch, RFC 6902 */

static void add(cJSON *patch, const char *path, cJSON *value)
{
        cJSON *op = json_object();

        json_add_str(op, "op", "add");
        json_add_str(op, "path", path);
        json_add(op, "value", value);
        json_append(patch, op);
}

/* At the end of the list at `path`, which is made when it is not there. */
static void append(cJSON *patch, const cJSON *list, const char *path, cJSON *value)
{
        AUTO(mem_free_p) char *end = mem_printf("%s/-", path);
        cJSON *first;

        if (list != NULL) {
                add(patch, end, value);
                return;
        }
        first = json_array();
        json_append(first, value);
        add(patch, path, first);
}

/* Before all others, which may need what it publishes; or beside the rest, where nothing holds them back. */
static void add_container(cJSON *patch, const struct inject_settings *settings, const cJSON *spec,
                          cJSON *container)
{
        const cJSON *init = json_get(spec, "initContainers");

        if (settings->plain)
                append(patch, json_get(spec, "containers"), "/spec/containers", container);
        else if (init != NULL)
                add(patch, "/spec/initContainers/0", container);
        else
                append(patch, NULL, "/spec/initContainers", container);
}

static void add_volumes(cJSON *patch, const cJSON *spec, const struct asked *asked)
{
        AUTO(json_free_p) cJSON *volumes = sidecar_volumes(asked);
        const cJSON *have = json_get(spec, "volumes");

        if (have == NULL) {
                add(patch, "/spec/volumes", TAKE(volumes));
                return;
        }
        while (cJSON_GetArraySize(volumes) > 0)
                add(patch, "/spec/volumes/-", cJSON_DetachItemFromArray(volumes, 0));
}

/* The database sees what is published at the place where it looks. */
static void add_mount(cJSON *patch, const cJSON *spec, const struct asked *asked)
{
        const cJSON *container = cJSON_GetArrayItem(json_get(spec, "containers"), (int)asked->container);
        AUTO(mem_free_p) char *mounts = mem_printf("/spec/containers/%zu/volumeMounts", asked->container);
        cJSON *mount = json_object();

        json_add_str(mount, "name", SIDECAR_PUBLISHED);
        json_add_str(mount, "mountPath", asked->publish);
        json_add_bool(mount, "readOnly", true);
        if (asked->mount >= 0) {
                AUTO(mem_free_p) char *path = mem_printf("%s/%lld", mounts, (long long)asked->mount);

                add(patch, path, mount);
                cJSON_ReplaceItemInObjectCaseSensitive(
                        cJSON_GetArrayItem(patch, cJSON_GetArraySize(patch) - 1), "op",
                        cJSON_CreateString("replace"));
                return;
        }
        append(patch, json_get(container, "volumeMounts"), mounts, mount);
}

/* Behind the one of before, so that there is a list. */
static void add_settings(cJSON *patch, const struct asked *asked)
{
        AUTO(mem_free_p) char *end = mem_printf("/spec/containers/%zu/volumeMounts/-", asked->container);
        cJSON *mount;

        if (asked->settings == NULL || asked->shared != NULL)
                return;
        mount = json_object();
        json_add_str(mount, "name", SIDECAR_SETTINGS);
        json_add_str(mount, "mountPath", asked->settings);
        json_add_bool(mount, "readOnly", true);
        add(patch, end, mount);
}

/* "/" in a name is "~1" in a path. */
static void add_annotations(cJSON *patch, const char *config)
{
        add(patch, "/metadata/annotations/certrotate.io~1agent-config", cJSON_CreateString(config));
        add(patch, "/metadata/annotations/certrotate.io~1status", cJSON_CreateString("injected"));
}

/* What the sidecar would refuse is refused here, where somebody reads it. */
static int make_config(const struct asked *asked, char **out, struct err *err)
{
        static const struct config_overrides pod = { .pod = "pod" };
        AUTO(json_free_p) cJSON *tree = sidecar_config(asked);
        AUTO(config_free_p) struct config *config = NULL;
        AUTO(mem_free_p) char *text = json_print(tree, false);

        if (config_parse("its configuration", text, strlen(text), &pod, &config, err) != 0)
                return -1;
        *out = TAKE(text);
        return 0;
}

static cJSON *make_patch(const struct inject_settings *settings, const cJSON *pod, const struct asked *asked,
                         const char *config)
{
        const cJSON *spec = json_get(pod, "spec");
        cJSON *patch = json_array();
        const cJSON *op;

        add_annotations(patch, config);
        add_mount(patch, spec, asked);
        add_settings(patch, asked);
        add_volumes(patch, spec, asked);
        add_container(patch, settings, spec, sidecar_container(settings, asked));
        cJSON_ArrayForEach(op, asked->patch)
        {
                json_append(patch, cJSON_Duplicate(op, true));
        }
        return patch;
}

/* --- the answer */

static void add_base64(cJSON *response, const char *text)
{
        size_t len = strlen(text);
        AUTO(mem_free_p) char *coded = mem_new(4 * ((len + 2) / 3) + 1);

        (void)EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)text, (int)len);
        json_add_str(response, "patchType", "JSONPatch");
        json_add_str(response, "patch", coded);
}

static void deny(cJSON *response, const char *text)
{
        cJSON *status = json_object();
        AUTO(mem_free_p) char *said = mem_printf("certrotate cannot be injected: %s", text);

        json_add_int(status, "code", 422);
        json_add_str(status, "reason", "Invalid");
        json_add_str(status, "message", said);
        json_add(response, "status", status);
}

static int refine(const struct inject_settings *settings, const cJSON *pod, const struct asked *asked,
                  cJSON *response, struct err *err)
{
        AUTO(json_free_p) cJSON *patch = NULL;
        AUTO(mem_free_p) char *config = NULL;
        AUTO(mem_free_p) char *text = NULL;

        if (settings->plain && asked->ends)
                return err_set(err, ERR_REFUSED,
                               "it is to end, and a container beside the others would keep it alive: that "
                               "takes native "
                               "sidecars, Kubernetes 1.29");
        if (make_config(asked, &config, err) != 0)
                return -1;
        patch = make_patch(settings, pod, asked, config);
        text = json_print(patch, false);
        add_base64(response, text);
        return 0;
}

static enum review_verdict judge(const struct inject_settings *settings, const cJSON *pod, cJSON *response)
{
        AUTO(asked_done_p) struct asked asked = { 0 };
        struct err err = ERR_INIT;
        enum asked_answer answer = asked_read(pod, &asked, &err);
        bool is_wrong = answer == ASKED_WRONG ||
                        (answer == ASKED_SIDECAR && refine(settings, pod, &asked, response, &err) != 0);

        json_add_bool(response, "allowed", !is_wrong);
        if (is_wrong)
                deny(response, err.text);
        return is_wrong ? REVIEW_DENIED : answer == ASKED_NOTHING ? REVIEW_LEFT : REVIEW_INJECTED;
}

static bool is_text(const cJSON *object, const char *key, const char *want)
{
        const char *have = json_get_str(object, key);

        return have != NULL && strcmp(have, want) == 0;
}

static int check(const cJSON *review, struct err *err)
{
        const cJSON *request = json_get(review, "request");

        if (!is_text(review, "kind", "AdmissionReview") || !is_text(review, "apiVersion", API))
                return err_set(err, ERR_PARSE, "the body is no AdmissionReview of " API);
        if (json_get_str(request, "uid") == NULL)
                return err_set(err, ERR_PARSE, "the review has no request.uid");
        if (!is_text(json_get(request, "resource"), "resource", "pods") ||
            !is_text(request, "operation", "CREATE"))
                return err_set(err, ERR_PARSE,
                               "the review is of no pod that is created: see the rules of the webhook's "
                               "configuration");
        if (!cJSON_IsObject(json_get(request, "object")))
                return err_set(err, ERR_PARSE, "the review has no request.object");
        return 0;
}

int review_pod(const struct inject_settings *settings, const char *body, size_t len, struct buf *out,
               enum review_verdict *verdict, struct err *err)
{
        AUTO(json_free_p) cJSON *review = NULL;
        AUTO(json_free_p) cJSON *answer = json_object();
        AUTO(mem_free_p) char *text = NULL;
        const cJSON *request;
        cJSON *response;

        if (json_parse(body, len, &review, err) != 0)
                return err_wrap(err, "the review is no JSON");
        if (check(review, err) != 0)
                return -1;
        request = json_get(review, "request");
        response = json_object();
        json_add_str(answer, "apiVersion", API);
        json_add_str(answer, "kind", "AdmissionReview");
        json_add(answer, "response", response);
        json_add_str(response, "uid", json_get_str(request, "uid"));
        *verdict = judge(settings, json_get(request, "object"), response);
        text = json_print(answer, false);
        buf_add_str(out, text);
        return out->overflow ? err_set(err, ERR_LIMIT, "the answer would be longer than %zu bytes", out->max)
                             : 0;
}
