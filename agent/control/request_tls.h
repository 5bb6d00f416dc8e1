// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The rules of spec.tls, the same as in deploy/crds: KubeDB's definitions have none. Pure.
 */
#include "control/request.h"

struct request_tls_wish {
        enum request_tls tls;
        enum request_required required;
};

/* Errors begin with the field below spec.tls. `out` is filled as far as it is clear what is asked for. */
int request_tls_read(const struct kind *kind, const char *database, const cJSON *tls,
                     struct request_tls_wish *out, struct err *err) MUST_CHECK;
