// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A kubeconfig's text: one context of it, with its cluster and its user. Keys that are not known are not
 * looked at: tools put their own into these files.
 */
#include "kube/access.h"

#include "base/auto.h"

struct kubeconfig {
        struct kube_access *access;
        char *certificate_file; /* of the client, still to be read; NULL: none, or in the text */
        char *key_file;
};

#define KUBECONFIG_INIT                                                                                      \
        {                                                                                                    \
                NULL, NULL, NULL                                                                             \
        }

/*
 * path     in messages, and what files are relative to
 * context  NULL: the current one
 *
 * ERR_USAGE  one sentence that begins with path:line:column. Pure. Fuzzed by tests/fuzz/fuzz_kubeconfig.c.
 */
int kubeconfig_parse(const char *path, const char *text, size_t len, const char *context,
                     struct kubeconfig *out, struct err *err) MUST_CHECK;
void kubeconfig_done(struct kubeconfig *config);
static inline UNUSED void kubeconfig_done_p(struct kubeconfig *config)
{
        kubeconfig_done(config);
}
