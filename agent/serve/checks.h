// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A probe as a list of named checks: it passes unless one of them fails.
 */
#include "base/json.h"

#define CHECKS_MAX         5
#define CHECKS_MESSAGE_MAX 256

enum check_result { CHECK_OK, CHECK_WARN, CHECK_FAIL };

struct check {
        const char *name;
        enum check_result result;
        char message[CHECKS_MESSAGE_MAX];
};

struct check_list {
        struct check items[CHECKS_MAX];
        size_t n;
};

/* One that is fine so far. */
struct check *checks_add(struct check_list *list, const char *name);
/* false: the reason is that of the first one that fails; otherwise empty. */
bool checks_pass(const struct check_list *list, char reason[static CHECKS_MESSAGE_MAX]);
/* {"status":"ok|warn|fail","checks":[{"name","status","message"}]} */
cJSON *checks_to_json(const struct check_list *list);
