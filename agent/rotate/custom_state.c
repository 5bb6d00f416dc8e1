// SPDX-License-Identifier: Apache-2.0
#include "rotate/custom_state.h"

#include "base/fs.h"
#include "base/mem.h"
#include "rotate/state_file.h"

#include <string.h>

void custom_state_load(const char *path, struct custom_state *out, char why[static ERR_TEXT_MAX])
{
        AUTO(json_free_p) cJSON *tree = NULL;

        *out = (struct custom_state){ .path = mem_strdup(path), .fresh = true };
        tree = state_file_read(path, why);
        if (tree == NULL)
                return;
        state_file_text(tree, "step", out->step, sizeof(out->step));
        state_file_text(tree, "text", out->text, sizeof(out->text));
        state_file_fingerprint(tree, "trying", &out->trying);
        state_file_fingerprint(tree, "settled", &out->settled);
        state_file_fingerprint(tree, "judged", &out->judged);
        out->rolling_back = json_get_bool(tree, "rollingBack");
        out->fresh = json_get_bool(tree, "fresh");
        out->down = json_get_bool(tree, "down");
        out->degraded = json_get_bool(tree, "degraded");
        out->pending = json_get_bool(tree, "pending");
        state_file_fingerprint(tree, "answered", &out->answered);
        out->generation = json_get_int(tree, "generation", 0);
        out->good = json_get_int(tree, "good", 0);
        out->published.s = json_get_int(tree, "published", 0);
        out->reason = state_file_reason(tree);
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
        json_add_bool(tree, "pending", state->pending);
        add_fingerprint(tree, "answered", &state->answered);
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
