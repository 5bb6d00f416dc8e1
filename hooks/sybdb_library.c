// SPDX-License-Identifier: Apache-2.0
/*
 * The functions by name, from one table.
 */
#include "hooks/sybdb_library.h"

#include <dlfcn.h>
#include <stdlib.h>

struct symbol {
        const char *name;
        size_t offset;
};

/* db-lib reads these and lets them win over what it is told. */
static const char *const variables[] = { "TDSVER",  "TDSDUMP", "TDSDUMPCONFIG",
                                         "TDSPORT", "TDSHOST", "TDSQUERY" };

#define SYMBOL(name_)                                                                                        \
        {                                                                                                    \
#name_, offsetof(struct sybdb_library, name_)                                                \
        }

static const struct symbol symbols[] = {
        SYMBOL(dbinit),      SYMBOL(dberrhandle), SYMBOL(dbmsghandle), SYMBOL(dbsetifile), SYMBOL(dblogin),
        SYMBOL(dbloginfree), SYMBOL(dbsetlname),  SYMBOL(tdsdbopen),   SYMBOL(dbclose),    SYMBOL(dbcmd),
        SYMBOL(dbsqlexec),   SYMBOL(dbresults),   SYMBOL(dbnumcols),   SYMBOL(dbbind),     SYMBOL(dbnullbind),
        SYMBOL(dbnextrow),   SYMBOL(dbdead),      SYMBOL(dbiordesc),
};

int sybdb_library_open(struct sybdb_library *out, struct err *err)
{
        /* NODELETE: a worker that was left behind may still be in there. */
        void *handle = dlopen("libsybdb.so.5", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        struct sybdb_library library;

        if (handle == NULL)
                return err_set(err, ERR_INTERNAL,
                               "SQL Server is asked through FreeTDS: install the Debian package libsybdb5 "
                               "(%.200s)",
                               dlerror());
        for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
                void *address = dlsym(handle, symbols[i].name);

                if (address == NULL) {
                        (void)dlclose(handle);
                        return err_set(err, ERR_INTERNAL, "libsybdb.so.5 has no %s: it is too old",
                                       symbols[i].name);
                }
                /* POSIX lets a data pointer of dlsym be a function's. */
                *(void **)(void *)((char *)&library + symbols[i].offset) = address;
        }
        (void)dlclose(handle); /* it stays, see above */
        for (size_t i = 0; i < ARRAY_LEN(variables); i++)
                (void)unsetenv(variables[i]);
        if (library.dbinit() == FAIL)
                return err_set(err, ERR_INTERNAL, "FreeTDS cannot be initialised");
        *out = library;
        return 0;
}
