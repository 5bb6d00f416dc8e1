// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates are found by thumbprint and never by name: SQL Server takes none twice into one database, and
 * the one that is bound may have been made by somebody else.
 */
#include "hooks/mssql_mirroring.h"

#include "base/num.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COPY(to, text) (void)snprintf((to), sizeof(to), "%s", (text))

static const char *text_of(const char *const *values, int n, int i)
{
        return i < n && values[i] != NULL ? values[i] : "";
}

static int number_of(const char *const *values, int n, int i)
{
        struct err ignored = ERR_INIT;
        int64_t number = 0;

        return num_parse(text_of(values, n, i), 1, INT32_MAX, &number, &ignored) == 0 ? (int)number : 0;
}

/* name, state, authentication, certificate */
void mssql_mirroring_take_endpoint(void *mirroring, const char *const *values, int n)
{
        struct mssql_mirroring *self = mirroring;

        COPY(self->endpoint, text_of(values, n, 0));
        COPY(self->state, text_of(values, n, 1));
        COPY(self->authentication, text_of(values, n, 2));
        self->certificate_id = number_of(values, n, 3);
}

/* name, id, thumbprint, owner's number, encryption of the private key */
void mssql_mirroring_take_certificate(void *mirroring, const char *const *values, int n)
{
        struct mssql_mirroring *self = mirroring;
        struct mssql_certificate *certificate;

        if (self->n_certificates == MSSQL_CERTIFICATES_MAX) {
                self->cut = true;
                return;
        }
        certificate = &self->certificates[self->n_certificates++];
        COPY(certificate->name, text_of(values, n, 0));
        certificate->id = number_of(values, n, 1);
        COPY(certificate->thumbprint, text_of(values, n, 2));
        certificate->owner_id = number_of(values, n, 3);
        certificate->has_key = strcmp(text_of(values, n, 4), "ENCRYPTED_BY_MASTER_KEY") == 0;
}

/* name, number; after the certificates */
void mssql_mirroring_take_owner(void *mirroring, const char *const *values, int n)
{
        struct mssql_mirroring *self = mirroring;
        int id = number_of(values, n, 1);

        for (int i = 0; i < self->n_certificates; i++)
                if (id != 0 && self->certificates[i].owner_id == id)
                        COPY(self->certificates[i].owner, text_of(values, n, 0));
}

const struct mssql_certificate *mssql_mirroring_find(const struct mssql_mirroring *mirroring,
                                                     const char *thumbprint)
{
        for (int i = 0; i < mirroring->n_certificates; i++)
                if (strcasecmp(mirroring->certificates[i].thumbprint, thumbprint) == 0)
                        return &mirroring->certificates[i];
        return NULL;
}

const struct mssql_certificate *mssql_mirroring_bound(const struct mssql_mirroring *mirroring)
{
        for (int i = 0; i < mirroring->n_certificates; i++)
                if (mirroring->certificate_id != 0 &&
                    mirroring->certificates[i].id == mirroring->certificate_id)
                        return &mirroring->certificates[i];
        return NULL;
}

bool mssql_mirroring_is_ours(const struct mssql_certificate *certificate)
{
        return strncmp(certificate->name, MSSQL_PREFIX, strlen(MSSQL_PREFIX)) == 0;
}

int mssql_mirroring_need(const struct mssql_mirroring *mirroring, struct err *err)
{
        if (mirroring->endpoint[0] == '\0')
                return err_set(err, ERR_NOT_READY,
                               "there is no mirroring endpoint, or the login of the agent may not see it: "
                               "CREATE ENDPOINT … FOR DATABASE_MIRRORING, or GRANT VIEW ANY DEFINITION");
        if (mirroring->cut)
                return err_set(err, ERR_NOT_READY,
                               "there are more than %d certificates in master: drop those that nobody needs",
                               MSSQL_CERTIFICATES_MAX);
        return 0;
}

int mssql_mirroring_judge(const struct mssql_mirroring *mirroring, const char *thumbprint, struct err *err)
{
        const struct mssql_certificate *bound = mssql_mirroring_bound(mirroring);

        if (mssql_mirroring_need(mirroring, err) == -1)
                return -1;
        if (bound == NULL)
                return err_set(err, ERR_MISMATCH, "endpoint '%.100s' shows no certificate of master",
                               mirroring->endpoint);
        if (strcasecmp(bound->thumbprint, thumbprint) != 0)
                return err_set(err, ERR_MISMATCH,
                               "endpoint '%.100s' shows certificate '%.100s' with SHA-1 %.40s, not %.40s "
                               "which was published",
                               mirroring->endpoint, bound->name, bound->thumbprint, thumbprint);
        if (strcmp(mirroring->state, "STARTED") != 0)
                return err_set(err, ERR_UNHEALTHY,
                               "endpoint '%.100s' is %.20s: ALTER ENDPOINT … STATE = STARTED",
                               mirroring->endpoint, mirroring->state);
        return 0;
}
