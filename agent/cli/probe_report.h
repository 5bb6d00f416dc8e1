// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What `certrotate probe` found, for people, for machines, and as PEM.
 */
#include "certs/handshake.h"

struct probe_report {
        const char *url;
        const struct handshake_result *result; /* with a chain, unless err is set */
        const struct err *err;                 /* ERR_NONE, or why there is no chain */
        const struct cert *expected;           /* NULL: nothing was expected */
        bool has_authorities;
        bool has_identity;
        struct wall now;
};

/* A chain came, nobody refused what we brought, and it is trusted and the expected one as far as asked. */
bool probe_report_is_good(const struct probe_report *report);
/* Why it is not good, as an error; only when it is not. */
void probe_report_fault(const struct probe_report *report, struct err *err);
void probe_report_text(const struct probe_report *report, bool color, struct buf *out);
void probe_report_json(const struct probe_report *report, struct buf *out);
void probe_report_pem(const struct probe_report *report, struct buf *out);
