// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * SQL Server up to TDS 7.4: PRELOGIN, then TLS inside PRELOGIN packets ([MS-TDS] 2.2.6.5, 3.2.5.1). Only
 * TLS 1.2 and older fit in there. TDS 8.0 has TLS from the first byte and needs none of this, only its ALPN.
 *
 * The result's `server` is the version, "16.0.4135". Pure. Fuzzed by tests/fuzz/fuzz_tds.c.
 */
#include "certs/preamble.h"

#define TDS_STRICT_ALPN "tds/8.0"

extern const struct preamble tds_preamble;
