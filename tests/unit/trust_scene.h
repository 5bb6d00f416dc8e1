// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Authorities old and new with leaves of them, and Secrets made of these. Include after cmocka.h.
 */
#include "act_scene.h"
#include "testca.h"

#include "certs/bundle.h"

#define NAME "px-server-cert"

struct people {
        struct testca *old, *renewed, *twin, *other;
        struct testca *by_old, *by_old_too, *by_renewed, *by_twin, *by_other, *between, *by_between;
};

static inline void people_open(struct people *p)
{
        p->old = testca_root("authority");
        p->renewed = testca_renewed(p->old);
        p->twin = testca_twin(p->old, false);
        p->other = testca_root("another");
        p->by_old = testca_leaf(p->old, "DNS:px");
        p->by_old_too = testca_leaf(p->old, "DNS:px");
        p->by_renewed = testca_leaf(p->renewed, "DNS:px");
        p->by_twin = testca_leaf(p->twin, "DNS:px");
        p->by_other = testca_leaf(p->other, "DNS:px");
        p->between = testca_intermediate(p->old, "between");
        p->by_between = testca_leaf(p->between, "DNS:px");
}

static inline void people_done(struct people *p)
{
        struct testca **all = (struct testca **)(void *)p;

        for (size_t i = 0; i < sizeof(*p) / sizeof(p->old); i++)
                testca_free(all[i]);
}

static inline struct bundle *make(const struct testca *leaf, const struct testca *const *authorities,
                                  size_t n)
{
        AUTO(mem_free_p) char *chain = testca_cert_pem(leaf);
        AUTO(mem_free_p) char *list = n == 0 ? mem_strdup("") : testca_chain_pem(authorities, n);
        struct bundle *bundle = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(bundle_from_pem(chain, list, &bundle, &err), 0);
        return bundle;
}

/* {"data": …}; authority NULL: none. */
static inline char *secret_of(const struct testca *leaf, const struct testca *authority)
{
        AUTO(mem_free_p) char *chain = testca_cert_pem(leaf);
        AUTO(mem_free_p) char *ca = authority == NULL ? NULL : testca_cert_pem(authority);
        AUTO(mem_free_p) char *chain64 = act_scene_encode(chain);
        AUTO(mem_free_p) char *ca64 = ca == NULL ? NULL : act_scene_encode(ca);

        return mem_printf("{\"data\":{\"tls.crt\":\"%s\"%s%s%s}}", chain64,
                          ca == NULL ? "" : ",\"ca.crt\":\"", ca == NULL ? "" : ca64, ca == NULL ? "" : "\"");
}

static inline void fingerprint_of(const struct testca *leaf, char out[static FINGERPRINT_TEXT_MAX])
{
        AUTO(bundle_free_p) struct bundle *bundle = make(leaf, NULL, 0);

        (void)hex_fingerprint(&bundle_leaf(bundle)->fp, out);
}

static inline void read_record(struct act_scene *scene, size_t calls, struct record *out)
{
        struct kube_call *call = scene_call(&scene->on, calls, "PATCH", CORE "configmaps/px-certrotate" BY);
        AUTO(json_free_p) cJSON *body = NULL;
        struct err err = ERR_INIT;
        const char *text;

        assert_int_equal(json_parse(call->body, strlen(call->body), &body, &err), 0);
        text = json_get_str(json_get(body, "data"), "record.json");
        if (record_parse(text, strlen(text), out, &err) != 0)
                fail_msg("%s: %s", err.text, text);
        kube_fake_answer(call, 200, "{\"metadata\":{\"resourceVersion\":\"8\"}}");
        act_scene_ends(scene, "judged", ERR_NONE, NULL);
}

static inline void is_text(const char *have, const char *want)
{
        if (want == NULL)
                assert_null(have);
        else
                assert_string_equal(have == NULL ? "" : have, want);
}
