// SPDX-License-Identifier: Apache-2.0
#include "control/request_entry.h"

#include "base/buf.h"
#include "base/mem.h"
#include "control/request_check.h"
#include "control/request_names.h"

#include <string.h>

#define ENTRIES_MAX      8
#define NAMES_MAX        64
#define TEXTS_MAX        16
#define TEXT_MAX         128
#define NAME_LENGTH_MAX  512
#define DURATION_LEAST   INT64_C(3600000)
#define DURATION_DEFAULT (INT64_C(2160) * 3600000)
#define RENEW_LEAST      INT64_C(300000)

int request_entry_issuer(const cJSON *holder, struct err *err)
{
        static const char *const groups[] = { "cert-manager.io", NULL };
        static const char *const kinds_of[] = { "Issuer", "ClusterIssuer", NULL };
        const char *group = NULL, *kind = NULL, *name = NULL;
        const cJSON *issuer = NULL;

        if (request_check_object(holder, "issuerRef", &issuer, err) != 0)
                return -1;
        if (issuer == NULL)
                return 0;
        if (request_check_word(issuer, "apiGroup", groups, &group, err) != 0 ||
            request_check_word(issuer, "kind", kinds_of, &kind, err) != 0 ||
            request_check_name(issuer, "name", &name, err) != 0)
                return request_check_below(err, ".issuerRef");
        if (kind == NULL)
                return request_check_fail(err, "issuerRef.kind", "is missing, use Issuer or ClusterIssuer");
        if (name == NULL)
                return request_check_fail(err, "issuerRef.name", "is missing, use the name of the issuer");
        return 0;
}

struct names {
        const char *field;
        bool (*is)(const char *name);
        const char *such_as;
};

static int check_names(const cJSON *entry, const struct names *names, struct err *err)
{
        const cJSON *list = NULL, *item;
        int i = 0;

        if (request_check_list(entry, names->field, NAMES_MAX, &list, err) != 0)
                return -1;
        cJSON_ArrayForEach(item, list)
        {
                const char *name = cJSON_GetStringValue(item);
                char shown[REQUEST_CHECK_SHOWN_MAX];

                if (request_check_line(item, NAME_LENGTH_MAX, err) != 0)
                        return request_check_below(err, ".%s[%d]", names->field, i);
                if (!names->is(name)) {
                        request_check_fail_(err, "", "'%s' is no %s", request_check_shown(name, shown),
                                            names->such_as);
                        return request_check_below(err, ".%s[%d]", names->field, i);
                }
                i++;
        }
        return 0;
}

static int check_all_names(const cJSON *entry, struct err *err)
{
        static const struct names all[] = {
                { "dnsNames", request_names_is_dns,
                  "DNS name such as db.example.com or *.example.com (IP addresses go into ipAddresses)" },
                { "ipAddresses", request_names_is_address,
                  "IP address such as 10.0.0.7 or fd00::7 (names go into dnsNames)" },
                { "uris", request_names_is_uri, "URI with a scheme, such as spiffe://example.com/db" },
                { "emailAddresses", request_names_is_email, "e-mail address such as db@example.com" },
        };

        for (size_t i = 0; i < ARRAY_LEN(all); i++)
                if (check_names(entry, &all[i], err) != 0)
                        return -1;
        return 0;
}

static int check_texts(const cJSON *subject, const char *field, struct err *err)
{
        const cJSON *list = NULL, *item;
        int i = 0;

        if (request_check_list(subject, field, TEXTS_MAX, &list, err) != 0)
                return -1;
        cJSON_ArrayForEach(item, list)
        {
                if (request_check_line(item, TEXT_MAX, err) != 0)
                        return request_check_below(err, ".%s[%d]", field, i);
                i++;
        }
        return 0;
}

static int check_subject(const cJSON *entry, struct err *err)
{
        static const char *const parts[] = { "organizations", "countries", "organizationalUnits",
                                             "localities",    "provinces", "streetAddresses",
                                             "postalCodes" };
        const cJSON *subject = NULL;

        if (request_check_object(entry, "subject", &subject, err) != 0)
                return -1;
        for (size_t i = 0; i < ARRAY_LEN(parts); i++)
                if (check_texts(subject, parts[i], err) != 0)
                        return request_check_below(err, ".subject");
        if (request_check_has(subject, "serialNumber") &&
            request_check_line(json_get(subject, "serialNumber"), TEXT_MAX, err) != 0)
                return request_check_below(err, ".subject.serialNumber");
        return 0;
}

static int check_times(const cJSON *entry, struct err *err)
{
        int64_t duration = DURATION_DEFAULT, renew = 0;

        if (request_check_span(entry, "duration", DURATION_LEAST, "1h", &duration, err) != 0 ||
            request_check_span(entry, "renewBefore", RENEW_LEAST, "5m", &renew, err) != 0)
                return -1;
        if (renew < duration)
                return 0;
        return request_check_fail(err, "renewBefore",
                                  "must be shorter than duration (2160h when that is left out)");
}

static int check_key(const cJSON *entry, struct err *err)
{
        static const char *const encodings[] = { "PKCS1", "PKCS8", NULL };
        const char *encoding = NULL;
        const cJSON *key = NULL;

        if (request_check_object(entry, "privateKey", &key, err) != 0)
                return -1;
        if (request_check_word(key, "encoding", encodings, &encoding, err) != 0)
                return request_check_below(err, ".privateKey");
        return 0;
}

static bool equals_default(const char *secret, const char *database, const char *alias)
{
        AUTO(mem_free_p) char *name = mem_printf("%s-%s-cert", database, alias);

        return strcmp(secret, name) == 0;
}

/*
 * Agents read the certificate of the server from the Secret of its default name. Nobody else may write that
 * one, nor those of the other aliases, nor what the controller keeps.
 */
static int check_secret(const struct kind *kind, const char *database, const char *alias, const cJSON *entry,
                        struct err *err)
{
        AUTO(mem_free_p) char *ours = mem_printf("%s-certrotate", database);
        const char *secret = NULL;
        char shown[REQUEST_CHECK_SHOWN_MAX];

        if (request_check_name(entry, "secretName", &secret, err) != 0)
                return -1;
        if (secret == NULL || equals_default(secret, database, alias))
                return 0;
        request_check_shown(secret, shown);
        if (strcmp(alias, kind->aliases[0]) == 0)
                return request_check_fail(
                        err, "secretName",
                        "'%s' is not where agents look: they read the certificate '%s' from the Secret "
                        "%s-%s-cert, leave secretName out",
                        shown, alias, database, alias);
        for (size_t i = 0; kind->aliases[i] != NULL; i++)
                if (equals_default(secret, database, kind->aliases[i]))
                        return request_check_fail(err, "secretName", "'%s' is the Secret of the alias '%s'",
                                                  shown, kind->aliases[i]);
        if (strncmp(secret, ours, strlen(ours)) == 0)
                return request_check_fail(err, "secretName", "'%s' is a name that certrotate uses itself",
                                          shown);
        return 0;
}

static int read_alias(const struct kind *kind, const cJSON *entry, const char **alias, struct err *err)
{
        AUTO(buf_done_p) struct buf all = BUF_INIT(256);
        const char *given = json_get_str(entry, "alias");
        char shown[REQUEST_CHECK_SHOWN_MAX];

        for (size_t i = 0; kind->aliases[i] != NULL; i++)
                buf_printf(&all, "%s%s", i == 0 ? "" : ", ", kind->aliases[i]);
        if (given == NULL)
                return request_check_fail(err, "alias", "is missing, use one of: %s", buf_str(&all));
        if (!kind_has_alias(kind, given))
                return request_check_fail(err, "alias", "'%s' is none of this kind's: %s",
                                          request_check_shown(given, shown), buf_str(&all));
        *alias = given;
        return 0;
}

static int check_entry(const struct kind *kind, const char *database, const cJSON *entry, struct err *err)
{
        const char *alias = NULL;

        if (!cJSON_IsObject(entry))
                return request_check_fail(err, "", "must be an object");
        if (read_alias(kind, entry, &alias, err) != 0 || request_entry_issuer(entry, err) != 0 ||
            check_secret(kind, database, alias, entry, err) != 0 || check_subject(entry, err) != 0 ||
            check_times(entry, err) != 0 || check_all_names(entry, err) != 0 || check_key(entry, err) != 0)
                return -1;
        return 0;
}

/* Does an entry before this one have the same value there? */
static int check_unique(const cJSON *list, const cJSON *entry, const char *field, struct err *err)
{
        const char *value = json_get_str(entry, field);
        const cJSON *other;
        int i = 0;

        cJSON_ArrayForEach(other, list)
        {
                const char *theirs = json_get_str(other, field);

                if (other == entry)
                        return 0;
                if (value != NULL && theirs != NULL && strcmp(value, theirs) == 0)
                        return request_check_fail(err, field, "'%s' is used in certificates[%d] already",
                                                  value, i);
                i++;
        }
        return 0;
}

int request_entry_all(const struct kind *kind, const char *database, const cJSON *tls, struct err *err)
{
        const cJSON *list = NULL, *entry;
        int i = 0;

        if (request_check_list(tls, "certificates", ENTRIES_MAX, &list, err) != 0)
                return -1;
        if (list != NULL && cJSON_GetArraySize(list) == 0)
                return request_check_fail(err, "certificates", "is empty, name at least one or leave it out");
        cJSON_ArrayForEach(entry, list)
        {
                if (check_entry(kind, database, entry, err) != 0 ||
                    check_unique(list, entry, "alias", err) != 0 ||
                    check_unique(list, entry, "secretName", err) != 0)
                        return request_check_below(err, ".certificates[%d]", i);
                i++;
        }
        return 0;
}
