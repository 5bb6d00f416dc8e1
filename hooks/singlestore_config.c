// SPDX-License-Identifier: Apache-2.0
/*
 * Files are kept sorted by name, which is the order in which the server reads them.
 */
#include "hooks/singlestore_config.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "hooks/cnf.h"

#define SECTION      "server"
#define INLINE_PRE   "zz-inline-"
#define SUFFIX       ".cnf"
#define NAME_MAX_LEN 200

void singlestore_config_add(struct singlestore_files *files, const char *name, const char *text)
{
        size_t at = 0;

        while (at < files->n && strcmp(files->items[at].name, name) < 0)
                at++;
        if (at == files->n || strcmp(files->items[at].name, name) != 0) {
                files->items = mem_grow(files->items, files->n + 1, sizeof(*files->items));
                memmove(&files->items[at + 1], &files->items[at], (files->n - at) * sizeof(*files->items));
                files->items[at] = (struct singlestore_file){ .name = mem_strdup(name) };
                files->n++;
        }
        mem_free(files->items[at].text);
        files->items[at].text = mem_strdup(text);
}

void singlestore_config_free_files(struct singlestore_files *files)
{
        for (size_t i = 0; i < files->n; i++) {
                mem_free(files->items[i].name);
                mem_free(files->items[i].text);
        }
        mem_free(files->items);
        *files = (struct singlestore_files){ NULL, 0 };
}

void singlestore_config_done(struct singlestore_config *config)
{
        singlestore_config_free_files(&config->secret);
        singlestore_config_free_files(&config->given);
}

void singlestore_config_free_values(struct singlestore_values *values)
{
        for (size_t i = 0; i < values->n; i++) {
                mem_free(values->items[i].name);
                mem_free(values->items[i].wanted);
                mem_free(values->items[i].found);
        }
        mem_free(values->items);
        *values = (struct singlestore_values){ NULL, 0 };
}

static const char *find_text(const struct singlestore_files *files, const char *name)
{
        for (size_t i = 0; i < files->n; i++)
                if (strcmp(files->items[i].name, name) == 0)
                        return files->items[i].text;
        return NULL;
}

static bool is_file_name(const char *name)
{
        size_t len = strlen(name);

        return len > sizeof(SUFFIX) - 1 && len <= NAME_MAX_LEN && name[0] != '.' &&
               strchr(name, '/') == NULL && strcmp(name + len - (sizeof(SUFFIX) - 1), SUFFIX) == 0;
}

static int check_files(const struct singlestore_files *files, struct err *err)
{
        if (files->n > SINGLESTORE_CONFIG_FILES_MAX)
                return err_set(err, ERR_USAGE, "%zu files of configuration, at most %d", files->n,
                               SINGLESTORE_CONFIG_FILES_MAX);
        for (size_t i = 0; i < files->n; i++) {
                const struct singlestore_file *file = &files->items[i];

                if (!is_file_name(file->name))
                        return err_set(err, ERR_USAGE,
                                       "'%.100s' is not the name of a file that ends in " SUFFIX, file->name);
                if (strlen(file->text) > CONFIG_MAX_BYTES / 2)
                        return err_set(err, ERR_LIMIT, "%.100s: larger than %zu bytes", file->name,
                                       CONFIG_MAX_BYTES / 2);
                if (cnf_check(file->text, err) == -1)
                        return err_wrap(err, "%.100s", file->name);
        }
        return 0;
}

/* Has it an entry before any section? */
static bool lacks_section(const char *text)
{
        struct cnf cnf = CNF_INIT(text);

        while (cnf_next(&cnf))
                if (cnf.kind != CNF_OTHER)
                        return cnf.kind == CNF_ENTRY;
        return false;
}

/* A file that was not there before is taken as it is, but in a section. */
static int merge(struct singlestore_files *given, const struct singlestore_files *apply, struct err *err)
{
        for (size_t i = 0; i < apply->n; i++) {
                const struct singlestore_file *file = &apply->items[i];
                const char *now = find_text(given, file->name);
                AUTO(buf_done_p) struct buf out = BUF_INIT(CONFIG_MAX_BYTES);

                if (now == NULL)
                        buf_printf(&out, "%s%s", lacks_section(file->text) ? "[" SECTION "]\n" : "",
                                   file->text);
                else
                        cnf_merge(now, file->text, SECTION, &out);
                if (out.overflow)
                        return err_set(err, ERR_LIMIT, "%.100s: too large with what was given before",
                                       file->name);
                singlestore_config_add(given, file->name, buf_str(&out));
        }
        return check_files(given, err);
}

static void copy_files(const struct singlestore_files *from, struct singlestore_files *to)
{
        for (size_t i = 0; i < from->n; i++)
                singlestore_config_add(to, from->items[i].name, from->items[i].text);
}

int singlestore_config_apply(struct singlestore_config *config,
                             const struct singlestore_config_change *change, struct err *err)
{
        struct singlestore_config next = { .secret = { NULL, 0 } };

        if ((change->secret != NULL && check_files(change->secret, err) == -1) ||
            (change->apply != NULL && check_files(change->apply, err) == -1))
                return -1;
        if (!change->remove)
                copy_files(&config->given, &next.given);
        if (change->secret != NULL)
                copy_files(change->secret, &next.secret);
        else if (!change->remove)
                copy_files(&config->secret, &next.secret);
        if (change->apply != NULL && merge(&next.given, change->apply, err) == -1) {
                singlestore_config_done(&next);
                return -1;
        }
        singlestore_config_done(config);
        *config = next;
        return 0;
}

void singlestore_config_render(const struct singlestore_config *config, struct singlestore_files *out)
{
        copy_files(&config->secret, out);
        for (size_t i = 0; i < config->given.n; i++) {
                AUTO(mem_free_p) char *name = mem_printf(INLINE_PRE "%s", config->given.items[i].name);

                singlestore_config_add(out, name, config->given.items[i].text);
        }
}

static struct singlestore_value *find_value(const struct singlestore_values *values, struct cnf_text name)
{
        for (size_t i = 0; i < values->n; i++)
                if (cnf_is_key(name, values->items[i].name))
                        return &values->items[i];
        return NULL;
}

static char *copy(struct cnf_text text)
{
        char *out = mem_new(text.len + 1);

        memcpy(out, text.at, text.len);
        return out;
}

static char *unquoted(struct cnf_text text)
{
        bool is_quoted =
                text.len > 1 && strchr("'\"", text.at[0]) != NULL && text.at[text.len - 1] == text.at[0];

        return copy(is_quoted ? (struct cnf_text){ text.at + 1, text.len - 2 } : text);
}

static struct singlestore_value *add_value(struct singlestore_values *values, struct cnf_text name)
{
        struct singlestore_value *value;

        values->items = mem_grow(values->items, values->n + 1, sizeof(*values->items));
        value = &values->items[values->n++];
        *value = (struct singlestore_value){ .name = copy(name) };
        for (char *p = value->name; *p != '\0'; p++)
                if (*p == '-')
                        *p = '_';
        return value;
}

static void collect(const struct singlestore_files *files, bool are_gone, struct singlestore_values *out)
{
        for (size_t i = 0; i < files->n; i++) {
                struct cnf cnf = CNF_INIT(files->items[i].text);

                while (cnf_next(&cnf)) {
                        struct singlestore_value *value;

                        if (cnf.kind != CNF_ENTRY || !cnf_is(cnf.section, SECTION))
                                continue;
                        value = find_value(out, cnf.key);
                        if (value == NULL)
                                value = add_value(out, cnf.key);
                        if (are_gone)
                                continue;
                        mem_free(value->wanted);
                        value->wanted = unquoted(cnf.value);
                }
        }
}

void singlestore_config_wanted(const struct singlestore_files *files, const struct singlestore_files *before,
                               struct singlestore_values *out)
{
        collect(files, false, out);
        if (before != NULL)
                collect(before, true, out);
}

struct proof {
        struct op op;
        struct op *query;
        struct singlestore_values *values;
};

static void take(void *arg, const char *const *row, unsigned n)
{
        struct proof *proof = arg;
        struct singlestore_value *value;

        if (n != 2 || row[0] == NULL)
                return;
        value = find_value(proof->values, (struct cnf_text){ row[0], strlen(row[0]) });
        if (value == NULL)
                return;
        mem_free(value->found);
        value->found = mem_strdup(row[1] == NULL ? "" : row[1]);
}

static const char *canonical(const char *value)
{
        static const char *const words[][3] = { { "ON", "TRUE", "1" }, { "OFF", "FALSE", "0" } };

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                for (size_t k = 0; k < ARRAY_LEN(words[i]); k++)
                        if (strcasecmp(value, words[i][k]) == 0)
                                return words[i][0];
        return value;
}

static int judge(const struct singlestore_values *values, struct err *err)
{
        for (size_t i = 0; i < values->n; i++) {
                const struct singlestore_value *value = &values->items[i];

                if (value->wanted == NULL)
                        continue;
                if (value->found == NULL)
                        return err_set(
                                err, ERR_UNHEALTHY,
                                "%.80s = %.100s: the server has no such variable, or read another file",
                                value->name, value->wanted);
                if (strcasecmp(canonical(value->found), canonical(value->wanted)) != 0)
                        return err_set(
                                err, ERR_UNHEALTHY,
                                "%.80s is %.100s in the server, not %.100s as configured: it reads its "
                                "files when it starts",
                                value->name, value->found, value->wanted);
        }
        return 0;
}

static enum op_state proof_step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct proof *proof = CONTAINER_OF(op, struct proof, op);
        enum op_state state = proof->query->type->step(proof->query, ready, now, err);

        op->want = proof->query->want;
        if (state == OP_DONE && judge(proof->values, err) == -1)
                return OP_FAILED;
        return state;
}

static void proof_free(struct op *op)
{
        struct proof *proof = CONTAINER_OF(op, struct proof, op);

        op_free(proof->query);
        mem_free(proof);
}

struct op *singlestore_config_prove(struct mariadb_session *session, struct singlestore_values *values,
                                    int64_t limit_ms)
{
        static const struct op_type type = { .name = "proof of values",
                                             .step = proof_step,
                                             .free = proof_free };
        struct proof *proof = MEM_NEW(struct proof);

        proof->op.type = &type;
        proof->values = values;
        proof->query = mariadb_session_run(
                session,
                &(struct mariadb_statement){ .sql = "SHOW GLOBAL VARIABLES", .row = take, .arg = proof },
                limit_ms);
        return &proof->op;
}
