// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Scope-bound clean-up and the few attributes that every file uses.
 *
 *   AUTO(x_free_p) struct x *x = NULL;    freed when the scope is left
 *   *out = TAKE(x);                       handed out instead
 */
#include <stddef.h>
#include <unistd.h>

#define AUTO(fn)           __attribute__((cleanup(fn)))
#define MUST_CHECK         __attribute__((warn_unused_result))
#define FORMAT(fmt, first) __attribute__((format(printf, fmt, first)))
#define UNUSED             __attribute__((unused))
#define ARRAY_LEN(a)       (sizeof(a) / sizeof((a)[0]))

/* The object of type `type` whose member `member` is at `ptr`. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Derives fn_p, the clean-up for a variable of type `type *`, from the destructor fn (which accepts NULL). */
#define AUTO_DEFINE(type, fn)                                                                                \
        static inline UNUSED void fn##_p(type **ptr) /* NOLINT(bugprone-macro-parentheses) */                \
        {                                                                                                    \
                if (*ptr != NULL)                                                                            \
                        fn(*ptr);                                                                            \
        }

/* Hands a pointer out and leaves NULL behind, so that its clean-up does nothing. */
#define TAKE(ptr)                                                                                            \
        __extension__({                                                                                      \
                __typeof__(ptr) taken_ = (ptr);                                                              \
                (ptr) = NULL;                                                                                \
                taken_;                                                                                      \
        })

/* The same for a descriptor, leaving -1 behind. */
static inline UNUSED int take_fd(int *fd)
{
        int taken = *fd;

        *fd = -1;
        return taken;
}

/* Clean-up of a descriptor: AUTO(close_fd_p) int fd = -1; */
static inline UNUSED void close_fd_p(int *fd)
{
        if (*fd >= 0)
                (void)close(*fd);
}
