// SPDX-License-Identifier: Apache-2.0
/*
 * Private keys from DER, by their known type.
 *
 * OpenSSL 3.0 looks for a fitting decoder among all it has, at every call: 660 to 810 microseconds for an EC
 * key and 490 to 530 for an RSA key, against 29 and 2 for the type's own reader (medians on the same
 * machine). Those readers are marked deprecated and have no successor in 3.0 that does not search, hence the
 * pragma around the block that uses them.
 *
 * The public half of a key file is only a claim: it is computed from the private one (EC) or the two are
 * checked against each other (RSA). Otherwise a leaf could seem to fit a key that cannot sign for it.
 */
#include "certs/key_decode.h"

#include "certs/ossl.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdbool.h>

#define RSA_MAX_BITS 16384 /* OPENSSL_RSA_MAX_MODULUS_BITS */

/* A failing OpenSSL call leaves its reasons in a queue that the next user of this thread would take for its
 * own. */
#define REFUSE(err, ...) (ERR_clear_error(), err_set((err), ERR_PARSE, __VA_ARGS__))

static void bn_ctx_free(BN_CTX *ctx)
{
        BN_CTX_end(ctx);
        BN_CTX_free(ctx);
}
AUTO_DEFINE(BN_CTX, bn_ctx_free)
AUTO_DEFINE(EC_POINT, EC_POINT_free)
AUTO_DEFINE(ASN1_OBJECT, ASN1_OBJECT_free)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

AUTO_DEFINE(EC_KEY, EC_KEY_free)
AUTO_DEFINE(RSA, RSA_free)

/* (a * b) mod m is 1: b undoes a. `less` is taken from m first. */
static bool is_inverse(const BIGNUM *a, const BIGNUM *b, const BIGNUM *m, unsigned less, BN_CTX *ctx)
{
        BIGNUM *product = BN_CTX_get(ctx);
        BIGNUM *modulus = BN_CTX_get(ctx);

        return modulus != NULL && BN_copy(modulus, m) != NULL && BN_sub_word(modulus, less) == 1 &&
               !BN_is_zero(modulus) && BN_mod_mul(product, a, b, modulus, ctx) == 1 && BN_is_one(product);
}

/* Nothing is longer than the modulus: numbers of a megabit would take seconds to multiply. */
static bool rsa_is_small(const RSA *rsa)
{
        const BIGNUM *const numbers[] = { RSA_get0_e(rsa),   RSA_get0_d(rsa),    RSA_get0_p(rsa),
                                          RSA_get0_q(rsa),   RSA_get0_dmp1(rsa), RSA_get0_dmq1(rsa),
                                          RSA_get0_iqmp(rsa) };

        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
                if (BN_num_bits(numbers[i]) > RSA_bits(rsa))
                        return false;
        return true;
}

/* Everything but the primality of p and q, for which RSA_check_key takes 48 milliseconds. */
static bool rsa_fits(const RSA *rsa)
{
        AUTO(bn_ctx_free_p) BN_CTX *ctx = BN_CTX_new();
        const BIGNUM *n = RSA_get0_n(rsa);
        const BIGNUM *e = RSA_get0_e(rsa);
        const BIGNUM *d = RSA_get0_d(rsa);
        const BIGNUM *p = RSA_get0_p(rsa);
        const BIGNUM *q = RSA_get0_q(rsa);
        BIGNUM *product;

        if (ctx == NULL)
                return false;
        BN_CTX_start(ctx);
        product = BN_CTX_get(ctx);
        if (product == NULL || BN_is_zero(p) || BN_is_zero(q) || BN_is_one(p) || BN_is_one(q) ||
            BN_is_negative(p) || BN_is_negative(q) || BN_is_negative(d) || BN_is_negative(e))
                return false;
        return BN_mul(product, p, q, ctx) == 1 && BN_cmp(product, n) == 0 && is_inverse(e, d, p, 1, ctx) &&
               is_inverse(e, d, q, 1, ctx) && is_inverse(e, RSA_get0_dmp1(rsa), p, 1, ctx) &&
               is_inverse(e, RSA_get0_dmq1(rsa), q, 1, ctx) && is_inverse(q, RSA_get0_iqmp(rsa), p, 0, ctx);
}

static int decode_rsa(const uint8_t *der, size_t len, EVP_PKEY **out, struct err *err)
{
        const uint8_t *p = der;
        AUTO(RSA_free_p) RSA *rsa = d2i_RSAPrivateKey(NULL, &p, (long)len);
        AUTO(EVP_PKEY_free_p) EVP_PKEY *pkey = EVP_PKEY_new();

        if (rsa == NULL || p != der + len)
                return REFUSE(err, "is no RSA private key (PKCS#1)");
        if (RSA_get_multi_prime_extra_count(rsa) > 0)
                return REFUSE(err, "is an RSA key of more than two primes, which TLS libraries refuse");
        if (RSA_bits(rsa) > RSA_MAX_BITS)
                return REFUSE(err, "is an RSA key of %d bits, more than %d", RSA_bits(rsa), RSA_MAX_BITS);
        if (!rsa_is_small(rsa) || !rsa_fits(rsa))
                return REFUSE(err, "is damaged: the numbers of the RSA key do not belong together");
        if (pkey == NULL || EVP_PKEY_assign_RSA(pkey, rsa) != 1)
                return err_set(err, ERR_INTERNAL, "OpenSSL refuses the RSA key");
        (void)TAKE(rsa);
        *out = TAKE(pkey);
        return 0;
}

/* Sets the public half computed from the private one; false when the file claimed another. */
static bool ec_fits(EC_KEY *ec)
{
        const EC_GROUP *group = EC_KEY_get0_group(ec);
        const EC_POINT *claimed = EC_KEY_get0_public_key(ec);
        const BIGNUM *secret = EC_KEY_get0_private_key(ec);
        AUTO(EC_POINT_free_p) EC_POINT *point = EC_POINT_new(group);

        if (point == NULL || secret == NULL || BN_is_zero(secret) || BN_is_negative(secret) ||
            BN_cmp(secret, EC_GROUP_get0_order(group)) >= 0 ||
            EC_POINT_mul(group, point, secret, NULL, NULL, NULL) != 1)
                return false;
        if (claimed != NULL && EC_POINT_cmp(group, claimed, point, NULL) != 0)
                return false;
        return EC_KEY_set_public_key(ec, point) == 1;
}

/* curve: of the PKCS#8 algorithm, NID_undef when the key itself names it. */
static int decode_ec(const uint8_t *der, size_t len, int curve, EVP_PKEY **out, struct err *err)
{
        AUTO(EC_KEY_free_p)
        EC_KEY *ec = curve == NID_undef ? EC_KEY_new() : EC_KEY_new_by_curve_name(curve);
        AUTO(EVP_PKEY_free_p) EVP_PKEY *pkey = EVP_PKEY_new();
        const uint8_t *p = der;

        if (ec == NULL)
                return REFUSE(err, "is a key on a curve that OpenSSL does not know");
        if (d2i_ECPrivateKey(&ec, &p, (long)len) == NULL || p != der + len)
                return REFUSE(err, "is no EC private key (SEC1)");
        if (EC_KEY_get0_group(ec) == NULL)
                return REFUSE(err, "is an EC key that does not name its curve");
        if (EC_KEY_decoded_from_explicit_params(ec) == 1 ||
            EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) == NID_undef)
                return REFUSE(err, "spells its curve out instead of naming it: TLS wants a named curve");
        if (curve != NID_undef && EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) != curve)
                return REFUSE(err, "names two different curves");
        if (!ec_fits(ec))
                return REFUSE(err, "is damaged: the halves of the EC key do not belong together");
        /* One form for all, so that equal keys have equal bytes. */
        EC_KEY_set_conv_form(ec, POINT_CONVERSION_UNCOMPRESSED);
        EC_KEY_set_enc_flags(ec, 0);
        if (pkey == NULL || EVP_PKEY_assign_EC_KEY(pkey, ec) != 1)
                return err_set(err, ERR_INTERNAL, "OpenSSL refuses the EC key");
        (void)TAKE(ec);
        *out = TAKE(pkey);
        return 0;
}

#pragma GCC diagnostic pop

struct der {
        const uint8_t *p;
        const uint8_t *end;
};

/* The content of the next element when it has this tag; `in` then stands behind it. */
static bool der_next(struct der *in, int want, struct der *out)
{
        const uint8_t *p = in->p;
        long len = 0;
        int tag = 0;
        int class = 0;
        int form;

        if (in->p == in->end)
                return false;
        form = ASN1_get_object(&p, &len, &tag, &class, in->end - in->p);
        /* 0x80 is an error, bit 0 the indefinite length that DER has not. */
        if ((form & 0x81) != 0 || class != V_ASN1_UNIVERSAL || tag != want)
                return false;
        *out = (struct der){ p, p + len };
        in->p = p + len;
        return true;
}

static int next_oid(struct der *in)
{
        const uint8_t *start = in->p;
        AUTO(ASN1_OBJECT_free_p) ASN1_OBJECT *object = NULL;
        struct der content;

        if (!der_next(in, V_ASN1_OBJECT, &content))
                return NID_undef;
        object = d2i_ASN1_OBJECT(NULL, &start, in->p - start);
        return object == NULL ? NID_undef : OBJ_obj2nid(object);
}

static int decode_raw(int type, const struct der *key, EVP_PKEY **out, struct err *err)
{
        struct der inner = *key;
        struct der raw;

        if (!der_next(&inner, V_ASN1_OCTET_STRING, &raw) || inner.p != inner.end)
                return REFUSE(err, "holds no %s key", OBJ_nid2sn(type));
        *out = EVP_PKEY_new_raw_private_key(type, NULL, raw.p, (size_t)(raw.end - raw.p));
        if (*out == NULL)
                return REFUSE(err, "holds no %s key of the right length", OBJ_nid2sn(type));
        return 0;
}

/*
 * RFC 5958: version, algorithm, key, and then attributes or a public key that are not looked at. Read here
 * because OpenSSL 3.0 knows version 1 only and ring, among others, writes version 2.
 */
static int decode_pkcs8(const uint8_t *der, size_t len, EVP_PKEY **out, struct err *err)
{
        struct der in = { der, der + len };
        struct der outer;
        struct der version;
        struct der algorithm;
        struct der key;
        int type;
        int curve;

        if (!der_next(&in, V_ASN1_SEQUENCE, &outer) || in.p != in.end ||
            !der_next(&outer, V_ASN1_INTEGER, &version) || !der_next(&outer, V_ASN1_SEQUENCE, &algorithm) ||
            !der_next(&outer, V_ASN1_OCTET_STRING, &key))
                return REFUSE(err, "is no private key (PKCS#8)");
        type = next_oid(&algorithm);
        switch (type) {
        case NID_rsaEncryption:
                return decode_rsa(key.p, (size_t)(key.end - key.p), out, err);
        case NID_X9_62_id_ecPublicKey:
                curve = next_oid(&algorithm);
                if (curve == NID_undef)
                        return REFUSE(err, "is an EC key without a known named curve");
                return decode_ec(key.p, (size_t)(key.end - key.p), curve, out, err);
        case NID_ED25519:
        case NID_ED448:
                return decode_raw(type, &key, out, err);
        default:
                return REFUSE(err, "has the type %s: RSA, EC, Ed25519 and Ed448 are supported",
                              type == NID_undef ? "unknown" : OBJ_nid2ln(type));
        }
}

int key_decode(enum key_decode_form form, const uint8_t *der, size_t len, EVP_PKEY **out, struct err *err)
{
        switch (form) {
        case KEY_DECODE_PKCS8:
                return decode_pkcs8(der, len, out, err);
        case KEY_DECODE_RSA:
                return decode_rsa(der, len, out, err);
        case KEY_DECODE_EC:
                return decode_ec(der, len, NID_undef, out, err);
        }
        return err_set(err, ERR_INTERNAL, "unknown form");
}
