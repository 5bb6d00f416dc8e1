// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What certificates are to hold: issuerRef, and the entries of spec.tls.certificates. Pure.
 */
#include "base/json.h"
#include "control/kinds.h"

/* Errors begin below the object that is given. Of spec.tls or of one entry. */
int request_entry_issuer(const cJSON *holder, struct err *err) MUST_CHECK;
/* The list `certificates` of spec.tls. */
int request_entry_all(const struct kind *kind, const char *database, const cJSON *tls,
                      struct err *err) MUST_CHECK;
