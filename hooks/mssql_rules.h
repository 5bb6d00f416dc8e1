// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What SQL Server asks of a certificate beyond what every server does. It does not start with one that it
 * dislikes, so this is judged before anything is published.
 */
#include "hooks/hook.h"

/* The contract is that of hook->check. */
void mssql_rules_check(const struct database *database, const struct bundle *fresh,
                       const struct bundle *published, struct findings *out);
