// SPDX-License-Identifier: Apache-2.0
/*
 * OpenSSL's X.509 from its other side. Dates begin a little before now: the API server's clock may be behind.
 */
#include "inject/webhook_make.h"

#include "base/mem.h"
#include "certs/ossl.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

#define SKEW_MAX_S INT64_C(300)
#define PEM_MAX    ((size_t)64 << 10)

static void extension_free_p(X509_EXTENSION **extension)
{
        X509_EXTENSION_free(*extension);
}

static int fail(struct err *err, const char *what)
{
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());

        err_set_(err, ERR_INTERNAL, "%s: %s", what, reason != NULL ? reason : "OpenSSL gives no reason");
        ERR_clear_error();
        return -1;
}

void webhook_pair_done(struct webhook_pair *pair)
{
        X509_free(pair->cert);
        EVP_PKEY_free(pair->key);
        *pair = (struct webhook_pair){ NULL, NULL };
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
        AUTO(extension_free_p) X509_EXTENSION *extension = NULL;
        X509V3_CTX ctx;

        X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
        extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
        return extension != NULL && X509_add_ext(cert, extension, -1) == 1;
}

/* 127 random bits: positive, and never the same twice. */
static bool set_serial(X509 *cert)
{
        unsigned char bytes[16];
        BIGNUM *number = NULL;
        bool ok;

        if (RAND_bytes(bytes, sizeof(bytes)) != 1)
                return false;
        bytes[0] &= 0x7f;
        bytes[0] |= 0x40;
        number = BN_bin2bn(bytes, sizeof(bytes), NULL);
        ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
        BN_free(number);
        return ok;
}

static bool set_name(X509 *cert, const char *name)
{
        return X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                          (const unsigned char *)name, -1, -1, 0) == 1;
}

static bool set_times(X509 *cert, struct wall now, int64_t lifetime_s)
{
        const int64_t skew_s = lifetime_s / 10 < SKEW_MAX_S ? lifetime_s / 10 : SKEW_MAX_S;
        time_t from = (time_t)(now.s - skew_s);
        time_t until = (time_t)(now.s + lifetime_s);

        return X509_time_adj_ex(X509_getm_notBefore(cert), 0, 0, &from) != NULL &&
               X509_time_adj_ex(X509_getm_notAfter(cert), 0, 0, &until) != NULL;
}

/* Version, serial, dates, key and subject; not signed. */
static int begin(const char *name, struct wall now, int64_t lifetime_s, struct webhook_pair *out,
                 struct err *err)
{
        AUTO(webhook_pair_done_p) struct webhook_pair made = { X509_new(), EVP_EC_gen("P-256") };

        if (made.cert == NULL || made.key == NULL || X509_set_version(made.cert, X509_VERSION_3) != 1 ||
            !set_serial(made.cert) || !set_times(made.cert, now, lifetime_s) || !set_name(made.cert, name) ||
            X509_set_pubkey(made.cert, made.key) != 1)
                return fail(err, "make a certificate");
        out->cert = TAKE(made.cert);
        out->key = TAKE(made.key);
        return 0;
}

int webhook_make_authority(struct wall now, struct webhook_pair *out, struct err *err)
{
        AUTO(webhook_pair_done_p) struct webhook_pair made = { NULL, NULL };

        if (begin("certrotate webhook authority", now, WEBHOOK_AUTHORITY_S, &made, err) != 0)
                return -1;
        if (X509_set_issuer_name(made.cert, X509_get_subject_name(made.cert)) != 1 ||
            !add_extension(made.cert, made.cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
            !add_extension(made.cert, made.cert, NID_key_usage, "critical,keyCertSign,cRLSign") ||
            !add_extension(made.cert, made.cert, NID_subject_key_identifier, "hash") ||
            X509_sign(made.cert, made.key, EVP_sha256()) == 0)
                return fail(err, "make an authority");
        out->cert = TAKE(made.cert);
        out->key = TAKE(made.key);
        return 0;
}

/* As GENERAL_NAMEs, not as OpenSSL's configuration text: a name may hold anything. */
static bool add_names(X509 *cert, const struct webhook_leaf_spec *spec)
{
        GENERAL_NAMES *names = GENERAL_NAMES_new();
        bool ok = names != NULL;

        for (size_t i = 0; ok && i < spec->n_names; i++) {
                ASN1_OCTET_STRING *address = a2i_IPADDRESS(spec->names[i]);
                GENERAL_NAME *name = GENERAL_NAME_new();
                ASN1_IA5STRING *text = ASN1_IA5STRING_new();

                ok = name != NULL && text != NULL && ASN1_STRING_set(text, spec->names[i], -1) == 1;
                if (ok && address != NULL)
                        GENERAL_NAME_set0_value(name, GEN_IPADD, TAKE(address));
                else if (ok)
                        GENERAL_NAME_set0_value(name, GEN_DNS, TAKE(text));
                ok = ok && sk_GENERAL_NAME_push(names, name) > 0;
                if (!ok)
                        GENERAL_NAME_free(name);
                ASN1_OCTET_STRING_free(address);
                ASN1_IA5STRING_free(text);
        }
        ok = ok && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1;
        GENERAL_NAMES_free(names);
        if (ok)
                ERR_clear_error(); /* a name that is no address left its mark, which TLS would stumble over */
        return ok;
}

int webhook_make_leaf(const struct webhook_pair *authority, const struct webhook_leaf_spec *spec,
                      struct wall now, struct webhook_pair *out, struct err *err)
{
        AUTO(webhook_pair_done_p) struct webhook_pair made = { NULL, NULL };

        /* A common name has 64 characters at most, and nobody looks at it. */
        if (begin("certrotate webhook", now, spec->lifetime_s, &made, err) != 0)
                return -1;
        if (X509_set_issuer_name(made.cert, X509_get_subject_name(authority->cert)) != 1 ||
            !add_extension(made.cert, authority->cert, NID_basic_constraints, "critical,CA:FALSE") ||
            !add_extension(made.cert, authority->cert, NID_key_usage, "critical,digitalSignature") ||
            !add_extension(made.cert, authority->cert, NID_ext_key_usage, "serverAuth") ||
            !add_extension(made.cert, authority->cert, NID_subject_key_identifier, "hash") ||
            !add_extension(made.cert, authority->cert, NID_authority_key_identifier, "keyid:always") ||
            !add_names(made.cert, spec) || X509_sign(made.cert, authority->key, EVP_sha256()) == 0)
                return fail(err, "make a leaf");
        out->cert = TAKE(made.cert);
        out->key = TAKE(made.key);
        return 0;
}

/* The memory of the BIO may have held a key. */
static int take_text(BIO *bio, struct buf *out, const char *what, bool ok, struct err *err)
{
        char *text = NULL;
        const long len = bio == NULL ? 0 : BIO_get_mem_data(bio, &text);

        if (!ok || len <= 0 || (size_t)len > PEM_MAX)
                return fail(err, what);
        buf_add(out, text, (size_t)len);
        OPENSSL_cleanse(text, (size_t)len);
        return 0;
}

int webhook_make_cert_pem(X509 *cert, struct buf *out, struct err *err)
{
        AUTO(ossl_bio_free_p) BIO *bio = BIO_new(BIO_s_mem());
        const bool ok = bio != NULL && PEM_write_bio_X509(bio, cert) == 1;

        return take_text(bio, out, "write a certificate", ok, err);
}

int webhook_make_key_pem(EVP_PKEY *key, struct buf *out, struct err *err)
{
        AUTO(ossl_bio_free_p) BIO *bio = BIO_new(BIO_s_secmem());
        const bool ok =
                bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;

        return take_text(bio, out, "write a key", ok, err);
}
