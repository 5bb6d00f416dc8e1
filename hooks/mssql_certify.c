// SPDX-License-Identifier: Apache-2.0
/*
 * What every statement needs is asked on the same connection just before it: the group may have grown, and an
 * administrator may have made the same object.
 */
#include "hooks/mssql_certify.h"

#include <string.h>

#include "base/mem.h"
#include "hooks/mssql_ask.h"

#define SQL_MAX 262144

static const struct mssql_query questions[] = {
        { .sql = "SELECT name, state_desc, connection_auth_desc, CAST(certificate_id AS nvarchar(12)) "
                 "FROM sys.database_mirroring_endpoints",
          .name = "SELECT FROM sys.database_mirroring_endpoints",
          .right = "VIEW ANY DEFINITION",
          .row = mssql_mirroring_take_endpoint },
        { .sql = "SELECT name, CAST(certificate_id AS nvarchar(12)), CONVERT(nvarchar(80), thumbprint, 2), "
                 "CAST(principal_id AS nvarchar(12)), pvt_key_encryption_type_desc FROM sys.certificates",
          .name = "SELECT FROM sys.certificates",
          .right = "VIEW ANY DEFINITION",
          .row = mssql_mirroring_take_certificate },
        { .sql = "SELECT name, CAST(principal_id AS nvarchar(12)) FROM sys.database_principals",
          .name = "SELECT FROM sys.database_principals",
          .right = "VIEW ANY DEFINITION",
          .row = mssql_mirroring_take_owner },
};

static int run(struct mssql_job *job, struct mssql_link *link, const struct mssql_query *query,
               struct err *err)
{
        if (mssql_job_goes_on(job, err) == -1)
                return -1;
        return mssql_link_run(link, query, err);
}

static int look(struct mssql_job *job, struct mssql_link *link, struct err *err)
{
        struct mssql_mirroring *mirroring = &job->state.mirroring;

        memset(mirroring, 0, sizeof(*mirroring));
        for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
                struct mssql_query query = questions[i];

                query.arg = mirroring;
                query.other = ERR_UNHEALTHY;
                if (run(job, link, &query, err) == -1)
                        return -1;
        }
        mirroring->known = true;
        return 0;
}

/* Certificates of endpoints live in master, wherever the login begins. */
static int enter(struct mssql_job *job, struct mssql_link **out, struct err *err)
{
        static const struct mssql_query use = { .sql = "USE master", .other = ERR_UNHEALTHY };
        AUTO(mssql_link_free_p) struct mssql_link *link = NULL;

        if (mssql_ask_open(job, &link, err) == -1 || run(job, link, &use, err) == -1 ||
            mssql_ask_on(job, link, err) == -1 || look(job, link, err) == -1)
                return -1;
        *out = TAKE(link);
        return 0;
}

int mssql_certify_ask(struct mssql_job *job, struct err *err)
{
        AUTO(mssql_link_free_p) struct mssql_link *link = NULL;

        return enter(job, &link, err);
}

/* Owned by whom the one that is bound is: by the owner a partner's connection is let in. */
static int create(struct mssql_job *job, struct mssql_link *link, const struct mssql_material *material,
                  struct err *err)
{
        AUTO(buf_done_p) struct buf sql = BUF_INIT(SQL_MAX);
        const struct mssql_certificate *bound = mssql_mirroring_bound(&job->state.mirroring);
        struct mssql_query query = { .name = "CREATE CERTIFICATE",
                                     .right = "CREATE CERTIFICATE",
                                     .other = ERR_ENGINE };

        if (material->key.len == 0)
                return err_set(err, ERR_ENGINE,
                               "certificate %s is not in master, and its private key is not at hand",
                               material->thumbprint);
        mssql_material_create(material, bound != NULL ? bound->owner : "", &sql);
        query.sql = buf_str(&sql);
        if (run(job, link, &query, err) == -1)
                return -1;
        return look(job, link, err);
}

/* It is there, with its private key. */
static int ensure(struct mssql_job *job, struct mssql_link *link, const struct mssql_material *material,
                  const struct mssql_certificate **out, struct err *err)
{
        *out = mssql_mirroring_find(&job->state.mirroring, material->thumbprint);
        if (*out == NULL && create(job, link, material, err) == -1)
                return -1;
        *out = mssql_mirroring_find(&job->state.mirroring, material->thumbprint);
        if (*out == NULL)
                return err_set(err, ERR_ENGINE, "CREATE CERTIFICATE made no certificate with SHA-1 %s",
                               material->thumbprint);
        if (!(*out)->has_key)
                return err_set(err, ERR_ENGINE,
                               "certificate '%.100s' is there without its private key, or with a password on "
                               "it: DROP CERTIFICATE, and the agent makes it whole",
                               (*out)->name);
        return 0;
}

/* In a group partners must know it before; so it has been made here, too, in phase trust. */
static int may_show(const struct mssql_job *job, const struct mssql_material *material, struct err *err)
{
        const struct mssql_mirroring *mirroring = &job->state.mirroring;

        if (mssql_state_members(&job->state) <= 1)
                return 0;
        if (strcmp(mirroring->authentication, "CERTIFICATE") != 0)
                return err_set(
                        err, ERR_ENGINE,
                        "endpoint '%.100s' authenticates by %.40s: switch the group to certificates by "
                        "hand first",
                        mirroring->endpoint, mirroring->authentication);
        if (mssql_mirroring_find(mirroring, material->thumbprint) == NULL)
                return err_set(err, ERR_ENGINE,
                               "other replicas would not know this certificate: it is shown after every "
                               "instance went through phase trust of a plan");
        return 0;
}

static int bind_to(struct mssql_job *job, struct mssql_link *link,
                   const struct mssql_certificate *certificate, struct err *err)
{
        AUTO(buf_done_p) struct buf sql = BUF_INIT(4096);
        struct mssql_query query = { .name = "ALTER ENDPOINT",
                                     .right = "ALTER ANY ENDPOINT",
                                     .other = ERR_ENGINE };

        if (job->state.mirroring.certificate_id == certificate->id)
                return 0;
        buf_add_str(&sql, "ALTER ENDPOINT ");
        mssql_material_add_name(&sql, job->state.mirroring.endpoint);
        buf_add_str(&sql, " FOR DATABASE_MIRRORING (AUTHENTICATION = CERTIFICATE ");
        mssql_material_add_name(&sql, certificate->name);
        buf_add_str(&sql, ")");
        query.sql = buf_str(&sql);
        return run(job, link, &query, err);
}

/*
 * Those of ours beside the one that is shown and the one that was before, which a rollback goes back to. One
 * that cannot be dropped does no harm: it is tried again the next time.
 */
static void sweep(struct mssql_job *job, struct mssql_link *link, int shown, int before)
{
        const struct mssql_mirroring *mirroring = &job->state.mirroring;

        for (int i = 0; i < mirroring->n_certificates; i++) {
                const struct mssql_certificate *one = &mirroring->certificates[i];
                AUTO(buf_done_p) struct buf sql = BUF_INIT(4096);
                struct mssql_query query = { .name = "DROP CERTIFICATE", .other = ERR_ENGINE };
                struct err ignored = ERR_INIT;

                if (!mssql_mirroring_is_ours(one) || one->id == shown || one->id == before)
                        continue;
                buf_add_str(&sql, "DROP CERTIFICATE ");
                mssql_material_add_name(&sql, one->name);
                query.sql = buf_str(&sql);
                if (run(job, link, &query, &ignored) == -1)
                        return;
        }
}

int mssql_certify_apply(struct mssql_job *job, struct err *err)
{
        const struct mssql_certify *wish = CONTAINER_OF(job->load, struct mssql_certify, load);
        AUTO(mssql_link_free_p) struct mssql_link *link = NULL;
        const struct mssql_certificate *certificate = NULL;
        int before;

        if (enter(job, &link, err) == -1 || mssql_mirroring_need(&job->state.mirroring, err) == -1)
                return -1;
        if (wish->has_next)
                return ensure(job, link, &wish->next, &certificate, err);
        before = job->state.mirroring.certificate_id;
        if (may_show(job, &wish->shown, err) == -1 ||
            ensure(job, link, &wish->shown, &certificate, err) == -1 ||
            bind_to(job, link, certificate, err) == -1)
                return -1;
        if (wish->settled || mssql_state_members(&job->state) <= 1)
                sweep(job, link, certificate->id, before);
        return look(job, link, err);
}

static void certify_free(struct mssql_load *load)
{
        struct mssql_certify *wish = CONTAINER_OF(load, struct mssql_certify, load);

        mssql_material_done(&wish->shown);
        mssql_material_done(&wish->next);
        mem_free(wish);
}

int mssql_certify_new(const struct database *database, struct mssql_certify **out, struct err *err)
{
        struct mssql_certify *wish = MEM_NEW(struct mssql_certify);

        wish->load.free = certify_free;
        wish->settled = database->settled;
        wish->has_next = database->upcoming != NULL;
        if (mssql_material_make(database->published, &wish->shown, err) == -1 ||
            (wish->has_next && mssql_material_make(database->upcoming, &wish->next, err) == -1)) {
                certify_free(&wish->load);
                return -1;
        }
        *out = wish;
        return 0;
}
