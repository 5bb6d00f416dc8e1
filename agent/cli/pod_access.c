// SPDX-License-Identifier: Apache-2.0
#include "cli/pod_access.h"

int pod_access_find(const char *kubeconfig, const char *context, struct kube_access **out, struct err *err)
{
        struct err no_file = ERR_INIT;
        struct err no_pod = ERR_INIT;

        if (kube_access_from_file(kubeconfig, context, out, &no_file) == 0)
                return 0;
        if (no_file.kind != ERR_MISSING || kubeconfig != NULL || context != NULL) {
                *err = no_file;
                err->kind = ERR_USAGE; /* asked for by name, it is nothing to wait for */
                return -1;
        }
        if (kube_access_in_pod(NULL, out, &no_pod) == 0)
                return 0;
        return err_set(err, ERR_MISSING, "no cluster to ask, give --kubeconfig (%.200s; %.200s)",
                       no_file.text, no_pod.text);
}
