// SPDX-License-Identifier: Apache-2.0
/*
 * "Certificate requirements for SQL Server": server authentication in the extended key usage, a key made for
 * key exchange (AT_KEYEXCHANGE, which is RSA), a common name or alternative name that clients ask for; RSA
 * below 2048 bits and signatures below 112 bits are refused by the OpenSSL in its image.
 */
#include "hooks/mssql_rules.h"

#include <openssl/x509v3.h>
#include <string.h>

#define RSA_BITS_MIN       2048
#define SIGNATURE_BITS_MIN 112

static bool has_name(const struct cert *leaf)
{
        if (X509_NAME_get_index_by_NID(X509_get_subject_name(leaf->x509), NID_commonName, -1) >= 0)
                return true;
        for (size_t i = 0; i < leaf->n_names; i++)
                if (strncmp(leaf->names[i], "DNS:", 4) == 0)
                        return true;
        return false;
}

static void check_key(const struct policy *policy, const struct cert *leaf, struct findings *out)
{
        uint32_t usage = X509_get_key_usage(leaf->x509); /* all bits when there is none */

        if (leaf->key_type != CERT_KEY_RSA) {
                policy_add(out, policy, FINDING_ENGINE,
                           "the key is no RSA key: SQL Server takes only keys made for key exchange "
                           "(AT_KEYEXCHANGE), and would not start; issue the certificate with an RSA key (in "
                           "cert-manager: privateKey.algorithm: RSA)");
                return;
        }
        if (leaf->key_bits < RSA_BITS_MIN)
                policy_add(out, policy, FINDING_ENGINE,
                           "the RSA key has %d bits: SQL Server would not start with less than %d",
                           leaf->key_bits, RSA_BITS_MIN);
        if (!(usage & KU_KEY_ENCIPHERMENT))
                policy_add(out, policy, FINDING_ENGINE,
                           "the key usage has no key encipherment, which SQL Server asks for: add it (in "
                           "cert-manager: usages: [digital signature, key encipherment, server auth])");
}

void mssql_rules_check(const struct database *database, const struct bundle *fresh,
                       const struct bundle *published UNUSED, struct findings *out)
{
        const struct policy *policy = database->settings->policy;
        const struct cert *leaf = bundle_leaf(fresh);

        check_key(policy, leaf, out);
        if (X509_get_extended_key_usage(leaf->x509) == UINT32_MAX)
                policy_add(out, policy, FINDING_ENGINE,
                           "the certificate has no extended key usage: SQL Server takes only one that says "
                           "server authentication");
        for (size_t i = 0; i < fresh->chain.n; i++)
                if (fresh->chain.certs[i]->signature_bits < SIGNATURE_BITS_MIN)
                        policy_add(
                                out, policy, FINDING_ENGINE,
                                "the signature of '%.120s' is weaker than SHA-2: the OpenSSL of SQL Server "
                                "refuses it",
                                fresh->chain.certs[i]->subject);
        if (!has_name(leaf))
                policy_add(
                        out, policy, FINDING_ENGINE,
                        "the certificate has neither a common name nor a DNS name: SQL Server asks for the "
                        "host's name in one of them");
}
