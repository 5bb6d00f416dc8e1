// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * PostgreSQL's way into TLS, also PgBouncer's: eight bytes ask, one byte answers.
 *
 * ERR_PROTOCOL  no TLS there, or no PostgreSQL
 */
#include "certs/preamble.h"

extern const struct preamble postgres_preamble;
