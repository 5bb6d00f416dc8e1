// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates as a request wants them. Some changes cert-manager does not take by itself; that it is to be
 * told is written down with the change, so that a controller that is killed in between tells it later, and
 * only once.
 */
#include "control/act_parts.h"

#include "base/mem.h"

#include <string.h>

#define ISSUE_ANNOTATION "certrotate.io/issue" /* uid of the request for which it is to be told to issue */
#define SERVICES_MAX     8
#define PODS_MAX         200

static struct act_place place_of(const char *name)
{
        return (struct act_place){ CERTIFICATE_GROUP, "certificates", name, NULL, NULL };
}

static const char *name_of(const cJSON *object)
{
        const char *name = json_get_str(json_get(object, "metadata"), "name");

        return name == NULL ? "" : name;
}

/* --- condition Issuing */

static void on_told(struct act *act, int status, const cJSON *object)
{
        if (status == 409) {
                act_again(act);
                return;
        }
        world_note_certificate(act->world, object);
        act_next(act);
}

static void tell_to_issue(struct act *act, const cJSON *object)
{
        AUTO(mem_free_p) char *text = certificate_issuing_patch(object, act_request_name(act), act->now);
        struct act_place place = place_of(name_of(object));
        AUTO(json_free_p) cJSON *patch = NULL;
        struct err err = ERR_INIT;

        if (text == NULL || json_parse(text, strlen(text), &patch, &err) != 0) {
                err_set_(&err, ERR_PROTOCOL, "%s: its status cannot be read", act->what);
                act_fail(act, &err);
                return;
        }
        place.sub = "/status";
        act_send(act, "PATCH", &place, patch, ACT_CONFLICT, on_told);
}

/* Still at that revision, and nothing under way. */
static bool is_at_rest(const cJSON *object, int64_t revision)
{
        AUTO(certificate_free_p) struct certificate *have = NULL;
        struct err err = ERR_INIT;

        return certificate_read(object, &have, &err) == 0 && have->revision == revision && !have->is_issuing;
}

static void on_read_to_issue(struct act *act, int status UNUSED, const cJSON *object)
{
        struct err err = ERR_INIT;

        if (object == NULL) {
                err_set_(&err, ERR_CHANGED, "%s: it is gone", act->what);
                act_fail(act, &err);
        } else if (is_at_rest(object, act_action(act)->number)) {
                tell_to_issue(act, object);
        } else {
                act_next(act);
        }
}

void act_certificate_issue(struct act *act)
{
        const struct act_place place = place_of(act_action(act)->name);

        act_get(act, &place, ACT_MISSING, on_read_to_issue);
}

/* --- the object itself */

static void mark(cJSON *want, const char *uid)
{
        cJSON *meta = act_object_meta(want);
        cJSON *annotations = cJSON_GetObjectItemCaseSensitive(meta, "annotations");

        if (!cJSON_IsObject(annotations)) {
                cJSON_DeleteItemFromObjectCaseSensitive(meta, "annotations");
                annotations = json_object();
                json_add(meta, "annotations", annotations);
        }
        cJSON_DeleteItemFromObjectCaseSensitive(annotations, ISSUE_ANNOTATION);
        json_add_str(annotations, ISSUE_ANNOTATION, uid);
}

static bool is_marked(const struct act *act, const cJSON *object)
{
        const cJSON *annotations = json_get(json_get(object, "metadata"), "annotations");
        const char *uid = json_get_str(annotations, ISSUE_ANNOTATION);

        return uid != NULL && strcmp(uid, act_request_uid(act)) == 0;
}

/* It was not told yet: it is as it was when the request began. */
static bool is_untold(struct act *act, const cJSON *object)
{
        const struct record_certificate *before = record_certificate(&act->record, name_of(object));

        return before != NULL && is_marked(act, object) && is_at_rest(object, before->revision);
}

/* "Issuer/px-issuer"; NULL: none. */
static cJSON *issuer_of(const char *text)
{
        const char *slash = text == NULL ? NULL : strchr(text, '/');
        AUTO(mem_free_p) char *kind = slash == NULL ? NULL : mem_printf("%.*s", (int)(slash - text), text);
        cJSON *issuer;

        if (slash == NULL)
                return NULL;
        issuer = json_object();
        json_add_str(issuer, "kind", kind);
        json_add_str(issuer, "name", slash + 1);
        return issuer;
}

static int build(struct act *act, const cJSON *have, cJSON **out, struct err *err)
{
        const struct action *action = act_action(act);
        AUTO(json_free_p) cJSON *issuer = issuer_of(action->text);
        const char *services[SERVICES_MAX + 1] = { NULL };
        const cJSON *service;
        struct certificate_wish wish = {
                .kind = action->request->kind,
                .namespace = act->namespace,
                .database = act->database,
                .alias = action->name,
                .owner_uid = act->owner_uid,
                .given = request_certificate(action->request, action->name),
                .issuer = request_issuer(action->request, action->name),
                .services = services,
        };
        size_t n = 0;

        if (wish.issuer == NULL && have == NULL)
                wish.issuer = issuer;
        cJSON_ArrayForEach(service, act->found)
        {
                if (n < SERVICES_MAX)
                        services[n++] = service->valuestring;
        }
        if (certificate_build(&wish, have, out, err) == 0)
                return 0;
        err->kind = err->kind == ERR_LIMIT ? ERR_USAGE : err->kind; /* too much was asked for */
        return err_wrap(err, "Certificate %.253s-%.63s", act->database, action->name);
}

static void on_written(struct act *act, int status UNUSED, const cJSON *object)
{
        world_note_certificate(act->world, object);
        if (is_untold(act, object))
                tell_to_issue(act, object);
        else
                act_next(act);
}

static void write_over(struct act *act, const cJSON *have)
{
        const struct act_place place = place_of(name_of(have));
        AUTO(json_free_p) cJSON *want = NULL;
        struct err err = ERR_INIT;

        if (build(act, have, &want, &err) != 0) {
                act_fail(act, &err);
                return;
        }
        if (certificate_is_same(have, want)) {
                if (is_untold(act, have))
                        tell_to_issue(act, have);
                else
                        act_next(act);
                return;
        }
        mark(want, act_request_uid(act));
        act_send(act, "PUT", &place, want, 0, on_written);
}

/* --- a new one covers the pods by the name that their service gives them */

static bool has(const cJSON *list, const char *text)
{
        const cJSON *item;

        cJSON_ArrayForEach(item, list)
        {
                if (strcmp(item->valuestring, text) == 0)
                        return true;
        }
        return false;
}

static void on_pods(struct act *act, int status UNUSED, const cJSON *object)
{
        const struct act_place place = place_of(NULL);
        AUTO(json_free_p) cJSON *want = NULL;
        struct err err = ERR_INIT;
        const cJSON *pod;

        json_wipe(act->found);
        act->found = json_array();
        cJSON_ArrayForEach(pod, json_get(object, "items"))
        {
                const char *service = json_get_str(json_get(pod, "spec"), "subdomain");

                if (service != NULL && *service != '\0' && !has(act->found, service))
                        json_append_str(act->found, service);
        }
        if (build(act, NULL, &want, &err) != 0)
                act_fail(act, &err);
        else
                act_send(act, "POST", &place, want, 0, on_written);
}

static void on_read(struct act *act, int status UNUSED, const cJSON *object)
{
        AUTO(mem_free_p) char *query = NULL;
        struct act_place place = { .group = "v1", .resource = "pods" };

        if (object != NULL) {
                write_over(act, object);
                return;
        }
        query = mem_printf("labelSelector=app.kubernetes.io%%2Finstance%%3D%s&limit=%d", act->database,
                           PODS_MAX);
        place.query = query;
        act_get(act, &place, 0, on_pods);
}

void act_certificate_start(struct act *act)
{
        const struct action *action = act_action(act);
        AUTO(mem_free_p) char *name = NULL;
        struct act_place place;

        if (action->request == NULL || action->name == NULL) {
                act_next(act);
                return;
        }
        name = certificate_name(act->database, action->name);
        place = place_of(name);
        act_get(act, &place, ACT_MISSING, on_read);
}
