// SPDX-License-Identifier: Apache-2.0
/*
 * The plan: whatever comes, it is understood whole or not at all.
 */
#include "rotate/plan.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct plan plan = { .generation = -1 };
        struct err err = ERR_INIT;

        if (plan_parse((const char *)data, len, "px-0", &plan, &err) != 0) {
                assert(err.kind != ERR_NONE && err.text[0] != '\0');
                assert(plan.generation == -1 && plan.authorities.n == 0);
                return 0;
        }
        assert(plan.given && plan.phase < PLAN_PHASES && plan.tls < TLS_MODES);
        assert(strlen(plan.request) < sizeof(plan.request));
        assert(plan.n_files <= PLAN_FILES_MAX);
        for (size_t i = 0; i < plan.n_files; i++)
                assert(plan_find_files(&plan, plan.files[i].secret) == &plan.files[i].content);
        plan_done(&plan);
        return 0;
}
