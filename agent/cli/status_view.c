// SPDX-License-Identifier: Apache-2.0
/*
 * One screen: first whether all is well, then what is served until when, then what is wrong.
 */
#include "cli/status_view.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/terminal.h"

#define SHORT_FINGERPRINT 16

static const char *text_of(const cJSON *object, const char *key, const char *fallback)
{
        const char *text = json_get_str(object, key);

        return text != NULL && text[0] != '\0' ? text : fallback;
}

static bool is_known(const cJSON *leaf)
{
        return json_get_str(leaf, "fingerprint") != NULL;
}

static const char *health_of(const cJSON *tree, const char *probe)
{
        return text_of(json_get(json_get(tree, "health"), probe), "status", "unknown");
}

bool status_view_is_well(const cJSON *tree)
{
        const char *ready = health_of(tree, "ready");

        return !json_get_bool(tree, "degraded") && strcmp(health_of(tree, "live"), "ok") == 0 &&
               (strcmp(ready, "ok") == 0 || strcmp(ready, "warn") == 0);
}

static void row(struct terminal_table *table, const char *name, const char *text, enum terminal_style style)
{
        terminal_table_row(table, (const struct terminal_cell[]){ { name, STYLE_DIM }, { text, style } }, 2);
}

/* The messages of all checks that are not fine. */
static void add_health(struct terminal_table *table, const cJSON *tree)
{
        static const char *const probes[] = { "live", "ready", "startup" };
        const bool is_well = status_view_is_well(tree);

        row(table, "health",
            is_well                           ? "well"
            : json_get_bool(tree, "degraded") ? "DEGRADED"
                                              : "NOT WELL",
            is_well ? STYLE_GOOD : STYLE_BAD);
        for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
                const cJSON *check;

                cJSON_ArrayForEach(check, json_get(json_get(json_get(tree, "health"), probes[i]), "checks"))
                {
                        const char *status = text_of(check, "status", "ok");

                        if (strcmp(status, "ok") != 0)
                                row(table, "", text_of(check, "message", "?"),
                                    strcmp(status, "warn") == 0 ? STYLE_WARN : STYLE_BAD);
                }
        }
}

static void add_leaf(struct terminal_table *table, const cJSON *tree, const char *stage,
                     const struct status_view *view)
{
        const cJSON *leaf = json_get(json_get(tree, "stages"), stage);
        const cJSON *published = json_get(json_get(tree, "stages"), "published");
        const int shown = view->wide ? 64 : SHORT_FINGERPRINT;
        const char *fp = text_of(leaf, "fingerprint", "");
        AUTO(mem_free_p) char *text = NULL;
        const char *not_after = text_of(leaf, "notAfter", "");
        struct err ignored;
        struct wall end;
        char until[40];
        const bool is_same = strcmp(fp, text_of(published, "fingerprint", "")) == 0;

        if (!is_known(leaf) || clock_parse(not_after, &end, &ignored)) {
                row(table, stage, "unknown", STYLE_WARN);
                return;
        }
        text = mem_printf("%.*s  until %s (%s)%s", shown, fp, not_after,
                          terminal_until(end, view->now, until), is_same ? "" : "  differs from published");
        row(table, stage, text, end.s <= view->now.s || !is_same ? STYLE_BAD : STYLE_PLAIN);
}

static void add_rotation(struct terminal_table *table, const cJSON *tree, const struct status_view *view)
{
        const cJSON *rotation = json_get(tree, "rotation");
        const cJSON *rotations = json_get(json_get(tree, "history"), "rotations");
        const char *step = text_of(rotation, "step", "unknown");
        AUTO(mem_free_p)
        char *now = mem_printf("%s%s%s, since %s", step,
                               json_get_bool(rotation, "rollingBack") ? ", rolling back" : "",
                               json_get_bool(rotation, "reloadPending") ? ", waits for the reload" : "",
                               text_of(rotation, "since", "the start"));
        AUTO(mem_free_p)
        char *counts = mem_printf("%lld done, %lld refused, %lld failed, %lld rolled back; last success %s",
                                  (long long)json_get_int(rotations, "success", 0),
                                  (long long)json_get_int(rotations, "refused", 0),
                                  (long long)json_get_int(rotations, "failed", 0),
                                  (long long)json_get_int(rotations, "rolledBack", 0),
                                  text_of(json_get(tree, "history"), "lastSuccess", "never"));
        const cJSON *one;

        row(table, "step", now, STYLE_PLAIN);
        row(table, "rotations", counts, STYLE_PLAIN);
        if (!view->wide)
                return;
        row(table, "source dir", text_of(tree, "source", "unknown"), STYLE_PLAIN);
        row(table, "publish dir", text_of(tree, "publish", "unknown"), STYLE_PLAIN);
        cJSON_ArrayForEach(one, json_get(rotation, "steps"))
        {
                const cJSON *seconds = json_get(one, "seconds");
                const int64_t n = json_get_int(one, "count", 0);
                AUTO(mem_free_p) char *text = NULL;

                if (n <= 0 || !cJSON_IsNumber(seconds))
                        continue;
                text = mem_printf("%s: %lld times, %.1f ms on average", text_of(one, "name", "?"),
                                  (long long)n, seconds->valuedouble * 1000 / (double)n);
                row(table, "", text, STYLE_DIM);
        }
}

static void add_plan(struct terminal_table *table, const cJSON *tree)
{
        const cJSON *plan = json_get(tree, "plan");
        const bool done = json_get_bool(plan, "done");
        const char *problem = json_get_str(plan, "message");
        AUTO(mem_free_p) char *text = NULL;

        if (json_get_str(tree, "tls") != NULL)
                row(table, "tls", json_get_str(tree, "tls"), STYLE_PLAIN);
        if (cJSON_IsObject(plan)) {
                const char *phase = json_get_str(plan, "phase");

                text = mem_printf("%s%s%s, %s", text_of(plan, "request", "unnamed"),
                                  phase == NULL ? "" : ", phase ", phase == NULL ? "" : phase,
                                  done                          ? "done here"
                                  : json_get_bool(plan, "turn") ? "this instance's turn"
                                                                : "waits for its turn");
                row(table, "plan", text, done ? STYLE_GOOD : STYLE_PLAIN);
        }
        if (problem != NULL)
                row(table, "", problem, STYLE_BAD);
        if (json_get_bool(tree, "prunePending"))
                row(table, "pending", "dropped authorities are trusted until the database restarts",
                    STYLE_WARN);
}

static void add_files(struct terminal_table *table, const cJSON *tree)
{
        const cJSON *files = json_get(tree, "files");
        const char *problem = json_get_str(files, "error");
        const bool pending = json_get_bool(files, "pending");
        AUTO(mem_free_p) char *text = NULL;

        if (!cJSON_IsObject(files))
                return;
        text = mem_printf("%s%s%.16s%s", text_of(files, "secret", ""),
                          json_get_str(files, "secret") == NULL ? "" : ", ",
                          text_of(files, "published", "none"), pending ? ", not proven yet" : "");
        row(table, "config", text, pending ? STYLE_WARN : STYLE_PLAIN);
        if (problem != NULL)
                row(table, "", problem, STYLE_BAD);
}

static void add_troubles(struct terminal_table *table, const cJSON *tree)
{
        const cJSON *error = json_get(tree, "error");
        const char *name = "findings";
        const cJSON *one;

        if (json_get_str(error, "message") != NULL) {
                AUTO(mem_free_p)
                char *text = mem_printf("%s: %s (%s)", text_of(error, "reason", "?"),
                                        text_of(error, "message", ""), text_of(error, "at", "time unknown"));

                row(table, "error", text, STYLE_BAD);
        }
        cJSON_ArrayForEach(one, json_get(tree, "findings"))
        {
                const char *severity = text_of(one, "severity", "?");
                AUTO(mem_free_p)
                char *text = mem_printf("%s %s: %s", severity, text_of(one, "code", "?"),
                                        text_of(one, "message", ""));

                row(table, name, text, strcmp(severity, "refuse") == 0 ? STYLE_BAD : STYLE_WARN);
                name = "";
        }
}

static void add_endpoints(struct terminal_table *table, const cJSON *tree)
{
        const char *name = "endpoints";
        const cJSON *one;

        cJSON_ArrayForEach(one, json_get(json_get(tree, "engine"), "endpoints"))
        {
                const bool is_ok = json_get_bool(one, "ok");
                AUTO(mem_free_p)
                char *text = mem_printf("%s  %s%s%.16s%s%s", text_of(one, "url", "?"),
                                        is_ok ? "proven  " : "", is_ok ? text_of(one, "tlsVersion", "") : "",
                                        is_ok ? "" : text_of(one, "fingerprint", ""), is_ok ? "" : "  ",
                                        is_ok ? "" : text_of(one, "message", "not proven"));

                row(table, name, text, is_ok ? STYLE_GOOD : STYLE_BAD);
                name = "";
        }
}

void status_view_render(const cJSON *tree, const struct status_view *view, struct buf *out)
{
        AUTO(terminal_table_free_p) struct terminal_table *table = terminal_table_new(view->color);
        const cJSON *engine = json_get(tree, "engine");
        AUTO(mem_free_p)
        char *who = mem_printf("%s  bundle %s, certrotate %s", text_of(tree, "instance", "unknown"),
                               text_of(tree, "bundle", "unknown"), text_of(tree, "version", "unknown"));
        AUTO(mem_free_p)
        char *what = mem_printf("%s %s %s", text_of(tree, "database", "unknown"),
                                text_of(engine, "version", ""), text_of(engine, "role", "role unknown"));

        row(table, "instance", who, STYLE_BOLD);
        row(table, "database", what, STYLE_PLAIN);
        add_health(table, tree);
        add_leaf(table, tree, "source", view);
        add_leaf(table, tree, "published", view);
        add_leaf(table, tree, "served", view);
        add_rotation(table, tree, view);
        add_plan(table, tree);
        add_files(table, tree);
        add_troubles(table, tree);
        add_endpoints(table, tree);
        terminal_table_print(table, out);
}
