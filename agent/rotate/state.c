// SPDX-License-Identifier: Apache-2.0
/*
 * The state file: one small JSON object.
 */
#include "rotate/state.h"

#include "base/fs.h"
#include "base/mem.h"
#include "rotate/state_file.h"

#include <string.h>

void state_load(const char *path, struct state *out, char fresh[static ERR_TEXT_MAX])
{
        AUTO(json_free_p) cJSON *tree = NULL;

        *out = (struct state){ .path = mem_strdup(path) };
        tree = state_file_read(path, fresh);
        if (tree == NULL)
                return;
        state_file_text(tree, "step", out->step, sizeof(out->step));
        state_file_text(tree, "text", out->text, sizeof(out->text));
        state_file_fingerprint(tree, "trying", &out->trying);
        state_file_fingerprint(tree, "settled", &out->settled);
        state_file_fingerprint(tree, "judged", &out->judged);
        out->rolling_back = json_get_bool(tree, "rollingBack");
        out->since.s = json_get_int(tree, "since", 0);
        out->generation = json_get_int(tree, "generation", 0);
        out->good = json_get_int(tree, "good", 0);
        out->judged_until.s = json_get_int(tree, "judgedUntil", 0);
        out->last_success.s = json_get_int(tree, "lastSuccess", 0);
        out->pruned.s = json_get_int(tree, "pruned", 0);
        out->degraded = json_get_bool(tree, "degraded");
        out->reason = state_file_reason(tree);
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
