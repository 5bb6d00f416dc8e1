// SPDX-License-Identifier: Apache-2.0
#include "control_fake.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* There is one world, and a test is a process of its own. */
static struct control_fake one;

struct control_fake *control_fake_new(void)
{
        memset(&one, 0, sizeof(one));
        return &one;
}

struct control_fake_database *control_fake_add(struct control_fake *fake, const char *key)
{
        struct control_fake_database *database = &fake->databases[fake->n_databases++];

        assert(fake->n_databases <= CONTROL_FAKE_DATABASES);
        *database = (struct control_fake_database){ .key = key, .is_there = true };
        return database;
}

void control_fake_change(struct control_fake *fake, const char *key)
{
        fake->changed(key, fake->changed_arg);
}

static struct control_fake_database *find(const char *key)
{
        for (size_t i = 0; i < one.n_databases; i++)
                if (strcmp(one.databases[i].key, key) == 0)
                        return &one.databases[i];
        return NULL;
}

/* --- the world */

struct world *world_open(struct kube_client *client UNUSED, const struct world_spec *spec UNUSED,
                         world_changed_fn *changed, void *arg)
{
        one.is_open = true;
        one.changed = changed;
        one.changed_arg = arg;
        return (struct world *)(void *)&one;
}

void world_close(struct world *world UNUSED)
{
        one.is_open = false;
}

bool world_is_whole(const struct world *world UNUSED)
{
        return one.is_whole;
}

const char *world_trouble(const struct world *world UNUSED)
{
        return one.trouble;
}

bool world_observe(struct world *world UNUSED, const char *key, struct wall now, struct observed *out)
{
        const struct control_fake_database *database = find(key);

        if (database == NULL || !database->is_there)
                return false;
        *out = (struct observed){
                .namespace = "", .name = database->key, .record = database->record, .now = now
        };
        return true;
}

void world_observed_done(struct observed *seen UNUSED)
{
}

void world_each(const struct world *world UNUSED, world_changed_fn *fn, void *arg)
{
        for (size_t i = 0; i < one.n_databases; i++)
                if (one.databases[i].is_there)
                        fn(one.databases[i].key, arg);
}

void world_each_missed(const struct world *world UNUSED, world_pod_fn *fn UNUSED, void *arg UNUSED)
{
}

struct world_counts world_counts(const struct world *world UNUSED)
{
        return (struct world_counts){ .databases = one.n_databases };
}

/* --- what is to be done */

void actions_init(struct actions *out)
{
        out->n = 0;
        out->wake.s = 0;
}

void actions_done(struct actions *actions)
{
        for (size_t i = 0; i < actions->n; i++) {
                mem_free(actions->items[i].text);
                record_done(&actions->items[i].record);
        }
        actions_init(actions);
}

void actions_print(const struct actions *actions, struct buf *out)
{
        for (size_t i = 0; i < actions->n; i++)
                buf_printf(out, "%s\n", actions->items[i].text);
}

void reconcile(const struct reconcile_settings *settings UNUSED, const struct observed *seen,
               struct actions *out)
{
        struct control_fake_database *database = find(seen->name);
        struct action *action = &out->items[0];

        database->looks++;
        database->fault = seen->fault == NULL ? ERR_NONE : seen->fault->kind;
        out->wake = database->wake;
        if (database->list == NULL && database->action == NULL)
                return;
        out->n = 1;
        *action = (struct action){ .kind = ACTION_EVENT };
        if (database->action != NULL)
                *action = *database->action;
        action->text = mem_strdup(database->action != NULL ? database->action->text : database->list);
        record_init(&action->record);
        if (database->action != NULL)
                record_copy(&action->record, &database->action->record);
}

/* --- the doing */

struct act *act_start(struct kube_client *client UNUSED, struct world *world UNUSED,
                      const struct observed *seen, struct actions *actions, act_done_fn *done, void *arg)
{
        struct act *act = &one.acts[one.n_acts++];

        assert(one.n_acts <= CONTROL_FAKE_ACTS);
        (void)snprintf(act->key, sizeof(act->key), "%s", seen->name);
        (void)snprintf(act->list, sizeof(act->list), "%s", actions->items[0].text);
        act->done = done;
        act->arg = arg;
        actions_done(actions);
        return act;
}

void act_cancel(struct act *act)
{
        if (act == NULL)
                return;
        assert(!act->is_over);
        act->is_over = true;
        act->is_cancelled = true;
}

size_t control_fake_running(const struct control_fake *fake)
{
        size_t n = 0;

        for (size_t i = 0; i < fake->n_acts; i++)
                n += !fake->acts[i].is_over;
        return n;
}

struct act *control_fake_act(struct control_fake *fake, const char *key)
{
        for (size_t i = fake->n_acts; i-- > 0;)
                if (!fake->acts[i].is_over && strcmp(fake->acts[i].key, key) == 0)
                        return &fake->acts[i];
        return NULL;
}

void control_fake_end(struct act *act, enum err_kind kind)
{
        struct err err = ERR_INIT;

        assert(!act->is_over);
        act->is_over = true;
        if (kind != ERR_NONE)
                err_set_(&err, kind, "the test ended it");
        act->done(&err, act->arg);
}

/* --- the Lease */

struct kube_lease *kube_lease_open(struct kube_client *client UNUSED,
                                   const struct kube_lease_spec *spec UNUSED, kube_lease_fn *fn, void *arg)
{
        one.lease_fn = fn;
        one.lease_arg = arg;
        return (struct kube_lease *)(void *)&one;
}

int kube_lease_check(const struct kube_lease_spec *spec, struct err *err)
{
        return *spec->holder == '\0' ? err_set(err, ERR_USAGE, "no holder") : 0;
}

void kube_lease_close(struct kube_lease *lease UNUSED)
{
        one.lease_is_wanted = false;
}

void kube_lease_want(struct kube_lease *lease UNUSED, bool wanted)
{
        if (!wanted && one.lease_is_wanted)
                one.acts_at_return = control_fake_running(&one);
        one.lease_is_wanted = wanted;
        if (!wanted)
                one.lease_is_held = false;
}

bool kube_lease_is_held(const struct kube_lease *lease UNUSED)
{
        return one.lease_is_held;
}

bool kube_lease_is_idle(const struct kube_lease *lease UNUSED)
{
        return !one.lease_is_wanted && !one.lease_is_slow;
}

void control_fake_lease(struct control_fake *fake, enum kube_lease_kind kind, const char *holder,
                        const struct err *err)
{
        const struct kube_lease_event event = { kind, holder, err };

        fake->lease_is_held = kind == KUBE_LEASE_HELD;
        fake->lease_fn(&event, fake->lease_arg);
}
