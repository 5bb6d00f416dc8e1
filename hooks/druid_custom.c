// SPDX-License-Identifier: Apache-2.0
#include "hooks/druid_custom.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "hooks/druid_call.h"
#include "hooks/druid_lay.h"
#include "hooks/druid_settings.h"
#include "hooks/program.h"
#include "hooks/properties_entry.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MAX ((size_t)1 << 20)

struct proof {
        struct druid *druid;
        struct custom_text *files; /* of these strings */
        char **strings;
        size_t n;
        struct buf answer;
        bool asked;
};

static bool is_properties(const char *name)
{
        const char *dot = strrchr(name, '.');

        return dot != NULL && strcmp(dot, ".properties") == 0;
}

int druid_custom_check(const char *name, const char *text, struct err *err)
{
        AUTO(properties_entry_done_p) struct properties_entry entry = properties_entry_before(text);
        const char *at = text;

        if (!is_properties(name))
                return 0;
        do {
                if (properties_entry_next(text, &at, &entry, err) != 0) {
                        err->kind = ERR_REFUSED;
                        return -1;
                }
        } while (entry.start != NULL);
        return 0;
}

/* Puts the entries over those of before; only_known: of keys that are there already. */
static int take_text(cJSON *wanted, const char *text, bool only_known, struct err *err)
{
        AUTO(properties_entry_done_p) struct properties_entry entry = properties_entry_before(text);
        const char *at = text;

        for (;;) {
                if (properties_entry_next(text, &at, &entry, err) != 0)
                        return -1;
                if (entry.start == NULL)
                        return 0;
                if (only_known && json_get(wanted, buf_str(&entry.key)) == NULL)
                        continue;
                cJSON_DeleteItemFromObjectCaseSensitive(wanted, buf_str(&entry.key));
                json_add_str(wanted, buf_str(&entry.key), buf_str(&entry.value));
        }
}

static int take_files(cJSON *wanted, const struct druid_custom_case *given, size_t place, struct err *err)
{
        for (int rank = 1; rank <= 2; rank++)
                for (size_t i = 0; i < given->n; i++)
                        if (druid_lay_rank(given->role, place, given->files[i].name) == rank &&
                            take_text(wanted, given->files[i].text, false, err) != 0)
                                return -1;
        return 0;
}

/* As Druid reads them: the role's own file wins, also by what nobody but the distribution says there. */
static int take_all(cJSON *wanted, const struct druid_custom_case *given, struct err *err)
{
        if (take_files(wanted, given, DRUID_LAY_COMMON, err) != 0 ||
            (given->own != NULL && take_text(wanted, given->own, true, err) != 0))
                return -1;
        return take_files(wanted, given, DRUID_LAY_OWN, err);
}

static bool is_same(const char *key, const char *a, const char *b)
{
        return druid_settings_is_list(key) ? druid_settings_same_list(a, b) : strcmp(a, b) == 0;
}

int druid_custom_judge(const struct druid_custom_case *given, const char *properties, size_t len,
                       struct err *err)
{
        AUTO(json_free_p) cJSON *wanted = json_object();
        AUTO(json_free_p) cJSON *told = NULL;
        struct err why = ERR_INIT;
        const cJSON *one;

        if (json_parse(properties, len, &told, &why) != 0)
                return err_set(err, ERR_PROTOCOL, "the answer to /status/properties is not Druid's: %s",
                               why.text);
        if (take_all(wanted, given, err) != 0)
                return -1;
        cJSON_ArrayForEach(one, wanted)
        {
                const char *in_force = json_get_str(told, one->string);

                if (in_force == NULL || is_same(one->string, in_force, one->valuestring))
                        continue;
                return err_set(err, ERR_MISMATCH,
                               "%.100s is '%.100s' after the restart, the files ask for '%.100s'",
                               one->string, in_force, one->valuestring);
        }
        return 0;
}

static int judge(const struct proof *proof, struct err *err)
{
        AUTO(buf_done_p) struct buf own = BUF_INIT(SETTINGS_MAX_BYTES);
        AUTO(mem_free_p) char *path = druid_lay_own_file(proof->druid);
        struct err ignored = ERR_INIT;
        const bool has_own = path != NULL && fs_read(path, SETTINGS_MAX_BYTES, &own, &ignored) == 0;
        const struct druid_custom_case given = {
                .role = proof->druid->role == NULL ? NULL : proof->druid->role->name,
                .own = has_own ? buf_str(&own) : NULL,
                .files = proof->files,
                .n = proof->n,
        };

        return druid_custom_judge(&given, buf_str(&proof->answer), proof->answer.len, err);
}

static int proof_next(void *self, const struct err *failure, int64_t left_ms, struct op **out,
                      struct err *err)
{
        struct proof *proof = self;
        struct druid *druid = proof->druid;

        if (failure != NULL && failure->kind == ERR_AUTH && druid->database.settings->admin.user == NULL)
                return 0;
        if (failure != NULL) {
                *err = *failure;
                return -1;
        }
        if (proof->asked)
                return judge(proof, err);
        proof->asked = true;
        *out = druid_call_start(
                druid,
                &(struct druid_call){ .method = "GET", .path = "/status/properties", .body = &proof->answer },
                left_ms);
        return 0;
}

static void proof_free(void *self)
{
        struct proof *proof = self;

        for (size_t i = 0; i < 2 * proof->n; i++)
                mem_free(proof->strings[i]);
        mem_free(proof->strings);
        mem_free(proof->files);
        buf_done(&proof->answer);
        mem_free(proof);
}

struct op *druid_custom_start(struct druid *druid, const struct custom_text *files, size_t n,
                              int64_t limit_ms)
{
        static const struct program_type type = { .name = "comparison of properties",
                                                  .next = proof_next,
                                                  .free = proof_free };
        struct proof *proof = MEM_NEW(struct proof);

        proof->druid = druid;
        proof->answer = (struct buf)BUF_INIT(ANSWER_MAX);
        proof->files = mem_array(n, sizeof(*proof->files));
        proof->n = n;
        proof->strings = mem_array(2 * n, sizeof(*proof->strings));
        for (size_t i = 0; i < n; i++) {
                proof->strings[2 * i] = mem_strdup(files[i].name);
                proof->strings[2 * i + 1] = mem_strdup(files[i].text);
                proof->files[i] = (struct custom_text){ proof->strings[2 * i], proof->strings[2 * i + 1] };
        }
        return program_start(&type, proof, limit_ms);
}
