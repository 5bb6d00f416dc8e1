// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Judging a bundle before anything is touched. Servers do not look at dates or issuers themselves: MariaDB
 * loads an expired leaf without a word. Each finding has a code that people can name in the configuration, a
 * severity, and one sentence: what, where, what to do.
 */
#include "certs/bundle.h"

enum finding_code {
        FINDING_KEY_MISMATCH,  /* key-mismatch         key does not belong to the leaf */
        FINDING_UNTRUSTED,     /* untrusted            chain does not build to the authorities beside it */
        FINDING_EXPIRED,       /* expired */
        FINDING_NOT_YET_VALID, /* not-yet-valid */
        FINDING_ENDS_EARLIER,  /* ends-earlier         ends before the one served */
        FINDING_GOING_BACK,    /* going-back           issued before the one served */
        FINDING_NAME_MISSING,  /* name-missing         a configured name is not covered */
        FINDING_NAME_DROPPED,  /* name-dropped         a name of the served leaf is no longer covered */
        FINDING_USAGE,         /* usage                key usage or extended key usage forbids a TLS server */
        FINDING_CA_AS_LEAF,    /* ca-as-leaf           the leaf is an authority */
        FINDING_WEAK_KEY,      /* weak-key             below 112 bits of security */
        FINDING_WEAK_SIGNATURE,      /* weak-signature       SHA-1, MD5 */
        FINDING_AUTHORITIES_MISSING, /* authorities-missing  no ca.crt at all */
        FINDING_AUTHORITIES_EMPTY,   /* authorities-empty    a ca.crt without a certificate */
        FINDING_AUTHORITY_EXPIRED,   /* authority-expired */
        FINDING_AUTHORITY_NOT_CA,    /* authority-not-ca */
        FINDING_AUTHORITY_AMBIGUOUS, /* authority-ambiguous  same subject twice, leaf without authority key
                                        identifier */
        FINDING_AUTHORITY_CHANGED,   /* authority-changed    members of a cluster would refuse each other
                                        (drivers) */
        FINDING_CHAIN_ORDER,         /* chain-order          was not leaf first; published in order */
        FINDING_CHAIN_EXTRA,         /* chain-extra          certificates that are no part of the chain */
        FINDING_ENGINE,              /* engine               a rule of the database (drivers) */
        FINDING_CODES,
};

enum finding_severity { SEVERITY_IGNORE, SEVERITY_WARN, SEVERITY_REFUSE };

struct finding {
        enum finding_code code;
        enum finding_severity severity;
        char *text; /* one sentence */
};

struct findings {
        struct finding *items; /* worst first after policy_check */
        size_t n;
};

#define FINDINGS_INIT                                                                                        \
        {                                                                                                    \
                NULL, 0                                                                                      \
        }

struct policy {
        enum finding_severity severity[FINDING_CODES];
};

struct policy_context {
        const struct policy *policy;
        struct wall now;
        const char *const *names; /* that clients use; may be empty */
        size_t n_names;
        const struct cert *served;        /* leaf served or published now; NULL when none */
        const struct bundle_names *files; /* what sentences call the files; NULL: tls.crt, tls.key, ca.crt */
};

void policy_init(struct policy *policy);
/* "key-mismatch" and so on; -1 when unknown. */
int policy_parse_code(const char *text);
/* "ignore" "warn" "refuse"; -1 when unknown. */
int policy_parse_severity(const char *text);
const char *policy_code_name(enum finding_code code);
const char *policy_severity_name(enum finding_severity severity);
/* Default severity of a code. */
enum finding_severity policy_default(enum finding_code code);
/* One line for the man page and `certrotate check --help`. */
const char *policy_code_help(enum finding_code code);

/* All findings of a bundle, appended to out, ignored ones left out, worst first. Pure. */
void policy_check(const struct bundle *bundle, const struct policy_context *context, struct findings *out);
/* For drivers: severity from the policy. */
void policy_add(struct findings *findings, const struct policy *policy, enum finding_code code,
                const char *fmt, ...) FORMAT(4, 5);
/* The first finding that refuses, or NULL. */
const struct finding *policy_refusal(const struct findings *findings);
/* One at its place; text is copied and made one line. */
void findings_add(struct findings *findings, enum finding_code code, enum finding_severity severity,
                  const char *text);
void findings_done(struct findings *findings);
static inline UNUSED void findings_done_p(struct findings *findings)
{
        findings_done(findings);
}
