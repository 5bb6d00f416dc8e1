// SPDX-License-Identifier: Apache-2.0
/*
 * From the table of a driver only: what is not in there (which statement, which signal) is in its summary.
 */
#include "cli/engines_view.h"

#include <stdio.h>

#include "base/mem.h"
#include "cli/terminal.h"

#define COLUMNS   6
#define CELL_MAX  ((size_t)4 << 10)
#define MODE_TEXT 8

static const char *yes_no(bool is)
{
        return is ? "yes" : "no";
}

/* "a b c"; nothing at all is `none`. */
static char *join(const char *const *words, const char *gap, const char *none)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(CELL_MAX);

        for (size_t i = 0; words != NULL && words[i] != NULL; i++)
                buf_printf(&text, "%s%s", i > 0 ? gap : "", words[i]);
        if (text.len == 0)
                buf_add_str(&text, none);
        return buf_take(&text);
}

static char *file_names(const struct hook *hook)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(CELL_MAX);

        for (size_t i = 0; i < hook->n_outputs; i++)
                buf_printf(&text, "%s%s", i > 0 ? " " : "", hook->outputs[i].name);
        if (text.len == 0)
                buf_add_str(&text, "as configured");
        return buf_take(&text);
}

static const char *mode_text(const struct output *output, char out[static MODE_TEXT])
{
        (void)snprintf(out, MODE_TEXT, "%04o", (unsigned)output->attr.mode & 07777U);
        return out;
}

static const char *settings_text(const struct hook *hook)
{
        if (hook->settings == NULL)
                return "not switched";
        return hook->settings_file == NULL ? "as configured" : hook->settings_file;
}

static const char *not_reached(const struct hook *hook)
{
        return hook->reload == NULL ? "everything: it is restarted" : hook->not_reloaded;
}

/* Roles as the driver orders them; members without an order go one at a time. */
static char *order_of(const struct hook *hook)
{
        return join(hook->roles, ", ", (hook->caps & HOOK_CLUSTERED) != 0 ? "any, one at a time" : "");
}

/* Listeners to shake hands with. */
static char *proofs_of(const struct hook *hook)
{
        return join(hook->endpoints, " ",
                    (hook->caps & HOOK_PROVES_ITSELF) != 0 ? "what the server says" : "as configured");
}

static void add_head(struct terminal_table *table, const char *const *names, size_t n)
{
        struct terminal_cell cells[COLUMNS] = { { NULL, STYLE_DIM } };

        for (size_t i = 0; i < n; i++)
                cells[i] = (struct terminal_cell){ names[i], STYLE_DIM };
        terminal_table_row(table, cells, n);
}

static void add_ways(const struct hook *hook, struct terminal_table *table)
{
        AUTO(mem_free_p) char *files = file_names(hook);
        AUTO(mem_free_p) char *endpoints = proofs_of(hook);
        AUTO(mem_free_p) char *order = order_of(hook);
        const bool reloads = hook->reload != NULL;
        const struct terminal_cell cells[COLUMNS] = {
                { hook->name, STYLE_BOLD },
                { yes_no(reloads), reloads ? STYLE_GOOD : STYLE_WARN },
                { yes_no(hook->restart != NULL), STYLE_PLAIN },
                { files, STYLE_PLAIN },
                { endpoints, STYLE_PLAIN },
                { order, STYLE_PLAIN },
        };

        terminal_table_row(table, cells, COLUMNS);
}

void engines_view_list(const struct hook *const *hooks, bool color, struct buf *out)
{
        static const char *const ways[] = { "ENGINE", "RELOAD", "RESTART", "FILES", "PROOF", "ORDER" };
        static const char *const rest[] = { "ENGINE", "SETTINGS FILE", "NOT REACHED BY A RELOAD" };
        AUTO(terminal_table_free_p) struct terminal_table *first = terminal_table_new(color);
        AUTO(terminal_table_free_p) struct terminal_table *second = terminal_table_new(color);

        add_head(first, ways, ARRAY_LEN(ways));
        add_head(second, rest, ARRAY_LEN(rest));
        for (size_t i = 0; hooks[i] != NULL; i++) {
                const struct hook *hook = hooks[i];
                const struct terminal_cell cells[] = { { hook->name, STYLE_BOLD },
                                                       { settings_text(hook), STYLE_PLAIN },
                                                       { not_reached(hook), STYLE_PLAIN } };

                add_ways(hook, first);
                terminal_table_row(second, cells, ARRAY_LEN(cells));
        }
        terminal_table_print(first, out);
        buf_add_char(out, '\n');
        terminal_table_print(second, out);
}

static void add_fact(struct terminal_table *table, const char *name, const char *text,
                     enum terminal_style style)
{
        const struct terminal_cell cells[] = { { name, STYLE_DIM }, { text, style } };

        if (text != NULL && text[0] != '\0')
                terminal_table_row(table, cells, ARRAY_LEN(cells));
}

static void add_files(const struct hook *hook, struct terminal_table *table)
{
        char mode[MODE_TEXT];

        for (size_t i = 0; i < hook->n_outputs; i++) {
                const struct output *output = &hook->outputs[i];
                AUTO(mem_free_p)
                char *text = mem_printf("%s (%s, %s%s)", output->name, output_content_name(output->content),
                                        mode_text(output, mode), output->plain ? ", a real file" : "");

                add_fact(table, i == 0 ? "files" : "", text, STYLE_PLAIN);
        }
}

void engines_view_one(const struct hook *hook, bool color, struct buf *out)
{
        AUTO(terminal_table_free_p) struct terminal_table *table = terminal_table_new(color);
        AUTO(mem_free_p) char *endpoints = proofs_of(hook);
        AUTO(mem_free_p) char *sections = join(hook->sections, " ", "");
        AUTO(mem_free_p) char *order = order_of(hook);

        add_fact(table, "engine", hook->name, STYLE_BOLD);
        add_fact(table, "what", hook->summary, STYLE_PLAIN);
        add_fact(table, "sections", sections, STYLE_PLAIN);
        add_files(hook, table);
        add_fact(table, "settings file", settings_text(hook), STYLE_PLAIN);
        add_fact(table, "reload", yes_no(hook->reload != NULL),
                 hook->reload != NULL ? STYLE_GOOD : STYLE_WARN);
        add_fact(table, "restart", yes_no(hook->restart != NULL), STYLE_PLAIN);
        add_fact(table, "proof", endpoints, STYLE_PLAIN);
        add_fact(table, "order", order, STYLE_PLAIN);
        add_fact(table, "not reached", not_reached(hook), STYLE_PLAIN);
        if ((hook->caps & HOOK_TRUST_GROWS) != 0)
                add_fact(table, "note", "an authority that was dropped is trusted until a restart",
                         STYLE_PLAIN);
        terminal_table_print(table, out);
}

static cJSON *words_json(const char *const *words)
{
        cJSON *array = json_array();

        for (size_t i = 0; words != NULL && words[i] != NULL; i++)
                json_append_str(array, words[i]);
        return array;
}

static cJSON *files_json(const struct hook *hook)
{
        cJSON *array = json_array();
        char mode[MODE_TEXT];

        for (size_t i = 0; i < hook->n_outputs; i++) {
                const struct output *output = &hook->outputs[i];
                cJSON *file = json_object();

                json_add_str(file, "name", output->name);
                json_add_str(file, "content", output_content_name(output->content));
                json_add_str(file, "mode", mode_text(output, mode));
                json_add_bool(file, "plain", output->plain);
                json_append(array, file);
        }
        return array;
}

cJSON *engines_view_json(const struct hook *hook)
{
        cJSON *tree = json_object();

        json_add_str(tree, "name", hook->name);
        json_add_str(tree, "summary", hook->summary);
        json_add(tree, "sections", words_json(hook->sections));
        json_add(tree, "files", files_json(hook));
        json_add_bool(tree, "reloads", hook->reload != NULL);
        json_add_bool(tree, "restarts", hook->restart != NULL);
        json_add_bool(tree, "clustered", (hook->caps & HOOK_CLUSTERED) != 0);
        json_add_bool(tree, "trustGrows", (hook->caps & HOOK_TRUST_GROWS) != 0);
        json_add(tree, "endpoints", words_json(hook->endpoints));
        json_add(tree, "roles", words_json(hook->roles));
        json_add_bool(tree, "switchesTls", hook->settings != NULL);
        if (hook->settings_file != NULL)
                json_add_str(tree, "settingsFile", hook->settings_file);
        if (hook->not_reloaded != NULL)
                json_add_str(tree, "notReloaded", hook->not_reloaded);
        return tree;
}
