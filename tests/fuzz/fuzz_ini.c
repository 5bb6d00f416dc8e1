// SPDX-License-Identifier: Apache-2.0
/*
 * The INI editor: the first byte picks the wishes, the rest is the file. What was edited is an INI file, and
 * the same wishes change it no more; lines of other sections are still there, in their order.
 */
#include "base/mem.h"
#include "hooks/ini.h"

#include <string.h>

#define MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Of the line at `at`, without its end and the blanks before that. */
static size_t line_len(const char *at)
{
        size_t len = strcspn(at, "\n");

        while (len > 0 && strchr(" \t\v\f\r", at[len - 1]) != NULL)
                len--;
        return len;
}

static const char *next_line(const char *at)
{
        at += strcspn(at, "\n");
        return *at == '\n' ? at + 1 : at;
}

static bool is_network(const char *header)
{
        static const char name[] = "network";

        header += 1 + strspn(header + 1, " \t\v\f\r");
        return strncasecmp(header, name, sizeof(name) - 1) == 0 &&
               header[sizeof(name) - 1 + strspn(header + sizeof(name) - 1, " \t\v\f\r")] == ']';
}

static const char *behind_mark(const char *text)
{
        return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

/* Every line of `text` that is not blank and not in our section, in `edited`. */
static void check_others(const char *text, const char *edited)
{
        bool ours = false;

        for (const char *at = text; *at != '\0'; at = next_line(at)) {
                const char *word = at + strspn(at, " \t\v\f\r");
                size_t len = line_len(at);

                if (*word == '[')
                        ours = is_network(word);
                if (len == 0 || ours)
                        continue;
                while (*edited != '\0' && (line_len(edited) != len || memcmp(edited, at, len) != 0))
                        edited = next_line(edited);
                if (*edited == '\0')
                        abort();
                edited = next_line(edited);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static const char *const values[] = { NULL, "1", "/var/opt/mssql/tls/server.crt", "" };
        AUTO(buf_done_p) struct buf once = BUF_INIT(MAX);
        AUTO(buf_done_p) struct buf twice = BUF_INIT(MAX);
        AUTO(mem_free_p) char *text = NULL;
        struct ini_wish wishes[] = { { .key = "a" }, { .key = "tlscert" }, { .key = "b" } };
        struct err err = ERR_INIT;

        if (len == 0)
                return 0;
        for (size_t i = 0; i < ARRAY_LEN(wishes); i++) {
                wishes[i].value = values[data[0] >> (2 * i) & 3];
                wishes[i].keep = (data[0] & 0x80) != 0;
        }
        text = mem_new(len);
        memcpy(text, data + 1, len - 1);
        if (ini_edit(text, "network", wishes, ARRAY_LEN(wishes), &once, &err) == -1) {
                if (once.len != 0 || err.kind != ERR_PARSE)
                        abort();
                return 0;
        }
        check_others(behind_mark(text), behind_mark(buf_str(&once)));
        if (ini_edit(buf_str(&once), "network", wishes, ARRAY_LEN(wishes), &twice, &err) == -1)
                abort();
        if (strcmp(buf_str(&once), buf_str(&twice)) != 0)
                abort();
        return 0;
}
