// SPDX-License-Identifier: Apache-2.0
/*
 * The controller's record: understood whole or not at all, and what was understood is written as it is read.
 */
#include "control/record.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        AUTO(record_done_p) struct record record;
        AUTO(record_done_p) struct record again;
        AUTO(json_free_p) cJSON *tree = NULL;
        AUTO(json_free_p) cJSON *plan = NULL;
        AUTO(mem_free_p) char *text = NULL;
        struct err err = ERR_INIT;

        record_init(&record);
        record_init(&again);
        if (record_parse((const char *)data, len, &record, &err) != 0) {
                assert(err.kind != ERR_NONE && err.text[0] != '\0' && record.request == NULL);
                return 0;
        }
        assert(record.stage <= record.n_stages && record.n_stages <= RECORD_STAGES_MAX);
        tree = record_to_json(&record);
        text = json_print(tree, false);
        assert(record_parse(text, strlen(text), &again, &err) == 0);
        assert(again.step == record.step && again.generation == record.generation);
        plan = record_plan(&record);
        return 0;
}
