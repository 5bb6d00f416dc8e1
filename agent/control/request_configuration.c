// SPDX-License-Identifier: Apache-2.0
#include "control/request_configuration.h"

#include "base/buf.h"
#include "control/request_check.h"

#include <string.h>

#define FILES_AT_ONCE  16
#define FILE_MAX_BYTES 65536

bool request_configuration_is_foreign(const struct kind *kind, const cJSON *configuration)
{
        return (strcmp(kind->database, "Postgres") == 0 && request_check_has(configuration, "tuning")) ||
               (strcmp(kind->database, "Redis") == 0 && request_check_has(configuration, "auth"));
}

static int fail_name(const struct kind *kind, const char *shown, struct err *err)
{
        AUTO(buf_done_p) struct buf all = BUF_INIT(ERR_TEXT_MAX);

        for (size_t i = 0; kind->files != NULL && kind->files[i] != NULL; i++)
                buf_printf(&all, "%s%s", i == 0 ? "" : ", ", kind->files[i]);
        if (kind->files != NULL)
                return request_check_fail(err, "applyConfig", "'%s' is none of this kind's files: %s", shown,
                                          buf_str(&all));
        return request_check_fail(err, "applyConfig",
                                  "'%s' must be named like my-apply.cnf: letters, digits, '-', '_' and '.', "
                                  "ending in .cnf",
                                  shown);
}

static int check_files(const struct kind *kind, const cJSON *part, struct err *err)
{
        const cJSON *files = NULL, *file;

        if (request_check_object(part, "applyConfig", &files, err) != 0)
                return -1;
        if (files != NULL && (files->child == NULL || cJSON_GetArraySize(files) > FILES_AT_ONCE))
                return request_check_fail(err, "applyConfig", "must hold 1 to %d files", FILES_AT_ONCE);
        cJSON_ArrayForEach(file, files)
        {
                const char *text = cJSON_GetStringValue(file);
                char shown[REQUEST_CHECK_SHOWN_MAX];

                request_check_shown(file->string, shown);
                if (!kind_has_file(kind, file->string))
                        return fail_name(kind, shown, err);
                if (text == NULL || strlen(text) > FILE_MAX_BYTES)
                        return request_check_fail(err, "applyConfig",
                                                  "'%s' must be a text of at most %d bytes", shown,
                                                  FILE_MAX_BYTES);
        }
        return 0;
}

static int check_secret(const cJSON *part, struct err *err)
{
        const cJSON *secret = NULL;
        const char *name = NULL;

        if (request_check_object(part, "configSecret", &secret, err) != 0)
                return -1;
        if (request_check_name(secret, "name", &name, err) != 0)
                return request_check_below(err, ".configSecret");
        if (secret != NULL && name == NULL)
                return request_check_fail(err, "configSecret.name", "is missing, use the name of a Secret");
        return 0;
}

/* One ReconfigurationSpec. */
static int check_part(const struct kind *kind, const cJSON *part, struct err *err)
{
        static const char *const restarts[] = { "auto", "true", "false", NULL };
        const char *restart = restarts[0];
        bool drops = false;

        if (check_secret(part, err) != 0 || check_files(kind, part, err) != 0 ||
            request_check_bool(part, "removeCustomConfig", &drops, err) != 0 ||
            request_check_word(part, "restart", restarts, &restart, err) != 0)
                return -1;
        if (!drops && !request_check_has(part, "configSecret") && !request_check_has(part, "applyConfig"))
                return request_check_fail(err, "",
                                          "set configSecret, applyConfig or removeCustomConfig: true");
        if (strcmp(kind->database, "Postgres") == 0 && drops && restart == restarts[2])
                return request_check_fail(
                        err, "restart",
                        "'false' does not go with removeCustomConfig: true, which needs a restart");
        return 0;
}

/* Of SingleStore: node for a standalone database, or aggregator and leaf for a cluster. */
static int check_parts(const struct kind *kind, const cJSON *configuration, struct err *err)
{
        const char *const *roles = kind->config_roles;
        size_t alone = 0, together = 0;

        for (size_t i = 0; roles[i] != NULL; i++) {
                const cJSON *part = NULL;

                if (request_check_object(configuration, roles[i], &part, err) != 0)
                        return -1;
                if (part == NULL)
                        continue;
                if (check_part(kind, part, err) != 0)
                        return request_check_below(err, ".%s", roles[i]);
                *(i == 0 ? &alone : &together) += 1;
        }
        if (alone == 0 && together == 0)
                return request_check_fail(err, "", "set %s (standalone), or %s and/or %s (cluster)", roles[0],
                                          roles[1], roles[2]);
        if (alone != 0 && together != 0)
                return request_check_fail(
                        err, "",
                        "%s is for a standalone database, %s and %s are for a cluster: use one or the other",
                        roles[0], roles[1], roles[2]);
        return 0;
}

int request_configuration_check(const struct kind *kind, const cJSON *configuration, struct err *err)
{
        return kind->config_roles != NULL ? check_parts(kind, configuration, err)
                                          : check_part(kind, configuration, err);
}
