// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * YAML (JSON is a subset) to a JSON tree, strict: no anchors, aliases, tags, merge keys or second document;
 * duplicate keys refused; size and depth capped (CONFIG_MAX_BYTES, JSON_MAX_DEPTH). Every node keeps its
 * place, so that later checks can name line and column.
 */
#include "base/json.h"

struct yaml_doc {
        cJSON *root;  /* scalars: quoted ones are strings; plain ones null, true/false, integers, else strings
                       */
        void *places; /* from node to line and column */
};

/* `what` is the file's name in messages: "<what>:<line>:<column>: …". ERR_PARSE, ERR_LIMIT. Pure. Fuzzed. */
int yaml_parse(const char *what, const char *text, size_t len, struct yaml_doc *out,
               struct err *err) MUST_CHECK;
void yaml_done(struct yaml_doc *doc);
/* Place of a node, counted from 1; 0, 0 when unknown. */
void yaml_place(const struct yaml_doc *doc, const cJSON *node, int *line, int *column);
