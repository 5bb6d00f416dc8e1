// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Private keys: RSA, EC, Ed25519, Ed448; PKCS#1, SEC1, PKCS#8; encrypted ones with a password.
 */
#include "base/hex.h"
#include "base/secret.h"
#include "certs/pem.h"

#include <openssl/evp.h>
#include <stdbool.h>

struct key {
        EVP_PKEY *pkey;
        struct fingerprint spki; /* SHA-256 of its public half as subject public key info */
        struct secret pkcs8;     /* unencrypted PKCS#8 DER */
        bool was_encrypted;
};

/*
 * password is NULL when there is none. `what` names the input in messages.
 *
 * ERR_PARSE  not a key, a wrong password, or encrypted and no password ("… is encrypted: set
 * key-password-file")
 */
int key_parse(const char *what, const struct pem_block *block, const struct secret *password,
              struct key **out, struct err *err) MUST_CHECK;
/* Another one of the same key. */
struct key *key_copy(const struct key *key);
void key_free(struct key *key);
AUTO_DEFINE(struct key, key_free)
