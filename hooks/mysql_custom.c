// SPDX-License-Identifier: Apache-2.0
#include "hooks/mysql_custom.h"

#include "base/log.h"
#include "base/mem.h"
#include "hooks/mysql_values.h"
#include "hooks/program.h"

#include <string.h>

#define UNKNOWN_MAX 400

struct proof {
        struct mariadb_session *session;
        struct mysql_values values;
        char **names; /* that the values refer to */
        size_t n;
        bool asked;
};

static void take(void *arg, const char *const *values, unsigned n)
{
        struct proof *proof = arg;

        if (n == 2 && values[0] != NULL && values[1] != NULL)
                mysql_values_take(&proof->values, values[0], values[1]);
}

static int judge(const struct proof *proof, struct err *err)
{
        AUTO(buf_done_p) struct buf unknown = BUF_INIT(UNKNOWN_MAX);
        int result = mysql_values_judge(&proof->values, &unknown, err);

        if (unknown.len > 0)
                log_info("settings_not_compared", LOG_S("names", buf_str(&unknown)));
        return result;
}

static int proof_next(void *self, const struct err *failure, int64_t left_ms, struct op **out,
                      struct err *err)
{
        static const char sql[] = "SHOW GLOBAL VARIABLES";
        struct proof *proof = self;

        if (failure != NULL) {
                *err = *failure;
                return -1;
        }
        if (proof->asked)
                return judge(proof, err);
        proof->asked = true;
        *out = mariadb_session_run(proof->session,
                                   &(struct mariadb_statement){ .sql = sql, .row = take, .arg = proof },
                                   left_ms);
        return 0;
}

static void proof_free(void *self)
{
        struct proof *proof = self;

        mysql_values_done(&proof->values);
        for (size_t i = 0; i < proof->n; i++)
                mem_free(proof->names[i]);
        mem_free(proof->names);
        mem_free(proof);
}

struct op *mysql_custom_start(struct mariadb_session *session, const struct custom_text *files, size_t n,
                              bool bare, int64_t limit_ms)
{
        static const struct program_type type = { .name = "comparison of settings",
                                                  .next = proof_next,
                                                  .free = proof_free };
        struct proof *proof = MEM_NEW(struct proof);

        proof->session = session;
        proof->names = mem_array(n, sizeof(*proof->names));
        proof->n = n;
        for (size_t i = 0; i < n; i++) {
                proof->names[i] = mem_strdup(files[i].name);
                if (mysql_values_is_read(files[i].name))
                        mysql_values_add(&proof->values, proof->names[i], files[i].text, bare);
        }
        return program_start(&type, proof, limit_ms);
}

struct op *mysql_custom_prove(struct database *database, const struct custom_text *files, size_t n,
                              int64_t limit_ms)
{
        return mysql_custom_start(mysql_family_of(database)->session, files, n, false, limit_ms);
}
