// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A bundle from the operands of a command: one directory as the agent would read it, or files one by one,
 * whose roles are told by what is in them and not by their names.
 */
#include "certs/bundle.h"

struct input {
        struct snapshot *snapshot;
        struct bundle *bundle;
        struct bundle_names names; /* what the files are called, for sentences; strings of the snapshot */
};

/*
 * password_file may be NULL. Errors of snapshot_read_files and bundle_load; ERR_USAGE when there is no
 * operand, a directory among several, or two files of one name.
 */
int input_load(char *const *paths, size_t n, const char *password_file, struct input *out,
               struct err *err) MUST_CHECK;
void input_done(struct input *input);
static inline UNUSED void input_done_p(struct input *input)
{
        input_done(input);
}

bool input_is_dir(const char *path);
