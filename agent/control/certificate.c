// SPDX-License-Identifier: Apache-2.0
#include "control/certificate.h"

#include "base/mem.h"
#include "kube/names.h"

#include <string.h>

#define SUFFIX "-cert"

static const char *text_of(const cJSON *object, const char *key)
{
        const char *text = json_get_str(object, key);

        return text == NULL ? "" : text;
}

static const cJSON *find_condition(const cJSON *status, const char *type)
{
        const cJSON *item;

        cJSON_ArrayForEach(item, json_get(status, "conditions"))
        {
                if (strcmp(text_of(item, "type"), type) == 0)
                        return item;
        }
        return NULL;
}

static bool is_status(const cJSON *condition, const char *status)
{
        return strcmp(text_of(condition, "status"), status) == 0;
}

/* Very old versions do not say what they looked at. */
static bool is_observed(const cJSON *condition, int64_t generation)
{
        return json_get_int(condition, "observedGeneration", generation) >= generation;
}

/* Cut between two characters. */
static char *shorten(const char *text)
{
        size_t len = strnlen(text, CERTIFICATE_TEXT_BYTES);

        if (text[len] != '\0')
                while (len > 0 && ((unsigned)text[len] & 0xC0U) == 0x80U)
                        len--;
        return mem_printf("%.*s", (int)len, text);
}

static char *say(const cJSON *condition)
{
        const char *message = text_of(condition, "message");

        return shorten(*message != '\0' ? message : text_of(condition, "reason"));
}

static void judge(const cJSON *status, struct certificate *out)
{
        const cJSON *ready = find_condition(status, "Ready");
        const cJSON *issuing = find_condition(status, "Issuing");

        out->is_ready = is_status(ready, "True") && is_observed(ready, out->generation);
        out->is_issuing = is_status(issuing, "True");
        out->is_denied = is_status(issuing, "False") && is_observed(issuing, out->generation);
        if (out->is_denied)
                out->problem = say(issuing);
        else if (out->is_ready)
                out->problem = NULL;
        else if (ready != NULL && is_observed(ready, out->generation))
                out->problem = say(ready);
        else
                out->problem = mem_strdup("cert-manager has not looked at it yet");
}

/* "px-server-cert" of "px" is "server". */
static char *alias_of(const char *label, const char *database, const char *name)
{
        size_t before = strlen(database);
        size_t len = strlen(name);

        if (label != NULL && *label != '\0')
                return mem_strdup(label);
        if (before == 0 || len <= before + strlen("-" SUFFIX) || strncmp(name, database, before) != 0 ||
            name[before] != '-' || strcmp(name + len - strlen(SUFFIX), SUFFIX) != 0)
                return mem_strdup("");
        return mem_printf("%.*s", (int)(len - before - strlen("-" SUFFIX)), name + before + 1);
}

static char *issuer_of(const cJSON *reference)
{
        const char *name = text_of(reference, "name");
        const char *kind = text_of(reference, "kind");

        if (*name == '\0')
                return mem_strdup("");
        return mem_printf("%s/%s", *kind == '\0' ? "Issuer" : kind, name);
}

static int check(const cJSON *object, struct err *err)
{
        const cJSON *meta = json_get(object, "metadata");
        const char *kind = json_get_str(object, "kind"); /* items of a list have none */
        const char *name = text_of(meta, "name");

        if (kind != NULL && strcmp(kind, "Certificate") != 0)
                return err_set(err, ERR_PROTOCOL, "a %.60s is no Certificate", kind);
        if (!kube_names_is_subdomain(name) || !kube_names_is_label(text_of(meta, "namespace")))
                return err_set(err, ERR_PROTOCOL, "a Certificate without name or namespace");
        if (!kube_names_is_subdomain(text_of(json_get(object, "spec"), "secretName")))
                return err_set(err, ERR_PROTOCOL, "Certificate %.253s: no spec.secretName", name);
        return 0;
}

static struct wall time_of(const cJSON *status, const char *key)
{
        const char *text = json_get_str(status, key);
        struct wall at = { 0 };
        struct err ignored;

        return text != NULL && clock_parse(text, &at, &ignored) == 0 ? at : (struct wall){ 0 };
}

int certificate_read(const cJSON *object, struct certificate **out, struct err *err)
{
        const cJSON *meta = json_get(object, "metadata");
        const cJSON *labels = json_get(meta, "labels");
        const cJSON *spec = json_get(object, "spec");
        const cJSON *status = json_get(object, "status");
        const char *database = text_of(labels, CERTIFICATE_INSTANCE);
        struct certificate *made;

        if (check(object, err) != 0)
                return -1;
        made = MEM_NEW(struct certificate);
        made->namespace = mem_strdup(text_of(meta, "namespace"));
        made->name = mem_strdup(text_of(meta, "name"));
        made->database = mem_strdup(kube_names_is_subdomain(database) ? database : "");
        made->alias = alias_of(json_get_str(labels, CERTIFICATE_ALIAS), made->database, made->name);
        made->secret = mem_strdup(text_of(spec, "secretName"));
        made->version = mem_strdup(text_of(meta, "resourceVersion"));
        made->uid = mem_strdup(text_of(meta, "uid"));
        made->generation = json_get_int(meta, "generation", 0);
        made->revision = json_get_int(status, "revision", 0);
        made->issuer = issuer_of(json_get(spec, "issuerRef"));
        made->not_before = time_of(status, "notBefore");
        made->not_after = time_of(status, "notAfter");
        judge(status, made);
        *out = made;
        return 0;
}

void certificate_free(struct certificate *certificate)
{
        if (certificate == NULL)
                return;
        mem_free(certificate->namespace);
        mem_free(certificate->name);
        mem_free(certificate->database);
        mem_free(certificate->alias);
        mem_free(certificate->secret);
        mem_free(certificate->version);
        mem_free(certificate->uid);
        mem_free(certificate->problem);
        mem_free(certificate->issuer);
        mem_free(certificate);
}

char *certificate_name(const char *database, const char *alias)
{
        return mem_printf("%s-%s" SUFFIX, database, alias);
}

static cJSON *make_issuing(const cJSON *have, const char *request, struct wall now)
{
        AUTO(mem_free_p) char *message = mem_printf("asked for by OpsRequest %s", request);
        cJSON *condition = json_object();
        char at[CLOCK_TEXT_MAX];

        json_add_str(condition, "type", "Issuing");
        json_add_str(condition, "status", "True");
        json_add_str(condition, "reason", "ManuallyTriggered"); /* as cmctl says it */
        json_add_str(condition, "message", message);
        json_add_str(condition, "lastTransitionTime", clock_format(now, at));
        json_add_int(condition, "observedGeneration",
                     json_get_int(json_get(have, "metadata"), "generation", 0));
        return condition;
}

char *certificate_issuing_patch(const cJSON *have, const char *request, struct wall now)
{
        const char *version = json_get_str(json_get(have, "metadata"), "resourceVersion");
        const cJSON *status = json_get(have, "status");
        AUTO(json_free_p) cJSON *patch = json_object();
        cJSON *conditions = json_array();
        const cJSON *item;
        cJSON *part = json_object();

        json_add(patch, "metadata", part);
        json_add_str(part, "resourceVersion", version);
        part = json_object();
        json_add(patch, "status", part);
        json_add(part, "conditions", conditions);
        cJSON_ArrayForEach(item, json_get(status, "conditions"))
        {
                if (strcmp(text_of(item, "type"), "Issuing") != 0)
                        json_append(conditions, cJSON_Duplicate(item, true));
        }
        json_append(conditions, make_issuing(have, request, now));
        return version == NULL || *version == '\0' ? NULL : json_print(patch, false);
}

static void drop_owners(cJSON *meta)
{
        cJSON *owners = cJSON_GetObjectItemCaseSensitive(meta, "ownerReferences");
        cJSON *next;

        if (!cJSON_IsArray(owners))
                return;
        for (cJSON *owner = owners->child; owner != NULL; owner = next) {
                next = owner->next;
                if (strcmp(text_of(owner, "kind"), "Certificate") == 0)
                        cJSON_Delete(cJSON_DetachItemViaPointer(owners, owner));
        }
        if (owners->child == NULL)
                cJSON_DeleteItemFromObjectCaseSensitive(meta, "ownerReferences");
}

cJSON *certificate_renewed(const cJSON *saved)
{
        static const char *const server[] = { "uid",
                                              "resourceVersion",
                                              "generation",
                                              "creationTimestamp",
                                              "deletionTimestamp",
                                              "deletionGracePeriodSeconds",
                                              "managedFields",
                                              "selfLink" };
        cJSON *made = cJSON_Duplicate(saved, true);
        cJSON *meta = cJSON_GetObjectItemCaseSensitive(made, "metadata");

        if (made == NULL)
                return json_object();
        cJSON_DeleteItemFromObjectCaseSensitive(made, "status");
        for (size_t i = 0; i < ARRAY_LEN(server); i++)
                cJSON_DeleteItemFromObjectCaseSensitive(meta, server[i]);
        drop_owners(meta);
        return made;
}
