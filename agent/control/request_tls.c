// SPDX-License-Identifier: Apache-2.0
#include "control/request_tls.h"

#include "control/request_check.h"
#include "control/request_entry.h"

#include <string.h>

/* What is asked for; only one of the first three may be. */
struct asked {
        bool remove, rotate, change;
        bool mode;        /* sslMode or clientAuthMode: goes with a change, and alone */
        const char *idle; /* field that is there but is no change by itself */
};

static bool is(const struct kind *kind, const char *database)
{
        return strcmp(kind->database, database) == 0;
}

/* KubeDB counts requireSSL as a change, clientTLS as none. */
static bool requires_by_change(const struct kind *kind)
{
        return kind->require_field != NULL && strcmp(kind->require_field, "requireSSL") == 0;
}

static int read_common(const struct kind *kind, const cJSON *tls, struct asked *asked,
                       struct request_tls_wish *out, struct err *err)
{
        const char *field = kind->require_field;
        bool grpc = false, is_required = false;

        if (request_check_bool(tls, "remove", &asked->remove, err) != 0 ||
            request_check_bool(tls, "rotateCertificates", &asked->rotate, err) != 0)
                return -1;
        if (is(kind, "Postgres") && request_check_bool(tls, "rotateGrpcCertificates", &grpc, err) != 0)
                return -1;
        asked->rotate = asked->rotate || grpc;
        asked->change = request_check_has(tls, "issuerRef") || request_check_has(tls, "certificates");
        if (field == NULL || !request_check_has(tls, field))
                return 0;
        if (request_check_bool(tls, field, &is_required, err) != 0)
                return -1;
        out->required = is_required ? REQUIRED_YES : REQUIRED_NO;
        if (requires_by_change(kind))
                asked->change = true;
        else
                asked->idle = field;
        return 0;
}

static int read_postgres(const cJSON *tls, struct asked *asked, struct request_tls_wish *out, struct err *err)
{
        /* From the fourth on clients cannot connect without TLS. */
        static const char *const modes[] = { "disable",   "allow",       "prefer", "require",
                                             "verify-ca", "verify-full", NULL };
        static const char *const auths[] = { "md5", "scram", "cert", NULL };
        const char *mode = NULL, *auth = NULL;

        if (request_check_word(tls, "sslMode", modes, &mode, err) != 0 ||
            request_check_word(tls, "clientAuthMode", auths, &auth, err) != 0)
                return -1;
        if (mode != NULL) {
                const bool is_weak = mode == modes[0] || mode == modes[1] || mode == modes[2];

                out->required = is_weak ? REQUIRED_NO : REQUIRED_YES;
        }
        asked->mode = mode != NULL || auth != NULL;
        if (asked->remove && out->required == REQUIRED_YES)
                return request_check_fail(err, "sslMode", "'%s' needs TLS and does not go with remove: true",
                                          mode);
        if (asked->remove && auth == auths[2])
                return request_check_fail(err, "clientAuthMode",
                                          "'cert' needs TLS and does not go with remove: true");
        return 0;
}

static int read_redis(const cJSON *tls, struct err *err)
{
        if (!request_check_has(tls, "sentinel"))
                return 0;
        /* Done in half, its sentinels would not find the database any more. */
        return request_check_fail(err, "sentinel",
                                  "certrotate does not change which RedisSentinel is used, "
                                  "make a request of type ReplaceSentinel for it");
}

/* As the definition says it: what counts as a change of this kind. */
static const char *changes(const struct kind *kind)
{
        return requires_by_change(kind) ? "issuerRef, certificates or requireSSL"
                                        : "issuerRef or certificates";
}

static int check_choice(const struct kind *kind, const struct asked *asked, struct err *err)
{
        if ((int)asked->remove + (int)asked->rotate + (int)asked->change > 1)
                return request_check_fail(err, "",
                                          "remove, rotateCertificates and a change (%s) need a request each",
                                          changes(kind));
        if (asked->remove || asked->rotate || asked->change || asked->mode)
                return 0;
        return request_check_fail(err, "", "set %s, or rotateCertificates: true, or remove: true%s%s%s",
                                  is(kind, "Postgres") ? "issuerRef, certificates, sslMode or clientAuthMode"
                                                       : changes(kind),
                                  asked->idle == NULL ? "" : " (", asked->idle == NULL ? "" : asked->idle,
                                  asked->idle == NULL ? "" : " alone changes no certificate)");
}

int request_tls_read(const struct kind *kind, const char *database, const cJSON *tls,
                     struct request_tls_wish *out, struct err *err)
{
        struct asked asked = { .remove = false };

        *out = (struct request_tls_wish){ .tls = REQUEST_CHANGE, .required = REQUIRED_UNSAID };
        if (read_common(kind, tls, &asked, out, err) != 0)
                return -1;
        if (asked.remove)
                out->tls = REQUEST_REMOVE;
        else if (asked.rotate)
                out->tls = REQUEST_ROTATE;
        if (is(kind, "Postgres") && read_postgres(tls, &asked, out, err) != 0)
                return -1;
        if (is(kind, "Redis") && read_redis(tls, err) != 0)
                return -1;
        if (check_choice(kind, &asked, err) != 0)
                return -1;
        if (asked.remove && out->required == REQUIRED_YES)
                return request_check_fail(err, kind->require_field,
                                          "true does not go with remove: true, leave it out");
        if (request_entry_issuer(tls, err) != 0)
                return -1;
        return request_entry_all(kind, database, tls, err);
}
