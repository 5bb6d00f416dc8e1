// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * From the unencrypted DER of a private key to an EVP_PKEY whose two halves were seen to belong together.
 */
#include "base/err.h"

#include <openssl/evp.h>
#include <stdint.h>

enum key_decode_form { KEY_DECODE_PKCS8, KEY_DECODE_RSA, KEY_DECODE_EC };

/*
 * out is freed with EVP_PKEY_free.
 *
 * ERR_PARSE  not such a key, a type or curve that TLS has no use for, or halves that do not belong together.
 *            The text is a clause without the file: "is no PKCS#8 structure"
 * Pure.
 */
int key_decode(enum key_decode_form form, const uint8_t *der, size_t len, EVP_PKEY **out,
               struct err *err) MUST_CHECK;
