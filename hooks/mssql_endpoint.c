// SPDX-License-Identifier: Apache-2.0
/*
 * The mirroring endpoint of a Microsoft SQL Server, which the links of an availability group go through. Its
 * certificate is no file: it is an object in master, made by CREATE CERTIFICATE and bound by ALTER ENDPOINT,
 * without a restart. The files that are published are for people, and for the agent after its own restart. A
 * second agent beside the server watches the Secret of it; all replicas have the same one.
 *
 * Partners know each other by certificate: one that they have not is refused at the next reconnect, while
 * links that are up stay up. So in a group
 *
 *   trust   the certificate to come is made on every instance, beside the one that is shown
 *   leaf    each endpoint is bound to it; a certificate that is not there by then is refused
 *   prune   what we made before is dropped
 *
 * and nothing is dropped in any other phase, or without a plan: a partner may still show it. What others have
 * made is never dropped. An instance alone needs no phases; it keeps the last one, for the way back.
 *
 * There is no listener to shake hands with in TLS: what is bound is asked for and compared, and a replica
 * that was connected before has to be still.
 */
#include "base/mem.h"
#include "hooks/drivers.h"
#include "hooks/mssql_certify.h"

#include <stdio.h>

#define RSA_BITS_MAX  4096
#define RSA_BITS_UNIT 64

struct endpoint_database {
        struct database database; /* first */
        struct mssql_worker *worker;
        struct mssql_state before; /* the last reload */
        struct mssql_state seen;   /* last */
};

static const char *const sections[] = { "admin", NULL };

static const struct output outputs[] = {
        { .name = "ca.crt", .content = OUTPUT_CA, .attr = { 0444, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "endpoint.crt", .content = OUTPUT_CHAIN, .attr = { 0444, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "endpoint.key", .content = OUTPUT_KEY, .attr = { 0440, FS_KEEP, (gid_t)FS_KEEP } },
};

static int endpoint_open(const struct hook_settings *settings, struct database **out, struct err *err)
{
        struct mssql_worker *worker = NULL;
        struct endpoint_database *self;

        if (mssql_worker_new(settings, &worker, err) == -1)
                return -1;
        self = MEM_NEW(struct endpoint_database);
        self->database.hook = &mssqlserver_endpoint_hook;
        self->database.settings = settings;
        self->worker = worker;
        *out = &self->database;
        return 0;
}

static struct endpoint_database *self_of(struct database *database)
{
        return CONTAINER_OF(database, struct endpoint_database, database);
}

static void endpoint_close(struct database *database)
{
        struct endpoint_database *self = self_of(database);

        mssql_worker_free(self->worker);
        mem_free(self);
}

static void note(struct endpoint_database *self, const struct mssql_state *state)
{
        struct hook_facts *facts = &self->database.facts;

        self->seen = *state;
        facts->known = true;
        facts->members = mssql_state_members(state);
        facts->clustered = facts->members > 1;
        (void)snprintf(facts->version, sizeof(facts->version), "%s", state->version);
        (void)snprintf(facts->role, sizeof(facts->role), "%s", mssql_state_role(state));
}

static int applied(void *arg, const struct mssql_state *state, struct err *err UNUSED)
{
        struct endpoint_database *self = arg;

        note(self, state);
        self->before = *state;
        return 0;
}

static int asked(void *arg, const struct mssql_state *state, struct err *err)
{
        struct endpoint_database *self = arg;
        char thumbprint[MSSQL_THUMBPRINT_MAX];

        note(self, state);
        if (self->database.published == NULL)
                return 0;
        mssql_material_thumbprint(bundle_leaf(self->database.published), thumbprint);
        if (mssql_mirroring_judge(&state->mirroring, thumbprint, err) == -1)
                return -1;
        return mssql_state_judge_links(state, &self->before, err);
}

static void check_key(const struct policy *policy, const struct cert *leaf, struct findings *out)
{
        if (leaf->key_type != CERT_KEY_RSA)
                policy_add(out, policy, FINDING_ENGINE,
                           "the key is no RSA key: CREATE CERTIFICATE takes no other; issue the certificate "
                           "with an RSA key (in cert-manager: privateKey.algorithm: RSA)");
        else if (leaf->key_bits > RSA_BITS_MAX || leaf->key_bits % RSA_BITS_UNIT != 0)
                policy_add(
                        out, policy, FINDING_ENGINE,
                        "the RSA key has %d bits: CREATE CERTIFICATE takes at most %d, and multiples of %d",
                        leaf->key_bits, RSA_BITS_MAX, RSA_BITS_UNIT);
}

/* As far as is known; what is not, is asked for before the endpoint is bound. */
static void endpoint_check(const struct database *database, const struct bundle *fresh,
                           const struct bundle *published UNUSED, struct findings *out)
{
        const struct endpoint_database *self =
                (const struct endpoint_database *)(const void *)database; /* it is first */
        const struct policy *policy = database->settings->policy;
        char thumbprint[MSSQL_THUMBPRINT_MAX];

        check_key(policy, bundle_leaf(fresh), out);
        if (database->upcoming != NULL)
                check_key(policy, bundle_leaf(database->upcoming), out);
        mssql_material_thumbprint(bundle_leaf(fresh), thumbprint);
        if (database->facts.clustered && self->seen.mirroring.known &&
            mssql_mirroring_find(&self->seen.mirroring, thumbprint) == NULL)
                policy_add(
                        out, policy, FINDING_AUTHORITY_CHANGED,
                        "the certificate is not in master, and so other replicas of the availability group "
                        "do not know it either: they would refuse this instance; first phase trust of a "
                        "plan on every instance, then leaf and prune");
}

/* Over before it began. */
struct over {
        struct op op;
        struct err err; /* ERR_NONE: nothing to do */
};

static enum op_state over_step(struct op *op, short ready UNUSED, struct mono now UNUSED, struct err *err)
{
        const struct over *over = CONTAINER_OF(op, struct over, op);

        if (over->err.kind == ERR_NONE)
                return OP_DONE;
        *err = over->err;
        return OP_FAILED;
}

static void over_free(struct op *op)
{
        mem_free(CONTAINER_OF(op, struct over, op));
}

static struct op *start_over(const struct err *err)
{
        static const struct op_type type = { .name = "reload", .step = over_step, .free = over_free };
        struct over *over = MEM_NEW(struct over);

        over->op.type = &type;
        over->err = *err;
        return &over->op;
}

static struct op *endpoint_reload(struct database *database, int64_t limit_ms)
{
        struct endpoint_database *self = self_of(database);
        struct mssql_certify *wish = NULL;
        struct err err = ERR_INIT;

        if (database->published == NULL || mssql_certify_new(database, &wish, &err) == -1)
                return start_over(&err);
        return mssql_worker_start_with(self->worker, mssql_certify_apply, applied, self, &wish->load,
                                       limit_ms);
}

static struct op *endpoint_health(struct database *database, int64_t limit_ms)
{
        struct endpoint_database *self = self_of(database);

        return mssql_worker_start(self->worker, mssql_certify_ask, asked, self, limit_ms);
}

const struct hook mssqlserver_endpoint_hook = {
        .name = "mssqlserver-endpoint",
        .summary = "Certificate of a SQL Server's mirroring endpoint: CREATE CERTIFICATE and ALTER ENDPOINT",
        .caps = HOOK_RELOADS | HOOK_CLUSTERED | HOOK_PROVES_ITSELF | HOOK_PINS_LEAVES,
        .sections = sections,
        .outputs = outputs,
        .n_outputs = ARRAY_LEN(outputs),
        .not_reloaded = "links between replicas that are up: they show the certificate at their next connect",
        .open = endpoint_open,
        .close = endpoint_close,
        .check = endpoint_check,
        .reload = endpoint_reload,
        .health = endpoint_health,
};
