// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates and Secrets as they were saved. While a Certificate is there cert-manager may write its
 * Secret: so it is deleted first, then the Secret is put back, then the Certificate is made anew. The Secret
 * fits it, and nothing is issued. Each may have been done before.
 *
 * cert-manager hears of Certificates and of Secrets by two watches, and one may be late: it would find that
 * the Secret as it last saw it does not fit the Certificate, and issue anew. So it gets time before that is
 * made. Where Secrets belong to Certificates (--enable-certificate-owner-ref) it would also make the Secret
 * that is put back one of the Certificate that is gone, and the garbage collector take it away; or write into
 * it what it last saw of it. There it gets time between all steps.
 */
#include "control/act_parts.h"

#include "base/log.h"
#include "base/mem.h"

#include <string.h>

#define HEARD_MS INT64_C(1000)

static void next_certificate(struct act *act);
static void next_file(struct act *act);

static const cJSON *saved_certificate(const struct act *act)
{
        return cJSON_GetArrayItem(json_get(act->found, "certificates"), (int)act->i);
}

static const char *name_of(const cJSON *object)
{
        return json_get_str(json_get(object, "metadata"), "name");
}

static const char *secret_name(const struct act *act)
{
        return json_get_str(json_get(saved_certificate(act), "spec"), "secretName");
}

/* NULL: none was issued at that time. */
static cJSON *saved_secret(const struct act *act)
{
        const char *name = secret_name(act);
        const cJSON *saved = name == NULL ? NULL : json_get(json_get(act->found, "secrets"), name);

        return saved == NULL ? NULL : act_secret_renew(act, name, saved);
}

static struct act_place certificate_place(const struct act *act)
{
        return (struct act_place){ CERTIFICATE_GROUP, "certificates", name_of(saved_certificate(act)), NULL,
                                   NULL };
}

static void is_as_it_was(struct act *act)
{
        act->i++;
        next_certificate(act);
}

/* --- the number of its revision goes on where it was */

static void on_numbered(struct act *act, int status UNUSED, const cJSON *object)
{
        if (object != NULL)
                world_note_certificate(act->world, object);
        is_as_it_was(act);
}

static int64_t revision_of(const cJSON *certificate)
{
        return json_get_int(json_get(certificate, "status"), "revision", 0);
}

static void number(struct act *act)
{
        const int64_t revision = revision_of(saved_certificate(act));
        struct act_place place = certificate_place(act);
        AUTO(json_free_p) cJSON *patch = NULL;
        cJSON *status;

        if (revision == 0 || revision_of(act->made) != 0) {
                is_as_it_was(act);
                return;
        }
        patch = json_object();
        status = json_object();
        json_add(patch, "status", status);
        json_add_int(status, "revision", revision);
        place.sub = "/status";
        act_send(act, "PATCH", &place, patch, ACT_MISSING | ACT_CONFLICT, on_numbered);
}

/* --- made anew */

/* act->changed: the Secret belonged to the Certificate. */
static void when_heard(struct act *act, act_fn *fn)
{
        if (act->changed)
                act_wait(act, HEARD_MS, fn);
        else
                fn(act);
}

static void get_secret(struct act *act, act_answered_fn *answered)
{
        const struct act_place place = { .group = "v1", .resource = "secrets", .name = secret_name(act) };

        act_get(act, &place, ACT_MISSING, answered);
}

/* What was in flight when the Certificate was deleted may still have come. */
static void on_looked(struct act *act, int status UNUSED, const cJSON *object)
{
        AUTO(json_wipe_p) cJSON *saved = saved_secret(act);
        struct err err = ERR_INIT;

        if (saved == NULL || act_secret_is_same(object, saved)) {
                number(act);
                return;
        }
        err_set_(&err, ERR_CHANGED, "%s: it was written by others while it was put back", act->what);
        act_fail(act, &err);
}

static void look(struct act *act)
{
        get_secret(act, on_looked);
}

static void on_created(struct act *act, int status UNUSED, const cJSON *object)
{
        world_note_certificate(act->world, object);
        json_wipe(act->made);
        act->made = cJSON_Duplicate(object, true);
        when_heard(act, look);
}

static void create(struct act *act)
{
        struct act_place place = certificate_place(act);
        AUTO(json_free_p) cJSON *renewed = certificate_renewed(saved_certificate(act));

        place.name = NULL;
        act_send(act, "POST", &place, renewed, 0, on_created);
}

static void secret_is_put(struct act *act)
{
        act_wait(act, HEARD_MS, create);
}

static void put_secret(struct act *act)
{
        AUTO(json_wipe_p) cJSON *saved = saved_secret(act);

        if (saved == NULL)
                create(act);
        else
                act_secret_put(act, saved, secret_is_put);
}

static void certificate_is_gone(struct act *act)
{
        when_heard(act, put_secret);
}

/* --- what is there */

static bool is_issuing(const cJSON *object)
{
        AUTO(certificate_free_p) struct certificate *certificate = NULL;
        struct err err = ERR_INIT;

        return certificate_read(object, &certificate, &err) != 0 || certificate->is_issuing;
}

static bool belongs_to_certificate(const cJSON *secret)
{
        const cJSON *owner;

        cJSON_ArrayForEach(owner, json_get(json_get(secret, "metadata"), "ownerReferences"))
        {
                const char *kind = json_get_str(owner, "kind");

                if (kind != NULL && strcmp(kind, "Certificate") == 0)
                        return true;
        }
        return false;
}

static void on_secret(struct act *act, int status UNUSED, const cJSON *object)
{
        AUTO(json_wipe_p) cJSON *saved = saved_secret(act);
        const cJSON *live = act->made;

        act->changed = belongs_to_certificate(object);
        if (live != NULL && certificate_is_same(live, saved_certificate(act)) && !is_issuing(live) &&
            (saved == NULL || act_secret_is_same(object, saved)))
                number(act);
        else if (live != NULL)
                act_gone_start(act, name_of(live), act_uid_of(live), certificate_is_gone);
        else
                put_secret(act);
}

static void on_live(struct act *act, int status UNUSED, const cJSON *object)
{
        const struct record_certificate *before =
                record_certificate(&act->record, name_of(saved_certificate(act)));

        if (object != NULL && (before == NULL || !before->asked)) {
                is_as_it_was(act); /* nobody of ours has touched it */
                return;
        }
        json_wipe(TAKE(act->made));
        act->made = object == NULL ? NULL : cJSON_Duplicate(object, true);
        get_secret(act, on_secret);
}

static void next_certificate(struct act *act)
{
        struct act_place place;

        if (saved_certificate(act) == NULL) {
                act->i = 0;
                next_file(act);
                return;
        }
        if (name_of(saved_certificate(act)) == NULL || secret_name(act) == NULL) {
                is_as_it_was(act);
                return;
        }
        place = certificate_place(act);
        act_get(act, &place, ACT_MISSING, on_live);
}

/* --- rendered files */

static void file_done(struct act *act)
{
        act->i++;
        next_file(act);
}

/* Emptied, not deleted: agents drop what they have when they see that there is nothing. */
static void on_new_file(struct act *act, int status UNUSED, const cJSON *object)
{
        const cJSON *file = cJSON_GetArrayItem(json_get(act->found, "files"), (int)act->i);
        AUTO(json_wipe_p) cJSON *nothing = NULL;
        AUTO(json_wipe_p) cJSON *empty = NULL;

        if (object == NULL) {
                file_done(act);
                return;
        }
        nothing = act_secret_save(NULL);
        empty = act_secret_renew(act, file->string, nothing);
        act_secret_put(act, empty, file_done);
}

static void next_file(struct act *act)
{
        const cJSON *file = cJSON_GetArrayItem(json_get(act->found, "files"), (int)act->i);
        struct act_place place = { .group = "v1", .resource = "secrets" };
        AUTO(json_wipe_p) cJSON *secret = NULL;

        if (file == NULL) {
                act_next(act);
                return;
        }
        if (!cJSON_IsNull(file)) {
                secret = act_secret_renew(act, file->string, file);
                act_secret_put(act, secret, file_done);
                return;
        }
        place.name = file->string;
        act_get(act, &place, ACT_MISSING, on_new_file);
}

static void begin(struct act *act)
{
        if (act->found != NULL) {
                next_certificate(act);
                return;
        }
        log_warn("nothing_saved", LOG_S("namespace", act->namespace), LOG_S("database", act->database),
                 LOG_S("request", act_request_name(act)));
        act_next(act);
}

void act_restore_start(struct act *act)
{
        act_saved_load(act, begin);
}
