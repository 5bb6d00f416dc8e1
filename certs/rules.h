// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The rules behind policy_check: what is looked at, and the sentence for what is found.
 */
#include "certs/policy.h"

/* Appends the findings of every rule in the order of enum finding_code. Pure. */
void rules_run(const struct bundle *bundle, const struct policy_context *context, struct findings *out);
