// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates and keys for tests. need() stands for assert(): it also holds where NDEBUG is set, and it
 * prints what OpenSSL has to say.
 */
#include "testca.h"

#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define HOUR            INT64_C(3600)
#define DAY             (24 * HOUR)

#define need(condition) need_((condition), #condition, __LINE__)

static void need_(bool condition, const char *text, int line)
{
        if (condition)
                return;
        (void)fprintf(stderr, "testca.c:%d: %s\n", line, text);
        ERR_print_errors_fp(stderr);
        abort();
}

static EVP_PKEY *make_key(enum testca_key type)
{
        EVP_PKEY *key = NULL;

        switch (type) {
        case TESTCA_P256:
                key = EVP_EC_gen("P-256");
                break;
        case TESTCA_P384:
                key = EVP_EC_gen("P-384");
                break;
        case TESTCA_P521:
                key = EVP_EC_gen("P-521");
                break;
        case TESTCA_RSA2048:
                key = EVP_RSA_gen(2048);
                break;
        case TESTCA_RSA1024:
                key = EVP_RSA_gen(1024);
                break;
        case TESTCA_ED25519:
                key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
                break;
        case TESTCA_ED448:
                key = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
                break;
        }
        need(key != NULL);
        return key;
}

static void set_serial(X509 *x509, int64_t serial)
{
        uint64_t value = (uint64_t)serial;

        if (serial == 0) {
                need(RAND_bytes((unsigned char *)&value, sizeof(value)) == 1);
                value >>= 1;
        }
        need(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), value) == 1);
}

static void set_times(X509 *x509, const struct testca_options *options)
{
        time_t now = time(NULL);
        time_t lifetime = options->is_ca ? 3650 * DAY : 90 * DAY;

        need(ASN1_TIME_set(X509_getm_notBefore(x509),
                           options->not_before == 0 ? now - HOUR : options->not_before) != NULL);
        need(ASN1_TIME_set(X509_getm_notAfter(x509),
                           options->not_after == 0 ? now + lifetime : options->not_after) != NULL);
}

static void set_subject(X509 *x509, const struct testca_options *options)
{
        const char *subject = options->subject;

        if (subject == NULL)
                subject = options->is_ca ? "authority" : "leaf";
        if (*subject != '\0')
                need(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                                                (const unsigned char *)subject, -1, -1, 0) == 1);
}

static void add_extension(X509 *x509, X509V3_CTX *ctx, int nid, const char *value)
{
        X509_EXTENSION *extension;

        if (value == NULL || *value == '\0')
                return;
        extension = X509V3_EXT_nconf_nid(NULL, ctx, nid, value);
        need(extension != NULL);
        need(X509_add_ext(x509, extension, -1) == 1);
        X509_EXTENSION_free(extension);
}

static void add_extensions(X509 *x509, X509 *issuer, const struct testca_options *options)
{
        const char *key_usage = options->key_usage;
        const char *ext_usage = options->ext_usage;
        X509V3_CTX ctx;

        if (key_usage == NULL)
                key_usage = options->is_ca ? "critical,keyCertSign,cRLSign"
                                           : "critical,digitalSignature,keyEncipherment";
        if (ext_usage == NULL)
                ext_usage = options->is_ca ? "" : "serverAuth,clientAuth";
        X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
        X509V3_set_ctx_nodb(&ctx);
        add_extension(x509, &ctx, NID_basic_constraints, options->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
        add_extension(x509, &ctx, NID_key_usage, key_usage);
        add_extension(x509, &ctx, NID_ext_key_usage, ext_usage);
        add_extension(x509, &ctx, NID_subject_alt_name, options->names);
        if (options->no_key_ids)
                return;
        add_extension(x509, &ctx, NID_subject_key_identifier, "hash");
        if (issuer == x509 || X509_get0_subject_key_id(issuer) != NULL)
                add_extension(x509, &ctx, NID_authority_key_identifier, "keyid");
}

struct testca *testca_make(const struct testca *issuer, const struct testca_options *options)
{
        struct testca *ca = MEM_NEW(struct testca);
        const struct testca *signer = issuer == NULL ? ca : issuer;
        const EVP_MD *digest = EVP_get_digestbyname(options->digest == NULL ? "SHA256" : options->digest);

        ca->key = options->reuse_key == NULL ? make_key(options->key) : options->reuse_key;
        if (options->reuse_key != NULL)
                need(EVP_PKEY_up_ref(options->reuse_key) == 1);
        ca->x509 = X509_new();
        need(ca->x509 != NULL && digest != NULL);
        need(X509_set_version(ca->x509, options->version1 ? X509_VERSION_1 : X509_VERSION_3) == 1);
        set_serial(ca->x509, options->serial);
        set_times(ca->x509, options);
        set_subject(ca->x509, options);
        need(X509_set_pubkey(ca->x509, ca->key) == 1);
        need(X509_set_issuer_name(ca->x509, X509_get_subject_name(signer->x509)) == 1);
        if (!options->version1)
                add_extensions(ca->x509, signer->x509, options);
        if (EVP_PKEY_is_a(signer->key, "ED25519") || EVP_PKEY_is_a(signer->key, "ED448"))
                digest = NULL;
        need(X509_sign(ca->x509, signer->key, digest) > 0);
        return ca;
}

struct testca *testca_root(const char *subject)
{
        return testca_make(NULL, &(struct testca_options){ .subject = subject, .is_ca = true });
}

struct testca *testca_intermediate(const struct testca *issuer, const char *subject)
{
        return testca_make(issuer, &(struct testca_options){ .subject = subject, .is_ca = true });
}

struct testca *testca_leaf(const struct testca *issuer, const char *names)
{
        return testca_make(issuer, &(struct testca_options){ .names = names });
}

static struct testca *same_subject(const struct testca *root, EVP_PKEY *key, bool no_key_ids)
{
        struct testca_options options = { .is_ca = true, .reuse_key = key, .no_key_ids = no_key_ids };
        char subject[256];

        need(X509_NAME_get_text_by_NID(X509_get_subject_name(root->x509), NID_commonName, subject,
                                       sizeof(subject)) > 0);
        options.subject = subject;
        options.not_before = time(NULL) - HOUR / 2;
        return testca_make(NULL, &options);
}

struct testca *testca_renewed(const struct testca *root)
{
        return same_subject(root, root->key, X509_get0_subject_key_id(root->x509) == NULL);
}

struct testca *testca_twin(const struct testca *root, bool no_key_ids)
{
        return same_subject(root, NULL, no_key_ids);
}

void testca_free(struct testca *ca)
{
        if (ca == NULL)
                return;
        X509_free(ca->x509);
        EVP_PKEY_free(ca->key);
        mem_free(ca);
}

static char *take_text(BIO *bio)
{
        char *data = NULL;
        long len = BIO_get_mem_data(bio, &data);
        char *text = mem_new((size_t)len + 1);

        if (len > 0)
                memcpy(text, data, (size_t)len);
        BIO_free(bio);
        return text;
}

char *testca_chain_pem(const struct testca *const *list, size_t n)
{
        BIO *bio = BIO_new(BIO_s_mem());

        need(bio != NULL);
        for (size_t i = 0; i < n; i++)
                need(PEM_write_bio_X509(bio, list[i]->x509) == 1);
        return take_text(bio);
}

char *testca_cert_pem(const struct testca *ca)
{
        return testca_chain_pem(&ca, 1);
}

char *testca_key_pem(const struct testca *ca, enum testca_form form, const char *password)
{
        BIO *bio = BIO_new(BIO_s_mem());
        int len = password == NULL ? 0 : (int)strlen(password);
        int ok = 0;

        need(bio != NULL);
        switch (form) {
        case TESTCA_PKCS8:
                ok = PEM_write_bio_PKCS8PrivateKey(bio, ca->key, NULL, NULL, 0, NULL, NULL);
                break;
        case TESTCA_PKCS8_PBES2:
                ok = PEM_write_bio_PKCS8PrivateKey(bio, ca->key, EVP_aes_256_cbc(), password, len, NULL,
                                                   NULL);
                break;
        case TESTCA_PKCS8_PBES1:
                ok = PEM_write_bio_PKCS8PrivateKey_nid(bio, ca->key, NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
                                                       password, len, NULL, NULL);
                break;
        case TESTCA_LEGACY:
                ok = PEM_write_bio_PrivateKey_traditional(bio, ca->key, NULL, NULL, 0, NULL, NULL);
                break;
        case TESTCA_LEGACY_CRYPTED:
                ok = PEM_write_bio_PrivateKey_traditional(bio, ca->key, EVP_aes_256_cbc(),
                                                          (const unsigned char *)password, len, NULL, NULL);
                break;
        }
        need(ok == 1);
        return take_text(bio);
}

char *testca_crlf(const char *text)
{
        char *out = mem_new(2 * strlen(text) + 1);
        char *to = out;

        for (; *text != '\0'; text++) {
                if (*text == '\n')
                        *to++ = '\r';
                *to++ = *text;
        }
        return out;
}
