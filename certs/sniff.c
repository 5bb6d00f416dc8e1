// SPDX-License-Identifier: Apache-2.0
/*
 * Telling what a file without a usable PEM block is, by its first bytes.
 */
#include "certs/sniff.h"

#include "base/auto.h"

#include <string.h>

static bool has(const uint8_t *data, size_t len, const char *text)
{
        return memmem(data, len, text, strlen(text)) != NULL;
}

static bool begins(const uint8_t *data, size_t len, const char *bytes, size_t n)
{
        return len >= n && memcmp(data, bytes, n) == 0;
}

/* PKCS#12 is SEQUENCE { INTEGER 3, … }; certificates and keys begin otherwise. */
static bool is_pkcs12(const uint8_t *data, size_t len)
{
        size_t header;

        if (len < 8 || data[0] != 0x30)
                return false;
        header = data[1] < 0x80 ? 2 : 2 + (size_t)(data[1] & 0x7f);
        return header + 3 <= len && begins(data + header, len - header, "\x02\x01\x03", 3);
}

bool sniff_is_blank(const uint8_t *data, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if (strchr(" \t\r\n\v\f", data[i]) == NULL || data[i] == '\0')
                        return false;
        return true;
}

const char *sniff_explain(const uint8_t *data, size_t len)
{
        static const struct {
                const char *text;
                const char *clause;
        } texts[] = {
                { "-----BEGIN OPENSSH PRIVATE KEY-----",
                  "is an OpenSSH key: convert a copy with 'ssh-keygen -p -m PKCS8 -f FILE'" },
                { "-----BEGIN PGP", "is an OpenPGP key, which TLS cannot use" },
                { "-----BEGIN DSA PRIVATE KEY-----",
                  "is a DSA key, which TLS no longer uses: make an EC key" },
                { "-----BEGIN PKCS7-----",
                  "is a PKCS#7 list: convert it with 'openssl pkcs7 -print_certs -in FILE'" },
                { "-----BEGIN CERTIFICATE REQUEST-----",
                  "is a certificate request, not the certificate that the authority made from it" },
                { "-----BEGIN PUBLIC KEY-----", "is a public key" },
        };

        if (sniff_is_blank(data, len))
                return "is empty";
        if (begins(data, len, "LS0tLS1", 7))
                return "is base64 of a PEM file: the Secret was encoded twice (put plain text into "
                       "stringData, or "
                       "encode once into data)";
        if (begins(data, len, "MII", 3) || begins(data, len, "MIG", 3))
                return "is base64 without its -----BEGIN and -----END lines";
        if (begins(data, len, "\xff\xfe", 2) || begins(data, len, "\xfe\xff", 2))
                return "is UTF-16 text: save it as UTF-8 or ASCII";
        if (begins(data, len, "\xfe\xed\xfe\xed", 4))
                return "is a Java key store, not PEM: convert it with 'keytool -importkeystore "
                       "-deststoretype "
                       "PKCS12' and then 'openssl pkcs12'";
        if (is_pkcs12(data, len))
                return "is a PKCS#12 store, not PEM: convert it with 'openssl pkcs12 -in FILE -nodes'";
        if (begins(data, len, "\x30", 1) && len > 2 && (data[1] & 0x80) != 0)
                return "is DER, not PEM: convert it with 'openssl x509 -inform DER -in FILE' or 'openssl "
                       "pkey "
                       "-inform DER -in FILE'";
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                if (has(data, len, texts[i].text))
                        return texts[i].clause;
        if (has(data, len, "-----BEGIN "))
                return "has PEM blocks, but none of the kind wanted here";
        return "is not PEM: no line begins with -----BEGIN";
}
