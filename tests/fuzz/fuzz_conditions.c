// SPDX-License-Identifier: Apache-2.0
/*
 * A request from the server: our conditions are put in, or it is said why not; put in, they are in.
 */
#include "base/mem.h"
#include "kube/conditions.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        const struct kube_condition given[] = { { .type = "A--px-0", .is_true = true, .message = "m" },
                                                { .type = "B--px-0", .reason = "R" } };
        AUTO(json_free_p) cJSON *request = NULL;
        AUTO(json_free_p) cJSON *patch = NULL;
        AUTO(mem_free_p) char *body = NULL;
        struct err err = ERR_INIT;

        if (json_parse((const char *)data, len, &request, &err) != 0)
                return 0;
        (void)kube_conditions_are_final(request);
        if (kube_conditions_patch(request, given, ARRAY_LEN(given), &body, &err) != 0) {
                assert(err.kind == ERR_PROTOCOL && body == NULL);
                return 0;
        }
        if (body == NULL || json_parse(body, strlen(body), &patch, &err) != 0)
                return 0;
        assert(json_get_str(json_get(patch, "metadata"), "resourceVersion") != NULL);
        assert(cJSON_GetArraySize(json_get(json_get(patch, "status"), "conditions")) >= 2);
        return 0;
}
