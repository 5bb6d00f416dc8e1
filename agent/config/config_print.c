// SPDX-License-Identifier: Apache-2.0
/*
 * The configuration in force as YAML that config_parse reads back to the same.
 */
#include "config/schema.h"

#include "base/mem.h"

#include <string.h>

#define DEPTH_MAX 4
#define INDENT    2

/* Text that means itself without quotes, for us and for looser readers of YAML. */
static bool is_plain(const char *text)
{
        static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/";
        static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/0123456789._-:";
        static const char *const words[] = { "null", "true", "false", "yes", "no", "on", "off", "y", "n" };
        size_t len = strlen(text);

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (strcasecmp(text, words[i]) == 0)
                        return false;
        return len > 0 && strchr(first, text[0]) != NULL && strspn(text, rest) == len && text[len - 1] != ':';
}

static void print_text(const char *text, struct buf *out)
{
        if (is_plain(text))
                buf_add_str(out, text);
        else
                buf_add_json(out, text);
}

static void print_value(const cJSON *node, struct buf *out)
{
        const char *glue = "";

        if (cJSON_IsString(node)) {
                print_text(node->valuestring, out);
        } else if (cJSON_IsNumber(node)) {
                buf_printf(out, "%.0f", node->valuedouble);
        } else if (cJSON_IsArray(node)) {
                buf_add_char(out, '[');
                for (const cJSON *item = node->child; item != NULL; item = item->next, glue = ", ") {
                        buf_add_str(out, glue);
                        print_value(item, out);
                }
                buf_add_char(out, ']');
        } else {
                buf_add_str(out, cJSON_IsTrue(node) ? "true" : "false");
        }
}

static void print_text_member(const char *name, const char *value, struct buf *out)
{
        if (value == NULL)
                return;
        buf_printf(out, ", %s: ", name);
        print_text(value, out);
}

static void print_id(const char *name, unsigned id, struct buf *out)
{
        if (id != (unsigned)FS_KEEP)
                buf_printf(out, ", %s: \"%u\"", name, id);
}

static void print_files(const struct config *config, struct buf *out)
{
        const struct schema_key *content = schema_find(schema_file(), "content");

        buf_add_str(out, "files:\n");
        for (size_t i = 0; i < config->n_outputs; i++) {
                const struct output *output = &config->outputs[i];
                const struct config_file *file = &config->files[i];

                buf_add_str(out, "  - {name: ");
                print_text(output->name, out);
                buf_printf(out, ", content: %s, mode: \"%04o\"",
                           schema_word_name(content->words, (int)output->content),
                           (unsigned)output->attr.mode);
                if (file->owner != NULL)
                        print_text_member("owner", file->owner, out);
                else
                        print_id("owner", output->attr.uid, out);
                if (file->group != NULL)
                        print_text_member("group", file->group, out);
                else
                        print_id("group", output->attr.gid, out);
                print_text_member("alias", output->alias, out);
                print_text_member("password-file", file->password_file, out);
                buf_add_str(out, output->plain ? ", plain: true}\n" : "}\n");
        }
}

static void print_policy(const struct config *config, struct buf *out)
{
        buf_add_str(out, "policy:\n");
        for (int i = 0; i < FINDING_CODES; i++)
                buf_printf(out, "%*s%s: %s\n", INDENT, "", policy_code_name((enum finding_code)i),
                           policy_severity_name(config->policy.severity[i]));
}

/* Headings of the sections of `path` that the key before it was not in; returns the depth. */
static int print_sections(const char *before, const char *path, struct buf *out)
{
        int depth = 0;
        size_t start = 0;

        for (const char *dot = strchr(path, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
                size_t end = (size_t)(dot - path);

                if (strncmp(before, path, end + 1) != 0)
                        buf_printf(out, "%*s%.*s:\n", depth * INDENT, "", (int)(end - start), path + start);
                start = end + 1;
                depth++;
        }
        buf_printf(out, "%*s%s: ", depth * INDENT, "", path + start);
        return depth;
}

void config_print(const struct config *config, struct buf *out)
{
        const struct schema *schema = schema_top();
        const char *before = "";

        for (size_t i = 0; i < schema->n; i++) {
                const struct schema_key *key = &schema->keys[i];
                const cJSON *node = schema_node(config->tree, key->path);

                if (key->type == SCHEMA_FILES) {
                        print_files(config, out);
                } else if (key->type == SCHEMA_POLICY) {
                        print_policy(config, out);
                } else if (node != NULL) {
                        (void)print_sections(before, key->path, out);
                        print_value(node, out);
                        buf_add_char(out, '\n');
                        before = key->path;
                }
        }
}
