// SPDX-License-Identifier: Apache-2.0
#include "control/actions.h"

#include "base/mem.h"

void actions_init(struct actions *out)
{
        *out = (struct actions){ .n = 0 };
}

void actions_done(struct actions *actions)
{
        for (size_t i = 0; i < actions->n; i++) {
                mem_free(actions->items[i].text);
                mem_free(actions->items[i].name);
                json_free(actions->items[i].spec);
                mem_free(actions->items[i].uid);
                record_done(&actions->items[i].record);
        }
        actions_init(actions);
}

static const char *const kind_names[] = {
        [ACTION_CONDITION] = "condition",
        [ACTION_PHASE] = "phase",
        [ACTION_PAUSE] = "pause",
        [ACTION_RESUME] = "resume",
        [ACTION_RECORD] = "record",
        [ACTION_SAVE] = "save",
        [ACTION_CERTIFICATE] = "certificate",
        [ACTION_ISSUE] = "issue",
        [ACTION_RENDER] = "render",
        [ACTION_JUDGE] = "judge",
        [ACTION_RESTORE] = "restore",
        [ACTION_DISCARD] = "discard",
        [ACTION_FORGET] = "forget",
        [ACTION_DATABASE] = "database",
        [ACTION_EVENT] = "event",
        [ACTION_TRUST] = "trust",
        [ACTION_CREATE] = "create",
        [ACTION_MERGE] = "merge",
        [ACTION_DELETE] = "delete",
        [ACTION_EVICT] = "evict",
};

static const char *const phase_names[] = {
        [REQUEST_PENDING] = "Pending", [REQUEST_PROGRESSING] = "Progressing",
        [REQUEST_WAITING] = "Waiting", [REQUEST_SUCCESSFUL] = "Successful",
        [REQUEST_FAILED] = "Failed",   [REQUEST_SKIPPED] = "Skipped",
};

static void add_word(struct buf *out, const char *key, const char *text)
{
        if (text != NULL)
                buf_printf(out, " %s=%s", key, text);
}

static void add_sentence(struct buf *out, const char *key, const char *text)
{
        if (text == NULL)
                return;
        buf_printf(out, " %s=", key);
        buf_add_json(out, text);
}

static void add_record(struct buf *out, const struct record *record)
{
        buf_printf(out, " step=%s generation=%lld", record_step_name(record->step),
                   (long long)record->generation);
        if (record->stage < record->n_stages)
                buf_printf(out, " stage=%s/%s", plan_phase_name(record->stages[record->stage].phase),
                           tls_mode_name(record->stages[record->stage].mode));
        else if (record->mode != TLS_UNMANAGED)
                add_word(out, "mode", tls_mode_name(record->mode));
        add_word(out, "turn", record->turn);
        add_word(out, "reload", record->reload);
        add_word(out, "request", record->request);
        if (record->tries > 0)
                buf_printf(out, " tries=%d", record->tries);
        add_word(out, "reason", record->reason);
        add_sentence(out, "failure", record->failure);
        add_sentence(out, "lost", record->lost);
        add_sentence(out, "left", record->left);
}

static void add_action(struct buf *out, const struct action *action)
{
        const enum action_kind kind = action->kind;

        buf_add_str(out, kind_names[kind]);
        if (kind == ACTION_RECORD || kind == ACTION_JUDGE || kind == ACTION_RENDER || kind == ACTION_TRUST)
                add_record(out, &action->record);
        else
                add_word(out, "request", action->request == NULL ? NULL : action->request->name);
        if (kind == ACTION_CREATE || kind == ACTION_MERGE)
                add_word(out, "kind", action->database->request);
        add_word(out, "name", action->name);
        if (action->number != 0)
                buf_printf(out, " number=%lld", (long long)action->number);
        if (kind == ACTION_PHASE)
                add_word(out, "phase", phase_names[action->phase]);
        add_word(out, "type", action->type);
        add_word(out, "reason", action->reason);
        if (kind == ACTION_DATABASE || kind == ACTION_EVENT)
                buf_add_str(out, action->is_true ? " true" : " false");
        if (action->all)
                buf_add_str(out, " all");
        if (action->is_event)
                buf_add_str(out, " event");
        add_sentence(out, "text", action->text);
        if (action->spec != NULL) {
                AUTO(mem_free_p) char *spec = json_print(action->spec, false);

                buf_printf(out, " spec=%s", spec);
        }
        buf_add_char(out, '\n');
}

void actions_print(const struct actions *actions, struct buf *out)
{
        for (size_t i = 0; i < actions->n; i++)
                add_action(out, &actions->items[i]);
}
