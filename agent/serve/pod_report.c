// SPDX-License-Identifier: Apache-2.0
/*
 * The report of an agent on its pod. Every text in it has a bound, so that the whole has one.
 */
#include "serve/pod_report.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

/* As much of it as fits, ending with a whole character; what is none, or moves a cursor, as a blank. */
static void copy_text(const char *text, size_t size, char *out)
{
        const uint8_t *p = (const uint8_t *)text;
        size_t n = 0;

        while (*p != 0) {
                const size_t len = utf8_len(p);
                const bool is_text = len > 0 && !utf8_is_control(utf8_decode(p, len));
                const size_t more = is_text ? len : 1;

                if (n + more >= size)
                        break;
                if (is_text)
                        memcpy(out + n, p, len);
                else
                        out[n] = ' ';
                n += more;
                p += len == 0 ? 1 : len;
        }
        out[n] = '\0';
}

static void add_text(cJSON *object, const char *key, const char *text)
{
        char clean[POD_REPORT_TEXT_MAX];

        copy_text(text, sizeof(clean), clean);
        json_add_str(object, key, clean[0] != '\0' ? clean : NULL);
}

static void add_time(cJSON *object, const char *key, struct wall at)
{
        char text[CLOCK_TEXT_MAX];

        json_add_str(object, key, at.s > 0 ? clock_format(at, text) : NULL);
}

static cJSON *write_leaf(const struct status_leaf *leaf)
{
        char text[FINGERPRINT_TEXT_MAX];
        cJSON *tree;

        if (!leaf->known)
                return cJSON_CreateNull();
        tree = json_object();
        json_add_str(tree, "fingerprint", hex_fingerprint(&leaf->fp, text));
        add_time(tree, "notBefore", leaf->not_before);
        add_time(tree, "notAfter", leaf->not_after);
        return tree;
}

static cJSON *write_bundles(const struct status *status)
{
        cJSON *bundles = json_array();
        cJSON *tree = json_object();

        add_text(tree, "alias", status->alias);
        for (enum status_stage stage = STAGE_SOURCE; stage < STAGES; stage++)
                json_add(tree, status_stage_name(stage), write_leaf(&status->stages[stage]));
        json_append(bundles, tree);
        return bundles;
}

static cJSON *write_plan(const struct status_plan *plan)
{
        cJSON *tree;

        if (!plan->given && plan->text[0] == '\0')
                return cJSON_CreateNull();
        tree = json_object();
        add_text(tree, "request", plan->request);
        json_add_int(tree, "generation", plan->generation);
        add_text(tree, "phase", plan->phase);
        json_add_bool(tree, "turn", plan->turn);
        json_add_bool(tree, "held", plan->held);
        json_add_bool(tree, "done", plan->done);
        add_text(tree, "failed", plan->failed);
        if (plan->cannot_restart)
                json_add_bool(tree, "cannotRestart", true);
        add_text(tree, "message", plan->text);
        return tree;
}

/* Nothing has changed in these, and they are over in no time: told, each would cost a write that delays the
 * one which matters. */
static bool is_quiet(const char *step)
{
        static const char *const quiet[] = { "load",   "validate",    "stage",
                                             "report", "files-check", "files-report" };

        for (size_t i = 0; i < ARRAY_LEN(quiet); i++)
                if (strcmp(step, quiet[i]) == 0)
                        return true;
        return false;
}

static cJSON *write_files(const struct status_files *files)
{
        char text[FINGERPRINT_TEXT_MAX];
        cJSON *tree;

        if (!files->used)
                return cJSON_CreateNull();
        tree = json_object();
        add_text(tree, "secret", files->secret);
        json_add_str(tree, "published", hex_fingerprint(&files->published, text));
        json_add_bool(tree, "pending", files->pending);
        add_text(tree, "error", files->text);
        return tree;
}

/* That of the certificate; of the configuration where there is none, or none but that no source is there. */
static cJSON *write_error(const struct status *status)
{
        const struct status_files *files = &status->files;
        const bool is_of_files = files->used && files->reason != ERR_NONE &&
                                 (status->error_kind == ERR_NONE || status->error_kind == ERR_MISSING);
        const enum err_kind kind = is_of_files ? files->reason : status->error_kind;
        cJSON *tree;

        if (kind == ERR_NONE)
                return cJSON_CreateNull();
        tree = json_object();
        json_add_str(tree, "reason", err_reason(kind));
        add_text(tree, "message", is_of_files ? files->text : status->error_text);
        return tree;
}

static cJSON *write_engine(const struct status *status)
{
        cJSON *tree = json_object();

        add_text(tree, "version", status->engine_version);
        add_text(tree, "role", status->engine_role);
        json_add_int(tree, "members", status->engine_members);
        return tree;
}

static cJSON *write_last(const struct status *status)
{
        cJSON *tree;

        if (status->last_rotation.s <= 0)
                return cJSON_CreateNull();
        tree = json_object();
        json_add_str(tree, "result",
                     status->last_result == RESULT_ROLLED_BACK ? "rolledBack"
                                                               : status_result_name(status->last_result));
        add_time(tree, "at", status->last_rotation);
        return tree;
}

void pod_report_write(const struct status *status, struct buf *out)
{
        AUTO(json_free_p) cJSON *tree = json_object();
        AUTO(mem_free_p) char *text = NULL;

        add_text(tree, "agent", status->version);
        add_text(tree, "instance", status->instance);
        add_text(tree, "database", status->database);
        add_text(tree, "tls", status->tls);
        json_add(tree, "bundles", write_bundles(status));
        json_add(tree, "plan", write_plan(&status->plan));
        json_add(tree, "files", write_files(&status->files));
        add_text(tree, "step", is_quiet(status->step) ? "idle" : status->step);
        json_add_bool(tree, "rollingBack", status->rolling_back);
        json_add_bool(tree, "prunePending", status->prune_pending);
        json_add_bool(tree, "degraded", status->degraded || status->files.degraded);
        json_add(tree, "error", write_error(status));
        json_add(tree, "engine", write_engine(status));
        json_add(tree, "lastRotation", write_last(status));
        add_text(tree, "via", status->source_via);
        json_add_bool(tree, "lag", status->source_lag);
        text = json_print(tree, false);
        buf_add_str(out, text);
}

/* Reading. */

static int wrong(const char *key, const char *want, struct err *err)
{
        return err_set(err, ERR_PARSE, "'%s' is no %s", key, want);
}

static bool is_told(const cJSON *item)
{
        return item != NULL && !cJSON_IsNull(item);
}

static int read_text(const cJSON *object, const char *key, size_t size, char *out, struct err *err)
{
        const cJSON *item = json_get(object, key);

        if (!is_told(item))
                return 0;
        if (!cJSON_IsString(item))
                return wrong(key, "text", err);
        copy_text(item->valuestring, size, out);
        return 0;
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

static int read_int(const cJSON *object, const char *key, int64_t *out, struct err *err)
{
        const cJSON *item = json_get(object, key);
        const int64_t value = json_get_int(object, key, -1);

        if (!is_told(item))
                return 0;
        if (!cJSON_IsNumber(item) || value < 0)
                return wrong(key, "number", err);
        *out = value;
        return 0;
}

static int read_time(const cJSON *object, const char *key, struct wall *out, struct err *err)
{
        char text[CLOCK_TEXT_MAX + 8] = "";
        struct err ignored;

        if (read_text(object, key, sizeof(text), text, err))
                return -1;
        if (text[0] != '\0' && clock_parse(text, out, &ignored))
                return wrong(key, "time", err);
        return 0;
}

static int read_object(const cJSON *object, const char *key, const cJSON **out, struct err *err)
{
        const cJSON *item = json_get(object, key);

        *out = is_told(item) ? item : NULL;
        return *out == NULL || cJSON_IsObject(item) ? 0 : wrong(key, "object", err);
}

static int read_leaf(const cJSON *bundle, const char *key, struct pod_report_leaf *out, struct err *err)
{
        char text[FINGERPRINT_TEXT_MAX + 1] = "";
        const cJSON *leaf;

        if (read_object(bundle, key, &leaf, err))
                return -1;
        if (leaf == NULL)
                return 0;
        if (read_text(leaf, "fingerprint", sizeof(text), text, err) ||
            read_time(leaf, "notBefore", &out->not_before, err) ||
            read_time(leaf, "notAfter", &out->not_after, err))
                return -1;
        if (!hex_parse_fingerprint(text, &out->fp))
                return wrong("fingerprint", "SHA-256", err);
        out->known = true;
        return 0;
}

static int read_bundles(const cJSON *tree, struct pod_report *out, struct err *err)
{
        const cJSON *bundles = json_get(tree, "bundles");
        const cJSON *one;

        if (!is_told(bundles))
                return 0;
        if (!cJSON_IsArray(bundles))
                return wrong("bundles", "list", err);
        cJSON_ArrayForEach(one, bundles)
        {
                struct pod_report_bundle *bundle = &out->bundles[out->n_bundles];

                if (out->n_bundles == POD_REPORT_BUNDLES_MAX)
                        return 0;
                if (!cJSON_IsObject(one))
                        return wrong("bundles", "list of objects", err);
                if (read_text(one, "alias", sizeof(bundle->alias), bundle->alias, err))
                        return -1;
                for (enum status_stage stage = STAGE_SOURCE; stage < STAGES; stage++)
                        if (read_leaf(one, status_stage_name(stage), &bundle->stages[stage], err))
                                return -1;
                out->n_bundles++;
        }
        return 0;
}

static int read_plan(const cJSON *tree, struct pod_report *out, struct err *err)
{
        const cJSON *plan;

        if (read_object(tree, "plan", &plan, err))
                return -1;
        if (plan == NULL)
                return 0;
        out->plan.given = true;
        if (read_text(plan, "request", sizeof(out->plan.request), out->plan.request, err) ||
            read_int(plan, "generation", &out->plan.generation, err) ||
            read_text(plan, "phase", sizeof(out->plan.phase), out->plan.phase, err) ||
            read_bool(plan, "turn", &out->plan.turn, err) || read_bool(plan, "held", &out->plan.held, err) ||
            read_bool(plan, "done", &out->plan.done, err) ||
            read_text(plan, "failed", sizeof(out->plan.failed), out->plan.failed, err) ||
            read_bool(plan, "cannotRestart", &out->plan.cannot_restart, err))
                return -1;
        return read_text(plan, "message", sizeof(out->plan.text), out->plan.text, err);
}

static int read_files(const cJSON *tree, struct pod_report *out, struct err *err)
{
        char text[FINGERPRINT_TEXT_MAX + 1] = "";
        const cJSON *files;

        if (read_object(tree, "files", &files, err))
                return -1;
        if (files == NULL)
                return 0;
        out->files.given = true;
        if (read_text(files, "secret", sizeof(out->files.secret), out->files.secret, err) ||
            read_text(files, "published", sizeof(text), text, err) ||
            read_bool(files, "pending", &out->files.pending, err) ||
            read_text(files, "error", sizeof(out->files.error), out->files.error, err))
                return -1;
        if (text[0] != '\0' && !hex_parse_fingerprint(text, &out->files.published))
                return wrong("published", "SHA-256", err);
        return 0;
}

static int read_parts(const cJSON *tree, struct pod_report *out, struct err *err)
{
        const cJSON *error;
        const cJSON *engine;
        const cJSON *last;

        if (read_object(tree, "error", &error, err) || read_object(tree, "engine", &engine, err) ||
            read_object(tree, "lastRotation", &last, err))
                return -1;
        if (read_text(error, "reason", sizeof(out->reason), out->reason, err) ||
            read_text(error, "message", sizeof(out->message), out->message, err) ||
            read_text(engine, "version", sizeof(out->engine.version), out->engine.version, err) ||
            read_text(engine, "role", sizeof(out->engine.role), out->engine.role, err) ||
            read_int(engine, "members", &out->engine.members, err) ||
            read_text(last, "result", sizeof(out->result), out->result, err))
                return -1;
        return read_time(last, "at", &out->at, err);
}

int pod_report_parse(const char *text, size_t len, struct pod_report *out, struct err *err)
{
        AUTO(json_free_p) cJSON *tree = NULL;
        struct pod_report report = { 0 };

        if (len > POD_REPORT_READ_MAX)
                return err_set(err, ERR_LIMIT, "longer than %zu bytes", POD_REPORT_READ_MAX);
        if (json_parse(text, len, &tree, err))
                return -1;
        if (!cJSON_IsObject(tree))
                return err_set(err, ERR_PARSE, "no JSON object");
        if (read_text(tree, "agent", sizeof(report.agent), report.agent, err) ||
            read_text(tree, "instance", sizeof(report.instance), report.instance, err) ||
            read_text(tree, "database", sizeof(report.database), report.database, err) ||
            read_text(tree, "tls", sizeof(report.tls), report.tls, err) || read_bundles(tree, &report, err) ||
            read_plan(tree, &report, err) || read_files(tree, &report, err) ||
            read_text(tree, "step", sizeof(report.step), report.step, err) ||
            read_bool(tree, "rollingBack", &report.rolling_back, err) ||
            read_bool(tree, "prunePending", &report.prune_pending, err) ||
            read_bool(tree, "degraded", &report.degraded, err) || read_parts(tree, &report, err) ||
            read_text(tree, "via", sizeof(report.via), report.via, err) ||
            read_bool(tree, "lag", &report.lag, err))
                return -1;
        *out = report;
        return 0;
}
