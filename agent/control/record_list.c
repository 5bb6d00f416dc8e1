// SPDX-License-Identifier: Apache-2.0
#include "control/record.h"

#include <string.h>

#include "base/mem.h"

/* Where the pod's name stands in it, NULL: nowhere. */
static char *find_in(char *list, const char *pod)
{
        size_t len = strlen(pod);

        for (char *at = list; at != NULL && *at != '\0'; at++) {
                if (strncmp(at, pod, len) == 0 && at[len] == ' ')
                        return at;
                at += strcspn(at, " ");
                if (*at == '\0')
                        return NULL;
        }
        return NULL;
}

bool record_lists(const char *list, const char *pod)
{
        AUTO(mem_free_p) char *copy = mem_strdup(list);

        return find_in(copy, pod) != NULL;
}

void record_list_add(char **list, const char *pod)
{
        char *longer;

        if (find_in(*list, pod) != NULL)
                return;
        longer = mem_printf("%s%s ", *list == NULL ? "" : *list, pod);
        mem_free(*list);
        *list = longer;
}

void record_list_drop(char **list, const char *pod)
{
        char *at = find_in(*list, pod);
        char *next = at == NULL ? NULL : at + strlen(pod) + 1;

        if (at == NULL)
                return;
        memmove(at, next, strlen(next) + 1);
        if (**list == '\0')
                mem_free(TAKE(*list));
}
