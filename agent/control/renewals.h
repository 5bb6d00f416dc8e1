// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * At rest: what cert-manager has issued by itself becomes a request, and old requests of that sort go.
 */
#include "control/reconcile.h"

/*
 * A request of the controller's own begins by the schedule of its database, unless what is served is close to
 * its end. False: not now, out->wake says when to look again. What is told of it goes into its condition
 * REQUEST_SCHEDULED, once. Other requests are always due: somebody wants them now.
 */
bool renewals_is_due(const struct observed *seen, const struct request *request, struct actions *out);
/* What a request of the controller's own is about is served meanwhile. */
bool renewals_is_over(const struct observed *seen, const struct request *request);
void renewals_look(const struct reconcile_settings *settings, const struct observed *seen,
                   struct actions *out);
