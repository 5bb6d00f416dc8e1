// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The mirroring endpoint of a SQL Server, of which there is at most one, and the certificates that are there
 * as objects, row by row. Pure; nothing here is allocated.
 */
#include "base/err.h"

#include <stdbool.h>

#define MSSQL_PREFIX           "certrotate_" /* of the objects that we make, and may drop */
#define MSSQL_CERTIFICATES_MAX 64
#define MSSQL_OBJECT_MAX       129 /* sysname */
#define MSSQL_THUMBPRINT_MAX   41  /* SHA-1 of the certificate in upper-case hex */

struct mssql_certificate {
        char name[MSSQL_OBJECT_MAX];
        char thumbprint[MSSQL_THUMBPRINT_MAX];
        char owner[MSSQL_OBJECT_MAX]; /* "" not told */
        int id;
        int owner_id;
        bool has_key; /* under the master key of the database: an endpoint can use it */
};

struct mssql_mirroring {
        bool known;                      /* it was asked for */
        char endpoint[MSSQL_OBJECT_MAX]; /* "" there is none, or it may not be seen */
        char state[24];
        char authentication[40];
        int certificate_id; /* that it shows; 0: none, it asks Windows */
        struct mssql_certificate certificates[MSSQL_CERTIFICATES_MAX];
        int n_certificates;
        bool cut; /* there are more certificates */
};

/* Rows of the questions in mssql_certify.c; values may be NULL, n is their number. */
void mssql_mirroring_take_endpoint(void *mirroring, const char *const *values, int n);
void mssql_mirroring_take_certificate(void *mirroring, const char *const *values, int n);
void mssql_mirroring_take_owner(void *mirroring, const char *const *values, int n);

/* NULL when there is none. */
const struct mssql_certificate *mssql_mirroring_find(const struct mssql_mirroring *mirroring,
                                                     const char *thumbprint);
/* What the endpoint shows; NULL: nothing. */
const struct mssql_certificate *mssql_mirroring_bound(const struct mssql_mirroring *mirroring);
bool mssql_mirroring_is_ours(const struct mssql_certificate *certificate);
/* ERR_NOT_READY: no endpoint, which is said with what to do. */
int mssql_mirroring_need(const struct mssql_mirroring *mirroring, struct err *err) MUST_CHECK;
/* ERR_MISMATCH it shows another one; ERR_UNHEALTHY it is not started. */
int mssql_mirroring_judge(const struct mssql_mirroring *mirroring, const char *thumbprint,
                          struct err *err) MUST_CHECK;
