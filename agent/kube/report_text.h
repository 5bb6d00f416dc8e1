// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Texts on their way into the API. Pure.
 */
#include "base/auto.h"

#include <stdbool.h>

/*
 * Valid UTF-8 without characters that steer a terminal, at most max bytes; what is cut off ends in "…".
 * mem_free; NULL in, NULL out.
 */
char *kube_report_text_clean(const char *text, size_t max) MUST_CHECK;
/* A private key in it, in PEM, or any PEM in the base64 of a Secret. */
bool kube_report_text_is_secret(const char *text);
