// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Errors: one value, owned by the caller, nothing to free.
 *
 * A fallible function ends in `struct err *err`, returns 0 or -1, leaves err untouched on success and its
 * outputs untouched on failure. Failing is one statement: `return err_set(err, ERR_PARSE, "…")`. The kind
 * decides about retry, exit code and the reason word in conditions; nobody looks at the text but people.
 */
#include "base/auto.h"

#define ERR_TEXT_MAX 512

enum err_kind {
        ERR_NONE,
        ERR_USAGE,     /* command line or configuration is wrong */
        ERR_IO,        /* file system */
        ERR_LIMIT,     /* something from outside is larger than we accept */
        ERR_PARSE,     /* bytes are not what they should be */
        ERR_CHANGED,   /* the source moved on while it was read: read again */
        ERR_MISSING,   /* a source, file or key that is not there (yet) */
        ERR_REFUSED,   /* the bundle was judged unfit */
        ERR_NOT_READY, /* the database is not there (yet) */
        ERR_NETWORK,   /* connection broke */
        ERR_TIMEOUT,   /* a deadline passed */
        ERR_PROTOCOL,  /* the peer does not speak what it should */
        ERR_AUTH,      /* login refused */
        ERR_PRIVILEGE, /* logged in, but lacks the right */
        ERR_ENGINE,    /* the database refused the certificate */
        ERR_UNTRUSTED, /* the chain served does not verify */
        ERR_MISMATCH,  /* served is not what was published */
        ERR_UNHEALTHY, /* certificate served, but the database or its cluster is not well */
        ERR_INTERNAL,  /* a library failed in a way that has no better name */
};

enum err_retry {
        RETRY_NEVER, /* not before something changes */
        RETRY_NOW,
        RETRY_BACKOFF,
};

struct err {
        enum err_kind kind;
        int sys;                 /* errno, 0 when none */
        char text[ERR_TEXT_MAX]; /* "what: where: cause", no trailing full stop */
};

#define ERR_INIT                                                                                             \
        {                                                                                                    \
                ERR_NONE, 0, ""                                                                              \
        }

/* Each yields -1, visibly for compilers and analysers. */
#define err_set(err, kind, ...) (err_set_((err), (kind), __VA_ARGS__), -1)
#define err_sys(err, sys, ...)  (err_sys_((err), (sys), __VA_ARGS__), -1)
#define err_wrap(err, ...)      (err_wrap_((err), __VA_ARGS__), -1)

void err_set_(struct err *err, enum err_kind kind, const char *fmt, ...) FORMAT(3, 4);
/* Kind from errno: ENOENT is ERR_MISSING, everything else ERR_IO; the text ends in strerror. */
void err_sys_(struct err *err, int sys, const char *fmt, ...) FORMAT(3, 4);
/* Puts "fmt: " in front of the text; the kind stays. */
void err_wrap_(struct err *err, const char *fmt, ...) FORMAT(2, 3);

/* CamelCase word for conditions and metrics, e.g. "ServedMismatch". */
const char *err_reason(enum err_kind kind);
/* The kind of a reason word, ERR_INTERNAL when unknown. */
enum err_kind err_from_reason(const char *reason);
enum err_retry err_retry(enum err_kind kind);
/* Process exit code: 1 or 2. */
int err_exit_code(enum err_kind kind);
