// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * PKCS#12 stores that Java reads. A trust store needs the attribute 2.16.840.1.113894.746875.1.1 on every
 * certificate, or keytool sees an empty store; OpenSSL 3.0 has no switch for it.
 *
 * Both are read back with their password before they are handed out (certs/pkcs12_check.h).
 */
#include "base/buf.h"
#include "certs/bundle.h"

/* Key and chain under one alias. DER appended to out. */
int pkcs12_key_store(const struct bundle *bundle, const char *alias, const struct secret *password,
                     struct buf *out, struct err *err) MUST_CHECK;
/* One entry a certificate, aliases "ca-1", "ca-2", … */
int pkcs12_trust_store(const struct chain *authorities, const struct secret *password, struct buf *out,
                       struct err *err) MUST_CHECK;
