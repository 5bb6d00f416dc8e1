// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A configuration in the making: the tree still knows its places in the file, so every complaint can name
 * one.
 */
#include "config/schema.h"
#include "config/yaml.h"

struct draft {
        const char *what; /* the file's name; NULL: there is none */
        struct yaml_doc doc;
        cJSON *dropped; /* nodes that options replaced: kept, so that no new node gets a known address */
        struct config *config;
        struct err *err;
};

/* "<file>:<line>:<column>: <key>: <text>", or "--<option>: <text>". node NULL: about what is not there. */
#define draft_fail(draft, key, node, ...) (draft_fail_((draft), (key), (node), __VA_ARGS__), -1)
void draft_fail_(const struct draft *draft, const struct schema_key *key, const cJSON *node, const char *fmt,
                 ...) FORMAT(4, 5);
/* An unknown key: the nearest known one is named. path is the whole, node the value. */
int draft_fail_unknown(const struct draft *draft, const struct schema *schema, const char *path,
                       const cJSON *node) MUST_CHECK;
/* Puts the value at the path into the tree, making sections; an old one is dropped. */
void draft_put(struct draft *draft, const char *path, cJSON *value);
