// SPDX-License-Identifier: Apache-2.0
/*
 * Two sorted arrays: objects by name, and strings that are shared. What comes sorted, as lists do, is
 * appended.
 */
#include "control/world_state.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

#define ROOM_MIN 16

static int compare(const struct world_item *item, const char *namespace, const char *name)
{
        const int order = strcmp(item->namespace, namespace);

        return order != 0 ? order : strcmp(item->name, name);
}

static bool find(const struct world_index *index, const char *namespace, const char *name, size_t *at)
{
        size_t low = 0, high = index->n;

        if (index->n > 0 && compare(&index->items[index->n - 1], namespace, name) < 0)
                low = index->n;
        while (low < high) {
                const size_t middle = low + (high - low) / 2;

                if (compare(&index->items[middle], namespace, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *at = low;
        return low < index->n && compare(&index->items[low], namespace, name) == 0;
}

struct world_item *world_index_find(const struct world_index *index, const char *namespace, const char *name)
{
        size_t at;

        return find(index, namespace, name, &at) ? &index->items[at] : NULL;
}

void world_index_put(struct world_index *index, const struct world_item *item)
{
        size_t at;

        if (index->n == index->room) {
                index->room = index->room == 0 ? ROOM_MIN : index->room + index->room / 2;
                index->items = mem_grow(index->items, index->room, sizeof(*index->items));
        }
        if (find(index, item->namespace, item->name, &at))
                assert(false);
        memmove(index->items + at + 1, index->items + at, (index->n - at) * sizeof(*index->items));
        index->items[at] = *item;
        index->n++;
}

void world_index_remove(struct world_index *index, const struct world_item *item)
{
        const size_t at = (size_t)(item - index->items);

        index->n--;
        memmove(index->items + at, index->items + at + 1, (index->n - at) * sizeof(*index->items));
}

/* Strings. */

struct world_string {
        uint32_t users;
        char text[];
};

static bool find_string(const struct world_strings *strings, const char *text, size_t *at)
{
        size_t low = 0, high = strings->n;

        while (low < high) {
                const size_t middle = low + (high - low) / 2;

                if (strcmp(strings->items[middle]->text, text) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *at = low;
        return low < strings->n && strcmp(strings->items[low]->text, text) == 0;
}

char *world_strings_get(struct world_strings *strings, const char *text)
{
        struct world_string *string;
        size_t at;

        if (text == NULL)
                return NULL;
        if (find_string(strings, text, &at)) {
                strings->items[at]->users++;
                return strings->items[at]->text;
        }
        if (strings->n == strings->room) {
                strings->room = strings->room == 0 ? ROOM_MIN : strings->room * 2;
                strings->items = mem_grow(strings->items, strings->room, sizeof(struct world_string *));
        }
        string = mem_new(sizeof(*string) + strlen(text) + 1);
        string->users = 1;
        memcpy(string->text, text, strlen(text) + 1);
        memmove(strings->items + at + 1, strings->items + at,
                (strings->n - at) * sizeof(struct world_string *));
        strings->items[at] = string;
        strings->n++;
        return string->text;
}

void world_strings_drop(struct world_strings *strings, char *text)
{
        size_t at;

        if (text == NULL || !find_string(strings, text, &at) || --strings->items[at]->users > 0)
                return;
        mem_free(strings->items[at]);
        strings->n--;
        memmove(strings->items + at, strings->items + at + 1,
                (strings->n - at) * sizeof(struct world_string *));
}

void world_strings_done(struct world_strings *strings)
{
        assert(strings->n == 0); /* somebody forgot one */
        mem_free(strings->items);
}
