// SPDX-License-Identifier: Apache-2.0
/*
 * Allocation that cannot fail: it aborts instead, with one line on stderr.
 */
#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static __attribute__((noreturn, cold)) void out_of_memory(size_t size)
{
        (void)fprintf(stderr, "certrotate: out of memory (%zu bytes wanted)\n", size);
        abort();
}

void *mem_new(size_t size)
{
        void *ptr = calloc(1, size == 0 ? 1 : size);

        if (ptr == NULL)
                out_of_memory(size);
        return ptr;
}

void *mem_array(size_t n, size_t size)
{
        void *ptr = calloc(n == 0 ? 1 : n, size == 0 ? 1 : size);

        if (ptr == NULL)
                out_of_memory(n);
        return ptr;
}

void *mem_grow(void *old, size_t n, size_t size)
{
        void *ptr = reallocarray(old, n == 0 ? 1 : n, size == 0 ? 1 : size);

        if (ptr == NULL)
                out_of_memory(n);
        return ptr;
}

void *mem_dup(const void *src, size_t len)
{
        void *ptr = mem_new(len);

        if (len > 0)
                memcpy(ptr, src, len);
        return ptr;
}

char *mem_strdup(const char *src)
{
        return src == NULL ? NULL : mem_dup(src, strlen(src) + 1);
}

char *mem_printf(const char *fmt, ...)
{
        char *out = NULL;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&out, fmt, ap) == -1)
                out_of_memory(0);
        va_end(ap);
        return out;
}

void mem_trim(void)
{
        (void)malloc_trim(0);
}
