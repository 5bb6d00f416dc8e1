// SPDX-License-Identifier: Apache-2.0
#include "hooks/druid_custom.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "hooks/druid_call.h"
#include "hooks/program.h"
#include "hooks/properties_entry.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MAX ((size_t)1 << 20)
#define COMMON     "common.runtime.properties"

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

static bool is_of_role(const char *name, const char *role)
{
        return role != NULL && strncmp(name, role, strlen(role)) == 0 &&
               strcmp(name + strlen(role), ".properties") == 0;
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

/* Puts the file's entries over those of before. */
static int take_file(cJSON *wanted, const char *text, struct err *err)
{
        AUTO(properties_entry_done_p) struct properties_entry entry = properties_entry_before(text);
        const char *at = text;

        for (;;) {
                if (properties_entry_next(text, &at, &entry, err) != 0)
                        return -1;
                if (entry.start == NULL)
                        return 0;
                cJSON_DeleteItemFromObjectCaseSensitive(wanted, buf_str(&entry.key));
                json_add_str(wanted, buf_str(&entry.key), buf_str(&entry.value));
        }
}

static int take_files(cJSON *wanted, const char *role, const struct custom_text *files, size_t n,
                      struct err *err)
{
        for (int own = 0; own < 2; own++)
                for (size_t i = 0; i < n; i++)
                        if ((own ? is_of_role(files[i].name, role) : strcmp(files[i].name, COMMON) == 0) &&
                            take_file(wanted, files[i].text, err) != 0)
                                return -1;
        return 0;
}

int druid_custom_judge(const char *role, const struct custom_text *files, size_t n, const char *properties,
                       size_t len, struct err *err)
{
        AUTO(json_free_p) cJSON *wanted = json_object();
        AUTO(json_free_p) cJSON *told = NULL;
        struct err why = ERR_INIT;
        const cJSON *one;

        if (json_parse(properties, len, &told, &why) != 0)
                return err_set(err, ERR_PROTOCOL, "the answer to /status/properties is not Druid's: %s",
                               why.text);
        if (take_files(wanted, role, files, n, err) != 0)
                return -1;
        cJSON_ArrayForEach(one, wanted)
        {
                const char *in_force = json_get_str(told, one->string);

                if (in_force == NULL || strcmp(in_force, one->valuestring) == 0)
                        continue;
                return err_set(err, ERR_MISMATCH,
                               "%.100s is '%.100s' after the restart, the files ask for '%.100s'",
                               one->string, in_force, one->valuestring);
        }
        return 0;
}

static int proof_next(void *self, const struct err *failure, int64_t left_ms, struct op **out,
                      struct err *err)
{
        struct proof *proof = self;
        struct druid *druid = proof->druid;
        const char *role = druid->role == NULL ? NULL : druid->role->name;

        if (failure != NULL && failure->kind == ERR_AUTH && druid->database.settings->admin.user == NULL)
                return 0;
        if (failure != NULL) {
                *err = *failure;
                return -1;
        }
        if (proof->asked)
                return druid_custom_judge(role, proof->files, proof->n, buf_str(&proof->answer),
                                          proof->answer.len, err);
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
