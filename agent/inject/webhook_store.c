// SPDX-License-Identifier: Apache-2.0
#include "inject/webhook_store.h"

#include "base/limits.h"
#include "base/mem.h"
#include "certs/key.h"
#include "certs/secret_object.h"

#include <string.h>

#define MANAGED_BY "app.kubernetes.io/managed-by"
#define MANAGER    "certrotate"
#define CA_KEY     "ca.key"

void webhook_store_free(struct webhook_store *store)
{
        if (store == NULL)
                return;
        bundle_free(store->bundle);
        key_free(store->ca_key);
        mem_free(store->version);
        mem_free(store->refusal);
        mem_free(store);
}

/* --- what is there */

static int read_ca_key(const struct snapshot *snapshot, struct key **out, struct err *err)
{
        const struct snapshot_file *file = snapshot_find(snapshot, CA_KEY);
        AUTO(pem_done_p) struct pem pem = PEM_INIT;

        if (file == NULL)
                return err_set(err, ERR_MISSING, CA_KEY " is missing");
        if (pem_parse(CA_KEY, file->data.data, file->data.len, &pem, err) != 0)
                return -1;
        if (pem.n == 0)
                return err_set(err, ERR_PARSE, CA_KEY " has no key");
        return key_parse(CA_KEY, &pem.blocks[0], NULL, out, err);
}

/* The newest authority is the first, and its key is ours. */
static int read_authority(const struct snapshot *snapshot, struct webhook_store *store, struct err *err)
{
        const struct chain *authorities = &store->bundle->authorities;

        if (authorities->n == 0)
                return err_set(err, ERR_MISSING, "ca.crt has no authority");
        if (read_ca_key(snapshot, &store->ca_key, err) != 0)
                return -1;
        if (!hex_fingerprint_equal(&store->ca_key->spki, &authorities->certs[0]->spki))
                return err_set(err, ERR_REFUSED, CA_KEY " is not the key of the first authority in ca.crt");
        return 0;
}

static int read_all(const cJSON *secret, const struct webhook_store_spec *spec, struct webhook_store *store,
                    struct err *err)
{
        static const struct bundle_names names = { .certificate = "tls.crt",
                                                   .key = "tls.key",
                                                   .authorities = "ca.crt" };
        AUTO(snapshot_free_p) struct snapshot *snapshot = NULL;

        if (secret_object_read(secret, &snapshot, err) != 0 ||
            bundle_load(snapshot, &names, NULL, NULL, &store->bundle, err) != 0)
                return -1;
        return spec->is_made ? read_authority(snapshot, store, err) : 0;
}

/* The moment of the leaf's life that is nearest to now. */
static struct wall clamp(const struct cert *leaf, struct wall now)
{
        if (now.s < leaf->not_before.s)
                return leaf->not_before;
        return now.s > leaf->not_after.s ? leaf->not_after : now;
}

/* Dates apart: what has ended is renewed, and what has not begun begins. So a replica whose clock is wrong
 * does not throw away what the others use. */
static void judge_content(const struct webhook_store_spec *spec, struct wall now, struct webhook_store *store)
{
        AUTO(findings_done_p) struct findings findings = FINDINGS_INIT;
        struct policy policy;
        const struct policy_context context = { .policy = &policy,
                                                .now = clamp(bundle_leaf(store->bundle), now),
                                                .names = spec->leaf.names,
                                                .n_names = spec->leaf.n_names };

        policy_init(&policy);
        policy_check(store->bundle, &context, &findings);
        for (size_t i = 0; i < findings.n; i++) {
                if (findings.items[i].severity != SEVERITY_REFUSE)
                        continue;
                if (findings.items[i].code == FINDING_NAME_MISSING)
                        store->lacks_name = true;
                else
                        store->is_broken = true;
        }
}

static void judge(const struct webhook_store_spec *spec, struct wall now, struct webhook_store *store)
{
        AUTO(findings_done_p) struct findings findings = FINDINGS_INIT;
        struct policy policy;
        const struct policy_context context = {
                .policy = &policy, .now = now, .names = spec->leaf.names, .n_names = spec->leaf.n_names
        };
        const struct finding *refusal;

        policy_init(&policy);
        policy_check(store->bundle, &context, &findings);
        refusal = policy_refusal(&findings);
        store->refusal = refusal == NULL ? NULL : mem_strdup(refusal->text);
        if (refusal != NULL)
                judge_content(spec, now, store);
}

struct webhook_store *webhook_store_read(const cJSON *secret, const struct webhook_store_spec *spec,
                                         struct wall now)
{
        struct webhook_store *store = MEM_NEW(struct webhook_store);
        const cJSON *meta = json_get(secret, "metadata");
        const char *manager = json_get_str(json_get(meta, "labels"), MANAGED_BY);
        struct err err = ERR_INIT;

        store->version = mem_strdup(json_get_str(meta, "resourceVersion"));
        store->is_ours = manager != NULL && strcmp(manager, MANAGER) == 0;
        if (read_all(secret, spec, store, &err) != 0) {
                store->refusal = mem_strdup(err.text);
                store->is_broken = true;
        } else {
                judge(spec, now, store);
        }
        return store;
}

struct webhook_facts webhook_store_facts(const struct webhook_store *store, bool is_told)
{
        struct webhook_facts facts = { .exists = store != NULL, .is_told = is_told };
        const struct cert *leaf;
        const struct cert *newest;

        if (store == NULL)
                return facts;
        facts.is_foreign = !store->is_ours;
        facts.is_broken = store->is_broken;
        if (store->bundle == NULL || store->ca_key == NULL)
                return facts;
        leaf = bundle_leaf(store->bundle);
        newest = store->bundle->authorities.certs[0];
        facts.authority_from = newest->not_before;
        facts.authority_until = newest->not_after;
        facts.n_authorities = store->bundle->authorities.n;
        facts.leaf_from = leaf->not_before;
        facts.leaf_until = leaf->not_after;
        facts.leaf_covers = !store->lacks_name;
        facts.leaf_of_newest = cert_is_signed_by(leaf, newest);
        return facts;
}

char *webhook_store_authorities(const struct webhook_store *store)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(PEM_FILE_MAX_BYTES);

        if (store->bundle == NULL || store->bundle->authorities.n == 0)
                return NULL;
        chain_to_pem(&store->bundle->authorities, &text);
        return text.overflow ? NULL : buf_take(&text);
}

/* --- what it is to be */

static void add_data(cJSON *data, const char *key, struct buf *text)
{
        const size_t room = (text->len + 2) / 3 * 4 + 1;
        AUTO(mem_free_p) char *coded = mem_new(room);

        (void)EVP_EncodeBlock((unsigned char *)coded, text->data, (int)text->len);
        json_add_str(data, key, coded);
        OPENSSL_cleanse(coded, room);
        buf_done(text);
}

static int add_cert(cJSON *data, const char *key, X509 *cert, const struct chain *more, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(PEM_FILE_MAX_BYTES);

        if (webhook_make_cert_pem(cert, &text, err) != 0)
                return -1;
        if (more != NULL)
                chain_to_pem(more, &text);
        if (text.overflow)
                return err_set(err, ERR_LIMIT, "%s would be too long", key);
        add_data(data, key, &text);
        return 0;
}

static int add_key(cJSON *data, const char *name, EVP_PKEY *key, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(PEM_FILE_MAX_BYTES);

        if (webhook_make_key_pem(key, &text, err) != 0)
                return -1;
        add_data(data, name, &text);
        return 0;
}

/* Beside the one that is there, unless nothing that is there is worth keeping. */
static int add_authority(const struct webhook_store *old, struct wall now, cJSON *data,
                         struct webhook_pair *out, struct err *err)
{
        AUTO(chain_done_p) struct chain kept = CHAIN_INIT;
        const struct chain none = CHAIN_INIT;

        if (webhook_make_authority(now, out, err) != 0)
                return -1;
        if (old != NULL) /* without those that have ended */
                chain_merge(&none, &old->bundle->authorities, now, &kept);
        if (add_cert(data, "ca.crt", out->cert, &kept, err) != 0)
                return -1;
        return add_key(data, CA_KEY, out->key, err);
}

static int add_leaf(const struct webhook_pair *authority, const struct webhook_store_spec *spec,
                    struct wall now, cJSON *data, struct err *err)
{
        AUTO(webhook_pair_done_p) struct webhook_pair leaf = { NULL, NULL };

        if (webhook_make_leaf(authority, &spec->leaf, now, &leaf, err) != 0 ||
            add_cert(data, "tls.crt", leaf.cert, NULL, err) != 0)
                return -1;
        return add_key(data, "tls.key", leaf.key, err);
}

static int fill(const struct webhook_store *store, enum webhook_step step,
                const struct webhook_store_spec *spec, struct wall now, cJSON *data, struct err *err)
{
        AUTO(webhook_pair_done_p) struct webhook_pair fresh = { NULL, NULL };
        struct webhook_pair newest; /* borrowed */

        if (step == WEBHOOK_ADD_AUTHORITY)
                return add_authority(store, now, data, &fresh, err);
        if (step == WEBHOOK_CREATE || step == WEBHOOK_REPLACE) {
                if (add_authority(NULL, now, data, &fresh, err) != 0)
                        return -1;
                return add_leaf(&fresh, spec, now, data, err);
        }
        newest = (struct webhook_pair){ store->bundle->authorities.certs[0]->x509, store->ca_key->pkey };
        if (step == WEBHOOK_RENEW_PRUNE && add_cert(data, "ca.crt", newest.cert, NULL, err) != 0)
                return -1;
        return add_leaf(&newest, spec, now, data, err);
}

int webhook_store_change(const struct webhook_store *store, enum webhook_step step,
                         const struct webhook_store_spec *spec, struct wall now, cJSON **out, struct err *err)
{
        AUTO(json_wipe_p) cJSON *change = json_object();
        cJSON *meta = json_object();
        cJSON *labels;
        cJSON *data = json_object();

        json_add(change, "metadata", meta);
        json_add(change, "data", data);
        if (fill(store, step, spec, now, data, err) != 0)
                return -1;
        if (step == WEBHOOK_CREATE || store == NULL) { /* which is the same */
                json_add_str(change, "apiVersion", "v1");
                json_add_str(change, "kind", "Secret");
                json_add_str(change, "type", "kubernetes.io/tls");
                labels = json_object();
                json_add_str(labels, MANAGED_BY, MANAGER);
                json_add_str(labels, "app.kubernetes.io/name", "certrotate");
                json_add_str(labels, "app.kubernetes.io/component", "webhook");
                json_add(meta, "labels", labels);
        } else {
                json_add_str(meta, "resourceVersion", store->version);
        }
        *out = TAKE(change);
        return 0;
}
