// SPDX-License-Identifier: Apache-2.0
/*
 * certs/pem.c on any bytes, and against OpenSSL's reader: where both accept a text, they see the same blocks.
 * Texts with NUL bytes, a byte order mark or long lines are left out of the comparison, since OpenSSL cuts
 * lines at 254 bytes; so is a block that OpenSSL takes for one with headers because of an empty line in it.
 */
#include "certs/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define OPENSSL_LINE_MAX 250

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool comparable(const uint8_t *data, size_t size)
{
        size_t line = 0;

        if (memchr(data, 0, size) != NULL || memchr(data, 0xef, size) != NULL)
                return false;
        for (size_t i = 0; i < size; i++) {
                line = data[i] == '\n' ? 0 : line + 1;
                if (line > OPENSSL_LINE_MAX)
                        return false;
        }
        return true;
}

/* The next block of ours must have these bytes; those without use have none. */
static void compare_next(const struct pem *pem, size_t at, const uint8_t *der, size_t len)
{
        const struct pem_block *block = &pem->blocks[at];

        if (at >= pem->n)
                abort();
        if (block->label == PEM_OTHER)
                return;
        /* The trust data of a TRUSTED CERTIFICATE is dropped. */
        if (block->der.len > len || memcmp(block->der.data, der, block->der.len) != 0)
                abort();
        if (block->label != PEM_CERTIFICATE && block->der.len != len)
                abort();
}

static void compare(const struct pem *pem, const uint8_t *data, size_t size)
{
        BIO *bio = BIO_new_mem_buf(data, (int)size);
        bool done = false;

        for (size_t at = 0; !done; at++) {
                char *name = NULL;
                char *header = NULL;
                unsigned char *der = NULL;
                long len = 0;

                done = PEM_read_bio(bio, &name, &header, &der, &len) != 1 ||
                       (*header != '\0' && strchr(header, ':') == NULL);
                if (!done)
                        compare_next(pem, at, der, (size_t)len);
                OPENSSL_free(name);
                OPENSSL_free(header);
                OPENSSL_free(der);
        }
        ERR_clear_error();
        BIO_free(bio);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct pem pem = PEM_INIT;
        struct err err = ERR_INIT;

        if (pem_parse("fuzz", data, size, &pem, &err) == 0 && comparable(data, size))
                compare(&pem, data, size);
        pem_done(&pem);
        return 0;
}
