// SPDX-License-Identifier: Apache-2.0
#include "kube/report_text.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define DOTS "\xe2\x80\xa6"

/* The character at p as it may be shown; its length in the text. */
static size_t shown(const uint8_t *p, const char **out, size_t *out_len)
{
        const size_t len = utf8_len(p);

        *out = (const char *)p;
        *out_len = len;
        if (len > 0 && !utf8_is_control(utf8_decode(p, len)))
                return len;
        *out = isspace(*p) ? " " : "?";
        *out_len = 1;
        return len > 0 ? len : 1;
}

char *kube_report_text_clean(const char *text, size_t max)
{
        const size_t room = text == NULL ? 0 : strlen(text) < max ? strlen(text) : max;
        const uint8_t *p = (const uint8_t *)text;
        size_t len = 0;
        size_t cut = 0; /* the longest part that leaves room for the dots */
        char *clean;

        if (text == NULL)
                return NULL;
        clean = mem_new(room + 1);
        while (*p != '\0') {
                const char *character;
                size_t n;

                p += shown(p, &character, &n);
                if (len + n > room) {
                        if (cut + strlen(DOTS) <= room)
                                memcpy(clean + cut, DOTS, sizeof(DOTS));
                        return clean;
                }
                memcpy(clean + len, character, n);
                len += n;
                if (len + strlen(DOTS) <= room)
                        cut = len;
        }
        clean[len] = '\0';
        return clean;
}

bool kube_report_text_is_secret(const char *text)
{
        /* "-----BEGIN " in base64, as it stands at the beginning of a value of a Secret */
        return text != NULL &&
               (strstr(text, "PRIVATE KEY") != NULL || strstr(text, "LS0tLS1CRUdJTi") != NULL);
}
