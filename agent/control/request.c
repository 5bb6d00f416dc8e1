// SPDX-License-Identifier: Apache-2.0
#include "control/request.h"

#include "base/mem.h"
#include "control/request_check.h"
#include "control/request_configuration.h"
#include "control/request_tls.h"
#include "kube/names.h"

#include <limits.h>
#include <string.h>

#define NAME_MAX_BYTES    127 /* of a request: what a plan tells agents */
#define UID_MAX           64
#define RETRIES_MAX       100
#define RETRIES_DEFAULT   1
#define TIMEOUT_LEAST     INT64_C(1000)
#define MERGED_MAX        4096
#define SCHEDULED_MAX     2048
#define RENEWAL_MAX       512
#define ANNOTATION_RENEWS "certrotate.io/renewal"
#define LABEL_AUTO        "certrotate.io/auto"

/* "" or one number with its fraction, and the unit: *p behind it when there is one. */
static bool read_unit(const char **p, char unit, int64_t unit_ms, int64_t *total)
{
        int64_t whole = 0, fraction = 0, scale = INT64_C(1000000000);
        const char *q = *p;
        int digits = 0;

        for (; *q >= '0' && *q <= '9' && digits < 6; q++, digits++)
                whole = whole * 10 + (*q - '0');
        if (digits == 0)
                return false;
        if (*q == '.') {
                const char *dot = q++;

                for (; *q >= '0' && *q <= '9' && scale > 1; q++) {
                        scale /= 10;
                        fraction += (*q - '0') * scale;
                }
                if (q == dot + 1)
                        return false;
        }
        if (*q != unit)
                return false;
        *total += whole * unit_ms + fraction * unit_ms / INT64_C(1000000000);
        *p = q + 1;
        return true;
}

int request_duration(const char *text, int64_t *ms, struct err *err)
{
        char shown[REQUEST_CHECK_SHOWN_MAX];
        const char *p = text;
        int64_t total = 0;

        (void)read_unit(&p, 'h', 3600000, &total);
        (void)read_unit(&p, 'm', 60000, &total);
        (void)read_unit(&p, 's', 1000, &total);
        if (p == text || *p != '\0')
                return err_set(err, ERR_PARSE, "'%s' is not a time such as 90s, 1h30m or 2160h0m0s",
                               request_check_shown(text, shown));
        *ms = total;
        return 0;
}

static enum request_phase read_phase(const cJSON *object)
{
        static const struct {
                const char *name;
                enum request_phase phase;
        } phases[] = {
                { "", REQUEST_PENDING },
                { "Pending", REQUEST_PENDING },
                { "Approved", REQUEST_PENDING },
                { "Progressing", REQUEST_PROGRESSING },
                { "Successful", REQUEST_SUCCESSFUL },
                { "Failed", REQUEST_FAILED },
                { "Skipped", REQUEST_SKIPPED },
        };
        const cJSON *status = json_get(object, "status");
        const char *given = json_get_str(status, "phase");

        if (!request_check_has(status, "phase"))
                return REQUEST_PENDING;
        for (size_t i = 0; given != NULL && i < ARRAY_LEN(phases); i++)
                if (strcmp(phases[i].name, given) == 0)
                        return phases[i].phase;
        /* WaitingForApproval, Denied, and whatever a later KubeDB says. */
        return REQUEST_WAITING;
}

static enum request_type read_type(const struct kind *kind, const cJSON *spec)
{
        const char *type = json_get_str(spec, "type");

        if (type != NULL && strcmp(type, "ReconfigureTLS") == 0)
                return REQUEST_TLS;
        if (type == NULL || strcmp(type, "Reconfigure") != 0 ||
            request_configuration_is_foreign(kind, json_get(spec, "configuration")))
                return REQUEST_OTHER;
        return REQUEST_CONFIG;
}

static int read_database(const cJSON *spec, struct request *request, struct err *err)
{
        const char *name = json_get_str(json_get(spec, "databaseRef"), "name");
        char shown[REQUEST_CHECK_SHOWN_MAX];

        request->database = mem_strdup(name != NULL && kube_names_is_label(name) ? name : "");
        if (request->database[0] != '\0')
                return 0;
        if (name == NULL)
                return request_check_fail(err, "databaseRef.name",
                                          "is missing, use the name of the database");
        return request_check_fail(
                err, "databaseRef.name",
                "'%s' is no name of a database: lower-case letters, digits and '-', at most 63 of them",
                request_check_shown(name, shown));
}

static int read_manner(const cJSON *spec, struct request *request, struct err *err)
{
        static const char *const applies[] = { "IfReady", "Always", NULL };
        const char *apply = applies[0];

        request->max_retries = RETRIES_DEFAULT;
        if (request_check_span(spec, "timeout", TIMEOUT_LEAST, "1s", &request->timeout_ms, err) != 0 ||
            request_check_word(spec, "apply", applies, &apply, err) != 0)
                return -1;
        request->apply_always = apply == applies[1];
        if (request_check_has(spec, "maxRetries")) {
                const cJSON *retries = json_get(spec, "maxRetries");
                const double n = cJSON_IsNumber(retries) ? retries->valuedouble : -1;

                if (!(n >= 0 && n <= RETRIES_MAX) || n != (int)n)
                        return request_check_fail(err, "maxRetries", "must be a whole number from 0 to %d",
                                                  RETRIES_MAX);
                request->max_retries = (int)n;
        }
        return 0;
}

static int read_section(const cJSON *spec, struct request *request, const cJSON **section, struct err *err)
{
        const bool is_tls = request->type == REQUEST_TLS;
        const char *type = is_tls ? "ReconfigureTLS" : "Reconfigure";
        const char *field = is_tls ? "tls" : "configuration";
        const char *other = is_tls ? "configuration" : "tls";
        struct request_tls_wish wish;

        if (request_check_object(spec, field, section, err) != 0)
                return -1;
        if (*section == NULL)
                return request_check_fail(err, field, "is missing, type %s needs it", type);
        if (is_tls) {
                const int rc = request_tls_read(request->kind, request->database, *section, &wish, err);

                request->tls = wish.tls;
                request->required = wish.required;
                if (rc != 0)
                        return request_check_below(err, ".tls");
        } else if (request_configuration_check(request->kind, *section, err) != 0) {
                return request_check_below(err, ".configuration");
        }
        if (request_check_has(spec, other))
                return request_check_fail(err, other,
                                          "does not belong to type %s: make a request of type %s for it",
                                          type, is_tls ? "Reconfigure" : "ReconfigureTLS");
        return 0;
}

/* Says what is wrong with it, the first thing only. */
static int read_spec(const cJSON *spec, struct request *request, const cJSON **section, struct err *err)
{
        const int database = read_database(spec, request, err);

        if (request->type == REQUEST_OTHER)
                return 0;
        if (database != 0 || read_manner(spec, request, err) != 0 ||
            read_section(spec, request, section, err) != 0)
                return request_check_below(err, "spec");
        if (strlen(request->name) > NAME_MAX_BYTES)
                return err_set(err, ERR_USAGE,
                               "metadata.name: is longer than %d characters, use a shorter one",
                               NAME_MAX_BYTES);
        return 0;
}

static const cJSON *condition_of(const cJSON *object, const char *type)
{
        const cJSON *one;

        cJSON_ArrayForEach(one, json_get(json_get(object, "status"), "conditions"))
        {
                const char *have = json_get_str(one, "type");

                if (have != NULL && strcmp(have, type) == 0)
                        return one;
        }
        return NULL;
}

static void read_marks(const cJSON *object, struct request *request)
{
        const cJSON *meta = json_get(object, "metadata");
        const char *mark = json_get_str(json_get(meta, "labels"), LABEL_AUTO);

        request->is_auto = mark != NULL && strcmp(mark, "false") != 0;
        mark = json_get_str(json_get(meta, "annotations"), ANNOTATION_RENEWS);
        if (mark != NULL && request->type == REQUEST_TLS && request->tls == REQUEST_ROTATE)
                request->renewal = mem_printf("%.*s", RENEWAL_MAX, mark);
        mark = json_get_str(json_get(meta, "annotations"), REQUEST_MERGED);
        if (mark != NULL && request->type == REQUEST_CONFIG && !request_has_ended(request))
                request->merged = mem_printf("%.*s", MERGED_MAX, mark);
        mark = json_get_str(condition_of(object, REQUEST_SCHEDULED), "message");
        if (mark != NULL && request->is_auto && !request_has_ended(request))
                request->scheduled = mem_printf("%.*s", SCHEDULED_MAX, mark);
}

static int read_meta(const cJSON *object, struct request *request, struct err *err)
{
        const cJSON *meta = json_get(object, "metadata");
        const char *name = json_get_str(meta, "name"), *namespace = json_get_str(meta, "namespace");
        const char *uid = json_get_str(meta, "uid"), *created = json_get_str(meta, "creationTimestamp");
        const char *group = json_get_str(object, "apiVersion"), *kind = json_get_str(object, "kind");
        struct err ignored;

        request->kind = kind_of_request(kind);
        if (request->kind == NULL || strcmp(request->kind->request, kind) != 0 ||
            (group != NULL && strcmp(group, KIND_OPS_GROUP) != 0))
                return err_set(err, ERR_PROTOCOL, "OpsRequest: of no kind that is known here");
        if (name == NULL || !kube_names_is_subdomain(name))
                return err_set(err, ERR_PROTOCOL, "%s: without a name", kind);
        if (namespace == NULL || !kube_names_is_label(namespace))
                return err_set(err, ERR_PROTOCOL, "%s %s: without a namespace", kind, name);
        request->name = mem_strdup(name);
        request->namespace = mem_strdup(namespace);
        request->uid = mem_strdup(uid != NULL && strlen(uid) <= UID_MAX ? uid : "");
        request->generation = json_get_int(meta, "generation", 0);
        if (created == NULL || clock_parse(created, &request->created, &ignored) != 0)
                request->created = (struct wall){ 0 };
        return 0;
}

int request_read(const cJSON *object, struct request **out, struct err *err)
{
        AUTO(request_free_p) struct request *request = MEM_NEW(struct request);
        const cJSON *spec = json_get(object, "spec"), *section = NULL;
        struct err wrong = ERR_INIT;

        if (read_meta(object, request, err) != 0)
                return -1;
        request->phase = read_phase(object);
        request->type = read_type(request->kind, spec);
        if (read_spec(spec, request, &section, &wrong) != 0 && !request_has_ended(request))
                request->wrong = mem_strdup(wrong.text);
        read_marks(object, request);
        if (request->wrong == NULL && section != NULL && !request_has_ended(request)) {
                request->spec = cJSON_Duplicate(section, true);
                if (request->spec == NULL)
                        abort();
        }
        *out = TAKE(request);
        return 0;
}

void request_free(struct request *request)
{
        if (request == NULL)
                return;
        mem_free(request->namespace);
        mem_free(request->name);
        mem_free(request->uid);
        mem_free(request->database);
        mem_free(request->wrong);
        mem_free(request->renewal);
        mem_free(request->merged);
        mem_free(request->scheduled);
        json_free(request->spec);
        mem_free(request);
}

bool request_has_ended(const struct request *request)
{
        return request->phase >= REQUEST_SUCCESSFUL;
}

bool request_is_among(struct request *const *list, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(list[i]->name, name) == 0)
                        return true;
        return false;
}

const char *request_operation(const struct request *request)
{
        static const char *const of_tls[] = {
                [REQUEST_CHANGE] = "change",
                [REQUEST_ROTATE] = "rotate",
                [REQUEST_REMOVE] = "remove",
        };

        if (request->type == REQUEST_TLS)
                return of_tls[request->tls];
        return request->type == REQUEST_CONFIG ? "configure" : "other";
}

const cJSON *request_certificate(const struct request *request, const char *alias)
{
        const cJSON *entry;

        cJSON_ArrayForEach(entry, json_get(request->spec, "certificates"))
        {
                if (strcmp(json_get_str(entry, "alias"), alias) == 0)
                        return entry;
        }
        return NULL;
}

const cJSON *request_issuer(const struct request *request, const char *alias)
{
        const cJSON *own = request_certificate(request, alias);

        return request_check_has(own, "issuerRef")             ? json_get(own, "issuerRef")
               : request_check_has(request->spec, "issuerRef") ? json_get(request->spec, "issuerRef")
                                                               : NULL;
}

bool request_rotates(const struct request *request, const char *alias)
{
        return json_get_bool(request->spec, "rotateCertificates") ||
               (json_get_bool(request->spec, "rotateGrpcCertificates") && strncmp(alias, "grpc-", 5) == 0);
}
