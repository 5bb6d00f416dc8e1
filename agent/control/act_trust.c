// SPDX-License-Identifier: Apache-2.0
/*
 * What a Secret has its pods trust. At rest it is learned once of the Secret that all of them serve.
 */
#include "control/act_parts.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#include <string.h>

int act_trust_read(const cJSON *secret, struct bundle **out, struct err *err)
{
        AUTO(secret_done_p) struct secret chain = SECRET_INIT;
        AUTO(secret_done_p) struct secret authorities = SECRET_INIT;
        struct err missing = ERR_INIT;

        if (act_secret_text(secret, "tls.crt", &chain, err) != 0)
                return -1;
        if (act_secret_text(secret, "ca.crt", &authorities, &missing) != 0 && missing.kind != ERR_MISSING) {
                *err = missing;
                return -1;
        }
        return bundle_from_pem(chain.len == 0 ? "" : (const char *)chain.data,
                               authorities.len == 0 ? "" : (const char *)authorities.data, out, err);
}

char *act_trust_of(const struct bundle *bundle)
{
        AUTO(buf_done_p) struct buf pem = BUF_INIT(RECORD_TRUSTED_MAX);
        AUTO(chain_done_p) struct chain once = CHAIN_INIT;

        for (size_t i = 0; i < bundle->authorities.n; i++)
                if (!chain_has(&once, &bundle->authorities.certs[i]->fp))
                        chain_add(&once, bundle->authorities.certs[i]);
        chain_to_pem(&once, &pem);
        return pem.overflow || once.n == 0 ? mem_strdup("") : buf_take(&pem);
}

bool act_trust_is_published(const struct act *act, size_t i)
{
        const struct kind *kind = act_kind(act);

        return kind != NULL && strcmp(act->certificates[i].alias, kind->aliases[0]) == 0;
}

static void on_secret(struct act *act, int status UNUSED, const cJSON *object)
{
        AUTO(bundle_free_p) struct bundle *bundle = NULL;
        const char *served = act_action(act)->text;
        char leaf[FINGERPRINT_TEXT_MAX];
        struct err err = ERR_INIT;

        /* It is not what they serve: looked at again when somebody tells of a change. */
        if (object == NULL || served == NULL || act_trust_read(object, &bundle, &err) != 0 ||
            strcmp(hex_fingerprint(&bundle_leaf(bundle)->fp, leaf), served) != 0) {
                act_next(act);
                return;
        }
        mem_free(act->next.trusted);
        act->next.trusted = act_trust_of(bundle);
        act_record_write(act, &act->next);
}

void act_trust_start(struct act *act)
{
        struct act_place place = { .group = "v1", .resource = "secrets" };

        record_copy(&act->next, &act_action(act)->record);
        for (size_t i = 0; i < act->n_certificates && place.name == NULL; i++)
                if (act_trust_is_published(act, i))
                        place.name = act->certificates[i].secret;
        if (place.name == NULL)
                act_next(act);
        else
                act_get(act, &place, ACT_MISSING, on_secret);
}
