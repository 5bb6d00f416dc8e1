// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What pages of ours have in common.
 */
#include "loop/http_server.h"
#include "serve/checks.h"

/* The tree, which it frees, indented. */
void reply_json(cJSON *tree, struct http_reply *reply);
/* 200 or 503, with "ok" or the reason; verbose: all checks as JSON. */
void reply_checks(const struct check_list *list, bool verbose, struct http_reply *reply);
/* The query says "verbose", alone or among others, with or without a value. */
bool reply_is_verbose(const char *query);
