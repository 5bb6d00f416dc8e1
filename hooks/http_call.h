// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One HTTP request, to ask a database for a reload or how it is. The URL is http://…, https://… or, for a
 * unix socket, unix:/run/app.sock:/path. No redirects, no proxy, no cookies.
 *
 * https: on loopback the certificate is not verified, since an expired one is what the call is to repair;
 * elsewhere `authorities` verify it. A login (Basic) leaves the machine only inside TLS: over http:// it is
 * sent to loopback alone.
 */
#include "base/buf.h"
#include "base/op.h"
#include "base/secret.h"
#include "hooks/curl_library.h"

struct http_request {
        const char *url;
        const char *method;            /* "POST" */
        int status;                    /* expected, 0: any 2xx */
        const char *authorities;       /* PEM file; NULL: the system's */
        const char *user;              /* NULL: no login */
        const struct secret *password; /* NULL or empty: none; copied when the call starts */
        struct buf
                *body; /* the answer's body is appended, up to its own maximum; NULL: it feeds the message */
        int64_t limit_ms;
};

/* ERR_USAGE: not such a URL, or a method that is no method. */
int http_call_check(const char *url, const char *method, struct err *err) MUST_CHECK;
/*
 * Loads the library into *library (owned by the caller, curl_library_close after the operation is freed)
 * when that is still NULL. The request's strings are borrowed until the operation is freed.
 *
 * ERR_NOT_READY refused, no such name or socket; ERR_NETWORK broken off; ERR_PROTOCOL no HTTP; ERR_TIMEOUT;
 * ERR_UNTRUSTED; ERR_AUTH 401, 403; ERR_ENGINE another status than expected; ERR_LIMIT a body beyond
 * HTTP_BODY_MAX_BYTES, or beyond the maximum of `body`
 */
struct op *http_call_start(const struct http_request *request, struct curl_library **library);
