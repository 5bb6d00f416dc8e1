// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * FreeTDS' db-lib, loaded when it is first needed: it brings GnuTLS and Kerberos, which an agent of another
 * database should not carry. Once loaded it stays in the process. Takes its variables out of the environment,
 * which has no say in where the agent logs in.
 */
#include "base/err.h"

#include <sybdb.h>

struct sybdb_library {
        RETCODE (*dbinit)(void);
        EHANDLEFUNC (*dberrhandle)(EHANDLEFUNC handler);
        MHANDLEFUNC (*dbmsghandle)(MHANDLEFUNC handler);
        void (*dbsetifile)(char *filename);
        LOGINREC *(*dblogin)(void);
        void (*dbloginfree)(LOGINREC *login);
        RETCODE (*dbsetlname)(LOGINREC *login, const char *value, int which);
        DBPROCESS *(*tdsdbopen)(LOGINREC *login, const char *server, int msdblib);
        void (*dbclose)(DBPROCESS *process);
        RETCODE (*dbcmd)(DBPROCESS *process, const char text[]);
        RETCODE (*dbsqlexec)(DBPROCESS *process);
        RETCODE (*dbresults)(DBPROCESS *process);
        int (*dbnumcols)(DBPROCESS *process);
        RETCODE (*dbbind)(DBPROCESS *process, int column, int vartype, DBINT varlen, BYTE *varaddr);
        RETCODE (*dbnullbind)(DBPROCESS *process, int column, DBINT *indicator);
        STATUS (*dbnextrow)(DBPROCESS *process);
        DBBOOL (*dbdead)(DBPROCESS *process);
        int (*dbiordesc)(DBPROCESS *process);
};

/* ERR_INTERNAL naming the Debian package when it is not installed. */
int sybdb_library_open(struct sybdb_library *out, struct err *err) MUST_CHECK;
