// SPDX-License-Identifier: Apache-2.0
/*
 * Deletes Certificates, and then the Secrets that cert-manager has made for them: never one that was made by
 * others.
 */
#include "control/act_parts.h"

#include "base/mem.h"

#include <string.h>

#define MADE_FOR "cert-manager.io/certificate-name" /* cert-manager's annotation */

static void next_one(struct act *act);

/* In act->found: what is to be deleted, as [name of the Certificate, name of the Secret]. */
static const char *word(const struct act *act, int i)
{
        return cJSON_GetStringValue(cJSON_GetArrayItem(cJSON_GetArrayItem(act->found, 0), i));
}

static bool has(const cJSON *list, const char *name)
{
        const cJSON *pair;

        cJSON_ArrayForEach(pair, list)
        {
                if (strcmp(cJSON_GetArrayItem(pair, 0)->valuestring, name) == 0)
                        return true;
        }
        return false;
}

static void add(struct act *act, const char *name, const char *secret)
{
        cJSON *pair;

        if (has(act->found, name))
                return;
        pair = json_array();
        json_append_str(pair, name);
        json_append_str(pair, secret);
        json_append(act->found, pair);
}

static bool is_made_by_request(struct act *act, const char *name)
{
        const struct record_certificate *before = record_certificate(&act->record, name);

        return before != NULL && (before->uid == NULL || *before->uid == '\0');
}

/* As the request names it: a Certificate that is gone cannot be asked. */
static const char *secret_in_request(const struct act *act, const char *name)
{
        const struct request *request = act_action(act)->request;
        const struct kind *kind = act_kind(act);

        for (size_t i = 0; request != NULL && kind != NULL && kind->aliases[i] != NULL; i++) {
                AUTO(mem_free_p) char *other = certificate_name(act->database, kind->aliases[i]);
                const char *secret =
                        json_get_str(request_certificate(request, kind->aliases[i]), "secretName");

                if (strcmp(other, name) == 0 && secret != NULL)
                        return secret;
        }
        return name;
}

static void gather(struct act *act)
{
        const bool all = act_action(act)->all;

        act->found = json_array();
        for (size_t i = 0; i < act->n_certificates; i++)
                if (all || is_made_by_request(act, act->certificates[i].name))
                        add(act, act->certificates[i].name, act->certificates[i].secret);
        for (size_t i = 0; i < act->record.n_certificates; i++) {
                const char *name = act->record.certificates[i].name;

                if (all || is_made_by_request(act, name))
                        add(act, name, secret_in_request(act, name));
        }
}

static void on_deleted(struct act *act, int status UNUSED, const cJSON *object UNUSED)
{
        cJSON_DeleteItemFromArray(act->found, 0);
        next_one(act);
}

static void on_secret(struct act *act, int status UNUSED, const cJSON *object)
{
        const char *owner = json_get_str(json_get(json_get(object, "metadata"), "annotations"), MADE_FOR);
        const struct act_place place = { .group = "v1", .resource = "secrets", .name = word(act, 1) };

        if (owner == NULL || strcmp(owner, word(act, 0)) != 0)
                on_deleted(act, 404, NULL);
        else
                act_delete(act, &place, act_uid_of(object), on_deleted);
}

static void look_at_secret(struct act *act)
{
        const struct act_place place = { .group = "v1", .resource = "secrets", .name = word(act, 1) };

        act_get(act, &place, ACT_MISSING, on_secret);
}

static void on_certificate(struct act *act, int status UNUSED, const cJSON *object)
{
        const char *secret = json_get_str(json_get(object, "spec"), "secretName");

        if (object == NULL) {
                look_at_secret(act);
                return;
        }
        if (secret != NULL)
                (void)cJSON_ReplaceItemInArray(cJSON_GetArrayItem(act->found, 0), 1,
                                               cJSON_CreateString(secret));
        act_gone_start(act, word(act, 0), act_uid_of(object), look_at_secret);
}

static void next_one(struct act *act)
{
        struct act_place place = { .group = CERTIFICATE_GROUP, .resource = "certificates" };

        if (cJSON_GetArraySize(act->found) == 0) {
                act_next(act);
                return;
        }
        place.name = word(act, 0);
        act_get(act, &place, ACT_MISSING, on_certificate);
}

void act_discard_start(struct act *act)
{
        gather(act);
        next_one(act);
}
