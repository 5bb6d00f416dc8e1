// SPDX-License-Identifier: Apache-2.0
/*
 * A kubeconfig: taken whole, with all that a connection needs, or refused in one sentence with its place.
 */
#include "kube/kubeconfig.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct kubeconfig config = KUBECONFIG_INIT;
        const struct kube_access *access;
        struct err err = ERR_INIT;

        if (kubeconfig_parse("/d/f", (const char *)data, len, NULL, &config, &err) != 0) {
                assert(err.kind == ERR_USAGE && strncmp(err.text, "/d/f:", 5) == 0);
                assert(config.access == NULL);
                return 0;
        }
        access = config.access;
        assert(strncmp(access->server, "https://", 8) == 0 && strpbrk(access->server, " @\r\n\\") == NULL);
        assert(access->server[8] != '\0' && access->namespace != NULL);
        assert(!access->insecure || (access->authorities == NULL && access->authorities_file == NULL));
        assert(access->token.len > 0 || access->token_file != NULL || access->certificate.len > 0 ||
               config.certificate_file != NULL);
        assert((access->certificate.len > 0 || config.certificate_file != NULL) ==
               (access->key.len > 0 || config.key_file != NULL));
        kubeconfig_done(&config);
        return 0;
}
