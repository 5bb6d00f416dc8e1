// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * PEM as people really write it: CRLF, trailing blanks, text around the blocks, a missing last newline, a
 * byte order mark. One reader, not OpenSSL's, because it is several times faster and says where it stopped.
 */
#include "base/err.h"
#include "base/secret.h"

#include <stdint.h>

enum pem_label {
        PEM_CERTIFICATE, /* "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE" (extra data dropped) */
        PEM_KEY_PKCS8,   /* "PRIVATE KEY" */
        PEM_KEY_PKCS8_CRYPTED, /* "ENCRYPTED PRIVATE KEY" */
        PEM_KEY_RSA,           /* "RSA PRIVATE KEY", PKCS#1 */
        PEM_KEY_EC,            /* "EC PRIVATE KEY", SEC1 */
        PEM_OTHER,             /* well-formed, of no use to us: parameters, CRLs, requests */
};

struct pem_block {
        enum pem_label label;
        struct secret der; /* decoded body */
        char *dek_info; /* RFC 1421 header of an encrypted PKCS#1 or SEC1 key, "AES-256-CBC,hex"; or NULL */
        int line;       /* of the BEGIN line, from 1 */
};

struct pem {
        struct pem_block *blocks;
        size_t n;
};

#define PEM_INIT                                                                                             \
        {                                                                                                    \
                NULL, 0                                                                                      \
        }

/*
 * Parse all blocks. `what` names the input in messages ("tls.crt").
 *
 * text, len  need not end in NUL; at most PEM_FILE_MAX_BYTES
 * out        on success owned by the caller (pem_done); n may be 0 when there is no block
 *
 * ERR_PARSE  a block without END, with another END label, or with a bad base64 body; message names the line
 * ERR_LIMIT  more than PEM_MAX_BLOCKS blocks or too many bytes
 * Pure. Fuzzed by tests/fuzz/fuzz_pem.c, also against OpenSSL's reader.
 */
int pem_parse(const char *what, const uint8_t *text, size_t len, struct pem *out, struct err *err) MUST_CHECK;
void pem_done(struct pem *pem);
static inline UNUSED void pem_done_p(struct pem *pem)
{
        pem_done(pem);
}
