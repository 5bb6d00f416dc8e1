// SPDX-License-Identifier: Apache-2.0
/*
 * An AdmissionReview: whatever pod comes, the answer is one, and refuses only with a sentence.
 */
#include "inject/review.h"

#include "base/json.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static const struct inject_settings settings = { .image = "certrotate" };
        AUTO(buf_done_p) struct buf out = BUF_INIT(REVIEW_MAX_BYTES);
        AUTO(json_free_p) cJSON *answer = NULL;
        enum review_verdict verdict = REVIEW_LEFT;
        struct err err = ERR_INIT;
        const cJSON *response;

        if (review_pod(&settings, (const char *)data, len, &out, &verdict, &err) != 0) {
                assert((out.len == 0 || out.overflow) && err.text[0] != '\0');
                return 0;
        }
        assert(json_parse(buf_str(&out), out.len, &answer, &err) == 0);
        response = json_get(answer, "response");
        assert(json_get_bool(response, "allowed") == (verdict != REVIEW_DENIED));
        assert((json_get_str(response, "patch") != NULL) == (verdict == REVIEW_INJECTED));
        assert((json_get(response, "status") != NULL) == (verdict == REVIEW_DENIED));
        return 0;
}
