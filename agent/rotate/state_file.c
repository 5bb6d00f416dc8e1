// SPDX-License-Identifier: Apache-2.0
#include "rotate/state_file.h"

#include "base/fs.h"

#include <stdio.h>

void state_file_text(const cJSON *tree, const char *key, char *out, size_t room)
{
        const char *text = json_get_str(tree, key);

        (void)snprintf(out, room, "%s", text == NULL ? "" : text);
}

void state_file_fingerprint(const cJSON *tree, const char *key, struct fingerprint *out)
{
        const char *text = json_get_str(tree, key);

        if (text != NULL)
                (void)hex_parse_fingerprint(text, out);
}

enum err_kind state_file_reason(const cJSON *tree)
{
        const char *reason = json_get_str(tree, "reason");

        return reason == NULL ? ERR_NONE : err_from_reason(reason);
}

static int read_tree(const char *path, cJSON **out, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(STATE_MAX_BYTES);
        AUTO(json_free_p) cJSON *tree = NULL;

        if (fs_read(path, STATE_MAX_BYTES, &text, err) != 0)
                return -1;
        if (json_parse(buf_str(&text), text.len, &tree, err) != 0)
                return err_wrap(err, "state file '%s'", path);
        if (json_get_int(tree, "version", 0) != STATE_VERSION)
                return err_set(err, ERR_PARSE, "state file '%s' is of another version", path);
        *out = TAKE(tree);
        return 0;
}

cJSON *state_file_read(const char *path, char why[static ERR_TEXT_MAX])
{
        struct err err = ERR_INIT;
        cJSON *tree;

        why[0] = '\0';
        if (read_tree(path, &tree, &err) == 0)
                return tree;
        if (err.kind != ERR_MISSING)
                (void)snprintf(why, ERR_TEXT_MAX, "%s", err.text);
        return NULL;
}
