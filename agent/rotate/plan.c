// SPDX-License-Identifier: Apache-2.0
/*
 * The plan's members, each checked for its type: a plan that is half understood is not followed.
 */
#include "rotate/plan.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/limits.h"

#include <stdio.h>
#include <string.h>

static const char *const phase_names[PLAN_PHASES] = {
        [PLAN_NO_PHASE] = "",
        [PLAN_TRUST] = "trust",
        [PLAN_LEAF] = "leaf",
        [PLAN_PRUNE] = "prune",
};

const char *plan_phase_name(enum plan_phase phase)
{
        return phase_names[phase];
}

static const char *const restart_names[PLAN_RESTARTS] = {
        [PLAN_RESTART_AUTO] = "auto",
        [PLAN_RESTART_ALWAYS] = "true",
        [PLAN_RESTART_NEVER] = "false",
};

const char *plan_restart_name(enum plan_restart restart)
{
        return restart_names[restart];
}

int plan_restart_parse(const char *name)
{
        for (int i = 0; i < PLAN_RESTARTS; i++)
                if (strcmp(restart_names[i], name) == 0)
                        return i;
        return -1;
}

void plan_init(struct plan *out)
{
        *out = (struct plan){ .turn = true };
}

/* NULL when the member is missing; ERR_PARSE when it is there and no text. */
static int get_text(const cJSON *tree, const char *name, const char **out, struct err *err)
{
        const cJSON *node = json_get(tree, name);

        *out = NULL;
        if (node == NULL || cJSON_IsNull(node))
                return 0;
        if (!cJSON_IsString(node))
                return err_set(err, ERR_PARSE, "%s must be a text", name);
        *out = node->valuestring;
        return 0;
}

static int parse_phase(const cJSON *tree, struct plan *out, struct err *err)
{
        const char *text;

        if (get_text(tree, "phase", &text, err) != 0)
                return -1;
        for (int i = 0; text != NULL && i < PLAN_PHASES; i++) {
                if (strcmp(phase_names[i], text) == 0) {
                        out->phase = (enum plan_phase)i;
                        return 0;
                }
        }
        return text == NULL
                       ? 0
                       : err_set(err, ERR_PARSE, "phase is '%.40s': there are trust, leaf and prune", text);
}

static int parse_tls(const cJSON *tree, struct plan *out, struct err *err)
{
        const char *text;
        int mode;

        if (get_text(tree, "tls", &text, err) != 0)
                return -1;
        mode = text == NULL ? TLS_UNMANAGED : tls_mode_parse(text);
        if (mode < 0)
                return err_set(err, ERR_PARSE, "tls is '%.40s': there are off, mixed, on and required", text);
        out->tls = (enum tls_mode)mode;
        return 0;
}

/* Is the instance in the list? *out stays when the list is missing. */
static int parse_instances(const cJSON *tree, const char *name, const char *instance, bool *out,
                           struct err *err)
{
        const cJSON *list = json_get(tree, name);

        if (list == NULL || cJSON_IsNull(list))
                return 0;
        if (!cJSON_IsArray(list))
                return err_set(err, ERR_PARSE, "%s must be a list of instances", name);
        *out = false;
        for (const cJSON *node = list->child; node != NULL; node = node->next) {
                if (!cJSON_IsString(node))
                        return err_set(err, ERR_PARSE, "%s must be a list of instances", name);
                *out = *out || strcmp(node->valuestring, instance) == 0;
        }
        return 0;
}

static int parse_authorities(const cJSON *tree, struct plan *out, struct err *err)
{
        AUTO(pem_done_p) struct pem pem = PEM_INIT;
        const char *text;

        if (get_text(tree, "authorities", &text, err) != 0)
                return -1;
        if (text == NULL || *text == '\0')
                return 0;
        if (pem_parse("authorities", (const uint8_t *)text, strlen(text), &pem, err) != 0)
                return -1;
        return chain_from_pem(&pem, AUTHORITIES_MAX_CERTS, NULL, &out->authorities, err);
}

static int parse_files(const cJSON *tree, struct plan *out, struct err *err)
{
        const cJSON *files = json_get(tree, "files");

        if (files == NULL || cJSON_IsNull(files))
                return 0;
        if (!cJSON_IsObject(files))
                return err_set(err, ERR_PARSE, "files must be an object of Secrets");
        for (const cJSON *node = files->child; node != NULL; node = node->next) {
                struct plan_files *one = &out->files[out->n_files];

                if (out->n_files == PLAN_FILES_MAX)
                        return err_set(err, ERR_LIMIT, "files names more than %d Secrets", PLAN_FILES_MAX);
                if (*node->string == '\0' || strlen(node->string) >= sizeof(one->secret))
                        return err_set(err, ERR_PARSE, "files: '%.40s' is no name of a Secret", node->string);
                if (!cJSON_IsString(node) || !hex_parse_fingerprint(node->valuestring, &one->content))
                        return err_set(err, ERR_PARSE, "files: that of '%.60s' must be a SHA-256 in hex",
                                       node->string);
                (void)snprintf(one->secret, sizeof(one->secret), "%s", node->string);
                out->n_files++;
        }
        return 0;
}

static struct plan_files *find(struct plan *plan, const char *secret)
{
        for (size_t i = 0; i < plan->n_files; i++)
                if (strcmp(plan->files[i].secret, secret) == 0)
                        return &plan->files[i];
        return NULL;
}

static int parse_restart(const cJSON *tree, struct plan *out, struct err *err)
{
        const cJSON *restart = json_get(tree, "restart");

        if (restart == NULL || cJSON_IsNull(restart))
                return 0;
        if (!cJSON_IsObject(restart))
                return err_set(err, ERR_PARSE, "restart must be an object of Secrets");
        for (const cJSON *node = restart->child; node != NULL; node = node->next) {
                struct plan_files *files = find(out, node->string);
                const int how = cJSON_IsString(node) ? plan_restart_parse(node->valuestring) : -1;

                if (how < 0)
                        return err_set(err, ERR_PARSE, "restart: that of '%.60s' must be auto, true or false",
                                       node->string);
                if (files != NULL)
                        files->restart = (enum plan_restart)how;
        }
        return 0;
}

enum plan_restart plan_find_restart(const struct plan *plan, const char *secret)
{
        for (size_t i = 0; secret != NULL && i < plan->n_files; i++)
                if (strcmp(plan->files[i].secret, secret) == 0)
                        return plan->files[i].restart;
        return PLAN_RESTART_AUTO;
}

const struct fingerprint *plan_find_files(const struct plan *plan, const char *secret)
{
        for (size_t i = 0; secret != NULL && i < plan->n_files; i++)
                if (strcmp(plan->files[i].secret, secret) == 0)
                        return &plan->files[i].content;
        return NULL;
}

int plan_parse(const char *text, size_t len, const char *instance, struct plan *out, struct err *err)
{
        AUTO(json_free_p) cJSON *tree = NULL;
        AUTO(plan_done_p) struct plan plan;
        const char *request;
        const char *kind;

        plan_init(&plan);
        if (json_parse(text, len, &tree, err) != 0)
                return -1;
        if (!cJSON_IsObject(tree))
                return err_set(err, ERR_PARSE, "the plan must be an object");
        if (get_text(tree, "request", &request, err) != 0 || get_text(tree, "kind", &kind, err) != 0 ||
            parse_phase(tree, &plan, err) != 0 || parse_tls(tree, &plan, err) != 0 ||
            parse_instances(tree, "turn", instance, &plan.turn, err) != 0 ||
            parse_instances(tree, "reload", instance, &plan.reload, err) != 0 ||
            parse_authorities(tree, &plan, err) != 0 || parse_files(tree, &plan, err) != 0 ||
            parse_restart(tree, &plan, err) != 0)
                return -1;
        plan.given = true;
        plan.generation = json_get_int(tree, "generation", 0);
        (void)snprintf(plan.request, sizeof(plan.request), "%s", request == NULL ? "" : request);
        (void)snprintf(plan.kind, sizeof(plan.kind), "%s", kind == NULL ? "" : kind);
        *out = plan;
        plan.authorities = (struct chain)CHAIN_INIT;
        return 0;
}

int plan_read(const char *path, const char *instance, struct plan *out, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(PLAN_MAX_BYTES + 1);
        struct err why = ERR_INIT;

        if (path == NULL || fs_read(path, PLAN_MAX_BYTES, &text, &why) != 0) {
                if (path != NULL && why.kind != ERR_MISSING) {
                        *err = why;
                        return -1;
                }
                plan_init(out);
                return 0;
        }
        if (plan_parse(buf_str(&text), text.len, instance, out, err) != 0)
                return err_wrap(err, "plan '%.120s'", path);
        return 0;
}

void plan_done(struct plan *plan)
{
        chain_done(&plan->authorities);
}
