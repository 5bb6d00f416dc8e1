// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Scope-bound clean-up for OpenSSL's types.
 */
#include "base/auto.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static inline UNUSED void ossl_bio_free(BIO *bio)
{
        (void)BIO_free(bio);
}
AUTO_DEFINE(BIO, ossl_bio_free)
AUTO_DEFINE(X509, X509_free)
AUTO_DEFINE(X509_SIG, X509_SIG_free)
AUTO_DEFINE(X509_STORE, X509_STORE_free)
AUTO_DEFINE(X509_STORE_CTX, X509_STORE_CTX_free)
AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free)
AUTO_DEFINE(EVP_MD_CTX, EVP_MD_CTX_free)
AUTO_DEFINE(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)

/* Buffers that OpenSSL allocated, without and with a secret in them. */
static inline UNUSED void ossl_free_p(unsigned char **data)
{
        OPENSSL_free(*data);
}
