// SPDX-License-Identifier: Apache-2.0
#include "rotate/custom_state.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define STATE_VERSION   1
#define STATE_MAX_BYTES 8192

static void get_text(const cJSON *tree, const char *key, char *out, size_t room)
{
        const char *text = json_get_str(tree, key);

        (void)snprintf(out, room, "%s", text == NULL ? "" : text);
}

static void get_fingerprint(const cJSON *tree, const char *key, struct fingerprint *out)
{
        const char *text = json_get_str(tree, key);

        if (text != NULL)
                (void)hex_parse_fingerprint(text, out);
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

void custom_state_load(const char *path, struct custom_state *out, char why[static ERR_TEXT_MAX])
{
        AUTO(json_free_p) cJSON *tree = NULL;
        struct err err = ERR_INIT;
        const char *reason;

        *out = (struct custom_state){ .path = mem_strdup(path), .fresh = true };
        why[0] = '\0';
        if (read_tree(path, &tree, &err) != 0) {
                if (err.kind != ERR_MISSING)
                        (void)snprintf(why, ERR_TEXT_MAX, "%s", err.text);
                return;
        }
        get_text(tree, "step", out->step, sizeof(out->step));
        get_text(tree, "text", out->text, sizeof(out->text));
        get_fingerprint(tree, "trying", &out->trying);
        get_fingerprint(tree, "settled", &out->settled);
        get_fingerprint(tree, "judged", &out->judged);
        out->rolling_back = json_get_bool(tree, "rollingBack");
        out->fresh = json_get_bool(tree, "fresh");
        out->down = json_get_bool(tree, "down");
        out->degraded = json_get_bool(tree, "degraded");
        out->generation = json_get_int(tree, "generation", 0);
        out->good = json_get_int(tree, "good", 0);
        out->published.s = json_get_int(tree, "published", 0);
        reason = json_get_str(tree, "reason");
        out->reason = reason == NULL ? ERR_NONE : err_from_reason(reason);
}

static void add_fingerprint(cJSON *tree, const char *key, const struct fingerprint *fp)
{
        char text[FINGERPRINT_TEXT_MAX];

        json_add_str(tree, key, hex_fingerprint(fp, text));
}

int custom_state_save(const struct custom_state *state, struct err *err)
{
        static const struct fs_attr attr = { 0600, FS_KEEP, (gid_t)FS_KEEP };
        AUTO(json_free_p) cJSON *tree = json_object();
        AUTO(mem_free_p) char *text = NULL;

        json_add_int(tree, "version", STATE_VERSION);
        json_add_str(tree, "step", state->step);
        json_add_bool(tree, "rollingBack", state->rolling_back);
        json_add_bool(tree, "fresh", state->fresh);
        json_add_bool(tree, "down", state->down);
        json_add_bool(tree, "degraded", state->degraded);
        json_add_int(tree, "generation", state->generation);
        json_add_int(tree, "good", state->good);
        json_add_int(tree, "published", state->published.s);
        add_fingerprint(tree, "trying", &state->trying);
        add_fingerprint(tree, "settled", &state->settled);
        add_fingerprint(tree, "judged", &state->judged);
        json_add_str(tree, "reason", err_reason(state->reason));
        json_add_str(tree, "text", state->text);
        text = json_print(tree, false);
        return fs_replace_unsynced(state->path, text, strlen(text), &attr, err);
}

void custom_state_done(struct custom_state *state)
{
        mem_free(state->path);
        *state = (struct custom_state){ .fresh = true };
}
