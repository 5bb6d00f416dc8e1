// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * PKCS#12 stores read back. A server that meets a bad one may serve nothing at all until a good one comes
 * (Jetty does), so none is handed out unread.
 */
#include "certs/bundle.h"

/*
 * Is the store whole, does the password open it, is the bundle's leaf with its key in it? ERR_INTERNAL.
 */
int pkcs12_check_key_store(const void *data, size_t len, const struct secret *password,
                           const struct bundle *bundle, struct err *err) MUST_CHECK;
/* The same for a store of authorities only, all of them. */
int pkcs12_check_trust_store(const void *data, size_t len, const struct secret *password,
                             const struct chain *authorities, struct err *err) MUST_CHECK;

enum pkcs12_lock {
        PKCS12_OPENS,
        PKCS12_LOCKED, /* another password was used */
        PKCS12_ALIEN,  /* no PKCS#12 file, or one without a MAC, or with an absurd one */
};

/* Does the password belong to this file, whoever wrote it? Bounded (KEY_MAX_ITERATIONS). Pure. */
enum pkcs12_lock pkcs12_check_password(const void *data, size_t len, const struct secret *password);
