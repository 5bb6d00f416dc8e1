// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The three files that most engines read: ca.crt, tls.crt (leaf, then intermediates), tls.key.
 */
#include "certs/output.h"

#define PEM_OUTPUTS_N 3

extern const struct output pem_outputs[PEM_OUTPUTS_N];
