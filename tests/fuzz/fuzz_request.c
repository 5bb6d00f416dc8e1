// SPDX-License-Identifier: Apache-2.0
/*
 * An OpsRequest: whatever comes, it is right, wrong in one sentence, or none of ours.
 */
#include "control/request.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        AUTO(request_free_p) struct request *request = NULL;
        AUTO(json_free_p) cJSON *tree = NULL;
        struct err err = ERR_INIT;

        if (json_parse((const char *)data, len, &tree, &err) != 0)
                return 0;
        if (request_read(tree, &request, &err) != 0) {
                assert(request == NULL && err.kind == ERR_PROTOCOL);
                return 0;
        }
        assert(request->kind != NULL && request->name[0] != '\0' && request->namespace[0] != '\0');
        assert(request->wrong == NULL || (request->wrong[0] != '\0' && request->spec == NULL));
        assert(request->spec == NULL || (request->type != REQUEST_OTHER && request->database[0] != '\0'));
        assert(request->timeout_ms >= 0 && request->max_retries >= 0 && request->max_retries <= 100);
        assert(request_operation(request)[0] != '\0');
        for (size_t i = 0; request->kind->aliases[i] != NULL; i++) {
                const char *alias = request->kind->aliases[i];
                const cJSON *issuer = request_issuer(request, alias);

                assert(issuer == NULL || json_get_str(issuer, "name") != NULL);
                assert(request_certificate(request, alias) == NULL || !request_rotates(request, alias));
        }
        return 0;
}
