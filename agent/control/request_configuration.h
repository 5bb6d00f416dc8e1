// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The rules of spec.configuration, the same as in deploy/crds. Pure.
 */
#include "base/json.h"
#include "control/kinds.h"

/* Has it a part that certrotate leaves to KubeDB? */
bool request_configuration_is_foreign(const struct kind *kind, const cJSON *configuration);
/* Errors begin with the field below spec.configuration. */
int request_configuration_check(const struct kind *kind, const cJSON *configuration,
                                struct err *err) MUST_CHECK;
