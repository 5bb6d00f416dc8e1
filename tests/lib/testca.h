// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Authorities, leaves, keys and Secret volumes for tests, made at run time by OpenSSL alone: nothing of
 * certs/ is used, since a test helper never shares code with what it tests. Every failure aborts.
 *
 *   AUTO(testca_free_p) struct testca *root = testca_root("root");
 *   AUTO(testca_free_p) struct testca *leaf = testca_leaf(root, "DNS:db.example,IP:127.0.0.1");
 *   testca_volume_bundle(dir, leaf, NULL, root);
 *
 * Strings returned are freed with mem_free.
 */
#include "base/auto.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum testca_key {
        TESTCA_P256,
        TESTCA_P384,
        TESTCA_P521,
        TESTCA_RSA2048,
        TESTCA_RSA1024,
        TESTCA_ED25519,
        TESTCA_ED448
};

/* A certificate with its private key: an authority or a leaf. */
struct testca {
        X509 *x509;
        EVP_PKEY *key;
};

/* All zero is a good leaf; each field that is set changes one thing. */
struct testca_options {
        const char *subject; /* common name; NULL: "leaf" or "authority"; "": empty subject */
        bool is_ca;
        enum testca_key key;
        EVP_PKEY *reuse_key;   /* instead of a fresh one */
        const char *names;     /* "DNS:a.example,IP:10.0.0.1"; NULL or "": no extension */
        int64_t not_before;    /* Unix time; 0: an hour ago */
        int64_t not_after;     /* 0: in 90 days (an authority: in ten years) */
        const char *ext_usage; /* "serverAuth,clientAuth" is the default of a leaf; "": no extension */
        const char *key_usage; /* default by type; "": no extension */
        const char *digest;    /* "SHA256"; not looked at for Ed25519 and Ed448 */
        int64_t serial;        /* 0: random */
        bool no_key_ids;       /* neither subject nor authority key identifier */
        bool version1;         /* X.509 v1: no extensions at all */
};

/* issuer NULL: self-signed. */
struct testca *testca_make(const struct testca *issuer, const struct testca_options *options) MUST_CHECK;
struct testca *testca_root(const char *subject) MUST_CHECK;
struct testca *testca_intermediate(const struct testca *issuer, const char *subject) MUST_CHECK;
struct testca *testca_leaf(const struct testca *issuer, const char *names) MUST_CHECK;
/* The same authority renewed: same subject, same key, other serial and dates. Self-signed. */
struct testca *testca_renewed(const struct testca *root) MUST_CHECK;
/* Another authority of the same name: same subject, other key. Self-signed. */
struct testca *testca_twin(const struct testca *root, bool no_key_ids) MUST_CHECK;
void testca_free(struct testca *ca);
AUTO_DEFINE(struct testca, testca_free)

enum testca_form {
        TESTCA_PKCS8,
        TESTCA_PKCS8_PBES2,   /* AES-256-CBC, PBKDF2 */
        TESTCA_PKCS8_PBES1,   /* PKCS#12's SHA1 and 3DES */
        TESTCA_LEGACY,        /* PKCS#1 or SEC1; not for Ed25519, Ed448 */
        TESTCA_LEGACY_CRYPTED /* the same with DEK-Info, AES-256-CBC */
};

char *testca_cert_pem(const struct testca *ca) MUST_CHECK;
/* One after the other. */
char *testca_chain_pem(const struct testca *const *list, size_t n) MUST_CHECK;
/* password is only read by the encrypted forms. */
char *testca_key_pem(const struct testca *ca, enum testca_form form, const char *password) MUST_CHECK;
/* The same text with CRLF line ends. */
char *testca_crlf(const char *text) MUST_CHECK;

/* A fresh directory below $TMPDIR's default, and its removal with all that is in it. */
char *testca_temp_dir(void) MUST_CHECK;
void testca_remove_dir(const char *dir);
static inline UNUSED void testca_remove_dir_p(char **dir)
{
        if (*dir != NULL)
                testca_remove_dir(*dir);
        free(*dir);
}

struct testca_file {
        const char *name;
        const void *data;
        size_t len;
};
#define TESTCA_TEXT(name_, text)                                                                             \
        {                                                                                                    \
                (name_), (text), strlen(text)                                                                \
        }

/* A plain file, created or overwritten. */
void testca_write(const char *dir, const char *name, const void *data, size_t len);
/*
 * Writes a Secret volume as kubelet does (dir is created when needed), or swaps it to new content: a new
 * directory "..2026_…", the symlink ..data renamed over, one link a file, the old directory removed.
 */
void testca_volume_write(const char *dir, const struct testca_file *files, size_t n);
/* The same with tls.crt (leaf, intermediate unless NULL), tls.key (PKCS#8) and ca.crt (unless NULL). */
void testca_volume_bundle(const char *dir, const struct testca *leaf, const struct testca *intermediate,
                          const struct testca *authority);
