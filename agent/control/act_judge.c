// SPDX-License-Identifier: Apache-2.0
/*
 * Compares what was saved, and what every pod trusts, with what cert-manager has issued since, Certificate by
 * Certificate. Of a renewal only the latter tells that its authority is another: what was saved is the new.
 */
#include "control/act_parts.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/judge.h"

#include <string.h>

static void next_certificate(struct act *act);

/* The bundle of the Certificate act->i as it was; NULL: none that anybody could have served. */
static struct bundle *read_saved(const struct act *act)
{
        const char *name = act->certificates[act->i].name;
        const cJSON *certificate, *secret = NULL;
        struct bundle *bundle = NULL;
        struct err err = ERR_INIT;

        cJSON_ArrayForEach(certificate, json_get(act->found, "certificates"))
        {
                const char *have = json_get_str(json_get(certificate, "metadata"), "name");
                const char *of = json_get_str(json_get(certificate, "spec"), "secretName");

                if (have != NULL && of != NULL && strcmp(have, name) == 0)
                        secret = json_get(json_get(act->found, "secrets"), of);
        }
        if (secret == NULL || act_trust_read(secret, &bundle, &err) != 0)
                return NULL;
        return bundle;
}

static char *leaf_of(const struct bundle *bundle)
{
        char text[FINGERPRINT_TEXT_MAX];

        return mem_strdup(hex_fingerprint(&bundle_leaf(bundle)->fp, text));
}

static bool is_renewal(const struct act *act)
{
        const struct request *request = act_action(act)->request;

        return request != NULL && request->renewal != NULL;
}

/* What was saved for a renewal is what had come already. */
static void note_before(struct act *act, const struct bundle *before)
{
        if (before == NULL || !act_trust_is_published(act, act->i) || is_renewal(act))
                return;
        mem_free(act->next.leaf_before);
        act->next.leaf_before = leaf_of(before);
}

static void keep(struct act *act, const struct chain *authorities)
{
        act->changed = true;
        for (size_t i = 0; i < authorities->n && act->chain.n < AUTHORITIES_MAX_CERTS; i++)
                if (!chain_has(&act->chain, &authorities->certs[i]->fp))
                        chain_add(&act->chain, authorities->certs[i]);
}

/* What every pod trusted at rest: what was saved may have been issued since. */
static void compare_trusted(struct act *act, const struct bundle *now)
{
        AUTO(pem_done_p) struct pem pem = PEM_INIT;
        AUTO(chain_done_p) struct chain trusted = CHAIN_INIT;
        const char *text = act->next.trusted;
        struct err err = ERR_INIT;

        if (text == NULL || *text == '\0')
                return;
        if (pem_parse("trusted", (const uint8_t *)text, strlen(text), &pem, &err) != 0 ||
            chain_from_pem(&pem, AUTHORITIES_MAX_CERTS, NULL, &trusted, &err) != 0) {
                log_warn("record_trusted_unreadable", LOG_S("database", act->database), LOG_ERR(&err));
                return;
        }
        if (judge_is_other_trust(&trusted, now))
                keep(act, &trusted);
}

static void compare(struct act *act, const struct bundle *before, const struct bundle *now)
{
        if (act_trust_is_published(act, act->i)) {
                mem_free(act->next.leaf);
                act->next.leaf = leaf_of(now);
                mem_free(act->next.trusts);
                act->next.trusts = act_trust_of(now);
                compare_trusted(act, now);
        }
        if (before != NULL && judge_is_new_authority(before, now))
                keep(act, &before->authorities);
}

static void on_secret(struct act *act, int status UNUSED, const cJSON *object)
{
        AUTO(bundle_free_p) struct bundle *before = read_saved(act);
        AUTO(bundle_free_p) struct bundle *now = NULL;
        struct err err = ERR_INIT;

        note_before(act, before);
        if (object == NULL && act_trust_is_published(act, act->i)) {
                err_set_(&err, ERR_NOT_READY, "%s: it is not there (yet)", act->what);
                act_fail(act, &err);
                return;
        }
        if (object != NULL && act_trust_read(object, &now, &err) != 0) {
                err.kind = err.kind == ERR_MISSING ? ERR_NOT_READY : ERR_REFUSED;
                (void)err_wrap(&err, "Secret %.253s", act->certificates[act->i].secret);
                act_fail(act, &err);
                return;
        }
        if (now != NULL)
                compare(act, before, now);
        act->i++;
        next_certificate(act);
}

static void decide(struct act *act)
{
        struct record *next = &act->next;
        const struct judge_case given = {
                .mixes = act_action(act)->is_true,
                .n_pods = act->n_pods,
                .before = next->before,
                .wanted = next->wanted,
                .is_new_authority = act->changed,
        };
        AUTO(buf_done_p) struct buf pem = BUF_INIT(RECORD_AUTHORITIES_MAX);
        struct err err = ERR_INIT;

        next->n_stages = judge_stages(&given, next->stages);
        next->stage = 0;
        mem_free(TAKE(next->authorities));
        if (next->stages[next->n_stages - 1].phase == PLAN_PRUNE) {
                chain_to_pem(&act->chain, &pem);
                next->authorities = buf_take(&pem);
        }
        if (pem.overflow) {
                err_set_(&err, ERR_REFUSED,
                         "the authorities of before are more than %zu bytes, and cannot be kept "
                         "beside the new ones",
                         RECORD_AUTHORITIES_MAX);
                act_fail(act, &err);
                return;
        }
        act_record_write(act, next);
}

static void next_certificate(struct act *act)
{
        struct act_place place = { .group = "v1", .resource = "secrets" };
        AUTO(bundle_free_p) struct bundle *before = NULL;

        if (act->i == act->n_certificates) {
                decide(act);
                return;
        }
        if (act->next.wanted != TLS_OFF) {
                place.name = act->certificates[act->i].secret;
                act_get(act, &place, ACT_MISSING, on_secret);
                return;
        }
        before = read_saved(act);
        note_before(act, before);
        act->i++;
        next_certificate(act);
}

void act_judge_start(struct act *act)
{
        record_copy(&act->next, &act_action(act)->record);
        mem_free(TAKE(act->next.leaf));
        mem_free(TAKE(act->next.leaf_before));
        mem_free(TAKE(act->next.trusts));
        act_saved_load(act, next_certificate);
}
