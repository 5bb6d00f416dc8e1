// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The jobs of the agent at a mirroring endpoint: certificates are made as objects in master, bound, and
 * dropped. They run on the thread of a job and leave what they learned in job->state.
 */
#include "hooks/mssql_job.h"
#include "hooks/mssql_material.h"

/* What is to be; the load of the job. Certificates are made at the latest then: it holds keys. */
struct mssql_certify {
        struct mssql_load load; /* first */
        struct mssql_material shown;
        struct mssql_material next;
        bool has_next; /* phase trust: next is to be known, and nothing else changes */
        bool settled;  /* nobody needs any other certificate of ours */
};

/* Borrows database for the call. ERR_ENGINE a key that SQL Server does not take. */
int mssql_certify_new(const struct database *database, struct mssql_certify **out,
                      struct err *err) MUST_CHECK;

/* Asks what mssql_ask_state does, and the mirroring endpoint. */
int mssql_certify_ask(struct mssql_job *job, struct err *err) MUST_CHECK;
/*
 * job->load is a struct mssql_certify. ERR_ENGINE also when the certificate is not one that every replica of
 * the group could know; ERR_NOT_READY without an endpoint or a master key; ERR_PRIVILEGE names the right.
 */
int mssql_certify_apply(struct mssql_job *job, struct err *err) MUST_CHECK;
