// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * cert-manager's Certificates of one database: what they are to be, and what became of them. Pure. Fuzzed by
 * tests/fuzz/fuzz_certificate.c; that cert-manager really behaves so is held by
 * tests/e2e/test_cert_manager.py.
 */
#include "base/clock.h"
#include "base/json.h"
#include "control/kinds.h"

#define CERTIFICATE_GROUP      "cert-manager.io/v1"
#define CERTIFICATE_ALIAS      "certrotate.io/alias" /* label */
#define CERTIFICATE_INSTANCE   "app.kubernetes.io/instance"
#define CERTIFICATE_MAX_CN     64 /* bytes, of X.509; a longer name stands among the DNS names only */
#define CERTIFICATE_TEXT_BYTES 512

/* What the controller keeps of one. */
struct certificate {
        char *namespace, *name;
        char *database; /* label app.kubernetes.io/instance; "" none */
        char *alias;    /* label certrotate.io/alias, else from the name <db>-<alias>-cert; "" none */
        char *secret;
        char *version; /* resourceVersion */
        char *uid;
        int64_t generation;
        int64_t revision; /* 0: none was issued so far, or it was made anew over a Secret that was there */
        bool is_ready;    /* Ready, observed of this generation */
        bool is_issuing;
        char *problem; /* why the last try failed, else why it is not ready; NULL: neither */
        /*
         * The last try is over and failed (denied, invalid, refused by the issuer): cert-manager makes the
         * next one an hour later, or when it is told to. An issuer that is missing or not ready is no such
         * failure: cert-manager waits for it and says so in the CertificateRequest only, so look at the
         * issuer.
         */
        bool is_denied;
        struct wall not_before, not_after; /* of what is issued; 0: unknown */
        char *issuer;                      /* "Issuer/px-issuer"; "" none */
};

/* ERR_PROTOCOL: not one of cert-manager's. */
int certificate_read(const cJSON *object, struct certificate **out, struct err *err) MUST_CHECK;
void certificate_free(struct certificate *certificate);
AUTO_DEFINE(struct certificate, certificate_free)

struct certificate_wish {
        const struct kind *kind;
        const char *namespace, *database, *alias;
        const char *owner_uid;       /* of the database object; NULL: there is none, and no owner */
        const cJSON *given;          /* entry of spec.tls.certificates, NULL: none */
        const cJSON *issuer;         /* issuerRef; NULL: as it is. One in `given` goes before it */
        const char *const *services; /* names of pods' services beside the database's own; NULL-terminated,
                                        may be NULL */
};

/* "<db>-<alias>-cert". mem_free. */
char *certificate_name(const char *database, const char *alias) MUST_CHECK;
/*
 * The Certificate as it is to be: `have` (NULL: none so far) with what is wished over it. What the wish does
 * not name stays: names are united with those given, single values and each list of the subject replaced. A
 * new one gets KubeDB's labels, names (service, pods, localhost), usages and a new key at each renewal.
 * Without status and without managedFields; with the resourceVersion of `have`.
 *
 * ERR_USAGE    a new one without an issuer; a name that can be none (cert-manager would not tell)
 * ERR_LIMIT    more than CERT_MAX_NAMES names
 * ERR_REFUSED  `have` is labelled as another database's
 */
int certificate_build(const struct certificate_wish *wish, const cJSON *have, cJSON **out,
                      struct err *err) MUST_CHECK;
/* Does `want` say the same as `have`, for cert-manager? Then it need not be written. */
bool certificate_is_same(const cJSON *have, const cJSON *want);
/*
 * Will cert-manager issue anew by itself when `want` is written over `have`? Otherwise (the encoding of the
 * key, a key store, renewBefore) it must be told to. After a roll back (revision 0) cert-manager compares
 * with the Secret only: not the subject, usages and duration. Telling it in any case does no harm: two
 * reasons at one time are one new revision, as long as certificate_issuing_patch is used.
 */
bool certificate_is_reissued(const cJSON *have, const cJSON *want);
/*
 * The merge patch for the subresource status that asks for one new revision (condition Issuing), bound to the
 * resourceVersion of `have`: when cert-manager has begun meanwhile it is refused with 409. Its message names
 * the request. NULL: `have` has no resourceVersion. mem_free.
 */
char *certificate_issuing_patch(const cJSON *have, const char *request, struct wall now) MUST_CHECK;
/*
 * To be created anew from a saved one, a Certificate or its Secret: without uid, versions, status,
 * managedFields, and without a Certificate as owner (that one is gone, and the garbage collector would follow
 * it). cert-manager issues nothing when first the Certificate is deleted, then the Secret put back with all
 * its labels and annotations, then the Certificate created. A Secret that had a Certificate as owner must be
 * deleted in between and created, not overwritten: the collector may be about to delete it.
 */
cJSON *certificate_renewed(const cJSON *saved);
