// SPDX-License-Identifier: Apache-2.0
/*
 * The one JSON form of certificates, bundles and findings.
 */
#include "certs/describe.h"

static const char *const key_types[] = {
        [CERT_KEY_RSA] = "RSA",     [CERT_KEY_EC] = "EC",       [CERT_KEY_ED25519] = "Ed25519",
        [CERT_KEY_ED448] = "Ed448", [CERT_KEY_OTHER] = "other",
};

cJSON *describe_cert(const struct cert *cert)
{
        char text[FINGERPRINT_TEXT_MAX];
        char time[CLOCK_TEXT_MAX];
        cJSON *out = json_object();
        cJSON *names = json_array();

        json_add_str(out, "fingerprint", hex_fingerprint(&cert->fp, text));
        json_add_str(out, "subject", cert->subject);
        json_add_str(out, "issuer", cert->issuer);
        json_add_str(out, "serial", cert->serial);
        json_add_str(out, "notBefore", clock_format(cert->not_before, time));
        json_add_str(out, "notAfter", clock_format(cert->not_after, time));
        for (size_t i = 0; i < cert->n_names; i++)
                json_append_str(names, cert->names[i]);
        json_add(out, "names", names);
        json_add_str(out, "keyType", key_types[cert->key_type]);
        json_add_int(out, "keyBits", cert->key_bits);
        json_add_bool(out, "isCA", cert->is_ca);
        return out;
}

static cJSON *describe_list(const struct chain *chain)
{
        cJSON *out = json_array();

        for (size_t i = 0; i < chain->n; i++)
                json_append(out, describe_cert(chain->certs[i]));
        return out;
}

cJSON *describe_bundle(const struct bundle *bundle)
{
        cJSON *out = json_object();

        json_add(out, "leaf", describe_cert(bundle_leaf(bundle)));
        json_add(out, "chain", describe_list(&bundle->chain));
        json_add(out, "authorities", describe_list(&bundle->authorities));
        return out;
}

cJSON *describe_findings(const struct findings *findings)
{
        cJSON *out = json_array();

        for (size_t i = 0; i < findings->n; i++) {
                cJSON *one = json_object();

                json_add_str(one, "code", policy_code_name(findings->items[i].code));
                json_add_str(one, "severity", policy_severity_name(findings->items[i].severity));
                json_add_str(one, "message", findings->items[i].text);
                json_append(out, one);
        }
        return out;
}
