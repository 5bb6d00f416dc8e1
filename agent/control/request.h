// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * An OpsRequest as the controller reads it. The definition in deploy/crds refuses most of what is wrong, but
 * KubeDB's own has no such rules: it is all checked again here, and said in one sentence that names the
 * field.
 */
#include "base/clock.h"
#include "base/json.h"
#include "control/kinds.h"

#define REQUEST_MERGED    "certrotate.io/merged-from" /* annotation: "a, b" */
#define REQUEST_SCHEDULED "Scheduled"                 /* condition: when a renewal begins, and why not now */

enum request_type { REQUEST_OTHER, REQUEST_TLS, REQUEST_CONFIG };
enum request_phase {
        REQUEST_PENDING, /* "" or "Pending", "Approved" */
        REQUEST_PROGRESSING,
        REQUEST_WAITING, /* WaitingForApproval, Denied: somebody else's */
        REQUEST_SUCCESSFUL,
        REQUEST_FAILED,
        REQUEST_SKIPPED,
};
enum request_tls {
        REQUEST_CHANGE, /* issuer, certificates, flags */
        REQUEST_ROTATE,
        REQUEST_REMOVE,
};
enum request_required { REQUIRED_UNSAID, REQUIRED_NO, REQUIRED_YES };

struct request {
        const struct kind *kind;
        char *namespace, *name;
        char *uid;      /* "" none */
        char *database; /* "" when it names none that could be; then `wrong` says so */
        struct wall created;
        int64_t generation;
        enum request_type type;
        enum request_phase phase;
        bool apply_always;
        int64_t timeout_ms; /* of each step; 0: not said */
        int max_retries;
        enum request_tls tls;           /* of REQUEST_TLS */
        enum request_required required; /* requireSSL, clientTLS, or Postgres' sslMode */
        char *renewal; /* of a rotation: annotation certrotate.io/renewal, what cert-manager has issued
                          already, so that nothing is to be; NULL */
        bool is_auto;  /* label certrotate.io/auto: made by the controller */
        char *merged;  /* of a Reconfigure that has not ended: annotation certrotate.io/merged-from, names of
                          those that are in it; NULL */
        char *scheduled; /* of one by the controller that has not ended: its condition Scheduled says; NULL */
        char *wrong;     /* why it cannot be done, whoever asks: one sentence; NULL: nothing */
        cJSON *spec;     /* the section of its type (spec.tls, spec.configuration), found to be right; NULL
                            when it has ended, is wrong, or is of no type of ours */
};

/*
 * Never fails on what a user wrote: that is `wrong`. A request of another type is nobody's business here, and
 * never wrong: REQUEST_OTHER, as is a Reconfigure with a part that only KubeDB does (Postgres' tuning, Redis'
 * auth). ERR_PROTOCOL: no name, no namespace, no kind of ours. Fuzzed by tests/fuzz/fuzz_request.c.
 */
int request_read(const cJSON *object, struct request **out, struct err *err) MUST_CHECK;
void request_free(struct request *request);
AUTO_DEFINE(struct request, request_free)
bool request_has_ended(const struct request *request);
/* Is there one of that name? */
bool request_is_among(struct request *const *list, size_t n, const char *name);
/* "rotate", "remove", "change", "configure", of others "other": for metrics and messages */
const char *request_operation(const struct request *request);
/* "90s" "1h30m" "2160h0m0s": as Go writes them, hours first; ERR_PARSE. */
int request_duration(const char *text, int64_t *ms, struct err *err) MUST_CHECK;
/* The entry of spec.certificates with that alias, and the issuer that counts for it; NULL: none. */
const cJSON *request_certificate(const struct request *request, const char *alias);
const cJSON *request_issuer(const struct request *request, const char *alias);
/* Is the certificate of that alias to be issued anew? All are by rotateCertificates, those between Postgres'
 * coordinators also by rotateGrpcCertificates. */
bool request_rotates(const struct request *request, const char *alias);
