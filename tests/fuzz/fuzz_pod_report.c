// SPDX-License-Identifier: Apache-2.0
/*
 * The report of an agent, read by others: understood whole or not at all.
 */
#include "serve/pod_report.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct pod_report report = { .n_bundles = 99 };
        struct err err = ERR_INIT;

        if (pod_report_parse((const char *)data, len, &report, &err) != 0) {
                assert(err.kind != ERR_NONE && err.text[0] != '\0');
                assert(report.n_bundles == 99);
                return 0;
        }
        assert(report.n_bundles <= POD_REPORT_BUNDLES_MAX);
        assert(strlen(report.message) < sizeof(report.message));
        assert(strlen(report.instance) < sizeof(report.instance));
        return 0;
}
