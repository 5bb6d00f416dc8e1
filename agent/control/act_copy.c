// SPDX-License-Identifier: Apache-2.0
/*
 * A request lives as long as the world has it; a list of actions may last longer.
 */
#include "control/act_parts.h"

#include "base/mem.h"

struct request *act_copy_request(const struct request *from)
{
        struct request *copy = mem_dup(from, sizeof(*from));

        copy->namespace = mem_strdup(from->namespace);
        copy->name = mem_strdup(from->name);
        copy->uid = mem_strdup(from->uid);
        copy->database = mem_strdup(from->database);
        copy->wrong = mem_strdup(from->wrong);
        copy->renewal = mem_strdup(from->renewal);
        copy->merged = mem_strdup(from->merged);
        copy->scheduled = mem_strdup(from->scheduled);
        copy->spec = from->spec == NULL ? NULL : cJSON_Duplicate(from->spec, true);
        return copy;
}
