// SPDX-License-Identifier: Apache-2.0
/*
 * The state file: one small JSON object.
 */
#include "rotate/state.h"

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

void state_load(const char *path, struct state *out, char fresh[static ERR_TEXT_MAX])
{
        AUTO(json_free_p) cJSON *tree = NULL;
        struct err err = ERR_INIT;
        const char *reason;

        *out = (struct state){ .path = mem_strdup(path) };
        fresh[0] = '\0';
        if (read_tree(path, &tree, &err) != 0) {
                if (err.kind != ERR_MISSING)
                        (void)snprintf(fresh, ERR_TEXT_MAX, "%s", err.text);
                return;
        }
        get_text(tree, "step", out->step, sizeof(out->step));
        get_text(tree, "text", out->text, sizeof(out->text));
        get_fingerprint(tree, "trying", &out->trying);
        get_fingerprint(tree, "settled", &out->settled);
        get_fingerprint(tree, "judged", &out->judged);
        out->rolling_back = json_get_bool(tree, "rollingBack");
        out->since.s = json_get_int(tree, "since", 0);
        out->generation = json_get_int(tree, "generation", 0);
        out->good = json_get_int(tree, "good", 0);
        out->judged_until.s = json_get_int(tree, "judgedUntil", 0);
        out->last_success.s = json_get_int(tree, "lastSuccess", 0);
        out->pruned.s = json_get_int(tree, "pruned", 0);
        out->degraded = json_get_bool(tree, "degraded");
        reason = json_get_str(tree, "reason");
        out->reason = reason == NULL ? ERR_NONE : err_from_reason(reason);
}

/* Written by hand: this is on the way from swap to served, and the form is flat. */
int state_save(const struct state *state, struct err *err)
{
        static const struct fs_attr attr = { 0600, FS_KEEP, (gid_t)FS_KEEP };
        AUTO(buf_done_p) struct buf out = BUF_INIT(STATE_MAX_BYTES);
        char trying[FINGERPRINT_TEXT_MAX];
        char settled[FINGERPRINT_TEXT_MAX];
        char judged[FINGERPRINT_TEXT_MAX];

        buf_printf(&out, "{\"version\":%d,\"step\":\"%s\",\"rollingBack\":%s,\"since\":%lld,", STATE_VERSION,
                   state->step, state->rolling_back ? "true" : "false", (long long)state->since.s);
        buf_printf(&out, "\"generation\":%lld,\"good\":%lld,\"trying\":\"%s\",\"settled\":\"%s\",",
                   (long long)state->generation, (long long)state->good,
                   hex_fingerprint(&state->trying, trying), hex_fingerprint(&state->settled, settled));
        buf_printf(&out, "\"judged\":\"%s\",", hex_fingerprint(&state->judged, judged));
        if (state->pruned.s != 0)
                buf_printf(&out, "\"pruned\":%lld,", (long long)state->pruned.s);
        buf_printf(&out,
                   "\"judgedUntil\":%lld,\"lastSuccess\":%lld,\"degraded\":%s,\"reason\":\"%s\",\"text\":",
                   (long long)state->judged_until.s, (long long)state->last_success.s,
                   state->degraded ? "true" : "false", err_reason(state->reason));
        buf_add_json(&out, state->text);
        buf_add_str(&out, "}\n");
        return fs_replace_unsynced(state->path, out.data, out.len, &attr, err);
}

void state_done(struct state *state)
{
        mem_free(state->path);
        *state = (struct state){ 0 };
}
