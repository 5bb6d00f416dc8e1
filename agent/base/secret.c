// SPDX-License-Identifier: Apache-2.0
/*
 * Wiped memory for keys and passwords.
 */
#include "base/secret.h"

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

void secret_done(struct secret *secret)
{
        if (secret->data != NULL)
                explicit_bzero(secret->data, secret->len);
        mem_free(secret->data);
        *secret = (struct secret)SECRET_INIT;
}
