// SPDX-License-Identifier: Apache-2.0
#include "control/files.h"

#include "base/limits.h"
#include "base/mem.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <string.h>

#define CNF          ".cnf"
#define NAME_MAX_LEN 243 /* a key of a Secret has 253 characters, with the prefix */

static const char *const druid_roles[] = { "coordinators",   "overlords", "historicals",
                                           "middleManagers", "brokers",   "routers" };

/* Of what no engine is listed for, any *.cnf. */
static const struct {
        const char *database;
        const char *names[3]; /* files that it reads beside a role's */
        const char *section;  /* of a *.cnf that names none */
} rules[] = {
        { "Singlestore", { NULL }, "server" },
        { "MSSQLServer", { "mssql.conf" }, NULL },
        { "Druid", { "common.runtime.properties" }, NULL },
        { "Postgres", { "user.conf" }, NULL },
        { "Redis", { "redis.conf", "valkey.conf" }, NULL },
        { "", { NULL }, "mysqld" },
};

static size_t rule_of(const struct kind *kind)
{
        size_t i = 0;

        while (i < ARRAY_LEN(rules) - 1 && strcmp(rules[i].database, kind->database) != 0)
                i++;
        return i;
}

static bool is_cnf(const char *name)
{
        size_t len = strlen(name);

        if (len <= strlen(CNF) || len > NAME_MAX_LEN || !isalnum((unsigned char)*name) ||
            strcmp(name + len - strlen(CNF), CNF) != 0)
                return false;
        for (const char *p = name; *p != '\0'; p++)
                if (!isalnum((unsigned char)*p) && strchr("-._", *p) == NULL)
                        return false;
        return true;
}

static bool is_role_file(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(druid_roles); i++) {
                size_t len = strlen(druid_roles[i]);

                if (strncmp(name, druid_roles[i], len) == 0 &&
                    (strcmp(name + len, ".properties") == 0 || strcmp(name + len, ".jvm.config") == 0))
                        return true;
        }
        return false;
}

static bool is_inline(const char *name)
{
        return strncmp(name, FILES_INLINE_PREFIX, strlen(FILES_INLINE_PREFIX)) == 0;
}

bool files_is_name(const struct kind *kind, const char *name)
{
        const size_t rule = rule_of(kind);

        for (size_t i = 0; i < ARRAY_LEN(rules[rule].names) && rules[rule].names[i] != NULL; i++)
                if (strcmp(name, rules[rule].names[i]) == 0)
                        return true;
        if (strcmp(kind->database, "Druid") == 0)
                return is_role_file(name);
        return rules[rule].section != NULL && is_cnf(name) && !is_inline(name);
}

static void put(cJSON *files, const char *name, const char *text)
{
        cJSON_DeleteItemFromObjectCaseSensitive(files, name);
        json_add_str(files, name, text);
}

static int check(const struct kind *kind, const cJSON *files, const char *where, struct err *err)
{
        const cJSON *file;
        int n = 0;

        if (!cJSON_IsObject(files))
                return err_set(err, ERR_USAGE, "%s is no list of files", where);
        cJSON_ArrayForEach(file, files)
        {
                if (++n > FILES_MAX)
                        return err_set(err, ERR_LIMIT, "%s: more than %d files", where, FILES_MAX);
                if (!files_is_name(kind, file->string))
                        return err_set(err, ERR_USAGE, "%s: '%.100s' is no configuration file of %s", where,
                                       file->string, kind->database);
                if (!cJSON_IsString(file))
                        return err_set(err, ERR_USAGE, "%s: '%.100s' is no text", where, file->string);
        }
        return 0;
}

/* Has it a setting before any section? */
static bool lacks_section(const char *text)
{
        for (; *text != '\0'; text += strspn(text, "\n")) {
                text += strspn(text, " \t\r\n");
                if (*text == '[' || *text == '\0')
                        return false;
                if (strchr("#;!", *text) == NULL)
                        return true;
                text += strcspn(text, "\n");
        }
        return false;
}

/* The text with its engine's section in front; NULL: as it is. mem_free. */
static char *with_section(const struct kind *kind, const char *text)
{
        const char *section = rules[rule_of(kind)].section;

        return section != NULL && lacks_section(text) ? mem_printf("[%s]\n%s", section, text) : NULL;
}

static void put_file(const struct kind *kind, cJSON *files, const char *name, const char *text)
{
        AUTO(mem_free_p) char *with = with_section(kind, text);

        put(files, name, with == NULL ? text : with);
}

int files_join(const struct kind *kind, const char *name, const char *first, const char *second, char **out,
               struct err *err)
{
        AUTO(mem_free_p) char *with = with_section(kind, first);

        return files_merge(name, with == NULL ? first : with, second, out, err);
}

/* Those of the Secret named before, or all. */
static cJSON *kept(const cJSON *present, bool has_secret)
{
        cJSON *made = json_object();
        const cJSON *file;

        if (!cJSON_IsObject(present))
                return made;
        cJSON_ArrayForEach(file, present)
        {
                if (cJSON_IsString(file) && (!has_secret || is_inline(file->string)))
                        json_add_str(made, file->string, file->valuestring);
        }
        return made;
}

static int apply(const struct kind *kind, const cJSON *given, cJSON *files, struct err *err)
{
        const cJSON *file;

        cJSON_ArrayForEach(file, given)
        {
                AUTO(mem_free_p) char *name = mem_printf(FILES_INLINE_PREFIX "%s", file->string);
                AUTO(mem_free_p) char *merged = NULL;
                const char *present = json_get_str(files, name);

                if (files_merge(name, present == NULL ? "" : present, file->valuestring, &merged, err) != 0)
                        return err_wrap(err, "applyConfig: %.100s", file->string);
                put_file(kind, files, name, merged);
        }
        return 0;
}

static int by_name(const void *a, const void *b)
{
        return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

/* mem_free. */
static const cJSON **sorted(const cJSON *files, size_t *n)
{
        const size_t count = (size_t)cJSON_GetArraySize(files);
        const cJSON **list = mem_array(count + 1, sizeof(const cJSON *));
        const cJSON *file;

        *n = 0;
        if (!cJSON_IsObject(files))
                return list;
        cJSON_ArrayForEach(file, files)
        {
                if (cJSON_IsString(file))
                        list[(*n)++] = file;
        }
        qsort(list, *n, sizeof(const cJSON *), by_name);
        return list;
}

static int finish(const cJSON *files, cJSON **out, struct err *err)
{
        AUTO(mem_free_p) const cJSON **list = NULL;
        size_t bytes = 0;
        size_t n;
        cJSON *made;

        list = sorted(files, &n);
        for (size_t i = 0; i < n; i++)
                bytes += strlen(list[i]->string) + strlen(list[i]->valuestring);
        if (n > FILES_MAX)
                return err_set(err, ERR_LIMIT, "%zu configuration files, at most %d", n, FILES_MAX);
        if (bytes > FILES_MAX_BYTES)
                return err_set(err, ERR_LIMIT, "%zu bytes of configuration, at most %zu", bytes,
                               FILES_MAX_BYTES);
        made = json_object();
        for (size_t i = 0; i < n; i++)
                json_add_str(made, list[i]->string, list[i]->valuestring);
        *out = made;
        return 0;
}

int files_render(const struct kind *kind, const cJSON *present, const cJSON *secret, const cJSON *section,
                 cJSON **out, struct err *err)
{
        const cJSON *given = json_get(section, "applyConfig");
        const bool has_given = given != NULL && !cJSON_IsNull(given) && given->child != NULL;
        const bool removes = json_get_bool(section, "removeCustomConfig");
        AUTO(json_free_p) cJSON *files = NULL;
        const cJSON *file;

        if (secret == NULL && cJSON_IsObject(json_get(section, "configSecret")))
                return err_set(err, ERR_MISSING, "configSecret: the Secret is not there");
        if (secret == NULL && !has_given && !removes)
                return err_set(err, ERR_USAGE, "set configSecret, applyConfig or removeCustomConfig: true");
        if ((secret != NULL && check(kind, secret, "configSecret", err) != 0) ||
            (has_given && check(kind, given, "applyConfig", err) != 0))
                return -1;
        files = kept(removes ? NULL : present, secret != NULL);
        cJSON_ArrayForEach(file, secret)
        {
                put_file(kind, files, file->string, file->valuestring);
        }
        if (has_given && apply(kind, given, files, err) != 0)
                return -1;
        return finish(files, out, err);
}

void files_fingerprint(const cJSON *files, struct fingerprint *out)
{
        AUTO(mem_free_p) const cJSON **list = NULL;
        AUTO(buf_done_p) struct buf text = BUF_INIT(2 * JSON_MAX_BYTES);
        size_t n;

        list = sorted(files, &n);
        for (size_t i = 0; i < n; i++) {
                buf_add(&text, list[i]->string, strlen(list[i]->string) + 1);
                buf_add(&text, list[i]->valuestring, strlen(list[i]->valuestring) + 1);
        }
        (void)SHA256(text.len == 0 ? (const uint8_t *)"" : text.data, text.len, out->sha256);
}
