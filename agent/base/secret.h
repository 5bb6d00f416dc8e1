// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Bytes that must not leak: private keys, passwords, tokens. No string accessor on purpose, so that a
 * secret cannot be printed by accident; wiped when freed.
 */
#include "base/err.h"

#include <stdint.h>

struct secret {
        uint8_t *data; /* NUL-terminated behind len bytes, for libraries that want strings */
        size_t len;
};

#define SECRET_INIT                                                                                          \
        {                                                                                                    \
                NULL, 0                                                                                      \
        }

/* A copy of the bytes. */
void secret_set(struct secret *secret, const void *data, size_t len);
/*
 * The first line of a file, without its end: a password, at most PASSWORD_MAX_BYTES. ERR_PARSE when it is
 * empty or has a NUL byte.
 */
int secret_read(const char *path, struct secret *out, struct err *err) MUST_CHECK;
/* Wipes and frees; accepts an empty one. */
void secret_done(struct secret *secret);
static inline UNUSED void secret_done_p(struct secret *secret)
{
        secret_done(secret);
}
