// SPDX-License-Identifier: Apache-2.0
/*
 * One allocation an object: mark, namespace, name and version behind each other.
 */
#include "kube/told.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ROOM_MIN 8

struct kube_told_entry {
        bool is_marked;
        uint16_t name;    /* where it begins in text */
        uint16_t version; /* likewise */
        char text[];
};

void kube_told_done(struct kube_told *told)
{
        for (size_t i = 0; i < told->n; i++)
                mem_free(told->entries[i]);
        mem_free(told->entries);
        *told = (struct kube_told)KUBE_TOLD_INIT;
}

static int compare(const struct kube_told_entry *entry, const struct kube_id *id)
{
        const int order = strcmp(entry->text, id->namespace);

        return order != 0 ? order : strcmp(entry->text + entry->name, id->name);
}

/* Where it is, or where it belongs. */
static bool find(const struct kube_told *told, const struct kube_id *id, size_t *at)
{
        size_t low = 0, high = told->n;

        if (told->n > 0 && compare(told->entries[told->n - 1], id) < 0)
                low = told->n;
        while (low < high) {
                const size_t middle = low + (high - low) / 2;

                if (compare(told->entries[middle], id) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *at = low;
        return low < told->n && compare(told->entries[low], id) == 0;
}

static struct kube_told_entry *make(const struct kube_id *id)
{
        const size_t namespace = strlen(id->namespace) + 1, name = strlen(id->name) + 1,
                     version = strlen(id->version) + 1;
        struct kube_told_entry *entry = mem_new(sizeof(*entry) + namespace + name + version);

        entry->is_marked = true;
        entry->name = (uint16_t) namespace;
        entry->version = (uint16_t)(namespace + name);
        memcpy(entry->text, id->namespace, namespace);
        memcpy(entry->text + entry->name, id->name, name);
        memcpy(entry->text + entry->version, id->version, version);
        return entry;
}

static void insert(struct kube_told *told, size_t at, struct kube_told_entry *entry)
{
        if (told->n == told->room) {
                told->room = told->room == 0 ? ROOM_MIN : told->room * 2;
                told->entries = mem_grow(told->entries, told->room, sizeof(struct kube_told_entry *));
        }
        memmove(told->entries + at + 1, told->entries + at,
                (told->n - at) * sizeof(struct kube_told_entry *));
        told->entries[at] = entry;
        told->n++;
}

int kube_told_put(struct kube_told *told, const struct kube_id *id, bool *is_news, struct err *err)
{
        size_t at;

        if (!find(told, id, &at)) {
                if (told->n == KUBE_TOLD_MAX)
                        return err_set(err, ERR_LIMIT, "more than %d objects", KUBE_TOLD_MAX);
                insert(told, at, make(id));
                *is_news = true;
                return 0;
        }
        *is_news = strcmp(told->entries[at]->text + told->entries[at]->version, id->version) != 0;
        if (*is_news) {
                mem_free(told->entries[at]);
                told->entries[at] = make(id);
        }
        told->entries[at]->is_marked = true;
        return 0;
}

bool kube_told_drop(struct kube_told *told, const struct kube_id *id)
{
        size_t at;

        if (!find(told, id, &at))
                return false;
        mem_free(told->entries[at]);
        told->n--;
        memmove(told->entries + at, told->entries + at + 1,
                (told->n - at) * sizeof(struct kube_told_entry *));
        return true;
}

void kube_told_unmark(struct kube_told *told)
{
        for (size_t i = 0; i < told->n; i++)
                told->entries[i]->is_marked = false;
}

void kube_told_sweep(struct kube_told *told, struct kube_told *gone)
{
        size_t kept = 0;

        for (size_t i = 0; i < told->n; i++) {
                if (told->entries[i]->is_marked)
                        told->entries[kept++] = told->entries[i];
                else
                        insert(gone, gone->n, told->entries[i]);
        }
        told->n = kept;
}

struct kube_id kube_told_at(const struct kube_told *told, size_t i)
{
        const struct kube_told_entry *entry = told->entries[i];

        return (struct kube_id){ .namespace = entry->text,
                                 .name = entry->text + entry->name,
                                 .version = entry->text + entry->version };
}
