// SPDX-License-Identifier: Apache-2.0
#include "hooks/mssql_memory.h"

#include "base/mem.h"
#include "base/num.h"
#include "hooks/ini_line.h"
#include "hooks/mssql_ask.h"

#include <inttypes.h>

static int64_t number_of(const struct ini_line *entry)
{
        AUTO(mem_free_p) char *text = mem_printf("%.*s", (int)entry->value_len, entry->value);
        struct err ignored = ERR_INIT;
        int64_t mb = 0;

        return num_parse(text, 1, INT32_MAX, &mb, &ignored) == 0 ? mb : 0;
}

int64_t mssql_memory_asked(const struct custom_text *files, size_t n)
{
        int64_t asked = 0;

        for (size_t i = 0; i < n; i++) {
                struct ini_line section = { .len = 0 };
                struct ini_line line;

                for (const char *at = ini_line_first(files[i].text); *at != '\0'; at += line.len) {
                        line = ini_line_parse(at);
                        if (line.kind == INI_SECTION)
                                section = line;
                        else if (line.kind == INI_ENTRY && ini_line_is_named(&section, "memory") &&
                                 ini_line_is_named(&line, "memorylimitmb"))
                                asked = number_of(&line);
                }
        }
        return asked;
}

static void take(void *arg, const char *const *values, int n)
{
        struct mssql_state *state = arg;
        struct err ignored = ERR_INIT;

        if (n != 1 || values[0] == NULL ||
            num_parse(values[0], 0, INT64_MAX, &state->memory_kb, &ignored) != 0)
                state->memory_kb = 0;
}

int mssql_memory_ask(struct mssql_job *job, struct err *err)
{
        AUTO(mssql_link_free_p) struct mssql_link *link = NULL;
        const struct mssql_query question = {
                .sql = "SELECT physical_memory_kb FROM sys.dm_os_sys_info",
                .right = "VIEW SERVER STATE",
                .other = ERR_UNHEALTHY,
                .row = take,
                .arg = &job->state,
        };

        if (mssql_ask_open(job, &link, err) == -1)
                return -1;
        if (mssql_link_run(link, &question, err) == -1) {
                if (err->kind != ERR_PRIVILEGE)
                        return -1;
                *err = (struct err)ERR_INIT;
        }
        job->state.known = true;
        return 0;
}

int mssql_memory_judge(int64_t asked_mb, const struct mssql_state *state, struct err *err)
{
        const int64_t mb = state->memory_kb / 1024;

        if (asked_mb == 0 || mb <= asked_mb)
                return 0;
        return err_set(err, ERR_MISMATCH,
                       "memory.memorylimitmb is %" PRId64 " after the restart, the files ask for %" PRId64,
                       mb, asked_mb);
}
