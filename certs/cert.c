// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates and their facts. Most of the time goes into d2i_X509, which looks the public key's decoder up
 * each time (250 to 280 microseconds in OpenSSL 3.0): callers share certificates instead of parsing again.
 *
 * The trap: a name from a certificate is text of whoever signed it. It may hold NUL bytes or escape
 * sequences, so what is no plain ASCII is escaped before it becomes a string.
 */
#include "certs/cert.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "certs/ossl.h"

#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define NAME_MAX_BYTES 4096 /* of one subject, issuer or alternative name */

AUTO_DEFINE(GENERAL_NAMES, GENERAL_NAMES_free)

static int read_time(const ASN1_TIME *at, struct wall *out)
{
        struct tm tm = { 0 };

        if (at == NULL || ASN1_TIME_to_tm(at, &tm) != 1)
                return -1;
        out->s = timegm(&tm);
        return 0;
}

/* RFC 2253 in plain ASCII; a name with invalid UTF-8 is written byte by byte. */
static char *read_name(const X509_NAME *name)
{
        AUTO(ossl_bio_free_p) BIO *bio = BIO_new(BIO_s_mem());
        char *data = NULL;
        char *text;
        long len;

        if (bio == NULL)
                return mem_strdup("");
        if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0) {
                (void)BIO_reset(bio);
                (void)X509_NAME_print_ex(bio, name, 0,
                                         XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_UTF8_CONVERT);
        }
        len = BIO_get_mem_data(bio, &data);
        if (len > NAME_MAX_BYTES)
                len = NAME_MAX_BYTES;
        text = mem_new((size_t)len + 1);
        if (len > 0)
                memcpy(text, data, (size_t)len);
        return text;
}

static char *read_serial(const ASN1_INTEGER *serial)
{
        const uint8_t *data = ASN1_STRING_get0_data(serial);
        size_t len = (size_t)ASN1_STRING_length(serial);
        bool negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER;
        char *text;

        if (len > NAME_MAX_BYTES / 2)
                len = NAME_MAX_BYTES / 2;
        if (len == 0)
                return mem_strdup("00");
        text = mem_new(2 * len + 2);
        text[0] = '-';
        (void)hex_encode(data, len, text + negative);
        return text;
}

static void add_escaped(struct buf *out, const ASN1_STRING *string)
{
        const uint8_t *data = ASN1_STRING_get0_data(string);
        int len = ASN1_STRING_length(string);

        for (int i = 0; i < len && i < NAME_MAX_BYTES; i++) {
                if (data[i] > ' ' && data[i] < 0x7f && data[i] != '\\')
                        buf_add_char(out, (char)data[i]);
                else
                        buf_printf(out, "\\x%02x", data[i]);
        }
}

static void add_address(struct buf *out, const ASN1_OCTET_STRING *address)
{
        char text[INET6_ADDRSTRLEN];
        int len = ASN1_STRING_length(address);

        if (len != 4 && len != 16)
                return;
        if (inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text, sizeof(text)) !=
            NULL)
                buf_add_str(out, text);
}

/* NULL for a kind that no database client compares. */
static char *read_general_name(const GENERAL_NAME *name)
{
        AUTO(buf_done_p) struct buf out = BUF_INIT(4 * NAME_MAX_BYTES + 16);
        int type = -1;
        const void *value = GENERAL_NAME_get0_value(name, &type);

        switch (type) {
        case GEN_DNS:
                buf_add_str(&out, "DNS:");
                add_escaped(&out, value);
                break;
        case GEN_IPADD:
                buf_add_str(&out, "IP:");
                add_address(&out, value);
                break;
        case GEN_URI:
                buf_add_str(&out, "URI:");
                add_escaped(&out, value);
                break;
        case GEN_EMAIL:
                buf_add_str(&out, "EMAIL:");
                add_escaped(&out, value);
                break;
        default:
                return NULL;
        }
        return buf_take(&out);
}

static int read_names(struct cert *cert, struct err *err)
{
        int critical = -1;
        AUTO(GENERAL_NAMES_free_p)
        GENERAL_NAMES *names = X509_get_ext_d2i(cert->x509, NID_subject_alt_name, &critical, NULL);
        int n = names == NULL ? 0 : sk_GENERAL_NAME_num(names);

        if (names == NULL && critical != -1)
                return err_set(err, ERR_PARSE, "the subject alternative names of '%.200s' are unreadable",
                               cert->subject);
        if (n > CERT_MAX_NAMES)
                return err_set(err, ERR_LIMIT, "certificate '%.200s' has %d names, more than %d",
                               cert->subject, n, CERT_MAX_NAMES);
        cert->names = mem_array((size_t)n, sizeof(*cert->names));
        for (int i = 0; i < n; i++) {
                char *name = read_general_name(sk_GENERAL_NAME_value(names, i));

                if (name != NULL)
                        cert->names[cert->n_names++] = name;
        }
        return 0;
}

static enum cert_key_type key_type(const EVP_PKEY *key)
{
        if (key == NULL)
                return CERT_KEY_OTHER;
        switch (EVP_PKEY_get_base_id(key)) {
        case EVP_PKEY_RSA:
        case EVP_PKEY_RSA_PSS:
                return CERT_KEY_RSA;
        case EVP_PKEY_EC:
                return CERT_KEY_EC;
        case EVP_PKEY_ED25519:
                return CERT_KEY_ED25519;
        case EVP_PKEY_ED448:
                return CERT_KEY_ED448;
        default:
                return CERT_KEY_OTHER;
        }
}

/* A compressed EC point is the same key as the uncompressed one: hashed in the form that key.c writes. */
static int encode_uncompressed(EVP_PKEY *key, uint8_t **der)
{
        AUTO(EVP_PKEY_free_p) EVP_PKEY *copy = EVP_PKEY_dup(key);

        if (copy == NULL || EVP_PKEY_set_utf8_string_param(copy, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                                           "uncompressed") != 1)
                return -1;
        return i2d_PUBKEY(copy, der);
}

static int read_key(struct cert *cert, struct err *err)
{
        EVP_PKEY *key = X509_get0_pubkey(cert->x509);
        const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(cert->x509);
        AUTO(ossl_free_p) uint8_t *der = NULL;
        int len;

        cert->key_type = key_type(key);
        cert->key_bits = key == NULL ? 0 : EVP_PKEY_get_bits(key);
        if (cert->key_type == CERT_KEY_EC && ASN1_STRING_length(bits) > 0 &&
            (ASN1_STRING_get0_data(bits)[0] & 0xfe) == POINT_CONVERSION_COMPRESSED)
                len = encode_uncompressed(key, &der);
        else
                len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert->x509), &der);
        if (len <= 0)
                return err_set(err, ERR_PARSE, "the public key of '%.200s' is unreadable", cert->subject);
        (void)SHA256(der, (size_t)len, cert->spki.sha256);
        return 0;
}

static void read_usage(struct cert *cert)
{
        uint32_t usage = X509_get_key_usage(cert->x509);
        uint32_t ext_usage = X509_get_extended_key_usage(cert->x509);
        uint32_t wanted = KU_DIGITAL_SIGNATURE;
        int ca = X509_check_ca(cert->x509);

        /* TLS 1.3 signs in every handshake; with RSA, 1.2 may also do without. */
        if (cert->key_type == CERT_KEY_RSA)
                wanted |= KU_KEY_ENCIPHERMENT;
        cert->key_usage_ok = usage == UINT32_MAX || (usage & wanted) != 0;
        cert->server_auth = (ext_usage & (XKU_SSL_SERVER | XKU_ANYEKU)) != 0;
        cert->client_auth = (ext_usage & (XKU_SSL_CLIENT | XKU_ANYEKU)) != 0;
        /* 1: by basicConstraints; 3: X.509 v1, self-signed. The rest of its answers are guesses. */
        cert->is_ca = ca == 1 || ca == 3;
        cert->self_issued =
                X509_NAME_cmp(X509_get_subject_name(cert->x509), X509_get_issuer_name(cert->x509)) == 0;
        cert->has_key_id = X509_get0_subject_key_id(cert->x509) != NULL;
        cert->has_authority_key_id = X509_get0_authority_key_id(cert->x509) != NULL ||
                                     X509_get0_authority_issuer(cert->x509) != NULL;
}

static int read_facts(struct cert *cert, struct err *err)
{
        X509 *x509 = cert->x509;

        if (X509_digest(x509, EVP_sha256(), cert->fp.sha256, NULL) != 1)
                return err_set(err, ERR_INTERNAL, "OpenSSL cannot hash a certificate");
        cert->subject = read_name(X509_get_subject_name(x509));
        cert->issuer = read_name(X509_get_issuer_name(x509));
        cert->serial = read_serial(X509_get0_serialNumber(x509));
        if (read_time(X509_get0_notBefore(x509), &cert->not_before) != 0 ||
            read_time(X509_get0_notAfter(x509), &cert->not_after) != 0)
                return err_set(err, ERR_PARSE, "the dates of certificate '%.200s' are unreadable",
                               cert->subject);
        if (read_key(cert, err) != 0)
                return -1;
        read_usage(cert);
        if (X509_get_signature_info(x509, NULL, NULL, &cert->signature_bits, NULL) != 1)
                cert->signature_bits = 0;
        return read_names(cert, err);
}

int cert_from_x509(X509 *x509, struct cert **out, struct err *err)
{
        AUTO(cert_free_p) struct cert *cert = MEM_NEW(struct cert);
        int result;

        cert->refs = 1;
        if (X509_up_ref(x509) != 1)
                return err_set(err, ERR_INTERNAL, "OpenSSL cannot share a certificate");
        cert->x509 = x509;
        result = read_facts(cert, err);
        /* Extensions and keys of unknown kinds leave reasons behind that the next user would take for its
         * own. */
        ERR_clear_error();
        if (result != 0)
                return -1;
        *out = TAKE(cert);
        return 0;
}

int cert_parse(const uint8_t *der, size_t len, struct cert **out, struct err *err)
{
        const uint8_t *p = der;
        AUTO(X509_free_p) X509 *x509 = NULL;

        if (len > PEM_FILE_MAX_BYTES)
                return err_set(err, ERR_LIMIT, "a certificate of %zu bytes", len);
        x509 = d2i_X509(NULL, &p, (long)len);
        if (x509 == NULL) {
                ERR_clear_error();
                return err_set(err, ERR_PARSE, "is no X.509 certificate, or a damaged one");
        }
        if (p != der + len)
                return err_set(err, ERR_PARSE, "%zu bytes behind the certificate", (size_t)(der + len - p));
        return cert_from_x509(x509, out, err);
}

struct cert *cert_ref(struct cert *cert)
{
        cert->refs++;
        return cert;
}

void cert_free(struct cert *cert)
{
        if (cert == NULL || --cert->refs > 0)
                return;
        for (size_t i = 0; i < cert->n_names; i++)
                mem_free(cert->names[i]);
        mem_free(cert->names);
        mem_free(cert->serial);
        mem_free(cert->issuer);
        mem_free(cert->subject);
        X509_free(cert->x509);
        mem_free(cert);
}

bool cert_covers(const struct cert *cert, const char *name)
{
        struct in6_addr address;
        size_t len = strlen(name);
        bool covers;

        if (inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1) {
                covers = X509_check_ip_asc(cert->x509, name, 0) == 1;
        } else {
                /* An absolute name is the same name. */
                if (len > 1 && name[len - 1] == '.')
                        len--;
                covers = len > 0 && X509_check_host(cert->x509, name, len,
                                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
        }
        ERR_clear_error();
        return covers;
}

bool cert_is_signed_by(const struct cert *cert, const struct cert *issuer)
{
        EVP_PKEY *key = X509_get0_pubkey(issuer->x509);
        bool signed_by;

        if (key == NULL || X509_check_issued(issuer->x509, cert->x509) != X509_V_OK)
                return false;
        signed_by = X509_verify(cert->x509, key) == 1;
        ERR_clear_error();
        return signed_by;
}
