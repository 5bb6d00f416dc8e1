// SPDX-License-Identifier: Apache-2.0
/*
 * Codes and severities. The rules themselves are in rules.c.
 *
 * The defaults refuse what would break the server or its clients, warn of what a person should know, and
 * ignore what we put right ourselves.
 */
#include "certs/policy.h"

#include "certs/rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 1024

static const struct {
        const char *name;
        enum finding_severity severity;
        const char *help;
} codes[FINDING_CODES] = {
        [FINDING_KEY_MISMATCH] = { "key-mismatch", SEVERITY_REFUSE,
                                   "the private key belongs to another certificate" },
        [FINDING_UNTRUSTED] = { "untrusted", SEVERITY_REFUSE,
                                "the chain does not build to a valid authority beside it" },
        [FINDING_EXPIRED] = { "expired", SEVERITY_REFUSE, "the certificate or an intermediate has expired" },
        [FINDING_NOT_YET_VALID] = { "not-yet-valid", SEVERITY_REFUSE,
                                    "the certificate or an intermediate is not valid yet" },
        [FINDING_ENDS_EARLIER] = { "ends-earlier", SEVERITY_WARN,
                                   "it ends before the certificate served now" },
        [FINDING_GOING_BACK] = { "going-back", SEVERITY_WARN,
                                 "it was issued before the certificate served now" },
        [FINDING_NAME_MISSING] = { "name-missing", SEVERITY_REFUSE,
                                   "a name that clients use is not covered" },
        [FINDING_NAME_DROPPED] = { "name-dropped", SEVERITY_WARN,
                                   "a name of the certificate served now is no longer covered" },
        [FINDING_USAGE] = { "usage", SEVERITY_REFUSE,
                            "key usage or extended key usage forbids a TLS server" },
        [FINDING_CA_AS_LEAF] = { "ca-as-leaf", SEVERITY_REFUSE, "the certificate is an authority" },
        [FINDING_WEAK_KEY] = { "weak-key", SEVERITY_REFUSE, "a key has less than 112 bits of security" },
        [FINDING_WEAK_SIGNATURE] = { "weak-signature", SEVERITY_REFUSE,
                                     "a certificate is signed with SHA-1 or MD5" },
        [FINDING_AUTHORITIES_MISSING] = { "authorities-missing", SEVERITY_WARN,
                                          "there is no file of authorities" },
        [FINDING_AUTHORITIES_EMPTY] = { "authorities-empty", SEVERITY_REFUSE,
                                        "the file of authorities has no certificate" },
        [FINDING_AUTHORITY_EXPIRED] = { "authority-expired", SEVERITY_WARN, "an authority has expired" },
        [FINDING_AUTHORITY_NOT_CA] = { "authority-not-ca", SEVERITY_WARN,
                                       "a certificate among the authorities is none" },
        [FINDING_AUTHORITY_AMBIGUOUS] = { "authority-ambiguous", SEVERITY_WARN,
                                          "two authorities of one name and no key identifier to tell them "
                                          "apart" },
        [FINDING_AUTHORITY_CHANGED] = { "authority-changed", SEVERITY_REFUSE,
                                        "members of the cluster would refuse each other" },
        [FINDING_CHAIN_ORDER] = { "chain-order", SEVERITY_IGNORE,
                                  "the chain was not leaf first; published in order" },
        [FINDING_CHAIN_EXTRA] = { "chain-extra", SEVERITY_WARN,
                                  "certificates that are no part of the chain" },
        [FINDING_ENGINE] = { "engine", SEVERITY_REFUSE, "a rule of the database is broken" },
};

static const char *const severities[] = {
        [SEVERITY_IGNORE] = "ignore",
        [SEVERITY_WARN] = "warn",
        [SEVERITY_REFUSE] = "refuse",
};

void policy_init(struct policy *policy)
{
        for (size_t i = 0; i < FINDING_CODES; i++)
                policy->severity[i] = codes[i].severity;
}

int policy_parse_code(const char *text)
{
        for (size_t i = 0; i < FINDING_CODES; i++)
                if (strcmp(codes[i].name, text) == 0)
                        return (int)i;
        return -1;
}

int policy_parse_severity(const char *text)
{
        for (size_t i = 0; i < ARRAY_LEN(severities); i++)
                if (strcmp(severities[i], text) == 0)
                        return (int)i;
        return -1;
}

const char *policy_code_name(enum finding_code code)
{
        return codes[code].name;
}

const char *policy_severity_name(enum finding_severity severity)
{
        return severities[severity];
}

enum finding_severity policy_default(enum finding_code code)
{
        return codes[code].severity;
}

const char *policy_code_help(enum finding_code code)
{
        return codes[code].help;
}

void policy_add(struct findings *findings, const struct policy *policy, enum finding_code code,
                const char *fmt, ...)
{
        char text[TEXT_MAX];
        va_list ap;

        if (policy->severity[code] == SEVERITY_IGNORE)
                return;
        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        findings_add(findings, code, policy->severity[code], text);
}

void policy_check(const struct bundle *bundle, const struct policy_context *context, struct findings *out)
{
        rules_run(bundle, context, out);
}

const struct finding *policy_refusal(const struct findings *findings)
{
        for (size_t i = 0; i < findings->n; i++)
                if (findings->items[i].severity == SEVERITY_REFUSE)
                        return &findings->items[i];
        return NULL;
}
