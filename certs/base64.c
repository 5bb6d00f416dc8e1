// SPDX-License-Identifier: Apache-2.0
#include "certs/base64.h"

#include "base/mem.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

#define DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/* EVP_DecodeBlock takes blanks around the text and counts the padding as bytes: both are put right. */
int base64_decode(const char *text, struct secret *out, struct err *err)
{
        size_t len = strlen(text);
        size_t padding = 0;
        int n;

        while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
                padding++;
        if (len % 4 != 0 || len > INT_MAX || strspn(text, DIGITS) != len - padding)
                return err_set(err, ERR_PARSE, "is no base64");
        secret_done(out);
        out->data = mem_new(len / 4 * 3 + 1);
        n = EVP_DecodeBlock(out->data, (const uint8_t *)text, (int)len);
        if (n < 0 || (size_t)n < padding) {
                secret_done(out);
                return err_set(err, ERR_PARSE, "is no base64");
        }
        out->len = (size_t)n - padding;
        out->data[out->len] = '\0';
        return 0;
}
