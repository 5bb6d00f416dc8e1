// SPDX-License-Identifier: Apache-2.0
#include "control/controller_guard.h"

/* FNV-1a: lists are told apart, nobody is kept from making two of one hash. */
static uint64_t hash(const char *text)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        for (; *text != '\0'; text++)
                h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
        return h;
}

static bool is_over(const struct controller_guard_list *list, struct mono now)
{
        return list->times == 0 || now.ms - list->last.ms > CONTROLLER_GUARD_MS;
}

/* That of the hash, else one that is free, else the one that was asked for longest ago. */
static struct controller_guard_list *find(struct controller_guard *guard, uint64_t wanted, struct mono now)
{
        struct controller_guard_list *found = &guard->lists[0];

        for (size_t i = 0; i < CONTROLLER_GUARD_LISTS; i++)
                if (guard->lists[i].times > 0 && guard->lists[i].hash == wanted)
                        return &guard->lists[i];
        for (size_t i = 0; i < CONTROLLER_GUARD_LISTS; i++) {
                if (is_over(&guard->lists[i], now))
                        return &guard->lists[i];
                if (guard->lists[i].last.ms < found->last.ms)
                        found = &guard->lists[i];
        }
        return found;
}

int64_t controller_guard_ask(struct controller_guard *guard, const char *text, struct mono now, bool *fresh)
{
        const uint64_t wanted = hash(text);
        struct controller_guard_list *list = find(guard, wanted, now);
        const bool is_held = list->times >= CONTROLLER_GUARD_TIMES;

        *fresh = false;
        /* Slow enough from here on, or another list's place. */
        if (list->hash != wanted || is_over(list, now) ||
            (!is_held && now.ms - list->first.ms > CONTROLLER_GUARD_MS))
                *list = (struct controller_guard_list){ .hash = wanted, .first = now };
        if (list->times < CONTROLLER_GUARD_TIMES) {
                list->times++;
                list->last = now;
                return 0;
        }
        if (now.ms - list->last.ms >= CONTROLLER_GUARD_REST_MS) {
                list->times = CONTROLLER_GUARD_TIMES + 1;
                list->last = now;
                return 0;
        }
        *fresh = list->times == CONTROLLER_GUARD_TIMES;
        list->times = CONTROLLER_GUARD_TIMES + 1;
        return list->last.ms + CONTROLLER_GUARD_REST_MS - now.ms;
}

bool controller_guard_is_idle(const struct controller_guard *guard, struct mono now)
{
        for (size_t i = 0; i < CONTROLLER_GUARD_LISTS; i++)
                if (!is_over(&guard->lists[i], now))
                        return false;
        return true;
}
