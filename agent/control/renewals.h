// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * At rest: what cert-manager has issued by itself becomes a request, and old requests of that sort go.
 */
#include "control/reconcile.h"

void renewals_look(const struct reconcile_settings *settings, const struct observed *seen,
                   struct actions *out);
