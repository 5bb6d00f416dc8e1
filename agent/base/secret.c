// SPDX-License-Identifier: Apache-2.0
/*
 * Wiped memory for keys and passwords.
 */
#include "base/secret.h"

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"

#include <string.h>

void secret_set(struct secret *secret, const void *data, size_t len)
{
        uint8_t *copy = mem_new(len + 1);

        if (len > 0)
                memcpy(copy, data, len);
        secret_done(secret);
        secret->data = copy;
        secret->len = len;
}

int secret_read(const char *path, struct secret *out, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(PASSWORD_MAX_BYTES);
        size_t len;

        if (fs_read(path, PASSWORD_MAX_BYTES, &text, err) != 0)
                return -1;
        len = strcspn(buf_str(&text), "\r\n");
        if (len == 0)
                return err_set(err, ERR_PARSE, "'%s': the first line is empty, a password is wanted there",
                               path);
        if (memchr(text.data, '\0', text.len) != NULL)
                return err_set(err, ERR_PARSE, "'%s' has a NUL byte, a password is wanted there", path);
        secret_set(out, text.data, len);
        return 0;
}

void secret_done(struct secret *secret)
{
        if (secret->data != NULL)
                explicit_bzero(secret->data, secret->len);
        mem_free(secret->data);
        *secret = (struct secret)SECRET_INIT;
}
