// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * From what is known of a database to what is to be done next. Pure: no clock, no memory of its own; all it
 * knows is in `seen`, so that it goes on after a kill as if nothing had been. A request passes the steps of
 * record.h; whatever goes wrong sends it back over what it has done, and in the end the database is resumed.
 */
#include "control/actions.h"

struct reconcile_settings {
        int64_t step_timeout_ms; /* where the request says none */
        int history;             /* automatic requests of one database that are kept after their end */
        bool renewals;           /* renewals of cert-manager become requests */
};

void reconcile(const struct reconcile_settings *settings, const struct observed *seen, struct actions *out);
