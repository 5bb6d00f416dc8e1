// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Memory. Allocation failure aborts with one line: Linux overcommits, so the branch would never be tested,
 * and every step of the agent survives being killed. The price: every size that comes from outside is
 * bounded (base/limits.h) before it is allocated.
 */
#include "base/auto.h"

#include <stdlib.h>

/* Zeroed. */
void *mem_new(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *mem_array(size_t n, size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
/* As realloc, new bytes not zeroed; aborts on n * size overflow. */
void *mem_grow(void *old, size_t n, size_t size) __attribute__((returns_nonnull, warn_unused_result));
void *mem_dup(const void *src, size_t len) __attribute__((malloc, returns_nonnull, warn_unused_result));
/* NULL in, NULL out. */
char *mem_strdup(const char *src) MUST_CHECK;
char *mem_printf(const char *fmt, ...) FORMAT(1, 2) MUST_CHECK;

/* Gives back to the system what was freed: after much was needed for a moment. Takes milliseconds. */
void mem_trim(void);

#define MEM_NEW(type) ((type *)mem_new(sizeof(type)))

static inline void mem_free(void *ptr)
{
        free(ptr);
}

/* Clean-up of a string: AUTO(mem_free_p) char *s = NULL; */
static inline UNUSED void mem_free_p(void *ptr)
{
        free(*(void **)ptr);
}
