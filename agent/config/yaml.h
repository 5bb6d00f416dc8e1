// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * YAML (JSON is a subset) to a JSON tree, strict: no anchors, aliases, tags, directives, merge keys or second
 * document; duplicate keys refused; size, depth and keys of one mapping capped (CONFIG_MAX_BYTES,
 * JSON_MAX_DEPTH, CONFIG_MAX_KEYS). Every node keeps its place, so that later checks can name line and
 * column.
 */
#include "base/json.h"

struct yaml_place {
        const cJSON *node;
        int line; /* of the value, counted from 1 */
        int column;
        int key_line; /* of its key; the value's own where there is none */
        int key_column;
};

struct yaml_doc {
        cJSON *root; /* scalars: quoted ones are strings; plain ones null, true/false, decimal integers, else
                        strings. An empty file is null. */
        struct yaml_place *places;
        size_t n_places;
};

/* `what` is the file's name in messages: "<what>:<line>:<column>: …". ERR_PARSE, ERR_LIMIT. Pure. Fuzzed. */
int yaml_parse(const char *what, const char *text, size_t len, struct yaml_doc *out,
               struct err *err) MUST_CHECK;
void yaml_done(struct yaml_doc *doc);
static inline UNUSED void yaml_done_p(struct yaml_doc *doc)
{
        yaml_done(doc);
}
/* NULL when the node did not come from the text. Looks at every node: for error messages. */
const struct yaml_place *yaml_place(const struct yaml_doc *doc, const cJSON *node);
