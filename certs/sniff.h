// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What is it, when it is not PEM? The usual mistakes, each with its remedy.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A clause for behind the file's name: "is a PKCS#12 store, not PEM: convert it with …". Never NULL. Pure. */
const char *sniff_explain(const uint8_t *data, size_t len);
/* Nothing but white space. */
bool sniff_is_blank(const uint8_t *data, size_t len);
