// SPDX-License-Identifier: Apache-2.0
#include "control/walk.h"

#include <string.h>

bool walk_is_still(const struct step *step)
{
        for (size_t i = 0; i < step->seen->n_pods; i++)
                if (step->seen->pods[i]->is_busy)
                        return false;
        return true;
}

bool walk_mixes(const struct step *step)
{
        const char *alone = step->kind->alone;
        bool is_group = alone == NULL && step->kind->mixes;

        for (size_t i = 0; i < step->seen->n_pods && step->kind->mixes && alone != NULL; i++)
                is_group = is_group || strcmp(step->seen->pods[i]->role, alone) != 0;
        return is_group;
}

enum tls_mode walk_mode(const struct observed *seen)
{
        for (size_t i = 1; i < seen->n_pods; i++)
                if (seen->pods[i]->mode != seen->pods[0]->mode)
                        return TLS_UNMANAGED;
        return seen->n_pods == 0 ? TLS_UNMANAGED : seen->pods[0]->mode;
}
