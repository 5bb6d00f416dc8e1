// SPDX-License-Identifier: Apache-2.0
#include "serve/checks.h"

#include <assert.h>
#include <stdio.h>

struct check *checks_add(struct check_list *list, const char *name)
{
        struct check *check = &list->items[list->n];

        assert(list->n < CHECKS_MAX);
        list->n++;
        check->name = name;
        check->result = CHECK_OK;
        check->message[0] = '\0';
        return check;
}

bool checks_pass(const struct check_list *list, char reason[static CHECKS_MESSAGE_MAX])
{
        reason[0] = '\0';
        for (size_t i = 0; i < list->n; i++) {
                if (list->items[i].result != CHECK_FAIL)
                        continue;
                (void)snprintf(reason, CHECKS_MESSAGE_MAX, "%s", list->items[i].message);
                return false;
        }
        return true;
}

cJSON *checks_to_json(const struct check_list *list)
{
        static const char *const words[] = {
                [CHECK_OK] = "ok", [CHECK_WARN] = "warn", [CHECK_FAIL] = "fail"
        };
        cJSON *tree = json_object();
        cJSON *checks = json_array();
        enum check_result worst = CHECK_OK;

        for (size_t i = 0; i < list->n; i++) {
                const struct check *check = &list->items[i];
                cJSON *item = json_object();

                worst = check->result > worst ? check->result : worst;
                json_add_str(item, "name", check->name);
                json_add_str(item, "status", words[check->result]);
                json_add_str(item, "message", check->message);
                json_append(checks, item);
        }
        json_add_str(tree, "status", words[worst]);
        json_add(tree, "checks", checks);
        return tree;
}
