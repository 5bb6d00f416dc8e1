// SPDX-License-Identifier: Apache-2.0
/*
 * The list `files`. Names of owners are looked up by config_load only: parsing asks nobody.
 */
#include "config/files.h"

#include "base/mem.h"
#include "base/num.h"
#include "config/value.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#define MODE_PRIVATE 0640
#define MODE_PUBLIC  0644
#define LOOKUP_MAX   16384
#define ID_MAX       (INT64_C(4294967294)) /* the last one means "leave it" */

static bool has_key(enum output_content content)
{
        return content == OUTPUT_KEY || content == OUTPUT_KEY_LEGACY || content == OUTPUT_COMBINED ||
               content == OUTPUT_PKCS12;
}

static int fail_missing(const struct draft *draft, const cJSON *node, const char *name)
{
        return draft_fail(draft, schema_find(schema_top(), "files"), node, "'%s' is missing in this entry",
                          name);
}

static int check_entry(const struct draft *draft, const cJSON *node, const struct files_entry *entry)
{
        static const char *const store_only[] = { "alias", "password-file" };
        const struct config *config = draft->config;

        for (size_t i = 0; i < ARRAY_LEN(store_only); i++)
                if (json_get(node, store_only[i]) != NULL && !output_is_store(entry->output.content))
                        return draft_fail(draft, schema_find(schema_file(), store_only[i]),
                                          json_get(node, store_only[i]),
                                          "only goes with content pkcs12 and truststore");
        for (size_t i = 0; i < config->n_outputs; i++)
                if (strcmp(config->outputs[i].name, entry->output.name) == 0)
                        return draft_fail(draft, schema_find(schema_file(), "name"), json_get(node, "name"),
                                          "'%s' is published twice", entry->output.name);
        return 0;
}

static int read_entry(const struct draft *draft, const cJSON *node, struct files_entry *out)
{
        if (!cJSON_IsObject(node))
                return draft_fail(draft, schema_find(schema_top(), "files"), node,
                                  "an entry must be a mapping: {name: tls.crt, content: chain}");
        for (cJSON *member = node->child; member != NULL; member = member->next) {
                const struct schema_key *key = schema_find(schema_file(), member->string);

                if (key == NULL)
                        return draft_fail_unknown(draft, schema_file(), member->string, member);
                if (value_set(draft, key, member, out) != 0)
                        return -1;
        }
        if (out->output.name == NULL)
                return fail_missing(draft, node, "name");
        if (json_get(node, "content") == NULL)
                return fail_missing(draft, node, "content");
        out->output.content = (enum output_content)out->content;
        if (json_get(node, "mode") == NULL)
                out->output.attr.mode = has_key(out->output.content) ? MODE_PRIVATE : MODE_PUBLIC;
        return check_entry(draft, node, out);
}

int files_read(const struct draft *draft, const struct schema_key *key, cJSON *list)
{
        struct config *config = draft->config;
        int n = cJSON_GetArraySize(list);

        if (!cJSON_IsArray(list))
                return draft_fail(draft, key, list, "must be a list: [{name: tls.crt, content: chain}]");
        if (n < key->min || n > key->max)
                return draft_fail(draft, key, list, "must have %lld to %lld entries", (long long)key->min,
                                  (long long)key->max);
        config->outputs = mem_array((size_t)n, sizeof(*config->outputs));
        config->files = mem_array((size_t)n, sizeof(*config->files));
        for (const cJSON *node = list->child; node != NULL; node = node->next) {
                struct files_entry entry = { .output.attr = { 0, FS_KEEP, (gid_t)FS_KEEP } };

                if (read_entry(draft, node, &entry) != 0)
                        return -1;
                config->outputs[config->n_outputs] = entry.output;
                config->files[config->n_outputs++] = entry.file;
        }
        return 0;
}

static int lookup_user(const char *name, uid_t *out)
{
        AUTO(mem_free_p) char *space = mem_new(LOOKUP_MAX);
        struct passwd entry;
        struct passwd *found = NULL;

        if (getpwnam_r(name, &entry, space, LOOKUP_MAX, &found) != 0 || found == NULL)
                return -1;
        *out = found->pw_uid;
        return 0;
}

static int lookup_group(const char *name, gid_t *out)
{
        AUTO(mem_free_p) char *space = mem_new(LOOKUP_MAX);
        struct group entry;
        struct group *found = NULL;

        if (getgrnam_r(name, &entry, space, LOOKUP_MAX, &found) != 0 || found == NULL)
                return -1;
        *out = found->gr_gid;
        return 0;
}

static int resolve(const struct draft *draft, const cJSON *node, bool is_group, uid_t *out)
{
        const char *name = is_group ? "group" : "owner";
        const cJSON *member = json_get(node, name);
        struct err ignored;
        int64_t number;

        if (member == NULL)
                return 0;
        if (num_parse(member->valuestring, 0, ID_MAX, &number, &ignored) == 0) {
                *out = (uid_t)number;
                return 0;
        }
        if ((is_group ? lookup_group : lookup_user)(member->valuestring, out) != 0)
                return draft_fail(draft, schema_find(schema_file(), name), member,
                                  "there is no %s '%.60s' on this machine", is_group ? "group" : "user",
                                  member->valuestring);
        return 0;
}

int files_resolve(const struct draft *draft)
{
        const cJSON *node = json_get(draft->doc.root, "files");
        size_t i = 0;

        for (node = node == NULL ? NULL : node->child; node != NULL; node = node->next, i++) {
                struct fs_attr *attr = &draft->config->outputs[i].attr;

                if (resolve(draft, node, false, &attr->uid) != 0 ||
                    resolve(draft, node, true, &attr->gid) != 0)
                        return -1;
        }
        return 0;
}
