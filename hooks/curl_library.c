// SPDX-License-Identifier: Apache-2.0
/*
 * The functions by name, from one table.
 */
#include "hooks/curl_library.h"

#include <dlfcn.h>

#include "base/mem.h"

struct symbol {
        const char *name;
        size_t offset;
};

#define SYMBOL(name_)                                                                                        \
        {                                                                                                    \
                "curl_" #name_, offsetof(struct curl_library, name_)                                         \
        }

static const struct symbol symbols[] = {
        SYMBOL(global_init),         SYMBOL(global_cleanup),   SYMBOL(easy_init),
        SYMBOL(easy_cleanup),        SYMBOL(easy_setopt),      SYMBOL(easy_getinfo),
        SYMBOL(easy_strerror),       SYMBOL(multi_init),       SYMBOL(multi_cleanup),
        SYMBOL(multi_setopt),        SYMBOL(multi_add_handle), SYMBOL(multi_remove_handle),
        SYMBOL(multi_socket_action), SYMBOL(multi_info_read),
};

int curl_library_open(struct curl_library **out, struct err *err)
{
        /* NODELETE: unloading would pull OpenSSL's exit handlers from under it. */
        void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        struct curl_library *library;

        if (handle == NULL)
                return err_set(err, ERR_INTERNAL,
                               "an HTTP call needs libcurl: install the Debian package libcurl4 (%.200s)",
                               dlerror());
        library = MEM_NEW(struct curl_library);
        for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
                void *address = dlsym(handle, symbols[i].name);

                if (address == NULL) {
                        mem_free(library);
                        (void)dlclose(handle);
                        return err_set(err, ERR_INTERNAL, "libcurl.so.4 has no %s: it is too old",
                                       symbols[i].name);
                }
                /* POSIX lets a data pointer of dlsym be a function's. */
                *(void **)(void *)((char *)library + symbols[i].offset) = address;
        }
        (void)dlclose(handle); /* it stays, see above */
        if (library->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
                mem_free(library);
                return err_set(err, ERR_INTERNAL, "libcurl cannot be initialised");
        }
        *out = library;
        return 0;
}

void curl_library_close(struct curl_library *library)
{
        if (library == NULL)
                return;
        library->global_cleanup();
        mem_free(library);
}
