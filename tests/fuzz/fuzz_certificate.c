// SPDX-License-Identifier: Apache-2.0
/*
 * {"have": a Certificate, "given": an entry of a request, "issuer": issuerRef}: what is built says the same
 * once more.
 */
#include "base/mem.h"
#include "control/certificate.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static const struct kind kind = { .database = "Druid",
                                          .databases = "druids",
                                          .group = "kubedb.com/v1" };
        AUTO(json_free_p) cJSON *all = NULL;
        AUTO(json_free_p) cJSON *made = NULL;
        AUTO(json_free_p) cJSON *again = NULL;
        AUTO(json_free_p) cJSON *anew = NULL;
        AUTO(mem_free_p) char *patch = NULL;
        AUTO(certificate_free_p) struct certificate *seen = NULL;
        struct certificate_wish wish = {
                .kind = &kind, .namespace = "n", .database = "d", .alias = "server", .owner_uid = "u"
        };
        struct err err = ERR_INIT;

        if (json_parse((const char *)data, len, &all, &err) != 0)
                return 0;
        wish.given = json_get(all, "given");
        wish.issuer = json_get(all, "issuer");
        assert(certificate_read(json_get(all, "have"), &seen, &err) == 0 || err.kind == ERR_PROTOCOL);
        patch = certificate_issuing_patch(json_get(all, "have"), "r", (struct wall){ 0 });
        anew = certificate_renewed(json_get(all, "have"));
        if (certificate_build(&wish, json_get(all, "have"), &made, &err) != 0)
                return 0;
        (void)certificate_is_reissued(json_get(all, "have"), made);
        assert(certificate_build(&wish, made, &again, &err) == 0);
        assert(certificate_is_same(made, again) && !certificate_is_reissued(made, again));
        return 0;
}
