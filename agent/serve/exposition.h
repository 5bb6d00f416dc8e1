// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Prometheus text exposition 0.0.4, piece by piece. Names are given without the prefix "certrotate_".
 */
#include "base/buf.h"
#include "serve/status.h"

void exposition_head(struct buf *out, const char *name, const char *type, const char *help);
/* name="value" with the three escapes of the format; broken UTF-8 would void the whole page. */
void exposition_label(struct buf *out, const char *name, const char *value);
/* Head and one value without labels. */
void exposition_value(struct buf *out, const char *name, const char *type, const char *help, int64_t value);
/* Without its head; label NULL: none. */
void exposition_histogram(struct buf *out, const char *name, const char *label, const char *value,
                          const struct histogram *histogram);
