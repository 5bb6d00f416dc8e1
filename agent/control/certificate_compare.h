// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * When two parts of Certificates say the same to cert-manager, however they are written. Pure.
 */
#include "base/json.h"

/* issuerRef, or that of a request (apiGroup): Issuer and cert-manager.io are what is left out. */
bool certificate_compare_issuers(const cJSON *a, const cJSON *b);
/* "2160h" and "2160h0m0s" */
bool certificate_compare_durations(const cJSON *a, const cJSON *b);
/* Lists of texts, in any order, doubles or not; NULL is empty. */
bool certificate_compare_sets(const cJSON *a, const cJSON *b);
