// SPDX-License-Identifier: Apache-2.0
/*
 * Reading a record back. A ConfigMap may be edited by anybody who has the right, and what is read here ends
 * in paths and decides what is deleted: each member is checked, and a record that is half understood is none.
 */
#include "control/record.h"

#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "kube/names.h"

#define NUMBER_MAX INT64_C(999999999999999) /* cJSON writes no more digits than fifteen */

static int wrong(const char *key, const char *want, struct err *err)
{
        return err_set(err, ERR_PARSE, "'%s' is no %s", key, want);
}

static bool is_told(const cJSON *item)
{
        return item != NULL && !cJSON_IsNull(item);
}

static int read_text(const cJSON *object, const char *key, char **out, struct err *err)
{
        const cJSON *item = json_get(object, key);

        if (!is_told(item))
                return 0;
        if (!cJSON_IsString(item))
                return wrong(key, "text", err);
        mem_free(*out);
        *out = mem_strdup(item->valuestring);
        return 0;
}

static int read_name(const cJSON *object, const char *key, char **out, struct err *err)
{
        if (read_text(object, key, out, err) != 0)
                return -1;
        return *out == NULL || kube_names_is_subdomain(*out) ? 0 : wrong(key, "name", err);
}

static int read_bool(const cJSON *object, const char *key, bool *out, struct err *err)
{
        const cJSON *item = json_get(object, key);

        if (!is_told(item))
                return 0;
        if (!cJSON_IsBool(item))
                return wrong(key, "true or false", err);
        *out = cJSON_IsTrue(item);
        return 0;
}

/* A whole number from 0 to max. */
static int read_number(const cJSON *object, const char *key, int64_t max, int64_t *out, struct err *err)
{
        const cJSON *item = json_get(object, key);
        int64_t value;

        if (!is_told(item))
                return 0;
        if (!cJSON_IsNumber(item))
                return wrong(key, "number", err);
        value = (int64_t)item->valuedouble;
        if ((double)value != item->valuedouble || value < 0 || value > max)
                return err_set(err, ERR_PARSE, "'%s' is no whole number up to %lld", key, (long long)max);
        *out = value;
        return 0;
}

static int read_mode(const cJSON *object, const char *key, enum tls_mode *out, struct err *err)
{
        const cJSON *item = json_get(object, key);
        int mode;

        if (!is_told(item))
                return 0;
        mode = cJSON_IsString(item) ? tls_mode_parse(item->valuestring) : -1;
        if (mode < 0)
                return wrong(key, "TLS mode", err);
        *out = (enum tls_mode)mode;
        return 0;
}

static int read_time(const cJSON *object, const char *key, struct wall *out, struct err *err)
{
        const cJSON *item = json_get(object, key);
        struct err ignored = ERR_INIT;

        if (!is_told(item))
                return 0;
        if (!cJSON_IsString(item) || clock_parse(item->valuestring, out, &ignored) != 0)
                return wrong(key, "time", err);
        return 0;
}

/* NULL: it is not there. */
static int read_list(const cJSON *object, const char *key, size_t max, const cJSON **out, struct err *err)
{
        const cJSON *item = json_get(object, key);

        *out = NULL;
        if (!is_told(item))
                return 0;
        if (!cJSON_IsArray(item))
                return wrong(key, "list", err);
        if ((size_t)cJSON_GetArraySize(item) > max)
                return err_set(err, ERR_LIMIT, "'%s' has more than %zu entries", key, max);
        for (const cJSON *one = item->child; one != NULL; one = one->next)
                if (!cJSON_IsObject(one))
                        return wrong(key, "list of objects", err);
        *out = item->child;
        return 0;
}

static int read_certificates(const cJSON *object, const char *key, struct record_certificate *list, size_t *n,
                             struct err *err)
{
        const cJSON *one;

        if (read_list(object, key, RECORD_CERTIFICATES_MAX, &one, err) != 0)
                return -1;
        for (; one != NULL; one = one->next) {
                struct record_certificate *out = &list[(*n)++];

                if (read_name(one, "name", &out->name, err) != 0 ||
                    read_text(one, "uid", &out->uid, err) != 0 ||
                    read_number(one, "revision", NUMBER_MAX, &out->revision, err) != 0 ||
                    read_bool(one, "asked", &out->asked, err) != 0)
                        return err_wrap(err, "%s", key);
                if (out->name == NULL)
                        return err_set(err, ERR_PARSE, "%s: 'name' is missing", key);
                if (out->uid == NULL)
                        out->uid = mem_strdup("");
        }
        return 0;
}

static int read_phase(const cJSON *stage, enum plan_phase *out, struct err *err)
{
        const cJSON *item = json_get(stage, "phase");

        if (!is_told(item))
                return 0;
        for (int i = 0; cJSON_IsString(item) && i < PLAN_PHASES; i++) {
                if (strcmp(plan_phase_name((enum plan_phase)i), item->valuestring) == 0) {
                        *out = (enum plan_phase)i;
                        return 0;
                }
        }
        return wrong("phase", "phase", err);
}

static int read_stages(const cJSON *tree, struct record *out, struct err *err)
{
        const cJSON *one;
        int64_t stage = 0;

        if (read_list(tree, "stages", RECORD_STAGES_MAX, &one, err) != 0)
                return -1;
        for (; one != NULL; one = one->next) {
                struct record_stage *next = &out->stages[out->n_stages++];

                if (read_phase(one, &next->phase, err) != 0 || read_mode(one, "mode", &next->mode, err) != 0)
                        return err_wrap(err, "stages");
        }
        /* As many as there are: all of them have been walked. */
        if (read_number(tree, "stage", (int64_t)out->n_stages, &stage, err) != 0)
                return -1;
        out->stage = (size_t)stage;
        return 0;
}

/* A SHA-256 in hex; where `may_be_empty` also none. */
static int read_hash(const cJSON *object, const char *key, bool may_be_empty, char **out, struct err *err)
{
        struct fingerprint hash;

        if (read_text(object, key, out, err) != 0)
                return -1;
        if (*out == NULL || (may_be_empty && **out == '\0') || hex_parse_fingerprint(*out, &hash))
                return 0;
        return wrong(key, "SHA-256", err);
}

static int read_restart(const cJSON *object, enum plan_restart *out, struct err *err)
{
        const cJSON *item = json_get(object, "restart");
        const int how = cJSON_IsString(item) ? plan_restart_parse(item->valuestring) : -1;

        if (!is_told(item))
                return 0;
        if (how < 0)
                return wrong("restart", "way to restart", err);
        *out = (enum plan_restart)how;
        return 0;
}

static int read_files(const cJSON *tree, struct record *out, struct err *err)
{
        const cJSON *one;

        if (read_list(tree, "files", RECORD_FILES_MAX, &one, err) != 0)
                return -1;
        for (; one != NULL; one = one->next) {
                struct record_files *files = &out->files[out->n_files++];

                if (read_name(one, "secret", &files->secret, err) != 0 ||
                    read_hash(one, "hash", true, &files->hash, err) != 0 ||
                    read_hash(one, "before", true, &files->before, err) != 0 ||
                    read_restart(one, &files->restart, err) != 0)
                        return err_wrap(err, "files");
                if (files->secret == NULL)
                        return err_set(err, ERR_PARSE, "files: 'secret' is missing");
        }
        return 0;
}

static int read_step(const cJSON *tree, enum record_step *out, struct err *err)
{
        const char *name = json_get_str(tree, "step");

        for (int i = 0; name != NULL && i < RECORD_STEPS; i++) {
                if (strcmp(record_step_name((enum record_step)i), name) == 0) {
                        *out = (enum record_step)i;
                        return 0;
                }
        }
        return wrong("step", "step that this controller knows", err);
}

/* It is kept in memory for each database. */
static int read_trust(const cJSON *object, const char *key, char **out, struct err *err)
{
        if (read_text(object, key, out, err) != 0)
                return -1;
        if (*out == NULL || strlen(*out) <= RECORD_TRUSTED_MAX)
                return 0;
        return err_set(err, ERR_LIMIT, "'%s' is longer than %zu bytes", key, RECORD_TRUSTED_MAX);
}

static int read_turn(const cJSON *object, struct record *out, struct err *err)
{
        if (read_name(object, "turn", &out->turn, err) != 0)
                return -1;
        return read_text(object, "turnUid", &out->turn_uid, err);
}

static int read_request(const cJSON *tree, struct record *out, struct err *err)
{
        const cJSON *request = json_get(tree, "request");
        int64_t tries = 0;

        if (!is_told(request))
                return 0;
        if (!cJSON_IsObject(request))
                return wrong("request", "object", err);
        if (read_name(request, "name", &out->request, err) != 0 ||
            read_text(request, "kind", &out->kind, err) != 0 ||
            read_text(request, "uid", &out->uid, err) != 0 ||
            read_bool(request, "isTls", &out->is_tls, err) != 0 || read_step(request, &out->step, err) != 0 ||
            read_time(request, "since", &out->since, err) != 0 ||
            read_text(request, "failure", &out->failure, err) != 0 ||
            read_text(request, "reason", &out->reason, err) != 0 ||
            read_bool(request, "paused", &out->paused, err) != 0 ||
            read_bool(request, "saved", &out->saved, err) != 0 ||
            read_bool(request, "issued", &out->issued, err) != 0 ||
            read_number(request, "pods", INT32_MAX, &out->pods, err) != 0 ||
            read_mode(request, "before", &out->before, err) != 0 ||
            read_mode(request, "wanted", &out->wanted, err) != 0 ||
            read_certificates(request, "certificates", out->certificates, &out->n_certificates, err) != 0 ||
            read_stages(request, out, err) != 0 || read_turn(request, out, err) != 0 ||
            read_name(request, "reload", &out->reload, err) != 0 ||
            read_text(request, "authorities", &out->authorities, err) != 0 ||
            read_trust(request, "trusts", &out->trusts, err) != 0 ||
            read_hash(request, "leaf", false, &out->leaf, err) != 0 ||
            read_hash(request, "leafBefore", false, &out->leaf_before, err) != 0 ||
            read_text(request, "lost", &out->lost, err) != 0 || read_files(request, out, err) != 0 ||
            read_number(request, "tries", INT32_MAX, &tries, err) != 0)
                return -1;
        out->tries = (int)tries;
        if (out->request == NULL)
                return err_set(err, ERR_PARSE, "'name' is missing");
        return out->kind == NULL || kube_names_is_kind(out->kind) ? 0 : wrong("kind", "kind", err);
}

int record_parse(const char *text, size_t len, struct record *out, struct err *err)
{
        AUTO(json_free_p) cJSON *tree = NULL;
        AUTO(record_done_p) struct record record;

        record_init(&record);
        if (len > RECORD_MAX_BYTES)
                return err_set(err, ERR_LIMIT, "the record is longer than %zu bytes", RECORD_MAX_BYTES);
        if (json_parse(text, len, &tree, err) != 0)
                return -1;
        if (!cJSON_IsObject(tree))
                return err_set(err, ERR_PARSE, "the record is no object");
        if (read_mode(tree, "mode", &record.mode, err) != 0 ||
            read_number(tree, "generation", NUMBER_MAX, &record.generation, err) != 0 ||
            read_certificates(tree, "served", record.served, &record.n_served, err) != 0)
                return -1;
        if (read_trust(tree, "trusted", &record.trusted, err) != 0 ||
            read_text(tree, "left", &record.left, err) != 0)
                return -1;
        if (read_request(tree, &record, err) != 0)
                return err_wrap(err, "request");
        if (record.request == NULL &&
            (read_turn(tree, &record, err) != 0 || read_files(tree, &record, err) != 0))
                return -1;
        *out = record;
        record_init(&record);
        return 0;
}
