// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Base64 of RFC 4648, as Kubernetes writes bytes: one line, with its padding.
 */
#include "base/secret.h"

/* ERR_PARSE "is no base64": other characters, blanks, missing or misplaced padding. "" is no byte. */
int base64_decode(const char *text, struct secret *out, struct err *err) MUST_CHECK;
