// SPDX-License-Identifier: Apache-2.0
/*
 * Complaints with their place, and values put into the tree.
 */
#include "config/draft.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void draft_fail_(const struct draft *draft, const struct schema_key *key, const cJSON *node, const char *fmt,
                 ...)
{
        const struct yaml_place *place = node == NULL ? NULL : yaml_place(&draft->doc, node);
        char text[ERR_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        if (place != NULL)
                err_set_(draft->err, ERR_USAGE, "%.150s:%d:%d: %s: %.280s", draft->what, place->line,
                         place->column, key->path, text);
        else if (key->flag != NULL && (node != NULL || draft->what == NULL))
                err_set_(draft->err, ERR_USAGE, "--%s: %.280s", key->flag, text);
        else
                err_set_(draft->err, ERR_USAGE, "%.150s%s%s: %.280s", draft->what == NULL ? "" : draft->what,
                         draft->what == NULL ? "" : ": ", key->path, text);
}

int draft_fail_unknown(const struct draft *draft, const struct schema *schema, const char *path,
                       const cJSON *node)
{
        const struct yaml_place *place = yaml_place(&draft->doc, node);
        char known[64];
        const char *near = schema_nearest(schema, path, known);

        return err_set(draft->err, ERR_USAGE, "%.150s:%d:%d: unknown key '%.80s'%s%s%s", draft->what,
                       place == NULL ? 0 : place->key_line, place == NULL ? 0 : place->key_column, path,
                       near == NULL ? "" : ", did you mean '", near == NULL ? "" : near,
                       near == NULL ? ": certrotate.conf(5) lists all" : "'?");
}

static cJSON *section(cJSON *parent, const char *name)
{
        cJSON *child = cJSON_GetObjectItemCaseSensitive(parent, name);

        if (child == NULL) {
                child = json_object();
                json_add(parent, name, child);
        } else if (cJSON_IsNull(child)) {
                /* `policy:` with nothing below it. */
                child->type = cJSON_Object;
        }
        return child;
}

void draft_put(struct draft *draft, const char *path, cJSON *value)
{
        AUTO(mem_free_p) char *copy = mem_strdup(path);
        cJSON *parent = draft->doc.root;
        char *name = copy;
        cJSON *old;

        for (char *dot = strchr(name, '.'); dot != NULL; dot = strchr(name, '.')) {
                *dot = '\0';
                parent = section(parent, name);
                name = dot + 1;
        }
        old = cJSON_DetachItemFromObjectCaseSensitive(parent, name);
        if (old != NULL)
                json_append(draft->dropped, old);
        json_add(parent, name, value);
}
