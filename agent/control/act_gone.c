// SPDX-License-Identifier: Apache-2.0
/*
 * A Certificate that is deleted is gone at once, unless somebody has set a finalizer.
 */
#include "control/act_parts.h"

#include "base/mem.h"

#include <string.h>

#define POLL_MS   INT64_C(200)
#define POLLS_MAX 25

static void look(struct act *act);

static struct act_place place_of(const struct act *act)
{
        return (struct act_place){ CERTIFICATE_GROUP, "certificates", json_get_str(act->secret, "name"), NULL,
                                   NULL };
}

static void on_look(struct act *act, int status UNUSED, const cJSON *object)
{
        struct err err = ERR_INIT;

        if (object == NULL) {
                json_wipe(TAKE(act->secret));
                act->then(act);
                return;
        }
        if (strcmp(act_uid_of(object), act->uid) != 0)
                err_set_(&err, ERR_CHANGED, "%s: it was made anew by others", act->what);
        else if (++act->polls >= POLLS_MAX)
                err_set_(&err, ERR_NOT_READY, "%s: it was deleted and is not gone yet", act->what);
        if (err.kind != ERR_NONE)
                act_fail(act, &err);
        else
                act_wait(act, POLL_MS, look);
}

static void look(struct act *act)
{
        const struct act_place place = place_of(act);

        act_get(act, &place, ACT_MISSING, on_look);
}

static void on_deleted(struct act *act, int status UNUSED, const cJSON *object UNUSED)
{
        look(act);
}

void act_gone_start(struct act *act, const char *name, const char *uid, act_fn *then)
{
        struct act_place place;

        json_wipe(act->secret);
        act->secret = json_object();
        json_add_str(act->secret, "name", name);
        mem_free(act->uid);
        act->uid = mem_strdup(uid);
        act->then = then;
        act->polls = 0;
        place = place_of(act);
        act_delete(act, &place, act->uid, on_deleted);
}
