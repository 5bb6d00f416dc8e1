// SPDX-License-Identifier: Apache-2.0
#include "control/controller_entry.h"

#include <string.h>

#include "base/mem.h"

static void phases_done(struct controller_entry *entry)
{
        for (size_t i = 0; i < entry->n_phases; i++) {
                mem_free(entry->phases[i].request);
                mem_free(entry->phases[i].text);
        }
        mem_free(entry->phases);
        entry->phases = NULL;
        entry->n_phases = 0;
}

static void fault_done(struct controller_entry *entry)
{
        mem_free(entry->fault);
        mem_free(entry->fault_uid);
        entry->fault = NULL;
        entry->fault_uid = NULL;
}

static void entry_free(struct controller_entry *entry)
{
        phases_done(entry);
        fault_done(entry);
        mem_free(entry->trouble);
        mem_free(entry->uid);
        mem_free(entry->key);
        mem_free(entry);
}

/* --- all of them */

void controller_entries_done(struct controller_entries *entries)
{
        for (size_t i = 0; i < entries->n; i++)
                entry_free(entries->items[i]);
        mem_free(entries->items);
        *entries = (struct controller_entries){ NULL, 0, 0 };
}

/* Where it is, or would be. */
static size_t place(const struct controller_entries *entries, const char *key)
{
        size_t low = 0;
        size_t high = entries->n;

        while (low < high) {
                const size_t middle = low + (high - low) / 2;

                if (strcmp(entries->items[middle]->key, key) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

struct controller_entry *controller_entries_find(const struct controller_entries *entries, const char *key)
{
        const size_t at = place(entries, key);

        return at < entries->n && strcmp(entries->items[at]->key, key) == 0 ? entries->items[at] : NULL;
}

struct controller_entry *controller_entries_need(struct controller_entries *entries, const char *key,
                                                 void *owner)
{
        struct controller_entry *entry = controller_entries_find(entries, key);
        const size_t at = place(entries, key);

        if (entry != NULL)
                return entry;
        if (entries->n == entries->room) {
                entries->room = entries->room == 0 ? 16 : entries->room * 2;
                entries->items = mem_grow(entries->items, entries->room, sizeof(struct controller_entry *));
        }
        memmove(&entries->items[at + 1], &entries->items[at],
                (entries->n - at) * sizeof(struct controller_entry *));
        entry = MEM_NEW(struct controller_entry);
        entry->key = mem_strdup(key);
        entry->owner = owner;
        entry->step = RECORD_IDLE;
        entries->items[at] = entry;
        entries->n++;
        return entry;
}

static void take_out(struct controller_entries *entries, size_t at)
{
        entry_free(entries->items[at]);
        entries->n--;
        memmove(&entries->items[at], &entries->items[at + 1],
                (entries->n - at) * sizeof(struct controller_entry *));
}

void controller_entries_drop(struct controller_entries *entries, const char *key)
{
        if (controller_entries_find(entries, key) != NULL)
                take_out(entries, place(entries, key));
}

void controller_entries_sweep(struct controller_entries *entries, struct mono now)
{
        for (size_t i = entries->n; i-- > 0;) {
                const struct controller_entry *entry = entries->items[i];

                if (entry->act == NULL && entry->fault == NULL && entry->step == RECORD_IDLE &&
                    controller_guard_is_idle(&entry->guard, now))
                        take_out(entries, i);
        }
}

/* --- one look at one of them */

static const char *uid_under_way(const struct observed *seen)
{
        return seen->record == NULL || seen->record->request == NULL ? NULL : seen->record->uid;
}

static bool is_same(const char *a, const char *b)
{
        return a != NULL && b != NULL && strcmp(a, b) == 0;
}

void controller_entries_note(struct controller_entries *entries, const char *key, void *owner,
                             struct observed *seen)
{
        const enum record_step step = uid_under_way(seen) == NULL ? RECORD_IDLE : seen->record->step;
        struct controller_entry *entry = controller_entries_find(entries, key);

        seen->fault = NULL;
        if (entry == NULL && step == RECORD_IDLE)
                return;
        entry = controller_entries_need(entries, key, owner);
        if (entry->fault != NULL && !is_same(entry->fault_uid, uid_under_way(seen)))
                fault_done(entry);
        seen->fault = entry->fault;
        if (entry->step == step)
                return;
        entry->step = step;
        if (step != RECORD_IDLE)
                log_info("step", LOG_S("database", key), LOG_S("request", seen->record->request),
                         LOG_S("step", record_step_name(step)), LOG_S("failure", seen->record->failure));
}

/* --- a list */

static void note_phase(struct controller_entry *entry, const struct action *action)
{
        entry->phases = mem_grow(entry->phases, entry->n_phases + 1, sizeof(*entry->phases));
        entry->phases[entry->n_phases++] = (struct controller_entry_phase){
                .request = mem_strdup(action->request->name),
                .text = mem_strdup(action->text),
                .reason = action->reason,
                .phase = action->phase,
        };
}

void controller_entry_begin(struct controller_entry *entry, const struct observed *seen,
                            const struct actions *actions)
{
        const char *uid = uid_under_way(seen);

        phases_done(entry);
        for (size_t i = 0; i < actions->n; i++) {
                const struct action *action = &actions->items[i];

                if (action->kind == ACTION_PHASE && action->request != NULL)
                        note_phase(entry, action);
                else if (action->kind == ACTION_RECORD)
                        uid = action->record.request == NULL ? NULL : action->record.uid;
        }
        mem_free(entry->uid);
        entry->uid = mem_strdup(uid);
}

static void tell_phases(struct controller_entry *entry)
{
        static const char *const words[] = {
                [REQUEST_PENDING] = "Pending", [REQUEST_PROGRESSING] = "Progressing",
                [REQUEST_WAITING] = "Waiting", [REQUEST_SUCCESSFUL] = "Successful",
                [REQUEST_FAILED] = "Failed",   [REQUEST_SKIPPED] = "Skipped",
        };

        for (size_t i = 0; i < entry->n_phases; i++) {
                const struct controller_entry_phase *told = &entry->phases[i];

                LOG_EVENT(told->phase == REQUEST_FAILED ? LOG_WARN : LOG_INFO, "request_phase",
                          LOG_S("database", entry->key), LOG_S("request", told->request),
                          LOG_S("phase", words[told->phase]), LOG_S("reason", told->reason),
                          LOG_S("text", told->text));
        }
        phases_done(entry);
}

/* What goes on for a while is told once. */
static void tell_trouble(struct controller_entry *entry, const struct err *err)
{
        if (is_same(entry->trouble, err->text))
                return;
        log_warn("actions_failed", LOG_S("database", entry->key), LOG_S("error", err->text));
        mem_free(entry->trouble);
        entry->trouble = mem_strdup(err->text);
}

void controller_entry_told(struct controller_entry *entry, const struct err *err)
{
        if (err->kind == ERR_CHANGED) {
                log_debug("actions_outdated", LOG_S("database", entry->key), LOG_S("error", err->text));
                return;
        }
        if (err->kind != ERR_NONE) {
                tell_trouble(entry, err);
                fault_done(entry);
                entry->fault = mem_dup(err, sizeof(*err));
                entry->fault_uid = mem_strdup(entry->uid);
                return;
        }
        tell_phases(entry);
        fault_done(entry);
        mem_free(entry->trouble);
        entry->trouble = NULL;
}
