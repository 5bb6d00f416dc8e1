// SPDX-License-Identifier: Apache-2.0
/*
 * A Lease from the server: understood or refused; and what claims it is again a Lease, in our name.
 */
#include "base/mem.h"
#include "kube/lease_record.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        const struct kube_lease_claim claim = { "demo", "px", "px-0", 15000, 1 };
        AUTO(kube_lease_record_done_p) struct kube_lease_record seen = { .object = NULL };
        AUTO(kube_lease_record_done_p) struct kube_lease_record ours = { .object = NULL };
        AUTO(mem_free_p) char *body = NULL;
        struct err err = ERR_INIT;

        if (kube_lease_record_parse((const char *)data, len, &seen, &err) != 0) {
                assert(err.kind == ERR_PROTOCOL && seen.object == NULL);
                return 0;
        }
        assert(seen.duration_ms >= 0 && *seen.version != '\0');
        body = kube_lease_record_claim(&seen, &claim);
        if (kube_lease_record_parse(body, strlen(body), &ours, &err) != 0)
                return 0; /* invalid UTF-8 and the like of others is passed on as it is */
        assert(strcmp(ours.holder, "px-0") == 0 && strcmp(ours.version, seen.version) == 0);
        assert(!kube_lease_record_is_unchanged(&seen, &ours));
        return 0;
}
