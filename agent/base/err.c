// SPDX-License-Identifier: Apache-2.0
/*
 * The table of error kinds, and the three ways to fill a struct err.
 *
 * Text is cut at ERR_TEXT_MAX, never overflowed: what comes from outside may be long.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
        const char *reason;
        enum err_retry retry;
        int exit_code;
};

static const struct err_row rows[] = {
        [ERR_NONE] = { "None", RETRY_NEVER, 0 },
        [ERR_USAGE] = { "InvalidConfiguration", RETRY_NEVER, 2 },
        [ERR_IO] = { "InputOutput", RETRY_BACKOFF, 1 },
        [ERR_LIMIT] = { "LimitExceeded", RETRY_NEVER, 1 },
        [ERR_PARSE] = { "Unreadable", RETRY_NEVER, 1 },
        [ERR_CHANGED] = { "ChangedWhileReading", RETRY_NOW, 1 },
        [ERR_MISSING] = { "Missing", RETRY_NEVER, 1 },
        [ERR_REFUSED] = { "BundleRefused", RETRY_NEVER, 1 },
        [ERR_NOT_READY] = { "DatabaseNotReady", RETRY_BACKOFF, 1 },
        [ERR_NETWORK] = { "ConnectionLost", RETRY_BACKOFF, 1 },
        [ERR_TIMEOUT] = { "Timeout", RETRY_BACKOFF, 1 },
        [ERR_PROTOCOL] = { "ProtocolError", RETRY_BACKOFF, 1 },
        [ERR_AUTH] = { "LoginRefused", RETRY_BACKOFF, 1 },
        [ERR_PRIVILEGE] = { "PrivilegeMissing", RETRY_BACKOFF, 1 },
        [ERR_ENGINE] = { "DatabaseRefused", RETRY_NEVER, 1 },
        [ERR_UNTRUSTED] = { "ServedUntrusted", RETRY_NEVER, 1 },
        [ERR_MISMATCH] = { "ServedMismatch", RETRY_NEVER, 1 },
        [ERR_UNHEALTHY] = { "DatabaseUnhealthy", RETRY_BACKOFF, 1 },
        [ERR_INTERNAL] = { "Internal", RETRY_BACKOFF, 1 },
};

void err_set_(struct err *err, enum err_kind kind, const char *fmt, ...)
{
        va_list ap;

        err->kind = kind;
        err->sys = 0;
        va_start(ap, fmt);
        (void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
        va_end(ap);
}

void err_sys_(struct err *err, int sys, const char *fmt, ...)
{
        char what[ERR_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(what, sizeof(what), fmt, ap);
        va_end(ap);
        err->kind = sys == ENOENT ? ERR_MISSING : ERR_IO;
        err->sys = sys;
        (void)snprintf(err->text, sizeof(err->text), "%.400s: %s", what, strerrordesc_np(sys));
}

void err_wrap_(struct err *err, const char *fmt, ...)
{
        char inner[ERR_TEXT_MAX];
        char what[ERR_TEXT_MAX];
        va_list ap;

        (void)snprintf(inner, sizeof(inner), "%s", err->text);
        va_start(ap, fmt);
        (void)vsnprintf(what, sizeof(what), fmt, ap);
        va_end(ap);
        (void)snprintf(err->text, sizeof(err->text), "%.200s: %.300s", what, inner);
}

const char *err_reason(enum err_kind kind)
{
        return rows[kind].reason;
}

enum err_kind err_from_reason(const char *reason)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].reason, reason) == 0)
                        return (enum err_kind)i;
        return ERR_INTERNAL;
}

enum err_retry err_retry(enum err_kind kind)
{
        return rows[kind].retry;
}

int err_exit_code(enum err_kind kind)
{
        return rows[kind].exit_code;
}
